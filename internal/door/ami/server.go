package ami

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// transport is the part of the server that has to do with connections.
type transport struct {
	version  string // of AMI, in the banner
	table    map[string]*action
	journal  *journal
	throttle *auth.Throttle
	hashes   chan struct{} // one token for each password hash being computed
	digest   *auth.Digest
	cert     certificate
	count    counters

	base    context.Context // of actions; ends with Stop
	end     context.CancelFunc
	quit    chan struct{} // closed by Stop when all events are in the journal
	written chan struct{} // closed when the journal's goroutine has ended
	work    sync.WaitGroup
	remove  func() // of the observer

	mu        sync.Mutex // guards what follows
	state     state
	listeners []net.Listener
	clients   map[*client]struct{} // connections and HTTP sessions
	strangers int                  // connections that are not logged in
	knocking  int                  // HTTP requests that are logging in
	webs      map[string]*webSession
}

type state int

const (
	fresh state = iota
	started
	stopped
)

// counters are what Stats tells.
type counters struct {
	failed, dropped, refused atomic.Uint64
	events                   atomic.Uint64
	actions                  map[string]*atomic.Uint64 // by name, the same ones always
	unknown                  atomic.Uint64
}

// The defaults of Config's numbers (spec: ami 3).
const (
	defaultAuthTimeout  = 30 * time.Second
	defaultAuthLimit    = 50
	defaultHTTPTimeout  = time.Minute
	defaultWriteTimeout = 30 * time.Second // nothing at all was taken; who reads slowly falls behind the journal

	amiVersion = "11.0.0" // of Asterisk 22 (spec: ami 1.3)
	hashesAt   = 2        // password hashes computed at once
)

// New makes a door. It serves HTTP when its ServeHTTP is called; Start opens the
// listeners, and Stop ends all. An error says what Options lack.
func New(o Options) (*Server, error) {
	if o.Switch == nil || o.Config == nil || o.Dial == nil {
		return nil, errors.New("door/ami: Switch, Config and Dial are required")
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	s := &Server{o: o, log: o.Log, sw: o.Switch}
	s.transport = transport{
		version: amiVersion, throttle: cmp.Or(o.Throttle, &auth.Throttle{}), hashes: make(chan struct{}, hashesAt),
		digest: auth.NewDigest("asterisk"), quit: make(chan struct{}), written: make(chan struct{}),
		clients: make(map[*client]struct{}), webs: make(map[string]*webSession),
	}
	s.base, s.end = context.WithCancel(context.Background()) // actions outlive the connection that asked for them
	s.journal = newJournal(s.tell, o.Config)
	s.table = make(map[string]*action)
	s.count.actions = make(map[string]*atomic.Uint64)
	for _, a := range s.actions() {
		s.table[strings.ToLower(a.name)] = &a
		s.count.actions[a.name] = new(atomic.Uint64)
	}
	s.remove = s.sw.Observe(s.journal.observe)
	go func() {
		defer close(s.written)
		s.journal.run(s.base.Done())
	}()
	s.sw.ShowToManagers(o.Config().ChannelVars)
	return s, nil
}

// Start opens the listeners of Config. They live until Stop, whatever becomes of ctx.
func (s *Server) Start(ctx context.Context) error {
	c := s.o.Config()
	if c.TLSListen != "" {
		if err := s.cert.load(c); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		address string
		secure  bool
	}{{c.Listen, false}, {c.TLSListen, true}} {
		if l.address == "" {
			continue
		}
		if err := s.listen(ctx, l.address, l.secure); err != nil {
			return errors.Join(err, s.Stop(ctx))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = max(s.state, started)
	return nil
}

// Stop takes no new connection, ends what runs, sends what has happened and closes all
// connections. It returns when they are closed; when ctx ends before, they are cut. It may
// be called twice, and before Start.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	first := s.state != stopped
	s.state = stopped
	listeners, webs := s.listeners, s.webs
	s.listeners, s.webs = nil, make(map[string]*webSession)
	s.mu.Unlock()
	if first {
		for _, l := range listeners {
			_ = l.Close() // nothing can be done about it
		}
		s.remove()
		s.end()
		<-s.written // it has no one to wait for
		close(s.quit)
	}
	for _, w := range webs {
		w.end()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.work.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.connected() {
		c.cut()
	}
	<-done
	return context.Cause(ctx)
}

// Reload puts a new Config in force for who is connected: rights and filters change, and
// whose user is gone or has another secret is closed. The certificate is read again.
func (s *Server) Reload() error {
	c := s.o.Config()
	s.sw.ShowToManagers(c.ChannelVars)
	for _, cl := range s.connected() {
		old := cl.user.Load()
		if old == nil {
			continue
		}
		u := findUser(c.Users, old.Name)
		if !u.sameSecret(old) {
			s.log.Info("user is gone or has another secret, session closed", "door", "ami", "user", old.Name, "remote", cl.remote)
			cl.cut()
			continue
		}
		cl.user.Store(u)
		cl.hear()
	}
	if c.TLSListen == "" {
		return nil
	}
	return s.cert.load(c)
}

// connected lists connections and HTTP sessions.
func (s *Server) connected() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*client, 0, len(s.clients))
	for c := range s.clients {
		out = append(out, c)
	}
	return out
}

// Addrs gives the addresses that are listened on, TCP before TLS.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []net.Addr
	for _, l := range s.listeners {
		out = append(out, l.Addr())
	}
	return out
}

