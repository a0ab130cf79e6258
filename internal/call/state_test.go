package call_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
)

var (
	states = []call.State{
		call.Scheduled, call.Queued, call.Dialing, call.Ringing, call.AnsweredSt, call.Confirming,
		call.Connecting, call.Connected, call.WaitingRetry, call.Ended, call.CancelledSt,
	}
	events = []call.EventType{
		call.EvAccepted, call.EvDue, call.EvStarted, call.EvRinging, call.EvProgress, call.EvAnswered,
		call.EvConfirming, call.EvConnecting, call.EvBRinging, call.EvBProgress, call.EvConnected,
		call.EvHeld, call.EvResumed, call.EvAttemptEnd, call.EvRetry, call.EvCancel, call.EvExpired, call.EvEnded,
	}
)

// The whole machine: a row per event, a column per state. A name is the state
// after the event, = stays, and . is refused.
const machine = `
event            scheduled  queued     dialing        ringing        answered       confirming     connecting     connected      waiting-retry  ended  cancelled
call.accepted    =          =          .              .              .              .              .              .              .              .      .
call.due         queued     =          .              .              .              .              .              .              queued         .      .
attempt.started  .          dialing    .              .              .              .              .              .              .              .      .
leg.ringing      .          .          ringing        =              .              .              .              .              .              .      .
leg.progress     .          .          =              =              .              .              .              .              .              .      .
leg.answered     .          .          answered       answered       .              .              .              .              .              .      .
call.confirming  .          .          .              .              confirming     .              .              .              .              .      .
call.connecting  .          .          .              .              connecting     connecting     .              .              .              .      .
leg.b.ringing    .          .          .              .              .              .              =              .              .              .      .
leg.b.progress   .          .          .              .              .              .              =              .              .              .      .
call.connected   .          .          .              .              connected      connected      connected      .              .              .      .
leg.held         .          .          =              =              =              =              =              =              .              .      .
leg.resumed      .          .          =              =              =              =              =              =              .              .      .
attempt.ended    .          .          =              =              =              =              =              =              .              .      .
call.retry       .          .          waiting-retry  waiting-retry  waiting-retry  waiting-retry  waiting-retry  waiting-retry  .              .      .
call.cancelled   cancelled  cancelled  cancelled      cancelled      cancelled      cancelled      cancelled      cancelled      cancelled      .      .
call.expired     cancelled  cancelled  .              .              .              .              .              .              cancelled      .      .
call.ended       .          ended      ended          ended          ended          ended          ended          ended          ended          .      .
`

func TestNextIsTheTable(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(machine), "\n")
	if got := strings.Fields(rows[0])[1:]; len(got) != len(states) {
		t.Fatalf("%d columns, want %d", len(got), len(states))
	}
	if len(rows)-1 != len(events) {
		t.Fatalf("%d rows, want %d", len(rows)-1, len(events))
	}
	for i, row := range rows[1:] {
		cells := strings.Fields(row)
		if cells[0] != string(events[i]) || len(cells) != len(states)+1 {
			t.Fatalf("row %d is %q, want %s", i, row, events[i])
		}
		for j, cell := range cells[1:] {
			check(t, states[j], events[i], cell)
		}
	}
}

func check(t *testing.T, s call.State, e call.EventType, want string) {
	t.Helper()
	got, err := call.Next(s, e)
	switch want {
	case ".":
		if err == nil {
			t.Errorf("%s in %s gives %s, want an error", e, s, got)
		} else if !strings.Contains(err.Error(), string(s)) || !strings.Contains(err.Error(), string(e)) {
			t.Errorf("error %q does not name %s and %s", err, s, e)
		}
		want = string(s)
	case "=":
		want = string(s)
		fallthrough
	default:
		if err != nil {
			t.Errorf("%s in %s: %v", e, s, err)
		}
	}
	if string(got) != want {
		t.Errorf("%s in %s gives %s, want %s", e, s, got, want)
	}
}

func TestNextRefusesUnknownEvents(t *testing.T) {
	for _, s := range states {
		if got, err := call.Next(s, "nonsense"); err == nil || got != s {
			t.Errorf("nonsense in %s gives %s, %v", s, got, err)
		}
	}
}

// Every state can be reached, and from every state the end can be.
func TestEveryStateIsReachedAndLeft(t *testing.T) {
	reach := func(from call.State) (seen []call.State) {
		todo := []call.State{from}
		for len(todo) > 0 {
			s := todo[0]
			todo = todo[1:]
			if slices.Contains(seen, s) {
				continue
			}
			seen = append(seen, s)
			for _, e := range events {
				if next, err := call.Next(s, e); err == nil {
					todo = append(todo, next)
				}
			}
		}
		return seen
	}
	if got := reach(call.Scheduled); len(got) != len(states) {
		t.Errorf("from scheduled only %v are reached", got)
	}
	for _, s := range states {
		if !slices.ContainsFunc(reach(s), call.State.Done) {
			t.Errorf("no way out of %s", s)
		}
		if s.Done() && s.Live() {
			t.Errorf("%s is both done and live", s)
		}
	}
}

func TestEndpointParts(t *testing.T) {
	for _, c := range []struct {
		e              call.Endpoint
		tech, resource string
	}{
		{"PJSIP/101", "PJSIP", "101"}, {"sip/101", "PJSIP", "101"}, {"Local/5@default/n", "LOCAL", "5@default/n"},
		{"101", "", "101"}, {"", "", ""}, {"/x", "", "x"},
	} {
		if c.e.Tech() != c.tech || c.e.Resource() != c.resource {
			t.Errorf("%q: %q, %q; want %q, %q", c.e, c.e.Tech(), c.e.Resource(), c.tech, c.resource)
		}
	}
}

func TestFailureText(t *testing.T) {
	inner := errors.New("connection refused")
	for _, c := range []struct {
		f    call.Failure
		want string
	}{
		{call.Failure{Leg: "a", Disposition: call.Busy, Cause: 17, SIPStatus: 486, Peer: "Busy Here"}, "leg A: Busy Here (SIP 486) (cause 17)"},
		{call.Failure{Leg: "b", Disposition: call.NoAnswer}, "leg B: no answer"},
		{call.Failure{Disposition: call.Failed, Text: "unknown endpoint", Peer: "x", Err: inner}, "unknown endpoint: connection refused"},
	} {
		if got := c.f.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if !errors.Is(&call.Failure{Err: inner}, inner) {
		t.Error("the underlying error is hidden")
	}
}
