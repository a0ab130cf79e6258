package ari

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// A full gate lets nobody wait longer than it says, and refuses at once when the queue
// is full as well.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var leaves []func()
		for range cap(g.inside) {
			leave, err := g.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		begun := time.Now()
		if _, err := g.enter(t.Context()); !errors.Is(err, errSaturated) || time.Since(begun) != maxWait {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		var refused, entered atomic.Int64
		var all sync.WaitGroup
		const more = 10
		for range cap(g.waiting) + more {
			all.Go(func() {
				leave, err := g.enter(t.Context())
				if err != nil {
					refused.Add(1)
					return
				}
				entered.Add(1)
				leave()
			})
		}
		synctest.Wait()
		if n := refused.Load(); n != more {
			t.Errorf("%d refused at once, want %d", n, more)
		}
		leaves[0]() // one place is enough for all: each leaves again
		all.Wait()
		if n := entered.Load(); n != int64(cap(g.waiting)) {
			t.Errorf("%d of %d have entered", n, cap(g.waiting))
		}
		for _, leave := range leaves[1:] {
			leave()
		}
		if len(g.inside) != 0 || len(g.waiting) != 0 {
			t.Errorf("%d inside, %d waiting", len(g.inside), len(g.waiting))
		}
	})
}

// A gate that has been full for a second lets nobody wait long until a place has been
// free again.
func TestGateWithAStandingQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var leaves []func()
		fill := func() {
			for len(g.inside) < cap(g.inside) {
				leave, err := g.enter(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				leaves = append(leaves, leave)
			}
		}
		refused := func(want time.Duration) {
			t.Helper()
			begun := time.Now()
			if _, err := g.enter(t.Context()); !errors.Is(err, errSaturated) || time.Since(begun) != want {
				t.Errorf("%v after %s, want %s", err, time.Since(begun), want)
			}
		}
		fill()
		for begun := time.Now(); time.Since(begun) <= standing; {
			refused(maxWait)
		}
		refused(shortWait)
		leaves[0]()
		leaves = leaves[1:]
		fill()
		refused(maxWait)
		for _, leave := range leaves {
			leave()
		}
	})
}

// stuck is a dialler that does not come back before it is let.
type stuck struct {
	anywhere
	let chan struct{}
}

func (s stuck) Dial(ctx context.Context, a Ask) (call.Endpoint, call.AccountID, error) {
	select {
	case <-s.let:
	case <-ctx.Done():
	}
	return s.anywhere.Dial(ctx, a)
}

// When calls cannot be made fast enough, more of them are refused within a fraction of
// a second with a time to try again; everything else is answered as ever.
func TestSaturatedServer(t *testing.T) {
	let := make(chan struct{})
	w := newWeb(t, func(o *Options) { o.Dial = stuck{let: let} })
	var busy sync.WaitGroup
	for range cap(w.server.calls.inside) {
		c := w.dial()
		c.write("POST /ari/channels?endpoint=PJSIP/answer0@callee&app=lab HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Length: 0\r\n\r\n")
		busy.Go(func() {
			if r, body := c.response("POST"); r.StatusCode != http.StatusOK {
				t.Errorf("one of the first: %d %s", r.StatusCode, body)
			}
		})
	}
	for len(w.server.calls.inside) < cap(w.server.calls.inside) {
		if s := w.get("/ari/channels"); s != http.StatusOK {
			t.Fatalf("GET: %d", s)
		}
	}
	begun := time.Now()
	c := w.dial()
	c.write("POST /ari/channels/create?endpoint=PJSIP/answer0@callee&app=lab HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Length: 0\r\n\r\n")
	r, body := c.response("POST")
	if took := time.Since(begun); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" || took > 2*time.Second {
		t.Errorf("%d %v %s after %s", r.StatusCode, r.Header, body, took)
	}
	for _, path := range []string{"/ari/channels", "/ari/bridges", "/ari/asterisk/ping"} {
		if s := w.get(path); s != http.StatusOK {
			t.Errorf("%s: %d", path, s)
		}
	}
	if n := w.server.Stats(); n.Saturated != 1 || n.Making != cap(w.server.calls.inside) || n.Waiting != 0 || n.Requests < 4 {
		t.Errorf("%+v", n)
	}
	close(let)
	busy.Wait()
}

// A client that stops in the middle of the body of a request for a call takes the place
// of no other call.
func TestHalfBodiesDoNotSaturate(t *testing.T) {
	w := newWeb(t, nil)
	n := cap(w.server.calls.inside) + 1
	for range n {
		c := w.dial()
		c.write("POST /ari/channels HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		t.Cleanup(func() { c.Close() })
	}
	for len(w.server.slots) < n { // they are read
		if s := w.get("/ari/channels"); s != http.StatusOK {
			t.Fatalf("GET: %d", s)
		}
	}
	c := w.dial()
	c.write("POST /ari/channels HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Length: 0\r\n\r\n")
	if r, body := c.response("POST"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}

func TestBusyServerRefusesChannels(t *testing.T) {
	w := newWeb(t, func(o *Options) { o.Busy = func() string { return "too many channels" } })
	c := w.dial()
	c.write("POST /ari/channels?endpoint=PJSIP/answer0@callee&app=lab HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Length: 0\r\n\r\n")
	if r, body := c.response("POST"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
	}
}
