package vodia

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// Ten bad messages in a minute close the socket; nine do not (spec: vodia 8.8).
func TestSocketClosesForBadMessages(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		for range 3 {
			for range badFrames - 1 {
				c.quiet()
			}
			h.pass(badTime)
		}
		for range badFrames - 1 {
			c.quiet()
		}
		h.pass(badTime / 2)
		c.quiet() // all ten are told why
		if code, why := c.closed(); code != 1008 || why != "too many bad messages" {
			t.Errorf("%d %s", code, why)
		}
	})
}

// Frames that are no messages at all.
func TestSocketClosesForBadFrames(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		h.must(c.conn.Write(h.Context(), websocket.MessageBinary, []byte(`{"action":"get-calls"}`)))
		c.refused("", 400)
		long := `{"action":"get-calls","pad":"`
		c.sendText(long + strings.Repeat("x", wire.MaxFrame-len(long)-2) + `"}`)
		c.calls()
		go func() {
			_ = c.conn.Write(context.WithoutCancel(h.Context()), websocket.MessageText, make([]byte, wire.MaxFrame+1))
		}() // may be cut
		if code, _ := c.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("one byte too long: %d", code)
		}
		c = h.enter(ada)
		c.sendText("{\"action\":\"get-calls\",\"x\":\"\xff\"}")
		if code, _ := c.closed(); code != websocket.StatusInvalidFramePayloadData {
			t.Errorf("not UTF-8: %d", code)
		}
	})
}

// Keep-alives are not answered, and a client that sends nothing is asked for a sign of life.
func TestSocketKeepsAlive(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		c.send(frame{"action": "wskeepalive"})
		c.send(frame{"action": "avoid-disconnect"})
		c.quiet()

		gone := make(chan error, 1)
		go func() { // a client that answers pings, and says nothing
			_, _, err := c.conn.Read(context.WithoutCancel(h.Context()))
			gone <- err
		}()
		h.pass(11 * time.Hour)
		select {
		case err := <-gone:
			t.Errorf("a client that answers pings is gone: %v", err)
		default:
		}
		h.pass(time.Hour) // the session is over
		if err := <-gone; websocket.CloseStatus(err) != 1008 {
			t.Errorf("at the end of the session: %v", err)
		}
	})
}

// One that answers no ping is closed: in at most 120 s + 30 s, and what looking takes.
func TestSocketClosesForSilence(t *testing.T) {
	inHall(t, func(h *hall) {
		h.enter(ada) // it reads nothing, so it answers no ping
		h.pass(quietTime - time.Second)
		if n := len(h.door.sockets.all()); n != 1 {
			t.Fatalf("%d sockets before it is time", n)
		}
		h.pass(2*lookEvery + pongTime + 11*time.Second) // a close is waited for 10 s
		if n := len(h.door.sockets.all()); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
}

// A client that does not read is cut, and the log says so; another one sees nothing of it.
func TestSocketCutsASlowReader(t *testing.T) {
	inHall(t, func(h *hall) {
		slow, well := h.enter(ada), h.enter(ada)
		slow.send(frame{"action": "get-calls"}) // the pipe holds no answer
		h.pass(writeTime - time.Second)
		if n := len(h.door.sockets.all()); n != 2 {
			t.Errorf("%d sockets before it is time", n)
		}
		h.pass(2 * time.Second)
		if n := len(h.door.sockets.all()); n != 1 {
			t.Errorf("%d sockets", n)
		}
		if log := h.log.String(); !strings.Contains(log, "level=WARN msg=\"socket cut\"") || !strings.Contains(log, "does not read") {
			t.Errorf("the log has %s", log)
		}
		well.send(frame{"action": "get-calls"})
		well.calls()
	})
}

// One that sends without end is read as fast as it may, and holds up nobody.
func TestSocketReadsAtAPace(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		begun := time.Now()
		var writing sync.WaitGroup
		writing.Go(func() {
			for range framesAtOnce + 10*framesASecond {
				c.send(frame{"action": "wskeepalive"})
			}
		})
		writing.Wait()
		if took := time.Since(begun); took < 9*time.Second {
			t.Errorf("all was read in %v", took)
		}
		c.quiet()
	})
}

