package conference

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/pbx"
)

// errRefused says that a room is locked or full.
var errRefused = errors.New("the conference is locked or full")

// room is one conference.
type room struct {
	rooms  *Rooms
	name   string
	bridge *pbx.Bridge
	p      BridgeProfile
	stop   func() // ends the recording; nil = there is none

	mu     sync.Mutex // guards what follows, and the wishes of its users
	users  []*user    // in the order in which they came
	locked bool
	muted  bool // participants who come later are muted too
}

func (m *room) info() Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := Info{Name: m.name, Bridge: m.bridge.ID(), Parties: len(m.users), Locked: m.locked, Muted: m.muted}
	for _, u := range m.users {
		if u.p.Admin {
			i.Admins++
		}
		if u.p.Marked {
			i.Marked++
		}
	}
	return i
}

func (m *room) list() []*user {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.users)
}

// admit takes u in, if it may come.
func (m *room) admit(u *user) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	full := m.p.MaxMembers > 0 && len(m.users) >= m.p.MaxMembers
	if (m.locked || full) && !u.p.Admin {
		return errRefused
	}
	u.want.muted = u.p.StartMuted || m.muted && !u.p.Admin
	m.users = append(m.users, u)
	m.settle()
	return nil
}

// dismiss takes u out, and tells those who were there for it only. It reports
// whether the room is empty now.
func (m *room) dismiss(u *user) (empty bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.users)
	m.users = slices.DeleteFunc(m.users, func(o *user) bool { return o == u })
	if len(m.users) == before {
		return false
	}
	if u.p.Marked {
		lastMarked := !slices.ContainsFunc(m.users, func(o *user) bool { return o.p.Marked })
		for _, o := range m.users {
			if o.p.EndMarked && lastMarked && !o.p.Marked || o.p.EndMarkedAny {
				o.stop(errEndMarked)
			}
		}
	}
	m.settle()
	return len(m.users) == 0
}

// settle works out what everybody shall be now, and pokes those for whom it has
// changed. Called with mu held.
func (m *room) settle() {
	marked, active := 0, 0
	for _, u := range m.users {
		if u.p.Marked {
			marked++
		}
	}
	for _, u := range m.users {
		if !u.p.WaitMarked || marked > 0 {
			active++
		}
	}
	for _, u := range m.users {
		was := u.want
		u.want.waiting = u.p.WaitMarked && marked == 0
		u.want.music = u.p.MusicWhenEmpty && (u.want.waiting || active == 1)
		if u.want == was {
			continue
		}
		switch {
		case u.p.Quiet || !u.inside:
		case was.waiting && !u.want.waiting:
			u.prompts = append(u.prompts, m.p.sound("sound_place_into_conference"))
		case !was.waiting && u.want.waiting:
			u.prompts = append(u.prompts, m.p.sound("sound_leader_has_left"))
		}
		u.wake()
	}
}

// mute mutes one user or lets it be heard.
func (m *room) mute(u *user, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.want.muted == on {
		return
	}
	u.want.muted = on
	u.wake()
}

// toggleMute is mute for who asks for it itself; it gives the new state.
func (m *room) toggleMute(u *user) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	u.want.muted = !u.want.muted
	u.wake()
	return u.want.muted
}

// toggleAllMuted mutes everybody but the admins, now and when they come.
func (m *room) toggleAllMuted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.muted = !m.muted
	for _, u := range m.users {
		if !u.p.Admin {
			u.want.muted = m.muted
			u.wake()
		}
	}
	return m.muted
}

func (m *room) setLocked(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locked = on
}

func (m *room) toggleLocked() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locked = !m.locked
	return m.locked
}

// kickLast takes out who came last, unless that is an admin or by itself.
func (m *room) kickLast(by *user) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.users[len(m.users)-1]
	if last == by || last.p.Admin {
		return false
	}
	last.stop(errKicked)
	return true
}

// count gives how many are there, with those who wait for a marked user.
func (m *room) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.users)
}

// passDigit sends a digit to all others.
func (m *room) passDigit(from *user, d rune) {
	for _, u := range m.list() {
		if u != from {
			if err := u.c.SendDTMF(string(d), pbx.DTMFOptions{}); err != nil && !errors.Is(err, pbx.ErrGone) {
				m.rooms.log.Debug("digit not passed on", "conference", m.name, "channel", u.c.ID(), "error", err)
			}
		}
	}
}

// say plays one of the room's prompts to everybody; a sound that is not there
// is not heard.
func (m *room) say(files ...string) {
	uris := soundURIs(files...)
	if len(uris) == 0 {
		return
	}
	if _, err := m.bridge.Play(pbx.PlayOptions{Media: uris, Language: m.p.Language}); err != nil && !errors.Is(err, pbx.ErrNoMedia) {
		m.rooms.log.Debug("prompt not played", "conference", m.name, "error", err)
	}
}

// soundURIs makes media URIs of file names, of which each may be a list
// "a&b"; those with a scheme stay.
func soundURIs(files ...string) []string {
	var out []string
	for _, list := range files {
		for f := range strings.SplitSeq(list, "&") {
			switch f = strings.TrimSpace(f); {
			case f == "":
			case strings.Contains(f, ":"):
				out = append(out, f)
			default:
				out = append(out, "sound:"+f)
			}
		}
	}
	return out
}

// startRecording records what is mixed, if the profile says so.
func (m *room) startRecording() {
	if !m.p.Record {
		return
	}
	if m.rooms.o.Dir == "" && !filepath.IsAbs(m.p.RecordFile) {
		m.rooms.log.Warn("conference is not recorded: there is no directory for it", "conference", m.name)
		return
	}
	f, err := mixmonitor.Create(m.rooms.o.Dir, m.recordFile(time.Now()), mixmonitor.FileOptions{Append: m.p.RecordAppend, Outside: m.rooms.o.Outside})
	if err != nil {
		m.rooms.log.Warn("conference is not recorded", "conference", m.name, "error", err)
		return
	}
	untap, err := m.bridge.Tap(f)
	if err != nil {
		m.rooms.log.Warn("conference is not recorded", "conference", m.name, "error", errors.Join(err, f.Close()))
		return
	}
	m.rooms.log.Info("conference is recorded", "conference", m.name, "file", f.Path())
	m.bridge.Recorded(f.Begun())
	m.stop = func() {
		untap()
		if err := f.Close(); err != nil {
			m.rooms.log.Warn("recording of a conference is incomplete", "conference", m.name, "error", err)
		}
		m.bridge.Recorded(f.Done())
	}
}

// recordFile gives the file's name (Asterisk: app_confbridge.c set_rec_filename).
func (m *room) recordFile(at time.Time) string {
	file := m.p.RecordFile
	if file == "" {
		safe := strings.NewReplacer("/", "-", `\`, "-").Replace(m.name)
		return fmt.Sprintf("confbridge-%s-%d.wav", safe, at.Unix())
	}
	if m.p.RecordTimestamp {
		ext := filepath.Ext(file)
		file = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(file, ext), at.Unix(), ext)
	}
	return file
}

// end ends an empty room.
func (m *room) end() {
	if m.stop != nil {
		m.stop()
	}
	m.bridge.Destroy()
}
