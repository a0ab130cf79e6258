package ami

import (
	"context"
	"crypto/rand"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

func reloadEvent() pbx.Event { return pbx.Event{Type: "Reload", Data: &Reload{Module: "All"}} }

// Whatever comes, the answer is defined and the connection goes on (spec: ami 1, rules 6
// to 8).
func TestBadInput(t *testing.T) {
	t.Parallel()
	events := "\r\nAction: Events\r\nEventMask: off\r\n\r\n"
	const works = "Response: Success\nEvents: Off"
	for _, c := range []struct {
		name, send string
		want       []string
	}{
		{"longest line", "ActionID: " + strings.Repeat("a", 1012) + events, []string{"Response: Success\nActionID: " + strings.Repeat("a", 1012) + "\nEvents: Off"}},
		{"too long", "ActionID: 1\r\nX: " + strings.Repeat("a", 1020) + events, []string{"Response: Error\nActionID: 1\nMessage: Failed to parse message: line too long"}},
		{"a megabyte", "ActionID: 1\r\nX: " + strings.Repeat("a", 1<<20) + events, []string{"Response: Error\nActionID: 1\nMessage: Failed to parse message: line too long"}},
		{"too many lines", "ActionID: 1\r\n" + strings.Repeat("A: b\r\n", 126) + "C: d" + events, []string{"Response: Error\nActionID: 1\nMessage: Too many lines in message or allocation failure"}},
		{"very many lines", strings.Repeat("A: b\r\n", 100_000) + "ActionID: 1" + events, []string{"Response: Error\nMessage: Too many lines in message or allocation failure"}},
		{"as many lines as may be", "ActionID: 1\r\n" + strings.Repeat("A: b\r\n", 124) + "C: d" + events, []string{"Response: Success\nActionID: 1\nEvents: Off"}},
		{"empty lines", "\r\n\n\r\n" + events[2:], []string{"Response: Error\nMessage: Missing action in request", "Response: Error\nMessage: Missing action in request", "Response: Error\nMessage: Missing action in request", works}},
		{"action id with line ends", "ActionID: a\rResponse: b\x00c" + events, []string{"Response: Success\nActionID: aResponse: b\nEvents: Off"}},
		{"action id that is no text", "ActionID: \xff\xfe\t" + events, []string{"Response: Success\nActionID: \xff\xfe\t\nEvents: Off"}},
		{"wrong case and empty ones", "ACTIONID: \r\nactionid: 7\r\nActionID: 8" + events, []string{"Response: Success\nActionID: 7\nEvents: Off"}},
		{"name with blanks", "ActionID : 7" + events, []string{works}},
		{"unknown with line end", "Action: No\rsuch" + events, []string{"Response: Error\nMessage: Invalid/unknown command: Nosuch. Use Action: ListCommands to show available commands."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := listening(t, nil)
			u := l.login("tracer", "tracepw", "off")
			u.send(c.send)
			for _, want := range c.want {
				if got := u.next(); got != want {
					t.Errorf("%.200q, want %.200q", got, want)
				}
			}
			u.send(events[2:])
			u.want(strings.Split(works, "\n")...)
		})
	}
}

// Before login nothing else is answered, and nothing is run.
func TestActionsBeforeLogin(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	u := l.connect()
	u.banner()
	for _, a := range l.server.actions() {
		if beforeLogin(a.name) {
			continue
		}
		u.say("Action: "+a.name, "ActionID: "+a.name, "Channel: /.*/", "Timeout: 0")
		u.want("Response: Error", "ActionID: "+a.name, "Message: Permission denied")
	}
	if s := l.server.Stats(); s.Actions["Ping"] != 0 || s.Actions[""] != 0 {
		t.Errorf("%+v", s.Actions)
	}
	u.enter("tracer", "tracepw", "off")
}

// Noise is answered with errors, if at all, and ends with the login's time.
func TestNoise(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) { c.AuthTimeout = 300 * time.Millisecond })
	u, endless := l.connect(), l.connect()
	noise := make([]byte, 1<<20)
	rand.Read(noise)
	for _, u := range []*user{u, endless} {
		u.banner()
		go func() { _, _ = io.Copy(io.Discard, u.conn) }()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = u.conn.Write(noise) // it may be closed meanwhile
	for {                      // a packet that has no end
		if _, err := endless.conn.Write([]byte(strings.Repeat("X: y\r\n", 10_000))); err != nil {
			break
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d bytes more", grown)
	}
}

// A client that closes its sending side still gets all its answers.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	u := l.login("tracer", "tracepw", "off")
	u.send(strings.Repeat("Action: Events\r\nEventMask: off\r\n\r\n", 100) + "Action: Half a pack")
	if err := u.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		u.want("Response: Success", "Events: Off")
	}
	u.ended()
}

