package run_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// idle begins a call that waits, and gives its memory.
func (s *stage) idle() *run.Exec {
	s.t.Helper()
	x := s.m.Exec(s.up())
	synctest.Wait()
	return x
}

const waiting = "[t]\nexten => s,1,NoOp\n same => n(here),Wait(99)\n same => n,NoOp\nexten => 5,1,NoOp\n same => n(lab),NoOp\n[u]\nexten => s,1,NoOp\n same => n(lab),NoOp\n"

// Target reads the places that Goto is given (spec: dialplan 5.1 Goto).
func TestTarget(t *testing.T) {
	onStage(t, waiting, nil, func(s *stage) {
		x := s.idle() // at t,s,2
		for _, tt := range []struct{ text, want string }{
			{"1", "t,s,1"}, {"+1", "t,s,3"}, {"-1", "t,s,1"}, {"here", "t,s,2"}, {" here ", "t,s,2"},
			{"5,1", "t,5,1"}, {"5,lab", "t,5,2"}, {"nope,1", "t,nope,1"},
			{"u,s,lab", "u,s,2"}, {"u, s, 1", "u,s,1"}, {"nowhere,s,1", "nowhere,s,1"}, {",5,lab", "t,5,2"}, {"u,,lab", "u,s,2"},
			{"nolabel", ""}, {"5,here", ""}, {"-5", ""}, {"0", ""}, {"", ""}, {"u,s,", ""}, {"s|1", ""},
		} {
			got, err := x.Target(t.Context(), tt.text)
			switch {
			case tt.want == "" && !errors.Is(err, run.ErrTarget):
				t.Errorf("Target(%q) = %s, %v; want ErrTarget", tt.text, got, err)
			case tt.want != "" && (err != nil || got.String() != tt.want):
				t.Errorf("Target(%q) = %s, %v; want %s", tt.text, got, err, tt.want)
			}
		}
	})
}

func TestCutArgs(t *testing.T) {
	for _, tt := range [][3]string{
		{"a,s,1", "a,s,1", ""}, {"a,s,1(x,y)", "a,s,1", "x,y"}, {" lab (x)", "lab", "x"}, {"s,1(a(b)c)", "s,1", "a(b)c"}, {"s,1(open", "s,1", "open"}, {"", "", ""},
	} {
		if place, args := run.CutArgs(tt[0]); place != tt[1] || args != tt[2] {
			t.Errorf("CutArgs(%q) = %q, %q", tt[0], place, args)
		}
	}
}

// Where ${NAME} is looked for (spec: dialplan 3.1).
func TestLookup(t *testing.T) {
	onStage(t, "[globals]\nG=global\nEXTEN=no\nTWICE=${G}${G} ${LEN(x)}${CHANNEL(name)}\n"+waiting, func(o *run.Options) {
		o.SystemName = "node1"
		o.Dirs.Etc, o.Dirs.AGI = "/etc/dial", "/agi"
	}, func(s *stage) {
		x := s.idle()
		ctx := s.t.Context()
		x.Set(ctx, "A", "1")
		x.Set(ctx, "__INH", "2")
		x.Set(ctx, "G", "mine")
		x.Set(ctx, "CONTEXT", "no")
		x.Set(ctx, "NOFUNC(x)", "1")
		want := map[string]string{
			"EXTEN": "s", "CONTEXT": "t", "PRIORITY": "2", "CHANNEL": x.Channel().Name(), "UNIQUEID": x.Channel().ID(),
			"HANGUPCAUSE": "0", "A": "1", "INH": "2", "__INH": "", "G": "mine", "a": "", "SYSTEMNAME": "node1",
			"ASTETCDIR": "/etc/dial", "ASTAGIDIR": "/agi", "TWICE": "globalglobal 1", "EPOCH": fmt.Sprint(time.Now().Unix()),
		}
		got := map[string]string{}
		for name := range want {
			got[name] = x.Get(name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if err := x.Channel().UnsetVariable("G"); err != nil {
			t.Fatal(err)
		}
		if got := x.Get("G"); got != "global" {
			t.Errorf("unset, G = %q", got)
		}
		s.m.DeleteGlobal("G")
		if v, ok := x.Lookup("G"); ok {
			t.Errorf("deleted, G = %q", v)
		}
		s.want(nil, "there is no function NOFUNC", "function CHANNEL cannot be read where there is no channel")
	})
}

// What the channel's memory keeps, and how long.
func TestValues(t *testing.T) {
	onStage(t, waiting, nil, func(s *stage) {
		x := s.idle()
		if x.Value("k", nil) != nil {
			t.Error("a value that was never made")
		}
		made := 0
		for range 2 {
			x.Value("k", func() any { made++; return "v" })
		}
		if made != 1 || x.Value("k", nil) != "v" {
			t.Errorf("made %d times, is %v", made, x.Value("k", nil))
		}
		x.SetValue("k", nil)
		if x.Value("k", nil) != nil {
			t.Error("removed, and still there")
		}
		var order []int
		for i := range 3 {
			x.Cleanup(func() { order = append(order, i) })
		}
		x.Channel().Hangup(16)
		<-x.Channel().Gone()
		synctest.Wait()
		x.Cleanup(func() { order = append(order, 9) })
		if diff := cmp.Diff([]int{2, 1, 0, 9}, order); diff != "" {
			t.Error(diff)
		}
	})
}

// Typed digits wait in a queue until somebody reads or forgets them.
func TestDigit(t *testing.T) {
	onStage(t, waiting, nil, func(s *stage) {
		x := s.idle()
		c := x.Channel()
		ctx, cancel := context.WithCancelCause(s.t.Context())
		if _, err := x.Digit(ctx, 0); !errors.Is(err, pbx.ErrTimeout) {
			t.Errorf("nothing typed: %v", err)
		}
		typed := func(d rune) {
			c.Deliver(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: d, Duration: 100 * time.Millisecond})
			synctest.Wait()
		}
		typed('1')
		typed('2')
		for _, want := range "12" {
			if got, err := x.Digit(ctx, 0); got != want || err != nil {
				t.Errorf("Digit = %c, %v", got, err)
			}
		}
		typed('3')
		x.Flush()
		begun := time.Now()
		if _, err := x.Digit(ctx, 3*time.Second); !errors.Is(err, pbx.ErrTimeout) || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		why := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(why) })
		if _, err := x.Digit(ctx, -1); !errors.Is(err, why) {
			t.Errorf("cancelled: %v", err)
		}
		time.AfterFunc(time.Second, func() { c.Hangup(16) })
		if _, err := x.Digit(s.t.Context(), -1); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("hung up: %v", err)
		}
		<-c.Gone()
		synctest.Wait()
		if _, err := s.m.Exec(c).Digits(); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("gone: %v", err)
		}
	})
}
