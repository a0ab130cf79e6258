package run_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
)

// stage is a machine on a real switch without media, in a bubble. Calls come
// in by Local channels; what Log(NOTICE,…) says is the trace.
type stage struct {
	t  *testing.T
	sw *pbx.Switch
	m  *run.Machine

	mu    sync.Mutex // guards the fields below
	lines []string
	log   bytes.Buffer
}

func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *stage) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *stage) trace() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (s *stage) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

// onStage runs f in a bubble with a dialplan in force.
func onStage(t *testing.T, conf string, change func(*run.Options), f func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t}
		log := slog.New(slog.NewTextHandler(s, nil))
		s.sw = pbx.New(pbx.Options{Log: log, Linger: -1})
		o := run.Options{
			Switch: s.sw, Log: log, Apps: apps.All(), Funcs: funcs.All(),
			Notice: func(_ *run.Exec, _, text string) { s.say(text) },
		}
		if change != nil {
			change(&o)
		}
		s.m = run.New(o)
		s.sw.SetDialplan(s.m.Dialplan())
		s.sw.Register(local.New(s.sw))
		s.load(conf)
		f(s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.sw.Stop(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.logged())
		}
	})
}

// load puts a dialplan in force.
func (s *stage) load(conf string) {
	s.t.Helper()
	fs := fstest.MapFS{"extensions.conf": &fstest.MapFile{Data: []byte(conf + "\n[other-side]\nexten => up,1,Answer(,i)\n same => n,Wait(36000)\n")}}
	plan, _, err := dialplan.Load(fs, "extensions.conf", dialplan.LoadOptions{Expand: run.ExpandGlobals})
	if err != nil {
		s.t.Fatal(err)
	}
	s.m.SetPlan(plan)
}

// up begins a call on an answered channel, at s in context t.
func (s *stage) up() *pbx.Channel {
	s.t.Helper()
	return s.begin("Local/up@other-side", s.m.Handler(run.Position{Context: "t"}))
}

// in begins a call that comes in, at s in context t. The channel is the
// caller's own half.
func (s *stage) in() *pbx.Channel {
	s.t.Helper()
	return s.begin("Local/s@t", pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }))
}

func (s *stage) begin(endpoint call.Endpoint, h pbx.Handler) *pbx.Channel {
	s.t.Helper()
	c, err := s.sw.Originate(s.t.Context(), pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{Endpoint: endpoint, CallerID: call.CallerID{Number: "55"}}, Handler: h,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// want compares the trace when nothing moves any more, and looks for texts in
// the log.
func (s *stage) want(trace []string, logs ...string) {
	s.t.Helper()
	synctest.Wait()
	got := s.trace()
	if len(got)+len(trace) > 0 {
		if diff := cmp.Diff(trace, got); diff != "" {
			s.t.Errorf("trace (-want +got):\n%s", diff)
		}
	}
	for _, text := range logs {
		if !strings.Contains(s.logged(), text) {
			s.t.Errorf("the log does not say %q", text)
		}
	}
}

// script is one dialplan, a call, and what comes of it.
type script struct {
	name    string
	conf    string
	answers bool   // the call is up before it begins
	digits  string // the caller types these, one each 100 ms; w = 0.5 s
	want    []string
	log     []string
	change  func(*run.Options)
}

// play runs scripts.
func play(t *testing.T, scripts []script) {
	t.Helper()
	for _, sc := range scripts {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, sc.conf, sc.change, func(s *stage) {
				var c *pbx.Channel
				if sc.answers {
					c = s.up()
				} else {
					c = s.in()
				}
				if sc.digits != "" {
					if err := c.SendDTMF(sc.digits, pbx.DTMFOptions{Duration: 50 * time.Millisecond, Between: 50 * time.Millisecond}); err != nil {
						t.Error(err)
					}
				}
				select {
				case <-c.Gone():
				case <-time.After(time.Hour):
					t.Error("the call does not end")
				}
				s.want(sc.want, sc.log...)
			})
		})
	}
}
