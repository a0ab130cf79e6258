package stasis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// An originated channel goes into the dialplan, enters again there, and goes on
// behind (vectors 10a; Asterisk tells of the dialplan's own Hangup otherwise).
func TestContinue(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "C", "5")
		c.items()
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{Context: "default", Exten: "app", Priority: 1}))
		c.want(`
			StasisEnd C
			ChannelDialplan C Stasis(lab,fromdialplan)
			ChannelVarset C STASISSTATUS=
			StasisStart C [fromdialplan]`)
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{}))
		c.want(`
			StasisEnd C
			ChannelVarset C STASISSTATUS=SUCCESS
			ChannelDialplan C NoOp(continued)
			ChannelDialplan C Wait(1)`)
		if err := l.hub.Continue(l.t.Context(), ch, stasis.Position{}); !errors.Is(err, stasis.ErrNotIn) {
			t.Errorf("second: %v", err)
		}
		<-ch.Gone()
		c.want(`
			ChannelDialplan C Hangup()
			ChannelHangupRequest C
			ChannelVarset C STASISSTATUS=SUCCESS
			ChannelDestroyed C`)
	})
}

// Labels; one that is not there leaves the channel where it is (vectors 10b). A
// member of a bridge leaves that.
func TestContinueAtLabel(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "C", "5")
		br := l.bridge("br")
		synctest.Wait()
		l.do(br.Add(ch, pbx.AddOptions{}))
		c.items()
		at := stasis.Position{Context: "default", Exten: "app", Label: "nolabel"}
		if err := l.hub.Continue(l.t.Context(), ch, at); !errors.Is(err, stasis.ErrLabel) {
			t.Errorf("no such label: %v", err)
		}
		if _, ok := l.hub.In("C"); !ok {
			t.Error("it has left")
		}
		at.Label = "after"
		l.do(l.hub.Continue(l.t.Context(), ch, at))
		if _, ok := l.hub.In("C"); ok {
			t.Error("it is still in")
		}
		c.want(`
			ChannelLeftBridge br[] C
			StasisEnd C
			ChannelDialplan C NoOp(continued)
			ChannelDialplan C Wait(1)`)
		ch.Hangup(0)
		br.Destroy()
	})
}

// A channel that came from a dialplan can go elsewhere in it: no h runs on the way.
func TestContinueElsewhere(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		l.do(l.subscribe("lab", "channel:"))
		ch := l.extension("x", "app")
		c.items()
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{Exten: "cast"}))
		c.want(`
			StasisEnd x
			ChannelVarset x STASISSTATUS=SUCCESS
			ChannelDialplan x Wait(3600)`)
		if sn := ch.Snapshot(); sn.Context != "default" || sn.Extension != "cast" || sn.Priority != 1 {
			t.Errorf("at %s,%s,%d", sn.Context, sn.Extension, sn.Priority)
		}
		ch.Hangup(0)
		<-ch.Gone()
	})
}

// What a place leaves open is where the channel is, extension s and priority 1.
func TestContinueDefaults(t *testing.T) {
	var got []stasis.Position
	note := func(o *stasis.Options) {
		o.Resume = func(_ *pbx.Channel, at stasis.Position) (pbx.Handler, error) {
			got = append(got, at)
			return nil, stasis.ErrLabel
		}
	}
	inLab(t, note, func(l *lab) {
		l.app("lab")
		ch := l.originate("lab", "C", "5")
		synctest.Wait()
		l.do(ch.SetPosition("here", "77", 4, "Stasis", "lab"))
		want := []stasis.Position{
			{"here", "77", 4, ""}, {"there", "s", 1, ""}, {"here", "8", 1, ""}, {"here", "77", 9, ""}, {"here", "77", 0, "x"}, {"there", "s", 0, "x"},
		}
		for _, at := range []stasis.Position{{}, {Context: "there"}, {Exten: "8"}, {Priority: 9}, {Label: "x"}, {Context: "there", Label: "x"}} {
			if err := l.hub.Continue(l.t.Context(), ch, at); !errors.Is(err, stasis.ErrLabel) {
				t.Errorf("%+v: %v", at, err)
			}
		}
		if !slices.Equal(want, got) {
			t.Errorf("got %+v", got)
		}
	})
}

// Without a dialplan the channel is hung up.
func TestContinueWithoutDialplan(t *testing.T) {
	inLab(t, func(o *stasis.Options) { o.Resume = nil }, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "C", "5")
		c.items()
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{Context: "default"}))
		c.want(`
			StasisEnd C
			ChannelVarset C STASISSTATUS=SUCCESS
			ChannelHangupRequest C
			ChannelDestroyed C`)
	})
}

