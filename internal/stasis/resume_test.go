package stasis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// resume connects with a cursor.
func (l *lab) resumed(cursor string, apps ...string) *client {
	l.t.Helper()
	return l.connect(stasis.SessionOptions{Apps: apps, Resume: true, Cursor: cursor})
}

// A client that was away hears what it has missed, once and in order, over all its
// applications, and then what happens now.
func TestResume(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.resumed("", "one", "two")
		begin := c.s.Begin()
		a, b := l.originate("one", "A", "5"), l.originate("two", "B", "6")
		all := c.items()
		cursor := c.s.Cursor(all[len(all)-1])
		c.s.Close()
		l.do(a.SetVariable("X", "1"))
		l.do(b.SetVariable("X", "2"))
		l.do(a.SetVariable("X", "3"))
		c = l.resumed(cursor, "one", "two")
		l.do(b.SetVariable("X", "4"))
		missed := []string{"ChannelVarset A X=1", "ChannelVarset B X=2", "ChannelVarset A X=3", "ChannelVarset B X=4"}
		got := c.items()
		if diff := cmp.Diff(missed, linesOf(got)); diff != "" {
			t.Error(diff)
		}
		c = l.resumed(c.s.Cursor(got[1]), "two", "one") // without having closed, in the middle
		if diff := cmp.Diff(missed[2:], c.lines()); diff != "" {
			t.Error(diff)
		}
		c = l.resumed(begin, "one", "two")
		if got := c.lines(); len(got) != len(all)+4 {
			t.Errorf("from the beginning: %d events, not %d", len(got), len(all)+4)
		}
		c = l.resumed("", "one", "two")
		c.want("")
		c = l.app("one", "two") // does not understand cursors
		c.want("")
		c = l.connect(stasis.SessionOptions{Apps: []string{"one", "two"}, Cursor: begin})
		c.want("")
	})
}

func linesOf(items []stasis.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, line(i))
	}
	return out
}

// Cursors that are of no use: the client is told what there is instead.
func TestResync(t *testing.T) {
	inLab(t, func(o *stasis.Options) { o.Journal = 20 }, func(l *lab) {
		c := l.resumed("", "lab", "side")
		l.create("lab", "A", "5")
		br := l.bridge("br")
		a, _ := l.sw.Channel("A")
		l.do(br.Add(a, pbx.AddOptions{}))
		items := c.items()
		first := c.s.Cursor(items[0])
		run, _, _ := strings.Cut(first, "-")
		for _, tt := range []struct{ cursor, why string }{
			{"nonsense", "the cursor is not one that this server gives"},
			{"-", "the cursor is not one that this server gives"},
			{run + "-007", "the cursor is not one that this server gives"},
			{"ABCDEFGHIJKLM-3", "the cursor is of another run of the server"},
			{run + "-18446744073709551615", "the cursor is of an event that has not been"},
		} {
			c = l.resumed(tt.cursor, "lab", "side")
			c.want("ApplicationResync 1 channels, 1 bridges: " + tt.why + "\nApplicationResync 0 channels, 0 bridges: " + tt.why)
		}

		for i := range 30 { // more than the journal holds
			l.do(a.SetVariable("X", fmt.Sprint(i)))
			c.items()
		}
		c = l.resumed(first, "side", "lab")
		got := c.items()
		if diff := cmp.Diff([]string{
			"ApplicationResync 0 channels, 0 bridges: application lab has missed more events than are kept",
			"ApplicationResync 1 channels, 1 bridges: application lab has missed more events than are kept",
		}, linesOf(got)); diff != "" {
			t.Error(diff)
		}
		if st := got[1].Event.Data.(*stasis.State); st.Channels[0].ID != "A" || st.Bridges[0].ID != "br" || len(st.Bridges[0].Channels) != 1 {
			t.Errorf("state %+v", st)
		}
		// Whoever has not read both begins again; whoever has goes on.
		half := l.resumed(c.s.Cursor(got[0]), "side", "lab")
		if n := len(half.items()); n != 2 {
			t.Errorf("after half of it: %d items", n)
		}
		l.do(a.SetVariable("X", "now"))
		l.resumed(c.s.Cursor(got[1]), "side", "lab").want(`ChannelVarset A X=now`)

		// An application that did not keep anything, or is new, has no past.
		plain := l.app("plain")
		l.resumed(plain.s.Begin(), "plain").want(`ApplicationResync 0 channels, 0 bridges: nothing was kept for application plain`)
		l.do(l.subscribe("plain", "bridge:"))
		l.resumed("x", "plain").want(`ApplicationResync 0 channels, 1 bridges: the cursor is not one that this server gives`)
		br.Destroy()
	})
}

