package pbx_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// plan is a Runner with an extension failed, and applications that are not there.
type plan struct {
	failed pbx.Handler
	then   pbx.Handler
}

func (p plan) Runner(t call.Then) (pbx.Handler, error) {
	if strings.HasPrefix(t.Name+t.Context, "no") {
		return p.then, errors.New("there is no " + t.Name + t.Context)
	}
	return p.then, nil
}

func (p plan) Failed(context, _ string) (pbx.Handler, bool) { return p.failed, context == "ctx" }

func (p plan) Record(c *pbx.Channel) (call.DialplanRecord, bool) {
	v, _ := c.PlainVariable("A")
	return call.DialplanRecord{Context: c.Snapshot().Context, UserField: v}, true
}

// TestFailedExtension looks at what the extension failed sees, and at REASON in
// both modes (spec: callfile 6.3).
func TestFailedExtension(t *testing.T) {
	signals := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		switch c.Snapshot().Dialled {
		case "busy":
			_ = c.Indicate(cause.UserBusy)
		case "cong":
			_ = c.Indicate(cause.CircuitCongestion)
		case "17":
			c.Hangup(cause.UserBusy)
		}
		<-ctx.Done()
	})
	tests := []struct {
		first        string
		ours, compat int
		seen         string // HANGUPCAUSE, DIALSTATUS, SIP_CODE in our mode
	}{
		{"Pretend/100486", 5, 0, "17 BUSY 486"},
		{"Pretend/100603", 8, 0, "21 CHANUNAVAIL 603"},
		{"Pretend/100503", 8, 0, "34 CONGESTION 503"},
		{"Pretend/100404", 0, 0, "1 CHANUNAVAIL 404"},
		{"Pretend/100480", 3, 0, "19 NOANSWER 480"},
		{"Pretend/100180?ring=1h", 3, 3, "19 NOANSWER "},
		{"Pretend/100timeout", 3, 3, "19 NOANSWER "},
		{"Pretend/unknown", 0, 0, "1 CHANUNAVAIL "},
		{"NOTECH/1", 0, 0, "44 CHANUNAVAIL "},
		{"Local/busy@x", 5, 5, "17 BUSY "},
		{"Local/cong@x", 8, 8, "34 CONGESTION "},
		{"Local/17@x", 5, 0, "17 BUSY "},
	}
	for _, tt := range tests {
		for _, compat := range [...]bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				seen := map[string]string{}
				var sn *pbx.Snapshot
				failed := pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) {
					sn = c.Snapshot()
					for _, n := range [...]string{"REASON", "A", "B", "AST_OUTGOING_ATTEMPT", "HANGUPCAUSE", "DIALSTATUS", "SIP_CODE"} {
						seen[n], _ = c.PlainVariable(n)
					}
				})
				s, _ := setup(t, pbx.Options{Inbound: signals, Runner: plan{failed: failed}})
				defer stop(t, s)
				at := attempt(tt.first, "", func(a *call.Attempt) {
					a.Number, a.Request.AttemptBase, a.Request.AccountCode = 2, 3, "code"
					a.Request.Then = call.Then{Kind: call.ThenDialplan, Context: "ctx", Extension: "1"}
					a.Request.Variables = []call.Variable{{Name: "A", Value: "1"}, {Name: "__B", Value: "2"}, {Name: "AST_OUTGOING_ATTEMPT", Value: "9"}}
				})
				out, _ := place(t, pbx.NewEngineWith(s, pbx.EngineOptions{Compat: compat}), t.Context(), at)
				want, rest := tt.ours, tt.seen
				if compat {
					want, rest = tt.compat, "  "
				}
				got := []string{seen["REASON"], seen["A"], seen["B"], seen["AST_OUTGOING_ATTEMPT"], seen["HANGUPCAUSE"] + " " + seen["DIALSTATUS"] + " " + seen["SIP_CODE"]}
				if d := cmp.Diff([]string{string(rune('0' + want)), "1", "2", "5", rest}, got); d != "" || out.Reason != want {
					t.Errorf("%s, compat %v: reason %d (-want +got):\n%s", tt.first, compat, out.Reason, d)
				}
				if sn.Name != "OutgoingSpoolFailed" || sn.State != pbx.Down || sn.Caller.Number != "4711" || sn.AccountCode != "code" || sn.Extension != "failed" {
					t.Errorf("%s: ran on %+v", tt.first, sn)
				}
			})
		}
	}
}

// The extension failed is for failures of leg A that would have led into its context.
func TestFailedExtensionStaysAway(t *testing.T) {
	dialplan := call.Then{Kind: call.ThenDialplan, Context: "ctx", Extension: "1"}
	elsewhere := dialplan
	elsewhere.Context = "other"
	for name, tt := range map[string]struct {
		first string
		then  call.Then
		stop  time.Duration
	}{
		"answered":    {"Pretend/100?talk=1s", dialplan, 0},
		"elsewhere":   {"Pretend/100486", elsewhere, 0},
		"application": {"Pretend/100486", call.Then{Kind: call.ThenApplication, Name: "Echo"}, 0},
		"withdrawn":   {"Pretend/100180?ring=1h", dialplan, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ran := pbx.HandlerFunc(func(context.Context, *pbx.Channel) { t.Errorf("%s: failed ran", name) })
			hold := pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })
			s, _ := setup(t, pbx.Options{Runner: plan{failed: ran, then: hold}})
			defer stop(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.stop > 0 {
				time.AfterFunc(tt.stop, cancel)
			}
			place(t, pbx.NewEngine(s), ctx, attempt(tt.first, "", func(a *call.Attempt) { a.Request.Then = tt.then }))
		})
	}
}

