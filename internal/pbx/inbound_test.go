package pbx_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// A call from a phone: ringing, early media and answer are passed back, both
// hear each other, and each one's hangup ends the other.
func TestInboundConnects(t *testing.T) {
	inStudio(t, pbx.Options{Router: routes{"200": "Studio/b"}}, func(t *testing.T, st *studio) {
		ca, a := st.incoming("a", "200", nil)
		synctest.Wait()
		if ca.State() != pbx.Ring || ca.Snapshot().Dialled != "200" || !ca.Snapshot().Incoming {
			t.Errorf("incoming channel: %+v", ca.Snapshot())
		}
		b := st.phone("b")
		if d := cmp.Diff([]string{"dial as a"}, b.heard()); d != "" {
			t.Errorf("B (-want +got):\n%s", d)
		}
		b.does(pbx.LegRinging)
		if d := cmp.Diff([]string{"ring"}, a.heard()); d != "" {
			t.Errorf("A (-want +got):\n%s", d)
		}
		b.does(pbx.LegProgress)
		b.says(900)
		a.media()
		a.says(500)
		a.expect("early media", 900)
		if d := cmp.Diff([]string{"progress"}, a.heard()); d != "" {
			t.Errorf("A (-want +got):\n%s", d)
		}
		b.does(pbx.LegAnswered)
		if d := cmp.Diff([]string{"answer"}, a.heard()); d != "" || ca.State() != pbx.Up {
			t.Errorf("A is %s (-want +got):\n%s", ca.State(), d)
		}
		a.expect("connected", 900)
		b.expect("connected", 500)
		if ca.Snapshot().LinkedID != ca.ID() || st.s.Channels()[1].LinkedID != ca.ID() {
			t.Error("the linked ids differ")
		}
		b.on(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
		<-ca.Gone()
		if d := cmp.Diff([]string{"hangup Normal Clearing"}, a.heard()); d != "" {
			t.Errorf("A (-want +got):\n%s", d)
		}
		if n := len(st.s.Bridges()); n != 0 {
			t.Errorf("%d bridges are left", n)
		}
	})
}

// What B says decides with what A is refused.
func TestInboundRefusals(t *testing.T) {
	router := routes{
		"busy": "Pretend/1486", "nobody": "Pretend/1404", "silent": "Pretend/1000", "gone": "Pretend/1offline", "odd": "Nothing/1",
	}
	denied := errors.New("account sales: deny 1486")
	tests := []struct {
		dialled string
		admit   error
		told    string
	}{
		{"busy", nil, "reject User busy"},
		{"nobody", nil, "reject Unallocated (unassigned) number"},
		{"silent", nil, "reject User alerting, no answer"},
		{"gone", nil, "reject Subscriber absent"},
		{"odd", nil, "reject Requested channel not available"},
		{"elsewhere", nil, "reject No route to destination"},
		{"busy", denied, "reject Call Rejected"},
		{"busy", &call.Failure{Cause: 52}, "reject Outgoing call barred"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			asked := pbx.Admission{}
			s, phones := setup(t, pbx.Options{Router: router, Admit: func(_ context.Context, a pbx.Admission) error {
				asked = a
				return tt.admit
			}})
			defer stop(t, s)
			leg := &scripted{info: pbx.LegInfo{Technology: "Scripted", Name: "7", Peer: "udp:192.0.2.1:5060"}}
			c, err := s.Incoming(leg, pbx.IncomingOptions{Endpoint: "7", Dialled: tt.dialled, Context: "phones"})
			if err != nil {
				t.Fatal(err)
			}
			<-c.Gone()
			if got := leg.heard(); len(got) != 1 || got[0] != tt.told {
				t.Errorf("%s: told %q, want %q", tt.dialled, got, tt.told)
			}
			if _, _, dialled := phones.Stats(); tt.admit != nil && dialled != 0 {
				t.Error("dialled although denied")
			}
			if tt.dialled == "busy" && (asked.Dialled != "busy" || asked.Endpoint != "Pretend/1486" || asked.Context != "phones" || asked.Remote != "udp:192.0.2.1:5060") {
				t.Errorf("the guard was asked %+v", asked)
			}
		})
	}
}