// Rights are looked at again at each use, and now and then.
func TestSocketEndsWithItsRights(t *testing.T) {
	change := func(name string, f func(p *directory.Record)) func(h *hall) {
		return func(h *hall) {
			h.staff(func(people []directory.Record) []directory.Record {
				f(of(people, name))
				return people
			})
		}
	}
	for name, c := range map[string]struct {
		by string // who has opened it, for Ada
		do func(h *hall)
	}{
		"logout": {ada, func(h *hall) {
			n, _ := directory.ParseName(ada)
			h.door.EndSessions(n)
		}},
		"another password":          {ada, change(ada, func(p *directory.Record) { p.PasswordHash = auth.CheapHash("new") })},
		"disabled":                  {ada, change(ada, func(p *directory.Record) { p.Disabled = true })},
		"deleted":                   {ada, func(h *hall) { h.staff(func(p []directory.Record) []directory.Record { return p[1:] }) }},
		"no administrator any more": {boss, change(boss, func(p *directory.Record) { p.Role = directory.RoleUser })},
		"the user is disabled":      {boss, change(ada, func(p *directory.Record) { p.Disabled = true })},
	} {
		t.Run(name, func(t *testing.T) {
			inHall(t, func(h *hall) {
				idle, busy := h.enterBy(ada, h.session(c.by)), h.enterBy(ada, h.session(c.by))
				idle.send(frame{"action": "get-calls"})
				idle.calls()
				c.do(h)
				if name != "logout" { // which closes it at once
					busy.send(frame{"action": "make-call", "to": "5551"})
				}
				if code, why := busy.closed(); code != 1008 || why != "logged out" {
					t.Errorf("a command: %d %s", code, why)
				}
				if code, why := idle.closed(); code != 1008 || why != "logged out" {
					t.Errorf("idle: %d %s", code, why)
				}
				h.wantCalls(0)
			})
		})
	}
}

// A user that gets another phone is followed to it.
func TestSocketFollowsTheUser(t *testing.T) {
	inHall(t, func(h *hall) {
		c := h.enter(ada)
		c.send(frame{"action": "get-calls"})
		c.calls()
		h.staff(func(p []directory.Record) []directory.Record {
			of(p, ada).Phone = "321"
			return p
		})
		h.set(func() { h.does["321"] = "180?ring=30s" })
		h.pass(lookEvery)
		h.ask("POST", "/rest/user/123@tenant.com/calls", `{"remote-dial":"5551"}`, basic(ada, adaPass))
		c.calls("alerting")
	})
}

// A socket whose user has no phone shows no calls: not those of all phones.
func TestSocketWithoutAPhone(t *testing.T) {
	inHall(t, func(h *hall) {
		adas, roots := h.enter(ada), h.enter(root)
		adas.send(frame{"action": "get-calls"})
		adas.calls()
		adas.send(frame{"action": "make-call", "to": "5551"})
		adas.calls("alerting")
		roots.send(frame{"action": "get-calls"})
		roots.calls()
		adas.until("connected")
		roots.quiet()
	})
}

// Stop closes all sockets with 1001, waits, and lets none in any more.
func TestStopClosesSockets(t *testing.T) {
	inHall(t, func(h *hall) {
		session := h.session(ada)
		open := []*talker{h.enterBy(ada, session), h.enterBy(ada, session), h.enter(ben)}
		var reading sync.WaitGroup
		for _, c := range open {
			reading.Go(func() {
				if code, why := c.closed(); code != websocket.StatusGoingAway || why != stoppingText {
					t.Errorf("%d %s", code, why)
				}
			})
		}
		h.must(h.door.Stop(h.Context()))
		if n := len(h.door.sockets.all()); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
		reading.Wait()
		if _, status, _ := h.open(query(ada), "Cookie", "session="+session); status != 401 {
			t.Errorf("after the stop: %d", status)
		}
		h.must(h.door.Stop(h.Context()))
	})
}

// When the patience of who stops is over, sockets are cut.
func TestStopCutsSockets(t *testing.T) {
	inHall(t, func(h *hall) {
		h.enter(ada) // which reads nothing, and so answers no close
		ctx, cancel := context.WithTimeout(h.Context(), time.Second)
		defer cancel()
		if err := h.door.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		synctest.Wait()
		if n := len(h.door.sockets.all()); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
}

// A place that is taken while the door stops is no socket that is left.
func TestNoSocketAfterStop(t *testing.T) {
	l := newSockets()
	n := directory.Name{Local: "1"}
	if bad := l.reserve(n, 0); bad != nil {
		t.Fatal(bad.text)
	}
	l.release(n)
	if err := l.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bad := l.reserve(n, 0); bad == nil || bad.status != 503 {
		t.Errorf("after the stop: %+v", bad)
	}
	if len(l.places) != 0 || slices.Contains([]int{l.total}, 1) {
		t.Errorf("places are left: %+v", l)
	}
}

// A user that loses its phone by a reload loses its calls from the list, and may do nothing
// with them any more; nor do the calls of other phones take their place.
func TestSocketLosesThePhone(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.does["123"] = "180?ring=90s" })
		h.ask("POST", "/rest/user/124@tenant.com/calls", `{"remote-dial":"5552"}`, basic(root, "bigsecret"))
		c := h.enter(ada)
		c.send(frame{"action": "get-calls"})
		c.calls()
		c.send(frame{"action": "make-call", "to": "5551"})
		id := str(c.calls("alerting")[0]["id"])
		h.staff(func(p []directory.Record) []directory.Record {
			of(p, ada).Phone = ""
			return p
		})
		c.calls() // at the next look
		for _, action := range []string{"clear-call", "hold-call", "accept-call"} {
			c.send(frame{"action": action, "id": id})
			c.refused(action, 404)
		}
		c.send(frame{"action": "make-call", "to": "5553"})
		c.refused("make-call", 409)
		c.send(frame{"action": "get-calls"})
		c.calls()
		c.quiet()
	})
}
