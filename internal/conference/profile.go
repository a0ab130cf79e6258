package conference

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// BridgeProfile is what a room is like: a section of type=bridge.
type BridgeProfile struct {
	MaxMembers      int // 0 = any number
	Record          bool
	RecordFile      string // "" = confbridge-NAME-SECONDS.wav
	RecordAppend    bool
	RecordTimestamp bool // the time of the start goes into RecordFile
	Language        string
	Sounds          map[string]string // "sound_muted" → file; what is not there has its default name
}

// UserProfile is how somebody takes part: a section of type=user.
type UserProfile struct {
	Admin, Marked         bool
	StartMuted            bool
	MusicWhenEmpty        bool
	MusicClass            string // "" = the default class
	Quiet                 bool   // no prompts, no join and leave sounds
	AnnounceCount         bool   // tells who enters how many are there
	AnnounceCountAll      int    // tells everybody when more than so many are there; 0 = never
	AnnounceOnlyUser      bool
	WaitMarked, EndMarked bool
	EndMarkedAny          bool // leaves with any marked user, not with the last
	PIN                   string
	AnnounceJoinLeave     bool // says the name of who comes and goes
	DTMFPassthrough       bool
	Announcement          string // file played before entering
	Timeout               time.Duration
	HearOwnJoinSound      bool
	TalkEvents            bool
	TalkThreshold         time.Duration // silence that ends talk; 0 = 2.5 s
	SilenceLevel          int           // mean amplitude below which it is silence; 0 = 160
	NoAnswer              bool          // does not answer the channel
}

// DefaultBridge and DefaultUser are the profiles without any file.
func DefaultBridge() BridgeProfile { return BridgeProfile{Sounds: map[string]string{}} }

// DefaultUser: see DefaultBridge.
func DefaultUser() UserProfile {
	return UserProfile{AnnounceOnlyUser: true, HearOwnJoinSound: true}
}

// clone gives a copy that shares nothing.
func (p BridgeProfile) clone() BridgeProfile {
	sounds := make(map[string]string, len(p.Sounds))
	for k, v := range p.Sounds {
		sounds[k] = v
	}
	p.Sounds = sounds
	return p
}

// accepted are the options that Asterisk knows and that change nothing here.
var accepted = [...]string{
	"dsp_drop_silence", "jitterbuffer", "denoise", "announce_join_leave_review", "send_events", "echo_events", "text_messaging",
	"internal_sample_rate", "maximum_sample_rate", "mixing_interval", "record_options", "record_command", "regcontext",
	"video_mode", "video_update_discard", "remb_send_interval", "remb_behavior", "enable_events", "binaural_active",
}

func isAccepted(name string) bool {
	for _, a := range accepted {
		if a == name {
			return true
		}
	}
	return strings.HasPrefix(name, "remb_")
}

// Set sets an option of a bridge profile as confbridge.conf and
// CONFBRIDGE(bridge,…) name it. The error says that there is no such option or
// that the value is not possible.
func (p *BridgeProfile) Set(name, value string) (err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	switch {
	case name == "max_members":
		p.MaxMembers, err = number(name, value)
	case name == "record_conference":
		p.Record = yes(value)
	case name == "record_file":
		p.RecordFile = value
	case name == "record_file_append":
		p.RecordAppend = yes(value)
	case name == "record_file_timestamp":
		p.RecordTimestamp = yes(value)
	case name == "language":
		p.Language = value
	case strings.HasPrefix(name, "sound_"):
		if p.Sounds == nil {
			p.Sounds = map[string]string{}
		}
		p.Sounds[name] = value
	case !isAccepted(name):
		return fmt.Errorf("a conference has no option %q", name)
	}
	return err
}

