package ami

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// lab is a door on a switch without technologies.
type lab struct {
	t      *testing.T
	sw     *pbx.Switch
	server *Server
	config atomic.Pointer[Config]
	logs   *logs
}

// labUsers are the users of the traces.
func labUsers() []User {
	return []User{
		{Name: "tracer", Secret: "tracepw", Read: wire.All, Write: wire.All},
		{Name: "webinterface", Secret: "webinterface", Read: wire.Call | wire.UserClass, Write: wire.Call},
		{Name: "readonly", Secret: "ropw", Read: wire.All},
		{Name: "aclblocked", Secret: "aclpw", Read: wire.All, Write: wire.All, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}},
		{Name: "single", Secret: "onepw", Read: wire.All, Write: wire.All, SingleLogin: true},
		{Name: "nosecret", Read: wire.All, Write: wire.All},
	}
}

// newLab makes one that does not listen yet: its connections are pipes.
func newLab(t *testing.T, change func(*Options, *Config)) *lab {
	t.Helper()
	l := &lab{t: t, sw: pbx.New(pbx.Options{Linger: -1}), logs: &logs{}}
	c := &Config{Users: labUsers(), Web: true}
	o := Options{
		Switch: l.sw, Dial: nobody{}, Config: l.config.Load, Version: "22.10.1", Started: time.Now(),
		Log: slog.New(slog.NewTextHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o, c)
	}
	l.config.Store(c)
	var err error
	if l.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context is over
		defer cancel()
		if err := errors.Join(l.server.Stop(ctx), l.server.Stop(ctx), l.sw.Stop(ctx)); err != nil {
			t.Error(err)
		}
		if n := len(l.server.connected()) + l.server.journal.count() + l.server.Stats().Strangers; n != 0 {
			t.Errorf("%d clients are left", n)
		}
	})
	return l
}

// change puts another configuration in force.
func (l *lab) change(f func(*Config)) {
	c := *l.config.Load()
	f(&c)
	l.config.Store(&c)
}

// listening gives a lab with a real socket.
func listening(t *testing.T, change func(*Options, *Config)) *lab {
	l := newLab(t, func(o *Options, c *Config) {
		c.Listen = "127.0.0.1:0"
		if change != nil {
			change(o, c)
		}
	})
	if err := l.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// nobody can be dialled.
type nobody struct{}

func (nobody) Dial(context.Context, Ask) (call.Endpoint, call.AccountID, error) {
	return "", "", errors.New("nobody is there")
}
func (nobody) Caller(_ call.AccountID, asked call.CallerID) call.CallerID { return asked }
func (nobody) Dialplan(context.Context, Ask, string) error                { return nil }
func (nobody) Record(*pbx.Channel, Ask)                                   {}

// logs keeps what is logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// user is a client on a connection.
type user struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (l *lab) connect() *user {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.server.Addrs()[0].String())
	if err != nil {
		l.t.Fatal(err)
	}
	return newUser(l.t, conn)
}

// pipe connects without a network, for bubbles of synctest.
func (l *lab) pipe() *user {
	ours, theirs := net.Pipe()
	l.server.enter(theirs, false)
	return newUser(l.t, ours)
}

func newUser(t *testing.T, conn net.Conn) *user {
	t.Cleanup(func() { _ = conn.Close() })
	return &user{t, conn, bufio.NewReader(conn)}
}

// login connects and logs in.
func (l *lab) login(name, secret, events string) *user {
	l.t.Helper()
	u := l.connect()
	u.banner()
	u.enter(name, secret, events)
	return u
}

func (u *user) enter(name, secret, events string) {
	u.t.Helper()
	u.say("Action: Login", "Username: "+name, "Secret: "+secret, "Events: "+events)
	u.want("Response: Success", "Message: Authentication accepted")
}

func (u *user) banner() {
	u.t.Helper()
	if line, err := u.r.ReadString('\n'); line != "Asterisk Call Manager/11.0.0\r\n" {
		u.t.Fatalf("banner %q, %v", line, err)
	}
}

// send writes raw text.
func (u *user) send(text string) {
	u.t.Helper()
	if _, err := io.WriteString(u.conn, text); err != nil {
		u.t.Fatal(err)
	}
}

// say writes a packet.
func (u *user) say(lines ...string) {
	u.t.Helper()
	u.send(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// next reads a packet, as its lines joined by LF.
func (u *user) next() string {
	u.t.Helper()
	text, err := u.packet()
	if err != nil {
		u.t.Fatalf("%v after %q", err, text)
	}
	return text
}

func (u *user) packet() (string, error) {
	var lines []string
	for {
		_ = u.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		line, err := u.r.ReadString('\n')
		if err != nil {
			return strings.Join(lines, "\n") + line, err
		}
		if line = strings.TrimSuffix(line, "\r\n"); line == "" {
			return strings.Join(lines, "\n"), nil
		}
		lines = append(lines, line)
	}
}

// want reads a packet and compares it.
func (u *user) want(lines ...string) {
	u.t.Helper()
	if got, want := u.next(), strings.Join(lines, "\n"); got != want {
		u.t.Fatalf("got\n%s\n\nwant\n%s", got, want)
	}
}

// ended reads to the end, which must be here.
func (u *user) ended() {
	u.t.Helper()
	if text, err := u.packet(); text != "" || err == nil || errors.Is(err, context.DeadlineExceeded) {
		u.t.Errorf("%q, %v and not the end", text, err)
	}
}

// happen makes an event of class user.
func (l *lab) happen(name string, headers ...wire.Header) {
	l.sw.Tell(pbx.Event{Type: eventUser, Data: &UserEvent{Name: name, Headers: headers}})
}
