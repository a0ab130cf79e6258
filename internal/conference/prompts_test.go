package conference_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/conference"
	"github.com/dialwright/dialwright/internal/pbx"
)

// spoken collects what is played, as "a sound:x" for a phone and "r sound:x" for
// the room.
type spoken struct {
	h      *hall
	events <-chan pbx.Event
}

func (h *hall) listen() (*spoken, func()) {
	events, done := h.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted}}, 256)
	return &spoken{h, events}, done
}

// next gives what has been played since it was last asked.
func (s *spoken) next() (out []string) {
	synctest.Wait()
	for {
		select {
		case e := <-s.events:
			who := "r"
			if e.Channel != nil {
				who = e.Channel.Phone
			}
			out = append(out, who+" "+e.Playback.MediaURI)
		default:
			return out
		}
	}
}

func (s *spoken) expect(want ...string) {
	s.h.t.Helper()
	s.compare(want, s.next())
}

// anyOrder is expect for what several channels do at once.
func (s *spoken) anyOrder(want ...string) {
	s.h.t.Helper()
	s.compare(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(s.next())))
}

func (s *spoken) compare(want, got []string) {
	s.h.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.h.t.Errorf("played (-want +got):\n%s", d)
	}
}

// talkative undoes what enter does for silence.
func talkative(e *conference.Entry) {
	e.User.Quiet = false
	e.Bridge = conference.DefaultBridge()
}

// Who comes hears how many are there, the others that somebody comes; who waits
// hears for whom.
func TestPromptsOfTheDoor(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		said, done := h.listen()
		defer done()
		after := func() { <-time.After(20 * time.Second) } // the longest prompt
		a := h.enter("a", func(e *conference.Entry) { talkative(e); e.User.Announcement = "hello" })
		after()
		said.expect("a sound:hello", "a sound:conf-onlyperson")
		b := h.enter("b", func(e *conference.Entry) { talkative(e); e.User.AnnounceCount = true })
		after()
		said.expect("b sound:conf-onlyone", "r sound:confbridge-join")
		c := h.enter("c", func(e *conference.Entry) {
			talkative(e)
			e.User.AnnounceCount, e.User.AnnounceCountAll = true, 2
			e.User.HearOwnJoinSound = false
		})
		after()
		said.expect("c sound:conf-thereare", "c number:2", "c sound:conf-otherinparty",
			"r sound:conf-thereare", "r number:2", "r sound:conf-otherinparty", "r sound:confbridge-join")
		w := h.enter("w", func(e *conference.Entry) { talkative(e); e.User.WaitMarked = true })
		after()
		said.expect("w sound:conf-waitforleader", "r sound:confbridge-join")
		boss := h.enter("boss", func(e *conference.Entry) { talkative(e); e.User.Marked = true })
		after()
		said.anyOrder("w sound:conf-placeintoconf", "r sound:confbridge-join")
		boss.HangUp()
		h.out(boss, conference.HungUp)
		after()
		said.anyOrder("r sound:confbridge-leave", "w sound:conf-leaderhasleft")
		h.rooms.Kick("r", w.c.ID())
		h.out(w, conference.Kicked)
		said.anyOrder("r sound:confbridge-leave", "w sound:conf-kicked")
		for _, g := range []*guest{a, b, c} {
			g.HangUp()
			h.out(g, conference.HungUp)
		}
	})
}

// What the menu says; a digit breaks playback_and_continue and is an entry itself.
func TestPromptsOfTheMenu(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		said, done := h.listen()
		defer done()
		a := h.enter("a", func(e *conference.Entry) {
			talkative(e)
			e.User.Quiet, e.User.Admin = true, true
			for digits, actions := range map[string]string{
				"*": "playback_and_continue(conf-adminmenu)", "1": "toggle_mute", "2": "admin_toggle_conference_lock", "3": "admin_kick_last",
				"4": "participant_count", "5": "playback(hello&goodbye),toggle_mute", "6": "admin_toggle_mute_participants", "66": "leave_conference",
			} {
				if err := e.Menu.Set(digits, actions); err != nil {
					t.Fatal(err)
				}
			}
		})
		press := func(digits string, want ...string) {
			t.Helper()
			a.Press(digits)
			<-time.After(20 * time.Second)
			said.expect(want...)
		}
		press("*1", "a sound:conf-adminmenu", "a sound:conf-muted")
		press("2", "a sound:conf-lockednow")
		press("2", "a sound:conf-unlockednow")
		press("3", "a sound:conf-errormenu") // there is nobody else
		press("4", "a sound:conf-onlyperson")
		press("5", "a sound:hello", "a sound:goodbye", "a sound:conf-unmuted")
		press("6", "r sound:conf-now-muted") // after the pause: 66 is an entry too
		press("7")
		a.Press("66")
		h.out(a, conference.DTMF)
	})
}