// Set sets an option of a user profile as confbridge.conf and
// CONFBRIDGE(user,…) name it.
func (p *UserProfile) Set(name, value string) (err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if b := p.flag(name); b != nil {
		*b = yes(value)
		return nil
	}
	switch name {
	case "answer_channel":
		p.NoAnswer = !yes(value)
	case "music_on_hold_class":
		p.MusicClass = value
	case "pin":
		p.PIN = value
	case "announcement":
		p.Announcement = value
	case "announce_user_count_all": // a number means: when more than that are there
		if p.AnnounceCountAll, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
			p.AnnounceCountAll, err = 0, nil
			if yes(value) {
				p.AnnounceCountAll = 1
			}
		}
	case "timeout":
		var n int
		n, err = number(name, value)
		p.Timeout = time.Duration(n) * time.Second
	case "dsp_silence_threshold": // Asterisk: milliseconds of silence that end talk
		var n int
		n, err = number(name, value)
		p.TalkThreshold = time.Duration(n) * time.Millisecond
	case "dsp_talking_threshold": // Asterisk: mean amplitude that is talk
		p.SilenceLevel, err = number(name, value)
	default:
		if !isAccepted(name) {
			return fmt.Errorf("a conference user has no option %q", name)
		}
	}
	return err
}

// flag gives the yes-or-no option of a name, nil if it is none.
func (p *UserProfile) flag(name string) *bool {
	switch name {
	case "admin":
		return &p.Admin
	case "marked":
		return &p.Marked
	case "startmuted":
		return &p.StartMuted
	case "music_on_hold_when_empty":
		return &p.MusicWhenEmpty
	case "quiet":
		return &p.Quiet
	case "announce_user_count":
		return &p.AnnounceCount
	case "announce_only_user":
		return &p.AnnounceOnlyUser
	case "wait_marked":
		return &p.WaitMarked
	case "end_marked":
		return &p.EndMarked
	case "end_marked_any":
		return &p.EndMarkedAny
	case "announce_join_leave":
		return &p.AnnounceJoinLeave
	case "dtmf_passthrough":
		return &p.DTMFPassthrough
	case "hear_own_join_sound":
		return &p.HearOwnJoinSound
	case "talk_detection_events":
		return &p.TalkEvents
	}
	return nil
}

// yes is the truth of a value in a configuration file (Asterisk: utils.c ast_true).
func yes(v string) bool {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

func number(name, value string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s = %q is not a number from 0 on", name, value)
	}
	return n, nil
}

// sound gives the file of one of the room's prompts; "" = none.
func (p *BridgeProfile) sound(name string) string {
	if v, ok := p.Sounds[name]; ok {
		return v
	}
	switch name { // Asterisk: conf_config_parser.c conf_get_sound
	case "sound_join":
		return "confbridge-join"
	case "sound_leave":
		return "confbridge-leave"
	case "sound_has_joined":
		return "conf-hasjoin"
	case "sound_has_left":
		return "conf-hasleft"
	case "sound_kicked":
		return "conf-kicked"
	case "sound_muted":
		return "conf-muted"
	case "sound_unmuted":
		return "conf-unmuted"
	case "sound_only_person":
		return "conf-onlyperson"
	case "sound_only_one":
		return "conf-onlyone"
	case "sound_there_are":
		return "conf-thereare"
	case "sound_other_in_party":
		return "conf-otherinparty"
	case "sound_place_into_conference":
		return "conf-placeintoconf"
	case "sound_wait_for_leader":
		return "conf-waitforleader"
	case "sound_leader_has_left":
		return "conf-leaderhasleft"
	case "sound_get_pin":
		return "conf-getpin"
	case "sound_invalid_pin":
		return "conf-invalidpin"
	case "sound_locked":
		return "conf-locked"
	case "sound_locked_now":
		return "conf-lockednow"
	case "sound_unlocked_now":
		return "conf-unlockednow"
	case "sound_error_menu":
		return "conf-errormenu"
	case "sound_participants_muted":
		return "conf-now-muted"
	case "sound_participants_unmuted":
		return "conf-now-unmuted"
	case "sound_begin":
		return "confbridge-conf-begin"
	}
	return ""
}
