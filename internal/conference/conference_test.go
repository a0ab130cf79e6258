package conference_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/conference"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// hall is a studio with a register of rooms.
type hall struct {
	*pbxtest.Studio
	t     *testing.T
	rooms *conference.Rooms
}

// guest is a phone in a conference.
type guest struct {
	*pbxtest.Phone
	c    *pbx.Channel
	left chan outcome
}

type outcome struct {
	result conference.Result
	err    error
}

func inHall(t *testing.T, o conference.Options, f func(t *testing.T, h *hall)) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		o.Switch = st.Switch
		f(t, &hall{st, t, conference.New(o)})
	})
}

// prompts are those that are heard also by who is quiet.
var prompts = [...]string{
	"muted", "unmuted", "participants_muted", "participants_unmuted", "error_menu", "locked", "locked_now", "unlocked_now", "get_pin",
	"invalid_pin", "only_person", "only_one", "there_are", "other_in_party", "join", "leave", "has_joined", "has_left",
}

// enter lets a phone answer and go into the room "r".
func (h *hall) enter(name string, change func(*conference.Entry)) *guest {
	h.t.Helper()
	c, p := h.Up(name)
	digits, stop, err := c.OpenDigits()
	if err != nil {
		h.t.Fatal(err)
	}
	e := conference.Entry{
		Bridge: conference.DefaultBridge(), User: conference.DefaultUser(), Digits: digits,
		Music: func(_ string, on bool) error {
			if on {
				return c.StartTone("tone:700")
			}
			return c.StopTone()
		},
	}
	e.User.Quiet = true
	for _, name := range prompts { // heard only where they are wanted
		e.Bridge.Sounds["sound_"+name] = ""
	}
	if change != nil {
		change(&e)
	}
	g := &guest{Phone: p, c: c, left: make(chan outcome, 1)}
	go func() {
		defer stop()
		r, err := h.rooms.Enter(c.Context(), c, "r", e)
		g.left <- outcome{r, err}
	}()
	synctest.Wait()
	return g
}

// out waits for the guest to leave with a result.
func (h *hall) out(g *guest, want conference.Result) {
	h.t.Helper()
	select {
	case o := <-g.left:
		if o.result != want || (o.err != nil) != (want == conference.HungUp) {
			h.t.Errorf("%s left with %s, %v; want %s", g.c.Name(), o.result, o.err, want)
		}
	case <-time.After(time.Minute):
		h.t.Errorf("%s is still there; want %s", g.c.Name(), want)
	}
}

func (h *hall) info(parties, admins, marked int) {
	h.t.Helper()
	i, _ := h.rooms.Info("r")
	if i.Parties != parties || i.Admins != admins || i.Marked != marked {
		h.t.Errorf("room %+v, want %d parties, %d admins, %d marked", i, parties, admins, marked)
	}
}

// Everybody hears all others and not itself, whatever the codec; then one is
// muted by itself and one by an admin.
func TestMixAndMute(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		menu := func(e *conference.Entry) {
			for digits, actions := range map[string]string{
				"*1": "toggle_mute", "*2": "admin_toggle_mute_participants", "4": "no_op", "#": "leave_conference", "*3": "increase_listening_volume",
			} {
				if err := e.Menu.Set(digits, actions); err != nil {
					t.Fatal(err)
				}
			}
		}
		a := h.enter("a", func(e *conference.Entry) { menu(e); e.User.Admin = true })
		b := h.enter("wide", menu)
		c := h.enter("alaw", func(e *conference.Entry) { menu(e); e.User.StartMuted = true })
		h.info(3, 1, 0)
		a.Says(500)
		b.Says(900)
		c.Says(1300)
		a.Expect("c starts muted", 900)
		b.Expect("c starts muted", 500)
		c.Expect("c starts muted", 500, 900)
		c.Press("*1")
		a.Expect("all", 900, 1300)
		b.Expect("all", 500, 1300)
		c.Expect("all", 500, 900)
		b.Press("*1")
		a.Expect("b has muted itself", 1300)
		b.Expect("and hears on", 500, 1300)
		b.Press("*1*2")
		a.Expect("a participant may not mute all", 900, 1300)
		a.Press("*2")
		a.Expect("participants are muted")
		c.Expect("but not the admin", 500)
		if i, ok := h.rooms.Info("r"); !ok || !i.Muted {
			t.Errorf("room: %+v", i)
		}
		a.Press("*24*39")
		a.Expect("all again", 900, 1300)
		b.Press("#")
		h.out(b, conference.DTMF)
		a.Expect("b has left", 1300)
		c.HangUp()
		h.out(c, conference.HungUp)
		h.info(1, 1, 0)
		if got := h.rooms.List(); len(got) != 1 || got[0].Name != "r" {
			t.Errorf("rooms: %+v", got)
		}
		a.HangUp()
		h.out(a, conference.HungUp)
		if _, ok := h.rooms.Info("r"); ok || len(h.Switch.Bridges()) != 0 {
			t.Error("the room has not ended")
		}
	})
}