// A gives up while B rings: B stops ringing.
func TestInboundCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, phones := setup(t, pbx.Options{Router: routes{"200": "Pretend/200180?ring=1h"}})
		defer stop(t, s)
		leg := &scripted{info: pbx.LegInfo{Technology: "Scripted", Name: "7"}}
		c, err := s.Incoming(leg, pbx.IncomingOptions{Endpoint: "7", Dialled: "200"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if live, _, _ := phones.Stats(); live != 1 {
			t.Fatalf("%d legs are ringing, want 1", live)
		}
		if st := s.Stats(); st.Channels != 2 || st.Calls != 1 || st.CallsBegun != 1 { // the phone that rings is none
			t.Errorf("%+v", st)
		}
		c.Deliver(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
		<-c.Gone()
		if st := s.Stats(); st.Calls != 0 || st.CallsBegun != 1 {
			t.Errorf("%+v", st)
		}
		if live, _, _ := phones.Stats(); live != 0 {
			t.Errorf("%d legs are still ringing", live)
		}
		r, _ := c.Result()
		if r.Cause != cause.NormalClearing || !r.ByPeer {
			t.Errorf("result: %+v", r)
		}
	})
}

// A stopping switch refuses calls and ends those that wait.
func TestInboundWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{Router: routes{"200": "Pretend/200180?ring=1h"}})
		first := &scripted{info: pbx.LegInfo{Technology: "Scripted", Name: "7"}}
		if _, err := s.Incoming(first, pbx.IncomingOptions{Endpoint: "7", Dialled: "200"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop(t, s)
		late := &scripted{}
		if _, err := s.Incoming(late, pbx.IncomingOptions{Endpoint: "7", Dialled: "200"}); !errors.Is(err, pbx.ErrStopping) {
			t.Errorf("Incoming after Stop: %v", err)
		}
		if got := late.heard(); len(got) != 1 || got[0] != "reject Switching equipment congestion" {
			t.Errorf("told %q", got)
		}
	})
}

// A dialplan that dials itself through Local channels is stopped.
func TestLocalLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{Router: routes{"200": "Local/200@default"}})
		defer stop(t, s)
		out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt("Local/200@default", "Pretend/1"))
		if out.Failure == nil || out.Failure.Cause != int(cause.SwitchCongestion) {
			t.Errorf("outcome: %+v", out.Failure)
		}
	})
}

// A blind transfer by either phone (REFER) leaves the other one with the
// third; whoever transferred is hung up, and nobody is left at the end.
func TestD12_BlindTransfer(t *testing.T) {
	for _, by := range []string{"caller", "called"} {
		inStudio(t, pbx.Options{Router: routes{"200": "Studio/b", "300": "Studio/c"}}, func(t *testing.T, st *studio) {
			ca, a := st.incoming("a", "200", nil)
			synctest.Wait()
			b := st.phone("b")
			a.media()
			b.does(pbx.LegAnswered)
			a.says(500)
			b.says(900)
			a.expect("connected", 900)
			from, rest, tone := a, b, 900
			if by == "called" {
				from, rest, tone = b, a, 500
			}
			from.heard()
			from.on(pbx.LegEvent{Kind: pbx.LegTransfer, Target: "300"})
			synctest.Wait()
			if d := cmp.Diff([]string{"hangup Normal Clearing"}, from.heard()); d != "" {
				t.Errorf("%s (-want +got):\n%s", by, d)
			}
			if by == "caller" {
				<-ca.Gone()
			}
			c := st.phone("c")
			c.does(pbx.LegAnswered)
			c.says(1300)
			rest.expect("transferred", 1300)
			c.expect("transferred", tone)
			c.on(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
			synctest.Wait()
			if n := len(st.s.Channels()); n != 0 {
				t.Errorf("%s: %d channels are left", by, n)
			}
		})
	}
}

// A transfer in a call of the queue: Place lasts until the transferred party ends.
func TestD12_TransferInAnAttempt(t *testing.T) {
	inStudio(t, pbx.Options{Router: routes{"300": "Studio/c"}}, func(t *testing.T, st *studio) {
		done := make(chan call.Outcome)
		go func() {
			out, _ := pbx.NewEngine(st.s).Place(t.Context(), attempt("Studio/a", "Studio/b"), nil)
			done <- out
		}()
		synctest.Wait()
		a := st.phone("a")
		a.does(pbx.LegAnswered)
		b := st.phone("b")
		b.does(pbx.LegAnswered)
		b.says(900)
		a.on(pbx.LegEvent{Kind: pbx.LegTransfer, Target: "300"})
		synctest.Wait()
		c := st.phone("c")
		c.does(pbx.LegAnswered)
		c.expect("transferred", 900)
		b.on(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
		out := <-done
		if out.Disposition != call.Answered || out.HangupBy != "b" {
			t.Errorf("outcome: %+v", out)
		}
		if n := len(st.s.Channels()); n != 0 {
			t.Errorf("%d channels are left", n)
		}
	})
}