// A lenient request is dialled although what follows the answer is not there.
func TestLenient(t *testing.T) {
	for _, tt := range []struct {
		then   call.Then
		runner bool
		detail string
	}{
		{call.Then{Kind: call.ThenDialplan, Context: "nowhere", Extension: "1"}, true, call.CompletedNoDestination},
		{call.Then{Kind: call.ThenDialplan, Context: "ctx", Extension: "1"}, true, call.Completed},
		{call.Then{Kind: call.ThenApplication, Name: "nothing"}, true, call.CompletedNoApplication},
		{call.Then{Kind: call.ThenApplication, Name: "nothing"}, false, call.CompletedNoApplication},
		{call.Then{Kind: call.ThenApplication, Name: "wait", Data: "1"}, false, call.Completed},
		{call.Then{Kind: call.ThenDialplan, Context: "nowhere", Extension: "1"}, false, call.CompletedNoDestination},
	} {
		for _, lenient := range [...]bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				o := pbx.Options{}
				if tt.runner {
					o.Runner = plan{then: pbx.HandlerFunc(func(context.Context, *pbx.Channel) {})}
				}
				s, phones := setup(t, o)
				defer stop(t, s)
				out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt("Pretend/100", "", func(a *call.Attempt) {
					a.Request.Then, a.Request.Lenient = tt.then, lenient
				}))
				_, _, dialled := phones.Stats()
				if lenient && (out.Detail != tt.detail || out.Reason != cause.ReasonAnswered || out.Disposition != call.Answered) {
					t.Errorf("%+v: %s, reason %d, detail %q", tt.then, out.Disposition, out.Reason, out.Detail)
				}
				if ok := tt.detail == call.Completed; !lenient && (dialled == 1) != ok {
					t.Errorf("%+v: dialled %d times", tt.then, dialled)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt("Pretend/unknown", "Pretend/2", func(a *call.Attempt) { a.Request.Lenient = true }))
		if out.Failure.Permanent {
			t.Error("a lenient request's failure is permanent")
		}
	})
}

// The record is what the runner says right before the channel is gone, and the
// variable CALLERID counts less than the request's caller ID.
func TestRecordAndCallerID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var caller call.CallerID
		then := pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) {
			caller = c.Snapshot().Caller
			if err := c.SetVariable("A", "said"); err != nil {
				t.Error(err)
			}
		})
		s, _ := setup(t, pbx.Options{Runner: plan{then: then}})
		defer stop(t, s)
		out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt("Pretend/100", "", func(a *call.Attempt) {
			a.Request.Then = call.Then{Kind: call.ThenDialplan, Context: "ctx", Extension: "1"}
			a.Request.Variables = []call.Variable{{Name: "CALLERID(num)", Value: "1"}}
		}))
		if out.Dialplan == nil || out.Dialplan.UserField != "said" {
			t.Errorf("record %+v", out.Dialplan)
		}
		if caller.Number != "4711" {
			t.Errorf("caller %+v", caller)
		}
	})
}

// PlaceWith asks its hooks in order, and an error of one is the failure.
func TestPlaceWithHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		var told []string
		hooks := pbx.Hooks{
			Resolve: func(context.Context) (call.Endpoint, error) {
				told = append(told, "resolve")
				return "Pretend/200?talk=1s", nil
			},
			Prepare: func(_ context.Context, c *pbx.Channel) error {
				told = append(told, "prepare "+c.Snapshot().Phone+" "+c.State().String())
				return nil
			},
			Ended: func(o call.Outcome) { told = append(told, string(o.Disposition)) },
		}
		at := attempt("Pretend/100", "", func(a *call.Attempt) { a.Request.Then = call.Then{Kind: call.ThenApplication, Name: "Echo"} })
		if _, err := pbx.NewEngine(s).PlaceWith(t.Context(), at, hooks, nil); err != nil {
			t.Fatal(err)
		}
		hooks.Resolve = func(context.Context) (call.Endpoint, error) {
			return "", &call.Failure{Disposition: call.Failed, Cause: 52, Text: "not allowed"}
		}
		out, err := pbx.NewEngine(s).PlaceWith(t.Context(), at, hooks, nil)
		if err != nil || out.Failure.Cause != 52 {
			t.Errorf("%+v, %v", out.Failure, err)
		}
		if d := cmp.Diff([]string{"resolve", "prepare 200 Down", "ANSWERED", "FAILED"}, told); d != "" {
			t.Error(d)
		}
	})
}
