package conference

import (
	"strings"
	"time"
)

// digitPause is how long a digit of a menu may be followed by another one when
// both it alone and more digits are entries (Asterisk: features.conf
// featuredigittimeout).
const digitPause = time.Second

// digit takes one digit of the user.
func (u *user) digit(d rune) {
	u.typed += string(d)
	u.rest = nil
	u.decide(true)
}

// decide does what the digits typed so far mean; wait says that more may come.
func (u *user) decide(wait bool) {
	actions, found, more := u.e.Menu.Match(u.typed)
	if more && wait {
		u.rest = time.After(digitPause)
		return
	}
	typed := u.typed
	u.typed = ""
	switch {
	case found:
		for _, a := range actions {
			if u.ctx.Err() != nil {
				return
			}
			u.do(a)
		}
	case u.p.DTMFPassthrough:
		for _, d := range typed {
			u.room.passDigit(u, d)
		}
	}
}

// do carries out one action of the menu (Asterisk: app_confbridge.c
// execute_menu_entry).
func (u *user) do(a Action) {
	m := u.room
	if strings.HasPrefix(a.Name, "admin_") && !u.p.Admin {
		u.say(m.p.sound("sound_error_menu"))
		return
	}
	switch a.Name {
	case "playback":
		u.say(a.Args)
	case "playback_and_continue": // a digit breaks it and belongs to the menu
		if d := u.play(true, soundURIs(a.Args)...); d != 0 {
			u.digit(d)
		}
	case "toggle_mute":
		muted := m.toggleMute(u)
		u.apply()
		u.say(m.p.sound(either(muted, "sound_muted", "sound_unmuted")))
	case "participant_count":
		u.sayCount(m.count())
	case "leave_conference":
		u.stop(errByMenu)
	case "dialplan_exec":
		u.exec(a.Args)
	case "admin_kick_last":
		if !m.kickLast(u) {
			u.say(m.p.sound("sound_error_menu"))
		}
	case "admin_toggle_conference_lock":
		locked := m.toggleLocked()
		u.tell(either(locked, "ConfbridgeLock", "ConfbridgeUnlock"), "")
		u.say(m.p.sound(either(locked, "sound_locked_now", "sound_unlocked_now")))
	case "admin_toggle_mute_participants":
		m.say(m.p.sound(either(m.toggleAllMuted(), "sound_participants_muted", "sound_participants_unmuted")))
	default: // no_op, and the volumes, which are accepted
	}
}

// exec runs a piece of dialplan; the user stays in the conference.
func (u *user) exec(place string) {
	if u.e.Exec == nil {
		return
	}
	u.note("dialplan_exec", u.e.Exec(u.ctx, place))
}

// tell publishes an event about the user: its name as Asterisk's, the value
// one "Key: value" on each line, as the application UserEvent does.
func (u *user) tell(event, talking string) {
	value := "Conference: " + u.room.name + "\nBridgeUniqueid: " + u.room.bridge.ID() + "\nAdmin: " + either(u.p.Admin, "Yes", "No")
	if talking != "" {
		value += "\nTalkingStatus: " + talking
	}
	u.note("event", u.c.UserEvent(event, value))
}

func either(c bool, yes, no string) string {
	if c {
		return yes
	}
	return no
}
