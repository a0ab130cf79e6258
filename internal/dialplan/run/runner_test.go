package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

const runnerPlan = `
[t]
exten => s,1,Answer(,i)
 same => n(lab),Log(NOTICE,at ${CONTEXT} ${EXTEN} ${PRIORITY})
exten => 5/77,1,Log(NOTICE,for 77)
exten => h,1,Set(A=${A} and h)
exten => i,1,Log(NOTICE,i)
[plain]
exten => s,1,Log(NOTICE,at plain)
[fail]
include => t2
[t2]
exten => failed,1,Log(NOTICE,failed)
`

// TestRunner looks at what can be carried out, and what an error leaves to a
// request that is lenient.
func TestRunner(t *testing.T) {
	dialplan := func(context, exten, priority string) call.Then {
		return call.Then{Kind: call.ThenDialplan, Context: context, Extension: exten, Priority: priority}
	}
	for _, tt := range []struct {
		then  call.Then
		says  string // "" = no error
		trace []string
	}{
		{dialplan("t", "", ""), "", []string{"at t s 2"}},
		{dialplan("t", "s", "2"), "", []string{"at t s 2"}},
		{dialplan("t", "s", "lab"), "", []string{"at t s 2"}},
		{dialplan("t", "s", "nolabel"), "no label", []string{"at t s 2"}},
		{dialplan("nowhere", "s", ""), "no context", nil},
		{dialplan("plain", "7", ""), "no plain,7,1", nil},
		{dialplan("t", "7", ""), "", []string{"i"}}, // may be for somebody: the context has a condition on the caller
		{dialplan("", "s", ""), "", []string{"up"}},
		{call.Then{Kind: call.ThenApplication, Name: "log", Data: "NOTICE,${X}"}, "", []string{"${X}"}},
		{call.Then{Kind: call.ThenApplication, Name: "NoSuch"}, "no application", nil},
		{call.Then{Kind: call.ThenApp, Name: "stasis"}, "remote-control", nil},
	} {
		t.Run(tt.then.Context+tt.then.Extension+tt.then.Priority+tt.then.Name, func(t *testing.T) {
			onStage(t, runnerPlan+"[other-side]\nexten => s,1,Log(NOTICE,up)\n", nil, func(s *stage) {
				h, err := s.m.Runner().Runner(tt.then)
				if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v, want %q", err, tt.says)
				}
				if h == nil {
					if tt.then.Kind != call.ThenApp {
						t.Error("no handler")
					}
					return
				}
				<-s.begin("Local/up@other-side", h).Gone()
				s.want(tt.trace)
			})
		})
	}
}

// TestRecord places a call through the engine: its record is what the dialplan
// said, frozen at the hangup.
func TestRecord(t *testing.T) {
	onStage(t, runnerPlan, nil, func(s *stage) {
		r := call.Request{
			AccountCode: "code", Lenient: true, Variables: []call.Variable{{Name: "CDR(userfield)", Value: "uf"}},
			Then: call.Then{Kind: call.ThenDialplan, Context: "t", Extension: "s"},
		}
		place := func(first string, then call.Then) call.Outcome {
			r.Then = then
			at := call.Attempt{Number: 1, Request: r, RouteA: call.Route{Endpoint: call.Endpoint(first)}, StartedAt: time.Now()}
			out, err := pbx.NewEngine(s.sw).Place(s.t.Context(), at, nil)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		want := &call.DialplanRecord{Context: "t", Extension: "s", App: "Log", Data: "NOTICE,at t s 2", UserField: "uf", AccountCode: "code"}
		if d := cmp.Diff(want, place("Local/up@other-side", r.Then).Dialplan); d != "" {
			t.Errorf("dialplan (-want +got):\n%s", d)
		}
		want = &call.DialplanRecord{Context: "other-side", Extension: "up", App: "NoOp", Data: "x", UserField: "uf", AccountCode: "code"}
		out := place("Local/up@other-side", call.Then{Kind: call.ThenApplication, Name: "NoOp", Data: "x"})
		if d := cmp.Diff(want, out.Dialplan); d != "" || out.Detail != call.Completed {
			t.Errorf("application, %s (-want +got):\n%s", out.Detail, d)
		}
		if out := place("Local/up@other-side", call.Then{Kind: call.ThenApplication, Name: "NoSuch"}); out.Detail != call.CompletedNoApplication {
			t.Errorf("unknown application: %q", out.Detail)
		}
	})
}

// TestFailedAndExists look through includes.
func TestFailedAndExists(t *testing.T) {
	onStage(t, runnerPlan, nil, func(s *stage) {
		fr := s.m.Runner().(pbx.FailedRunner)
		for context, want := range map[string]bool{"fail": true, "t2": true, "t": false, "nowhere": false} {
			if _, ok := fr.Failed(context, ""); ok != want {
				t.Errorf("failed in %s: %v", context, ok)
			}
		}
		for _, tt := range []struct {
			context, exten, caller string
			want                   bool
		}{{"t", "s", "", true}, {"t", "5", "77", true}, {"t", "5", "78", false}, {"nowhere", "s", "", false}} {
			if got := s.m.Exists(tt.context, tt.exten, tt.caller); got != tt.want {
				t.Errorf("%+v: %v", tt, got)
			}
		}
	})
}
