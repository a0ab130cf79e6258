package originate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	ended, cancelled, retry := []call.EventType{call.EvEnded}, []call.EventType{call.EvCancel}, []call.EventType{call.EvRetry}
	base := call.Retry{Max: 2, Wait: time.Minute}
	for _, c := range []struct {
		name   string
		retry  call.Retry
		change func(*originate.Ending)
		d      call.Disposition
		then   []call.EventType
		due    time.Duration
		reason string // part of it
	}{
		{"answered", base, nil, call.Answered, ended, 0, "answered"},
		{"answered, withdrawn", base, func(e *originate.Ending) { e.Withdrawn = "bob" }, call.Answered, ended, 0, "at the request of bob"},
		{"answered, stopped", base, func(e *originate.Ending) { e.Returned = true }, call.Answered, ended, 0, "answered"},
		{"busy", base, nil, call.Busy, retry, time.Minute, "busy"},
		{"busy, withdrawn", base, func(e *originate.Ending) { e.Withdrawn = "bob" }, call.Busy, cancelled, 0, "withdrawn by bob during attempt 1"},
		{"withdrawn while we stop", base, func(e *originate.Ending) { e.Withdrawn, e.Returned = "bob", true }, call.Interrupted, cancelled, 0, "withdrawn by bob"},
		{"our own stop", call.Retry{}, func(e *originate.Ending) { e.Returned, e.Counted = true, 0 }, call.Interrupted, []call.EventType{call.EvRetry, call.EvDue}, 0, "does not count"},
		{"cancelled by the engine", base, nil, call.Cancelled, cancelled, 0, "cancelled"},
		{"interrupted", base, nil, call.Interrupted, ended, 0, "nobody knows whether the phone rang"},
		{"interrupted, allowed", call.Retry{Max: 1, Wait: time.Minute, Interrupted: true}, nil, call.Interrupted, retry, time.Minute, "interrupted"},
		{"interrupted, allowed, used up", call.Retry{Interrupted: true}, nil, call.Interrupted, ended, 0, "interrupted"},
		{"interrupted, allowed, but it had been answered", call.Retry{Max: 1, Wait: time.Minute, Interrupted: true}, func(e *originate.Ending) { e.Answered = true }, call.Interrupted, ended, 0, "had been answered"},
		{"status that is not retried", call.Retry{Max: 2, Not: []int{410, 404}}, func(e *originate.Ending) { e.Outcome.Failure.SIPStatus = 404 }, call.Failed, ended, 0, "not tried again after this status"},
		{"another status", call.Retry{Max: 2, Wait: time.Minute, Not: []int{410, 404}}, func(e *originate.Ending) { e.Outcome.Failure.SIPStatus = 486 }, call.Busy, retry, time.Minute, "busy"},
		{"last attempt", base, func(e *originate.Ending) { e.Counted = 3 }, call.NoAnswer, ended, 0, "all 3 attempts are used up"},
		{"uncounted attempts before", base, func(e *originate.Ending) { e.Call.Attempts, e.Counted = 7, 2 }, call.NoAnswer, retry, time.Minute, "no answer"},
		{"permanent", base, func(e *originate.Ending) { e.Outcome.Failure.Permanent = true }, call.Failed, ended, 0, "trying again cannot help"},
		{"not listed", call.Retry{Max: 2, On: []call.Disposition{call.Busy}}, nil, call.Congestion, ended, 0, "not retried"},
		{"listed", call.Retry{Max: 2, Wait: time.Hour, On: []call.Disposition{call.Congestion}}, nil, call.Congestion, retry, time.Hour, "congestion"},
		{"wait by outcome", call.Retry{Max: 2, Wait: time.Hour, WaitBy: map[call.Disposition]time.Duration{call.Busy: 0}}, nil, call.Busy, retry, 0, "busy"},
		{"just before NotAfter", base, func(e *originate.Ending) { e.Call.Request.NotAfter = now.Add(time.Minute + 1) }, call.Busy, retry, time.Minute, "busy"},
		{"at NotAfter", base, func(e *originate.Ending) { e.Call.Request.NotAfter = now.Add(time.Minute) }, call.Busy, ended, 0, "after the time limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := originate.Ending{
				Call: call.Call{Attempts: 1, Request: call.Request{Retry: c.retry}}, Counted: 1, Now: now,
				Outcome: call.Outcome{Disposition: c.d},
			}
			if c.d != call.Answered {
				e.Outcome.Failure = &call.Failure{Leg: "a", Disposition: c.d}
			}
			if c.change != nil {
				c.change(&e)
			}
			v := originate.Decide(e)
			if d := cmp.Diff(c.then, v.Then); d != "" {
				t.Error(d)
			}
			if v.Then[0] == call.EvRetry && !v.DueAt.Equal(now.Add(c.due)) {
				t.Errorf("due at %v, want %v", v.DueAt, now.Add(c.due))
			}
			if !strings.Contains(v.Reason, c.reason) {
				t.Errorf("reason %q, want %q in it", v.Reason, c.reason)
			}
		})
	}
}