// perform carries out one action of a client: the checks that all have in common, in
// Asterisk's order, and then its own (spec: ami 2.3, 3.1, 8).
func (s *Server) perform(q *request) answer {
	name := q.packet.Action()
	if name == "" {
		return q.fail("Missing action in request")
	}
	a := s.table[strings.ToLower(name)]
	u := q.client.user.Load()
	if u == nil && (a == nil || !beforeLogin(a.name)) {
		return q.fail("Permission denied")
	}
	if a == nil {
		s.count.unknown.Add(1)
		return q.fail(fmt.Sprintf("Invalid/unknown command: %s. Use Action: ListCommands to show available commands.", name))
	}
	s.count.actions[a.name].Add(1)
	if u != nil && !mayRun(u, a) {
		return q.fail("Permission denied")
	}
	q.user = u
	return s.run(a, q)
}

// run carries out an action that may be. A fault of ours in it ends the session and not
// the calls of everybody.
func (s *Server) run(a *action, q *request) (out answer) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("action failed by a fault of ours", "door", "ami", "action", a.name, "panic", v, "stack", string(debug.Stack()))
			q.leaving = true
			out = q.fail("Internal error")
		}
	}()
	return a.run(s.base, q)
}

// tell is translate, whose faults cost one event and not everybody's calls.
func (s *Server) tell(e *pbx.Event) (out []happened) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("event not told by a fault of ours", "door", "ami", "event", e.Type, "panic", v, "stack", string(debug.Stack()))
			out = nil
		}
	}()
	return s.translate(e)
}

// beforeLogin says whether an action may be used by strangers.
func beforeLogin(name string) bool { return name == "Login" || name == "Challenge" || name == "Logoff" }

// mayRun says whether a user has the right to an action (spec: ami 3.1).
func mayRun(u *User, a *action) bool { return a.class == 0 || u.Write&a.class != 0 }

// appendAnswer writes the packets of an answer.
func appendAnswer(b []byte, a answer) []byte {
	for _, m := range a {
		b = m.Append(b)
	}
	return b
}

// Stats are counts since the start, but the first two: those are what is now.
type Stats struct {
	Sessions       int // connections, HTTP sessions too
	Strangers      int // connections that are not logged in
	LoginsFailed   uint64
	Refused        uint64            // connections, over a limit
	ReadersDropped uint64            // sessions closed because they did not take their events
	Events         uint64            // that happened
	EventsWritten  uint64            // to sessions: an event counts for each that got it
	Actions        map[string]uint64 // by name as Asterisk spells it; "" = unknown ones
}

// Stats gives the figures of now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	st := Stats{Sessions: len(s.clients), Strangers: s.strangers}
	s.mu.Unlock()
	c := &s.count
	st.LoginsFailed, st.Refused, st.ReadersDropped = c.failed.Load(), c.refused.Load(), c.dropped.Load()
	st.Events, st.EventsWritten = s.journal.written.Load(), c.events.Load()
	st.Actions = make(map[string]uint64, len(c.actions)+1)
	for name, n := range c.actions {
		st.Actions[name] = n.Load()
	}
	st.Actions[""] = c.unknown.Load()
	return st
}

// Session is somebody who is logged in.
type Session struct {
	User        string
	Remote      string // host:port; of an HTTP session that of its login
	Since       time.Time
	Web         bool
	Read, Write wire.Class
}

// Sessions lists who is logged in, the longest first.
func (s *Server) Sessions() []Session {
	var out []Session
	for _, c := range s.connected() {
		if u := c.user.Load(); u != nil {
			out = append(out, Session{User: u.Name, Remote: c.remote, Since: c.since, Web: c.web, Read: u.Read, Write: u.Write})
		}
	}
	sortSessions(out)
	return out
}
