package sip

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
)

func firsts(l *ladder) []string {
	var out []string
	for _, m := range l.messages() {
		out = append(out, m.First)
	}
	return out
}

func TestLadderHasTheInviteThatCameBeforeTheLeg(t *testing.T) {
	s := newLadders()
	now := time.Now()
	s.record("other", "1 INVITE", call.SIPMessage{At: now, First: "INVITE other"})
	s.record("a", "1 INVITE", call.SIPMessage{At: now, First: "INVITE"})
	s.record("a", "1 REGISTER", call.SIPMessage{At: now, First: "REGISTER"}) // never part of a leg
	s.record("a", "1 INVITE", call.SIPMessage{At: now.Add(-time.Minute), First: "too old"})
	l := &ladder{}
	s.claim("a", l)
	s.record("a", "1 INVITE", call.SIPMessage{At: now, First: "SIP/2.0 200 OK"})
	s.release("a")
	s.record("a", "2 BYE", call.SIPMessage{At: now, First: "SIP/2.0 200 OK to BYE"})
	if d := cmp.Diff([]string{"INVITE", "SIP/2.0 200 OK", "SIP/2.0 200 OK to BYE"}, firsts(l)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLadderIsBoundedAndKeepsItsBeginningAndEnd(t *testing.T) {
	l := &ladder{}
	for i := range 1000 {
		l.add(call.SIPMessage{First: fmt.Sprint(i)})
	}
	got := firsts(l)
	if len(got) != ladderMax || got[0] != "0" || got[len(got)-1] != "999" || got[ladderMax/2] != "900" {
		t.Errorf("%d messages, %s … %s, middle %s", len(got), got[0], got[len(got)-1], got[ladderMax/2])
	}
}

func TestLaddersForgetStrangersAndEndedLegs(t *testing.T) {
	s := newLadders()
	for i := range 10 * unclaimedMax {
		s.record(fmt.Sprint("stranger", i), "1 INVITE", call.SIPMessage{At: time.Now()})
	}
	if len(s.unclaimed) != unclaimedMax {
		t.Errorf("%d unclaimed messages kept", len(s.unclaimed))
	}
	for i := range 10 * releasedMax {
		id := fmt.Sprint("leg", i)
		s.claim(id, &ladder{})
		s.release(id)
	}
	if len(s.owners) != releasedMax {
		t.Errorf("%d ended legs kept, want %d", len(s.owners), releasedMax)
	}
}

func TestSerialRunsNestedPostsInOrderWithoutDeadlock(t *testing.T) {
	var s serial
	var got []int
	s.post(func() {
		s.post(func() { got = append(got, 2); s.post(func() { got = append(got, 4) }) })
		s.post(func() { got = append(got, 3) })
		got = append(got, 1)
	})
	if d := cmp.Diff([]int{1, 2, 3, 4}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSerialGoesOnAfterAPanic(t *testing.T) {
	var got []string
	s := serial{onPanic: func(v any, _ []byte) { got = append(got, fmt.Sprint("panic ", v)) }}
	s.post(func() {
		s.post(func() { got = append(got, "next") })
		panic("broken")
	})
	s.wait(func() { got = append(got, "later") })
	if d := cmp.Diff([]string{"panic broken", "next", "later"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