func TestMakeCDR(t *testing.T) {
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	a := call.Attempt{
		Call: "c1", Number: 2, StartedAt: start,
		Request: call.Request{
			Account: "sales", Origin: call.Origin{Door: "rest", Reference: "r"}, Batch: "b", CallerID: call.CallerID{Number: "5"},
			Then: call.Then{Kind: call.ThenConnect, Second: "102"},
		},
		RouteA: call.Route{Endpoint: "PJSIP/101"}, RouteB: call.Route{Endpoint: "PJSIP/102"},
	}
	out := call.Outcome{
		Disposition: call.Busy, EndedAt: start.Add(9900 * time.Millisecond),
		Failure: &call.Failure{Leg: "b", Disposition: call.Busy, Cause: 17, SIPStatus: 486},
		A:       call.LegOutcome{Channel: "PJSIP/101-1", AnsweredAt: start.Add(4200 * time.Millisecond), Cause: 16},
		B:       &call.LegOutcome{Channel: "PJSIP/102-2"},
	}
	want := call.CDR{
		Call: "c1", Attempt: 2, Account: "sales", Door: "rest", Reference: "r", Source: call.CallerID{Number: "5"},
		First: "PJSIP/101", Destination: "PJSIP/102", Channel: "PJSIP/101-1", DestChannel: "PJSIP/102-2",
		StartedAt: start, AnsweredAt: out.A.AnsweredAt, EndedAt: out.EndedAt, Duration: 9, Billable: 5,
		Disposition: call.Busy, Cause: 17, CauseText: "User busy", SIPStatus: 486, Batch: "b", Dialled: "101",
	}
	if d := cmp.Diff(want, originate.MakeCDR(a, out)); d != "" {
		t.Error(d)
	}
	for want, then := range map[string]call.Then{
		"5@ctx":          {Kind: call.ThenDialplan, Context: "ctx", Extension: "5"},
		"Playback(beep)": {Kind: call.ThenApplication, Name: "Playback", Data: "beep"},
		"dialer":         {Kind: call.ThenApp, Name: "dialer"},
	} {
		a.Request.Then = then
		if got := originate.MakeCDR(a, out).Destination; got != want {
			t.Errorf("destination %q, want %q", got, want)
		}
	}
}

func TestLimitLookup(t *testing.T) {
	p := &originate.Policy{Limits: map[string]originate.Limits{
		"trunk:x": {Channels: 5}, "trunk:*": {Channels: 2}, "phone:7": {},
	}}
	for resource, want := range map[string]int{
		"trunk:x": 5, "trunk:y": 2, "phone:101": 1, "phone:7": 0, "account:sales": 0,
	} {
		if got := p.Limit(resource).Channels; got != want {
			t.Errorf("%s: %d channels, want %d", resource, got, want)
		}
	}
}

func TestResources(t *testing.T) {
	trunk := call.Route{Trunk: "x"}
	phone := call.Route{Phone: "101"}
	c := call.Call{Request: call.Request{Account: "a", Batch: "b"}, RouteA: trunk, RouteB: trunk}
	if d := cmp.Diff([]string{"account:a", "batch:b", "server", "trunk:x", "trunk:x"}, originate.Resources(&c)); d != "" {
		t.Error(d)
	}
	c.RouteA, c.RouteB, c.Request.Batch = phone, phone, ""
	if d := cmp.Diff([]string{"account:a", "phone:101", "server"}, originate.Resources(&c)); d != "" {
		t.Error(d)
	}
}