// Another run of the server has other cursors.
func TestForeignCursor(t *testing.T) {
	cursor := ""
	for range 2 {
		inLab(t, nil, func(l *lab) {
			c := l.resumed(cursor, "lab")
			if got := c.lines(); (cursor == "") != (len(got) == 0) {
				t.Errorf("cursor %q: %v", cursor, got)
			}
			cursor = c.s.Begin()
			l.originate("lab", "A", "5")
			items := c.items()
			cursor = c.s.Cursor(items[len(items)-1])
		})
	}
}

// A client that does not read costs a bounded number of events: it is told so, and
// can resume if the journal reaches back far enough.
func TestTooSlow(t *testing.T) {
	inLab(t, func(o *stasis.Options) { o.Journal = 100 }, func(l *lab) {
		c, other := l.resumed("", "lab"), l.app("other")
		ch := l.originate("lab", "A", "5")
		items := c.items()
		cursor := c.s.Cursor(items[len(items)-1])
		l.do(l.subscribe("other", "channel:A"))
		for i := range 101 {
			l.do(ch.SetVariable("X", fmt.Sprint(i)))
			if i%10 == 0 {
				other.items()
			}
		}
		if got := l.there(); got != "lab other*" {
			t.Errorf("there are %s", got)
		}
		ctx := l.t.Context()
		got, err := c.s.Next(ctx)
		if len(got) != 100 || err != nil {
			t.Errorf("what is left: %d %v", len(got), err)
		}
		for range 2 {
			if _, err = c.s.Next(ctx); !errors.Is(err, stasis.ErrTooSlow) {
				t.Errorf("then: %v", err)
			}
		}
		c.s.Close()
		if n := strings.Count(l.logged(), "client does not read its events"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		c = l.resumed(c.s.Cursor(got[99]), "lab")
		c.want("ChannelVarset A X=100")
		l.resumed(cursor, "lab").want(`ApplicationResync 1 channels, 0 bridges: application lab has missed more events than are kept`)

		// What is replayed does not count.
		c = l.resumed("", "lab")
		cursor = c.s.Begin()
		c.s.Close()
		for i := range 90 {
			l.do(ch.SetVariable("X", fmt.Sprint(i)))
		}
		c = l.resumed(cursor, "lab")
		for i := range 90 {
			l.do(ch.SetVariable("Y", fmt.Sprint(i)))
		}
		if n := len(c.items()); n != 180 {
			t.Errorf("%d events", n)
		}
		for i := range 101 {
			l.do(ch.SetVariable("Z", fmt.Sprint(i)))
		}
		if got := l.there(); got != "lab other" {
			t.Errorf("when it is read the bound is the old one: there are %s", got)
		}
	})
}

// Next ends with its context, and with the session.
func TestNext(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ctx, cancel := context.WithTimeoutCause(l.t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		if _, err := c.s.Next(ctx); err == nil || err.Error() != "enough" {
			t.Errorf("cause: %v", err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := c.s.Next(l.t.Context())
			done <- err
		}()
		synctest.Wait()
		c.s.Close()
		if err := <-done; !errors.Is(err, stasis.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		c = l.app("lab")
		l.do(l.hub.Tell("lab", pbx.Event{Type: stasis.Unregistered}))
		l.hub.Stop()
		if got, err := c.s.Next(l.t.Context()); len(got) != 1 || err != nil {
			t.Errorf("what is left: %v %v", got, err)
		}
		if _, err := c.s.Next(l.t.Context()); !errors.Is(err, stasis.ErrClosed) {
			t.Errorf("stopped: %v", err)
		}
	})
}

// A reader gets a burst whole, and the memory of it does not stay.
func TestBurst(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		for round := range 3 {
			for i := range 3000 {
				l.do(l.hub.Tell("lab", pbx.Event{Type: stasis.Unregistered, Value: fmt.Sprint(i)}))
			}
			for i, item := range c.items() {
				if item.Event.Value != fmt.Sprint(i) {
					t.Fatalf("round %d: item %d is %s", round, i, item.Event.Value)
				}
			}
		}
	})
}

// crashing is a client that is killed again and again: it loses its socket, or
// another session takes over while it is still open. What it has read counts, what
// was under way to it does not.
type crashing struct {
	l      *lab
	apps   []string
	cursor string
	seen   []stasis.Item
}

// run reads until it is told that nothing more comes, and then the rest.
func (k *crashing) run(over <-chan struct{}) {
	var open []*stasis.Session
	s := k.attach()
	for last := false; ; {
		ctx, cancel := context.WithCancel(k.l.t.Context())
		stop := context.AfterFunc(ctx, cancel)
		go func() {
			select {
			case <-over:
				cancel()
			case <-ctx.Done():
			}
		}()
		items, err := s.Next(ctx)
		stop()
		cancel()
		if err != nil && last {
			break
		}
		last = err != nil
		if n := len(items); n > 0 && rand.IntN(4) == 0 { // dies in the middle of them
			items = items[:rand.IntN(n)]
			err = context.Canceled
		}
		for _, i := range items {
			k.seen = append(k.seen, i)
			k.cursor = s.Cursor(i)
		}
		if err == nil {
			continue
		}
		if rand.IntN(2) == 0 {
			s.Close()
		} else {
			open = append(open, s)
		}
		s = k.attach()
	}
	s.Close()
	for _, s := range open {
		s.Close()
	}
}