// A fault of ours ends one session, or costs one event.
func TestFaults(t *testing.T) {
	t.Parallel()
	l := listening(t, nil)
	l.server.table["break"] = &action{"Break", "Break.", 0, func(context.Context, *request) answer { panic("broken") }}
	l.server.count.actions["Break"] = l.server.count.actions["Ping"]
	u, other := l.login("tracer", "tracepw", "off"), l.login("tracer", "tracepw", "user")
	u.say("Action: Break", "ActionID: 1")
	u.want("Response: Error", "ActionID: 1", "Message: Internal error")
	u.ended()
	l.sw.Tell(pbx.Event{Type: eventUser, Data: (*UserEvent)(nil)})
	l.happen("x")
	other.want("Event: UserEvent", "Privilege: user,all", "UserEvent: x")
	if log := l.logs.String(); strings.Count(log, "by a fault of ours") != 2 {
		t.Error(log)
	}
}

// What a client has sent behind its last action does not cost it the answer.
func TestGoodbyeIsHeard(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"Action: Logoff", "Action: Login\r\nUsername: x"} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			u := listening(t, nil).connect()
			u.banner()
			go func() {
				_, _ = io.WriteString(u.conn, last+"\r\n\r\n"+strings.Repeat("Action: Ping\r\n\r\n", 20_000)) // it may be closed meanwhile
			}()
			if text := u.next(); !strings.Contains(text, "Message: ") {
				t.Error(text)
			}
			if text, err := u.packet(); text != "" || err != io.EOF {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// A client that does not read is closed when the journal has gone on without it, with a
// line in the log. Others get everything, and one that wants nothing is left alone.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	l := listening(t, func(_ *Options, c *Config) { c.EventQueue, c.EventQueueSize = 2000, 1<<20 })
	wake := make(chan struct{})
	sleepy(l.server, wake)
	slow, busy, fast := l.login("tracer", "tracepw", "user"), l.login("readonly", "ropw", "call"), l.login("tracer", "tracepw", "user")
	busy.say("Action: Sleep")
	wake <- struct{}{}
	name := strings.Repeat("x", 1000)
	for i := 0; l.server.Stats().ReadersDropped == 0; i++ {
		if i > 100_000 {
			t.Fatal("the slow one is not closed")
		}
		for range 10 {
			l.happen(name)
		}
		for range 10 {
			if text := fast.next(); !strings.HasSuffix(text, name) {
				t.Fatal(text)
			}
		}
	}
	if log := l.logs.String(); strings.Count(log, "does not take its events") != 1 || !strings.Contains(log, "remote="+slow.conn.LocalAddr().String()) {
		t.Error(log)
	}
	for {
		if _, err := slow.packet(); err != nil {
			break
		}
	}
	wake <- struct{}{}
	busy.want("Response: Success", "EventList: start", "Message: Sleep will follow")
	l.server.journal.mu.RLock()
	defer l.server.journal.mu.RUnlock()
	if j := l.server.journal; j.bytes > 1<<20 || j.next-j.first > 2000 || len(j.ring) > 4096 {
		t.Errorf("the journal has %d bytes and %d events", j.bytes, j.next-j.first)
	}
}

// A write that goes nowhere ends with the user's write timeout.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(_ *Options, c *Config) { c.Users[0].WriteTimeout = 100 * time.Millisecond })
		u := l.pipe()
		u.banner()
		u.enter("tracer", "tracepw", "user")
		l.happen("x")
		begun := time.Now()
		for len(l.server.Sessions()) > 0 {
			<-time.After(time.Millisecond) // fake time of the bubble
			synctest.Wait()
		}
		if took := time.Since(begun); took > 150*time.Millisecond || !strings.Contains(l.logs.String(), "does not take its events") {
			t.Errorf("after %v: %s", took, l.logs.String())
		}
	})
}
