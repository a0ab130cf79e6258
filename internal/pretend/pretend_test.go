package pretend_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/pretend"
)

func TestConformance(t *testing.T) {
	pbxtest.Run(t, func(*testing.T) pbxtest.Subject {
		return subject(pretend.New(pretend.Options{Phones: []string{"100", "7offline"}}), nil)
	})
}

func TestConformanceWithMedia(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) pbxtest.Subject {
		e, err := media.New(media.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return subject(pretend.New(pretend.Options{Media: e}), e)
	})
}

func subject(tech *pretend.Technology, e *media.Engine) pbxtest.Subject {
	return pbxtest.Subject{
		Technology: tech, Switch: pbx.New(pbx.Options{Media: e}), Media: e != nil,
		Answers: "100?tone=440", Rings: "100180?ring=1h", Silent: "100000", Busy: "100486", HangsUp: "100?talk=1ms",
		Unknown: "unknown", Offline: "7offline",
		Left: func() int { live, _, _ := tech.Stats(); return live },
	}
}

// What the numbers do, as the package says.
func TestNumbers(t *testing.T) {
	tests := []struct {
		resource string
		status   int
		cause    int
		after    time.Duration
		up       bool
	}{
		{"100", 0, 16, time.Minute, true},
		{"100ok", 0, 16, time.Minute, true},
		{"101486", 486, 17, 0, false},
		{"101603?ring=3s", 603, 21, 3 * time.Second, false},
		{"101404", 404, 1, 0, false},
		{"101480", 480, 19, 0, false},
		{"101503", 503, 34, 0, false},
		{"101302", 302, 23, 0, false},
		{"101000", 0, 19, 30 * time.Second, false},
		{"101timeout", 0, 19, 30 * time.Second, false},
		{"101180?ring=2s&talk=3s", 0, 16, 5 * time.Second, true},
		{"101183?ring=2s&talk=3s&cause=34", 0, 34, 5 * time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.resource, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := pbx.New(pbx.Options{})
				s.Register(pretend.New(pretend.Options{}))
				start := time.Now()
				c, err := s.Originate(t.Context(), pbx.OriginateOptions{
					CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/" + tt.resource)}, Timeout: 30 * time.Second,
				})
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(time.Minute, func() { c.Hangup(0) })
				<-c.Gone()
				r, _ := c.Result()
				if int(r.Cause) != tt.cause || r.SIPStatus != tt.status || r.AnsweredAt.IsZero() == tt.up || time.Since(start) != tt.after {
					t.Errorf("after %v: %+v", time.Since(start), r)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestDeviceStatesAndLadder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tech := pretend.New(pretend.Options{Phones: []string{"100180", "7offline"}})
		s := pbx.New(pbx.Options{})
		s.Register(tech)
		states := func() []string {
			var out []string
			for _, e := range s.Endpoints() {
				out = append(out, e.State)
			}
			return out
		}
		check := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if d := cmp.Diff(want, states()); d != "" {
				t.Errorf("states (-want +got):\n%s", d)
			}
		}
		check("not in use", "unavailable")
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100180?ring=1s"}})
		if err != nil {
			t.Fatal(err)
		}
		check("ringing", "unavailable")
		<-time.After(2 * time.Second)
		check("in use", "unavailable")
		if n := s.Endpoints()[0].Channels; n != 1 {
			t.Errorf("%d channels", n)
		}
		c.Hangup(0)
		<-c.Gone()
		check("not in use", "unavailable")
		var ladder []string
		for _, m := range c.Leg().Ladder() {
			ladder = append(ladder, m.First)
		}
		want := []string{"INVITE sip:100180@pretend SIP/2.0", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK", "BYE sip:100180@pretend SIP/2.0"}
		if d := cmp.Diff(want, ladder); d != "" {
			t.Errorf("ladder (-want +got):\n%s", d)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// FuzzRequest: no resource breaks the technology.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"100", "486", "1?ring=1s&talk=2s", "1?ring=", "?", "", "000?late=true&digits=12", "1?%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, resource string) {
		leg, err := pretend.New(pretend.Options{}).Request(t.Context(), resource, pbx.RequestOptions{OnEvent: func(pbx.LegEvent) {}})
		if err == nil {
			leg.Hangup(16)
		}
	})
}
