package parking_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// garage is a studio with a register of lots; its lot has the spaces 1 and 2.
type garage struct {
	*pbxtest.Studio
	t    *testing.T
	lots *parking.Lots
	lot  parking.Lot
}

func inGarage(t *testing.T, f func(t *testing.T, g *garage)) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		g := &garage{Studio: st, t: t, lots: parking.New(parking.Options{Switch: st.Switch}), lot: parking.NewLot("g")}
		g.lot.First, g.lot.Last = 1, 2
		f(t, g)
	})
}

// guest is a channel that is parked by its own goroutine.
type guest struct {
	c    *pbx.Channel
	stay *parking.Stay
	ends chan ending
}

type ending struct {
	how parking.Ending
	err error
}

// park parks a new channel.
func (g *garage) park(name string, w parking.Wish) *guest {
	g.t.Helper()
	c, _ := g.Up(name)
	s, err := g.lots.Park(c, &g.lot, w)
	if err != nil {
		g.t.Fatal(err)
	}
	p := &guest{c, s, make(chan ending, 1)}
	go func() {
		defer s.Leave()
		how, err := s.Wait(g.t.Context())
		if how == parking.Taken {
			err = s.HandOver(g.t.Context())
		}
		p.ends <- ending{how, err}
	}()
	synctest.Wait()
	return p
}

func (g *garage) expect(p *guest, want parking.Ending, err error) {
	g.t.Helper()
	select {
	case e := <-p.ends:
		if e.how != want || !errors.Is(e.err, err) {
			g.t.Errorf("the stay ends with %d, %v; want %d, %v", e.how, e.err, want, err)
		}
	case <-time.After(time.Hour):
		g.t.Fatal("the stay does not end")
	}
	synctest.Wait()
}

// spaces are those that somebody is in.
func (g *garage) spaces(want ...int) {
	g.t.Helper()
	var got []int
	for _, i := range g.lots.List("g") {
		got = append(got, i.Space)
	}
	if d := cmp.Diff(want, got); d != "" {
		g.t.Errorf("spaces (-want +got):\n%s", d)
	}
}

// bridges are the names, types, classes and creators of the live ones.
func (g *garage) bridges() (out []string) {
	for _, b := range g.Switch.Bridges() {
		out = append(out, b.Name+" "+string(b.Type)+" "+b.Class+" "+b.Creator)
	}
	return out
}

// A call is fetched once, by one; its space is free at once, its channel when it
// is released.
func TestTake(t *testing.T) {
	inGarage(t, func(t *testing.T, g *garage) {
		a, b := g.park("a", parking.Wish{Space: 2, Parker: "Studio/x"}), g.park("b", parking.Wish{Space: 2})
		g.spaces(1, 2)
		if d := cmp.Diff([]string{"g holding parking Parking"}, g.bridges()); d != "" {
			t.Errorf("bridges: %s", d)
		}
		c, _ := g.Up("c")
		if _, err := g.lots.Park(c, &g.lot, parking.Wish{}); !errors.Is(err, parking.ErrFull) {
			t.Errorf("a full lot gives %v", err)
		}
		s, ok := g.lots.Take("g", 2)
		if !ok || s.Channel() != a.c || s.Parker != "Studio/x" {
			t.Fatalf("in space 2 is %+v, %v", s, ok)
		}
		g.spaces(1)
		if _, again := g.lots.Take("g", 2); again {
			t.Error("the call was fetched twice")
		}
		if err := s.Await(t.Context()); err != nil || a.c.Snapshot().Bridge != "" {
			t.Errorf("handed over in bridge %q, %v", a.c.Snapshot().Bridge, err)
		}
		s.Release()
		s.Release()
		g.expect(a, parking.Taken, nil)
		if s, ok := g.lots.Take("g", 0); !ok || s.Channel() != b.c {
			t.Error("the first space that is not free is not 1")
		} else {
			s.Release()
		}
		g.expect(b, parking.Taken, nil)
		for _, lot := range []string{"g", "other"} {
			if _, ok := g.lots.Take(lot, 0); ok {
				t.Errorf("there is somebody in lot %s", lot)
			}
		}
		if left := g.bridges(); left != nil {
			t.Errorf("left: %v", left)
		}
	})
}

// Every other end of a stay frees its space.
func TestEnds(t *testing.T) {
	inGarage(t, func(t *testing.T, g *garage) {
		begun := time.Now()
		a := g.park("a", parking.Wish{Time: 3 * time.Second})
		g.expect(a, parking.TimedOut, nil)
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("the time was over after %v", d)
		}
		g.spaces()

		a = g.park("a", parking.Wish{})
		a.c.Hangup(cause.NormalClearing)
		g.expect(a, 0, pbx.ErrGone)
		g.spaces()

		a = g.park("a", parking.Wish{})
		for _, b := range g.Switch.Bridges() {
			if live, ok := g.Switch.Bridge(b.ID); ok {
				live.Destroy()
			}
		}
		g.expect(a, parking.Removed, nil)
		g.spaces()
	})
}

// Somebody else's bridge takes the channel: its space is free, and its stay ends
// when that bridge lets it go.
func TestTakenByAnotherBridge(t *testing.T) {
	inGarage(t, func(t *testing.T, g *garage) {
		a := g.park("a", parking.Wish{Time: time.Second})
		b, err := g.Switch.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(a.c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.spaces()
		<-time.After(time.Minute)
		if a.c.Snapshot().Bridge != b.ID() {
			t.Error("the other bridge has lost it")
		}
		b.Destroy()
		g.expect(a, parking.Removed, nil)
	})
}

// A bridge that somebody destroys while one comes in does not matter, and who was in
// another bridge is not out again.
func TestParkFromBridge(t *testing.T) {
	inGarage(t, func(t *testing.T, g *garage) {
		c, _ := g.Up("a")
		b, err := g.Switch.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		s, err := g.lots.Park(c, &g.lot, parking.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if how, err := s.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the stay ends with %d, %v", how, err)
		}
	})
}

// Who has fetched a call that is gone in that moment does not wait for ever.
func TestLost(t *testing.T) {
	inGarage(t, func(t *testing.T, g *garage) {
		c, _ := g.Up("a")
		s, err := g.lots.Park(c, &g.lot, parking.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := g.lots.Take("g", s.Space); !ok {
			t.Fatal("not there")
		}
		s.Leave()
		if err := s.Await(t.Context()); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("await gives %v", err)
		}
	})
}