// Both applications of a move hear of the channel until its end; one that is not
// connected is no place to go (vectors 10c).
func TestMove(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two := l.app("lab"), l.app("lab2")
		ch := l.originate("lab", "M", "5")
		one.items()
		l.do(l.hub.Move(l.t.Context(), ch, "nosuchapp", []string{"x", "y"}))
		one.want(`ApplicationMoveFailed M nosuchapp [x y]`)
		l.do(l.hub.Move(l.t.Context(), ch, "lab2", []string{"x", "y"}))
		if app, _ := l.hub.In("M"); app != "lab2" {
			t.Errorf("in %s", app)
		}
		one.want(`StasisEnd M`)
		two.want(`StasisStart M [x y]`)
		if sn := ch.Snapshot(); sn.AppData != "lab" {
			t.Errorf("app_data %s", sn.AppData)
		}
		ch.Hangup(0)
		one.want(`
			ChannelHangupRequest M
			ChannelVarset M STASISSTATUS=SUCCESS
			ChannelDestroyed M`)
		two.want(`
			ChannelHangupRequest M
			StasisEnd M
			ChannelVarset M STASISSTATUS=SUCCESS
			ChannelDestroyed M`)
		if err := l.hub.Move(l.t.Context(), ch, "lab", nil); !errors.Is(err, stasis.ErrNotIn) {
			t.Errorf("of a dead channel: %v", err)
		}
		if got := l.there(); got != "lab* lab2*" {
			t.Errorf("there are %s", got)
		}
	})
}

// A channel that moved and came from a dialplan goes on there.
func TestMoveAndContinue(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two := l.app("lab"), l.app("lab2")
		ch := l.extension("x", "app")
		one.items()
		l.do(l.hub.Move(l.t.Context(), ch, "lab2", nil))
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{}))
		one.want(`
			StasisEnd x
			ChannelVarset x STASISSTATUS=SUCCESS
			ChannelDialplan x NoOp(continued)
			ChannelDialplan x Wait(1)`)
		two.want(`
			StasisStart x []
			StasisEnd x
			ChannelVarset x STASISSTATUS=SUCCESS
			ChannelDialplan x NoOp(continued)
			ChannelDialplan x Wait(1)`)
		<-ch.Gone()
	})
}

// Another handler takes a channel out of its application and its bridge.
func TestReplaced(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "A", "5")
		br := l.bridge("br")
		synctest.Wait()
		l.do(br.Add(ch, pbx.AddOptions{}))
		c.items()
		l.do(ch.Run(holds()))
		c.want(`
			ChannelLeftBridge br[] A
			StasisEnd A
			ChannelVarset A STASISSTATUS=SUCCESS`)
		if ch.Context().Err() != nil {
			t.Error("it has been hung up")
		}
		br.Destroy()
	})
}

// A channel that has continued and is then taken out of the dialplan: its status is
// the business of whoever has it now.
func TestReplacedInDialplan(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "A", "5")
		c.items()
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{Context: "default", Exten: "cast"}))
		c.items()
		l.do(ch.Run(holds()))
		c.want("")
		ch.Hangup(0)
		c.want(`
			ChannelHangupRequest A
			ChannelDestroyed A`)
	})
}

// A client that goes away while a channel is on its way in: the channel comes in all
// the same, and keeps the application.
func TestClosedOnTheWay(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		blocked, gate := make(chan struct{}), make(chan struct{})
		ch, err := l.sw.Create(l.t.Context(), pbx.CreateOptions{ID: "A", Endpoint: "Pretend/5"})
		l.do(err)
		ch.Watch(func(e *pbx.Event) { // in the channel's actor
			switch {
			case e.Type != pbx.ChannelVarset:
			case e.Variable == "STASISSTATUS" && e.Value == "":
				go func() { _ = ch.SetVariable("BLOCK", "1") }()
				synctest.Wait() // it is the next command
			case e.Variable == "BLOCK":
				close(blocked)
				<-gate
			}
		})
		entered := make(chan error, 1)
		go func() { entered <- l.hub.Enter(l.t.Context(), ch, "lab", nil) }()
		<-blocked
		synctest.Wait() // Start is the next but one
		c.s.Close()
		if got := l.there(); got != "lab" {
			t.Errorf("there are %q", got)
		}
		close(gate)
		l.do(<-entered)
		if app, ok := l.hub.In("A"); !ok || app != "lab" {
			t.Errorf("in %q %t", app, ok)
		}
		ch.Hangup(0)
		<-ch.Gone()
		if got := l.there(); got != "" {
			t.Errorf("there are %q", got)
		}
	})
}