func (k *crashing) attach() *stasis.Session {
	s, err := k.l.hub.Attach(stasis.SessionOptions{Apps: k.apps, Resume: true, Cursor: k.cursor})
	if err != nil {
		k.l.t.Error(err)
	}
	if k.cursor == "" {
		k.cursor = s.Begin()
	}
	return s
}

// 500 calls while their clients are killed all the time: no event is missing, none
// comes twice, and all come in order.
func TestResumeWithCalls(t *testing.T) {
	const calls = 500
	for round := range 4 {
		inLab(t, nil, func(l *lab) {
			clients := []*crashing{{l: l, apps: []string{"one", "two"}}, {l: l, apps: []string{"three"}}}
			witness := l.all("witness") // is never killed; reads nothing until the end
			for _, k := range clients {
				l.resumed("", k.apps...).s.Close() // so that the calls find them
				k.attach()
			}
			over := make(chan struct{})
			var readers, callers sync.WaitGroup
			for _, k := range clients {
				readers.Go(func() { k.run(over) })
			}
			names := []string{"one", "two", "three"}
			for i := range calls {
				callers.Go(func() {
					app, id := names[i%3], fmt.Sprintf("c%d", i)
					h := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
						for { // its client may be away for a moment
							if h, ok := l.hub.Handler(app, nil); ok {
								h.Handle(ctx, c)
							}
							if ctx.Err() != nil {
								return
							}
						}
					})
					ch := l.dial(id, "5", h, func(*pbx.Channel) { l.hub.Interest(app, id) })
					for n := range 5 {
						_ = ch.SetVariable("N", fmt.Sprint(n))
					}
					ch.Hangup(0)
					<-ch.Gone()
				})
			}
			callers.Wait()
			close(over)
			readers.Wait()
			want := map[string][]string{}
			for _, i := range witness.items() {
				if e := i.Event; e.Type == pbx.ChannelVarset && e.Variable == "N" || e.Type == pbx.ChannelDestroyed {
					want[e.Channel.ID] = append(want[e.Channel.ID], line(i))
				}
			}
			for _, k := range clients {
				k.check(t, round, want)
			}
		})
	}
}

// check compares what a client has heard with what has happened.
func (k *crashing) check(t *testing.T, round int, want map[string][]string) {
	t.Helper()
	got := map[string][]string{}
	var last uint64
	for _, i := range k.seen {
		e := i.Event
		switch {
		case e.Type == stasis.Resync:
			t.Errorf("round %d: resync: %s", round, e.Data.(*stasis.State).Reason)
			return
		case e.Type == stasis.Replaced:
			continue
		case i.Seq <= last:
			t.Errorf("round %d: number %d after %d", round, i.Seq, last)
		}
		last = i.Seq
		if e.Type == pbx.ChannelVarset && e.Variable == "N" || e.Type == pbx.ChannelDestroyed {
			got[e.Channel.ID] = append(got[e.Channel.ID], line(i))
		}
	}
	for n := range 500 {
		id := fmt.Sprintf("c%d", n)
		mine := k.apps[0] == "three"
		if mine != (n%3 == 2) {
			continue
		}
		if diff := cmp.Diff(want[id], got[id]); diff != "" || len(want[id]) != 6 {
			t.Errorf("round %d: %s (-want +got):\n%s", round, id, diff)
			return
		}
	}
	checkVisits(t, k.seen)
}

// A call that is answered while the client of an application is away for a moment
// enters the application, if the client knows cursors; it hears of it when it is back.
// Without cursors, or when it stays away, the call ends (spec: ari 3.4 rule 4).
func TestCallsWaitForAClientThatResumes(t *testing.T) {
	for _, c := range []struct {
		name   string
		knows  bool
		absent time.Duration
		enters bool
	}{
		{"back soon", true, 5 * time.Second, true},
		{"stays away", true, 20 * time.Second, false},
		{"knows no cursors", false, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, nil, func(l *lab) {
				l.connect(stasis.SessionOptions{Apps: []string{"app"}, Resume: c.knows}).s.Close()
				<-time.After(c.absent) // fake time of the bubble
				if _, ok := l.hub.Handler("app", nil); ok != c.enters {
					t.Errorf("enters: %t, want %t", ok, c.enters)
				}
			})
		})
	}
}
