package vodia

import (
	"context"
	"testing"
	"time"
)

// Two hold-call frames one after the other hold and take back, though the table has not yet
// seen the first.
func TestSocketHoldsTwice(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["123"], h.does["5551"] = "180?ring=1s", "180?ring=1s" })
		k := h.enter(ada)
		go func() { // what it sends in between does not matter here
			for {
				if _, _, err := k.conn.Read(context.WithoutCancel(h.Context())); err != nil {
					return
				}
			}
		}()
		k.send(frame{"action": "make-call", "to": "5551"})
		h.pass(5 * time.Second)
		id := h.only("123").ID
		for n := 1; n < 10; n++ {
			for range n {
				k.send(frame{"action": "hold-call", "id": id})
			}
			h.pass(5 * time.Second)
			want := "connected"
			if n*(n+1)/2%2 == 1 {
				want = "holding"
			}
			if got := h.only("123").State; string(got) != want {
				t.Fatalf("after %d more hold-call the call is %s, want %s", n, got, want)
			}
		}
	})
}

// A second click on a number in another spelling gets the call of the first, and its client
// knows it by what it has sent; others know it by what they have.
func TestSocketSpellsAsItsClient(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["123"] = "180?ring=9s" })
		one, two := h.enter(ada), h.enter(ada)
		one.send(frame{"action": "get-calls"})
		one.calls()
		one.send(frame{"action": "make-call", "to": "(555) 1"})
		id := str(one.calls("alerting")[0]["id"])
		two.send(frame{"action": "make-call", "to": "555-1"})
		h.pass(0)
		var last frame
		for last["to-number"] != "555-1" {
			list, _ := two.want(frame{"action": "call-state"})["calls"].([]any)
			if len(list) == 0 {
				continue
			}
			last = list[0].(frame)
		}
		if last["id"] != id || last["to"] != "<sip:5551@tenant.com;user=phone>" {
			t.Errorf("the call is %s", compact(last))
		}
		one.send(frame{"action": "get-calls"})
		if c := one.calls("alerting")[0]; c["to-number"] != "(555) 1" {
			t.Errorf("the other socket gets %s", compact(c))
		}
		h.wantCalls(1)
		two.send(frame{"action": "clear-call", "id": id})
		for k, want := range map[*talker]string{one: "(555) 1", two: "555-1"} {
			for f := k.next(); ; f = k.next() {
				if f["action"] == "call-ended" {
					if f["to-number"] != want {
						t.Errorf("the socket that has sent %q gets %s", want, compact(f))
					}
					break
				}
			}
		}
	})
}

// What a client has sent comes back to the letter, though a record cannot show it.
func TestSocketSpellsBlanks(t *testing.T) {
	for _, to := range []string{" 4930123", "555\t1"} {
		inHall(t, func(h *hall) {
			h.set(func() { h.does["123"] = "180?ring=9s" })
			k := h.enter(ada)
			k.send(frame{"action": "make-call", "to": to})
			h.pass(time.Second)
			k.send(frame{"action": "get-calls"})
			for f := k.next(); ; f = k.next() {
				if f["action"] == "error" {
					t.Fatalf("%q: %s", to, compact(f))
				}
				if list := f["calls"].([]any); len(list) == 1 && list[0].(frame)["to-number"] == to {
					break
				}
			}
		})
	}
}