// A handler that runs a hung up channel does not enter.
func TestHungUpBefore(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ended := pbx.HandlerFunc(func(ctx context.Context, ch *pbx.Channel) {
			<-ctx.Done()
			h, _ := l.hub.Handler("lab", nil)
			h.Handle(ctx, ch)
		})
		ch := l.dial("A", "5", ended, nil)
		synctest.Wait()
		l.hub.Interest("lab", "A")
		ch.Hangup(0)
		c.want(`
			ChannelHangupRequest A
			ChannelVarset A STASISSTATUS=
			ChannelVarset A STASISSTATUS=FAILED
			ChannelDestroyed A`)
	})
}

// An order whose asker goes away is carried out or not; nothing waits for him.
func TestAskerGoes(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		l.app("lab")
		ch := l.originate("lab", "A", "5")
		synctest.Wait()
		ctx, cancel := context.WithCancel(l.t.Context())
		cancel()
		err := l.hub.Move(ctx, ch, "lab", nil)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("move: %v", err)
		}
		l.do(l.hub.Move(l.t.Context(), ch, "lab", nil))
	})
}

// Continue, Move and hangups meet: every channel's events come in an order that
// makes sense, and every Start has its End.
func TestRaces(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two := l.app("lab"), l.app("lab2")
		var wg sync.WaitGroup
		for i := range 200 {
			id := "r" + string(rune('A'+i/26)) + string(rune('a'+i%26))
			ch := l.originate("lab", id, "5")
			for _, f := range []func(){
				func() { ch.Hangup(0) },
				func() { _ = l.hub.Move(l.t.Context(), ch, "lab2", nil) },
				func() { _ = l.hub.Move(l.t.Context(), ch, "lab", nil) },
				func() {
					_ = l.hub.Continue(l.t.Context(), ch, stasis.Position{Context: "default", Exten: "app"})
				},
				func() { _ = l.hub.Continue(l.t.Context(), ch, stasis.Position{Context: "default", Exten: "cast"}) },
				func() { _ = ch.Run(holds()) },
			} {
				wg.Go(func() {
					time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) // of the bubble: what wakes together races
					f()
				})
			}
		}
		wg.Wait()
		synctest.Wait()
		for _, c := range []*client{one, two} {
			checkVisits(t, c.items())
		}
		for _, a := range l.hub.Apps() {
			if len(a.Channels) > 0 {
				t.Errorf("%s: interest left in %v", a.Name, a.Channels)
			}
		}
	})
}

// checkVisits says whether Starts and Ends of each channel take turns, and its
// destruction is the last of it.
func checkVisits(t *testing.T, items []stasis.Item) {
	t.Helper()
	in, gone := map[string]bool{}, map[string]bool{}
	for _, i := range items {
		if i.Event.Channel == nil {
			continue
		}
		id := i.Event.Channel.ID
		if gone[id] {
			t.Errorf("%s: %s after its end", id, i.Event.Type)
		}
		switch i.Event.Type {
		case stasis.Start, stasis.End:
			if now := i.Event.Type == stasis.Start; in[id] == now {
				t.Errorf("%s: %s twice", id, i.Event.Type)
			} else {
				in[id] = now
			}
		case pbx.ChannelDestroyed:
			gone[id] = true
		}
	}
	for id, still := range in {
		if still {
			t.Errorf("%s: no End", id)
		}
	}
}

// A channel whose queue has overflowed ends without having told End: the
// application hears it all the same.
func TestOverflow(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.originate("lab", "A", "5")
		c.items()
		block, entered := make(chan struct{}), make(chan struct{})
		remove := ch.Watch(func(e *pbx.Event) {
			if e.Type == pbx.ChannelVarset {
				close(entered)
				<-block
			}
		})
		go func() { _ = ch.SetVariable("X", "1") }()
		<-entered
		remove()
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() { _ = ch.SetLanguage("de") })
		}
		synctest.Wait()
		close(block)
		wg.Wait()
		got := c.lines()
		i := slices.Index(got, "StasisEnd A")
		if i < 0 || got[len(got)-1] != "ChannelDestroyed A" {
			t.Errorf("events %v", got)
		}
	})
}