// Who waits for a marked user hears music and nobody hears it; when the last
// marked one leaves, the others leave or wait again.
func TestMarked(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		waits := func(e *conference.Entry) { e.User.WaitMarked, e.User.MusicWhenEmpty = true, true }
		a := h.enter("a", waits)
		b := h.enter("b", func(e *conference.Entry) { waits(e); e.User.EndMarked = true })
		c := h.enter("c", nil) // neither marked nor waiting
		a.Says(500)
		b.Says(900)
		c.Says(1300)
		a.Expect("waiting", 700)
		b.Expect("waiting", 700)
		c.Expect("with those who wait")
		boss := h.enter("boss", func(e *conference.Entry) { e.User.Marked = true })
		h.info(4, 0, 1)
		boss.Says(1700)
		a.Expect("with the boss", 900, 1300, 1700)
		b.Expect("with the boss", 500, 1300, 1700)
		c.Expect("with the boss", 500, 900, 1700)
		boss.HangUp()
		h.out(boss, conference.HungUp)
		h.out(b, conference.EndMarked)
		a.Expect("waiting again", 700)
		c.Expect("a is not heard")
		for _, g := range []*guest{a, c} {
			g.c.Hangup(0)
			h.out(g, conference.HungUp)
		}
	})
}

// Music for the only one, lock, full room, kick, timeout.
func TestDoor(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		admin := func(e *conference.Entry) {
			e.User.Admin, e.User.MusicWhenEmpty, e.Bridge.MaxMembers = true, true, 3
			for digits, actions := range map[string]string{"1": "admin_toggle_conference_lock", "2": "admin_kick_last", "3": "participant_count"} {
				if err := e.Menu.Set(digits, actions); err != nil {
					t.Fatal(err)
				}
			}
		}
		a := h.enter("a", admin)
		a.Expect("alone", 700)
		a.Press("1")
		b := h.enter("b", nil)
		h.out(b, conference.Failed)
		other := h.enter("other", admin)
		a.Expect("two admins in a locked room")
		a.Press("12") // the last one is an admin, who is not kicked
		h.info(2, 2, 0)
		c := h.enter("c", nil)
		h.info(3, 2, 0)
		h.out(h.enter("d", nil), conference.Failed) // full
		a.Press("2")
		h.out(c, conference.Kicked)
		timed := h.enter("timed", func(e *conference.Entry) { e.User.Timeout = 3 * time.Second })
		begun := time.Now()
		h.out(timed, conference.TimedOut)
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("timeout after %v", d)
		}
		if !h.rooms.Kick("r", other.c.ID()) || h.rooms.Kick("r", "nobody") || h.rooms.Kick("none", "all") {
			t.Error("kick by id")
		}
		h.out(other, conference.Kicked)
		if h.rooms.Kick("r", "participants") {
			t.Error("there are no participants")
		}
		if !h.rooms.Lock("r", true) || h.rooms.Lock("none", true) || h.rooms.Mute("r", "nobody", true) || !h.rooms.Mute("r", a.c.ID(), true) {
			t.Error("control by name")
		}
		h.rooms.Kick("r", "admins")
		h.out(a, conference.Kicked)
	})
}