// A channel whose queue overflows in the middle of a move: the one application has
// heard End, the other no Start, and nobody hears more.
func TestOverflowInMove(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two := l.app("lab"), l.app("lab2")
		ch := l.originate("lab", "A", "5")
		one.items()
		block, entered := make(chan struct{}), make(chan struct{})
		remove := ch.Watch(func(e *pbx.Event) {
			if e.Type == stasis.End {
				close(entered)
				<-block
			}
		})
		moved := make(chan error, 1)
		go func() { moved <- l.hub.Move(l.t.Context(), ch, "lab2", nil) }()
		<-entered
		remove()
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() { _ = ch.SetLanguage("de") })
		}
		synctest.Wait()
		close(block)
		wg.Wait()
		if err := <-moved; !errors.Is(err, pbx.ErrGone) {
			t.Errorf("move: %v", err)
		}
		<-ch.Gone()
		got := one.lines()
		if n := slices.Index(got, "StasisEnd A"); n < 0 || slices.Contains(got[n+1:], "StasisEnd A") {
			t.Errorf("events %v", got)
		}
		two.want("")
		two.s.Close()
		if got := l.there(); got != "lab*" {
			t.Errorf("there are %s", got)
		}
	})
}

// Several applications may have a channel; the first to claim it gets it.
func TestBroadcast(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two, other := l.app("sales1"), l.app("sales2"), l.app("other")
		ch := l.extension("B", "cast")
		synctest.Wait()
		if _, err := l.hub.Broadcast(l.t.Context(), ch, "nosuch", time.Second); !errors.Is(err, stasis.ErrNoApp) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := l.hub.Broadcast(l.t.Context(), ch, "(", time.Second); err == nil {
			t.Error("a pattern that is none")
		}
		if _, err := l.hub.Broadcast(l.t.Context(), ch, "^sales", time.Second); !errors.Is(err, stasis.ErrUnclaimed) {
			t.Errorf("unclaimed: %v", err)
		}
		one.want(`CallBroadcast B`)
		if err := l.hub.Claim("B", "sales1"); !errors.Is(err, stasis.ErrNotIn) {
			t.Errorf("claim after the time: %v", err)
		}
		won := make(chan string, 1)
		go func() {
			app, err := l.hub.Broadcast(l.t.Context(), ch, "^sales", time.Second)
			l.do(err)
			won <- app
		}()
		synctest.Wait()
		for app, want := range map[string]error{"nobody": stasis.ErrNoApp, "other": stasis.ErrNotIn} {
			if err := l.hub.Claim("B", app); !errors.Is(err, want) {
				t.Errorf("claim by %s: %v", app, err)
			}
		}
		l.do(l.hub.Claim("B", "sales2"))
		if err := l.hub.Claim("B", "sales1"); !errors.Is(err, stasis.ErrClaimed) {
			t.Errorf("second claim: %v", err)
		}
		if app := <-won; app != "sales2" {
			t.Errorf("winner %s", app)
		}
		one.want("CallBroadcast B\nCallClaimed B sales2")
		two.want("CallBroadcast B\nCallBroadcast B\nCallClaimed B sales2")
		other.want("")
		ch.Hangup(0)
		<-ch.Gone()
		if err := l.hub.Claim("B", "sales1"); !errors.Is(err, stasis.ErrNotIn) {
			t.Errorf("claim of the dead: %v", err)
		}
		ctx, cancel := context.WithCancelCause(l.t.Context())
		cancel(pbx.ErrHungUp)
		if _, err := l.hub.Broadcast(ctx, ch, "", time.Second); !errors.Is(err, pbx.ErrHungUp) {
			t.Errorf("hung up: %v", err)
		}
	})
}

// Many claim at once: one wins.
func TestClaimRace(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		names := []string{"a", "b", "c", "d"}
		for _, n := range names {
			l.app(n)
		}
		for i := range 50 {
			ch := l.dial("B", "5", holds(), nil)
			var wg sync.WaitGroup
			wins := make(chan string, len(names))
			wg.Go(func() {
				app, err := l.hub.Broadcast(l.t.Context(), ch, "", time.Second)
				if err != nil || app != <-wins {
					t.Errorf("round %d: %s %v", i, app, err)
				}
			})
			synctest.Wait()
			for _, n := range names {
				wg.Go(func() {
					if l.hub.Claim("B", n) == nil {
						wins <- n
					}
				})
			}
			wg.Wait()
			if len(wins) > 0 {
				t.Errorf("round %d: another winner", i)
			}
			ch.Hangup(0)
			<-ch.Gone()
		}
	})
}