// The pin has three tries; its digits are not taken for the menu's.
func TestPIN(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		pin := func(e *conference.Entry) {
			e.User.PIN = "42"
			if err := e.Menu.Set("2", "leave_conference"); err != nil {
				t.Fatal(err)
			}
		}
		a := h.enter("a", pin)
		h.info(0, 0, 0)
		a.Press("4142") // 41 is wrong
		h.info(1, 0, 0)
		b := h.enter("b", pin)
		b.Press("1#2#3#")
		h.out(b, conference.Failed)
		c := h.enter("c", pin)
		<-time.After(40 * time.Second)
		h.out(c, conference.Failed)
		a.Press("2")
		h.out(a, conference.DTMF)
		b.HangUp()
		d := h.enter("d", pin)
		d.HangUp()
		h.out(d, conference.HungUp)
	})
}

// A conference is recorded with all voices; the file lies in the directory.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	inHall(t, conference.Options{Dir: dir}, func(t *testing.T, h *hall) {
		record := func(e *conference.Entry) { e.Bridge.Record, e.Bridge.RecordFile = true, "sub/all.wav" }
		a := h.enter("a", record)
		b := h.enter("b", record)
		a.Says(500)
		b.Says(900)
		<-time.After(2 * time.Second)
		a.HangUp()
		b.HangUp()
		h.out(a, conference.HungUp)
		h.out(b, conference.HungUp)
	})
	pcm := pbxtest.ReadFile(t, dir, "sub/all.wav")
	if long := len(pcm) / 8000; long != 2 {
		t.Errorf("%d s recorded", long)
	}
	if d := cmp.Diff([]int{500, 900}, pbxtest.Tones(pcm[8000:14000])); d != "" {
		t.Errorf("recorded (-want +got):\n%s", d)
	}
}

// The name of who comes is heard by those who are there, from memory.
func TestAnnounceName(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		a := h.enter("a", nil)
		played, done := h.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackFinished}}, 16)
		defer done()
		b := h.enter("b", func(e *conference.Entry) { e.User.Quiet, e.User.AnnounceJoinLeave = false, true })
		tone, err := media.Tone("900/3000,0/1")
		if err != nil {
			t.Fatal(err)
		}
		<-played // "say your name", and the beep
		b.Plays(tone)
		<-time.After(2 * time.Second)
		b.Press("#")
		a.Expect("the name", 900)
		b.Says(0)
		<-time.After(5 * time.Second)
		h.info(2, 0, 0)
		b.HangUp()
		h.out(b, conference.HungUp)
		a.Expect("the name again", 900)
		a.HangUp()
		h.out(a, conference.HungUp)
	})
}

// Digits go to the others if the profile lets them; talk is told as an event;
// dialplan_exec runs and the user stays.
func TestDigitsTalkExec(t *testing.T) {
	inHall(t, conference.Options{}, func(t *testing.T, h *hall) {
		events, done := h.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelUserEvent, pbx.ChannelDTMF}}, 256)
		defer done()
		ran := ""
		a := h.enter("a", func(e *conference.Entry) {
			e.User.DTMFPassthrough, e.User.TalkEvents = true, true
			if err := e.Menu.Set("*9", "dialplan_exec(ctx,100,1)"); err != nil {
				t.Fatal(err)
			}
			e.Exec = func(_ context.Context, place string) error { ran = place; return errors.New("odd") }
		})
		b := h.enter("b", nil)
		var mu sync.Mutex
		heard := ""
		b.OnDigit(func(d rune) { mu.Lock(); defer mu.Unlock(); heard += string(d) })
		a.Press("7*9*8")
		<-time.After(time.Second)
		if ran != "ctx,100,1" {
			t.Errorf("dialplan_exec ran %q", ran)
		}
		mu.Lock()
		if heard != "7*8" {
			t.Errorf("b heard the digits %q", heard)
		}
		mu.Unlock()
		a.Says(800)
		<-time.After(2 * time.Second)
		a.Says(0)
		<-time.After(4 * time.Second)
		h.info(2, 0, 0)
		a.HangUp()
		h.out(a, conference.HungUp)
		b.HangUp()
		h.out(b, conference.HungUp)
		done()
		var got []string
		for e := range events {
			if e.Type == pbx.ChannelUserEvent {
				_, talking, _ := strings.Cut(e.Value, "\nTalkingStatus")
				got = append(got, e.Variable+talking)
			}
		}
		want := []string{
			"ConfbridgeStart", "ConfbridgeJoin", "ConfbridgeJoin", "ConfbridgeTalking: on", "ConfbridgeTalking: off",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
	})
}
