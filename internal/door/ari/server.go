package ari

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Server is the door. It is safe for concurrent use.
//
//	request ─► CORS ─► login ─► read-only ─► route ─► body ─► overload ─► operation ─► answer
//	                                           │                    ▲
//	                                           └► /events: socket ──┘ (REST over WebSocket)
type Server struct {
	o   Options
	log *slog.Logger
	sw  *pbx.Switch
	hub *stasis.Hub

	routes   *node
	logins   *logins
	calls    *gate         // operations that make channels
	slots    chan struct{} // requests being carried out
	sockets  *sockets      // event WebSockets, also outbound ones
	outbound *outbounds    // those that we open
	count    counts
	stopping atomic.Bool // nothing new is taken
}

// maxRequests bounds how many requests are carried out at once. Most take less than
// a millisecond: so many at once means that something is stuck.
const maxRequests = 1024

// New makes a door. It serves when its ServeHTTP is called; Start opens the WebSockets
// that are configured to be opened, and Stop ends all. An error says what Options lack.
func New(o Options) (*Server, error) {
	if o.Switch == nil || o.Hub == nil || o.Config == nil || o.Dial == nil {
		return nil, errors.New("door/ari: Switch, Hub, Config and Dial are required")
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	s := &Server{
		o: o, log: o.Log, sw: o.Switch, hub: o.Hub,
		logins: newLogins(cmp.Or(o.Throttle, &auth.Throttle{})),
		calls:  newGate(), slots: make(chan struct{}, maxRequests),
	}
	s.sockets = newSockets(o.MaxSockets)
	s.outbound = newOutbounds(s)
	s.routes = newRoutes(wire.Operations(), s.handlers())
	s.sw.ShowVariables(o.Config().ChannelVars)
	return s, nil
}

// Start opens the outbound WebSockets that are kept open. They live until Stop,
// whatever becomes of ctx.
func (s *Server) Start(ctx context.Context) error {
	s.outbound.start(ctx)
	return nil
}

// Stop takes no new request, and closes all WebSockets after what has happened was
// told. It returns when they are closed, at the latest when ctx ends. It may be called
// twice, and before Start.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	s.outbound.stop()
	return s.sockets.stop(ctx)
}

// ServeHTTP answers everything below the prefix and /ari.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	x := &exchange{s: s, c: s.o.Config(), w: w, r: r}
	a := s.answer(x)
	if a.hijacked {
		return
	}
	x.respond(a)
	s.record(x.user, r.RemoteAddr, a, time.Since(begun))
}

// exchange is one HTTP request and what belongs to it.
type exchange struct {
	s    *Server
	c    *Config // in force when it came
	w    http.ResponseWriter
	r    *http.Request
	user *User
}

// answer takes the checks in Asterisk's order (spec: ari 2.1 rule 7).
func (s *Server) answer(x *exchange) answered {
	if x.cors() && x.preflight() {
		return s.options(x)
	}
	p := wire.Params{Query: wire.ParseQuery(x.r.URL.RawQuery)}
	user, err := s.login(x, &p)
	switch {
	case err != nil:
		return answered{response: response{}, err: err, login: errors.Is(err, errLogin)}
	case s.stopping.Load():
		return answered{err: errStopping}
	}
	x.user = user
	path, below := strings.CutPrefix(x.r.URL.EscapedPath(), x.c.Prefix+"/ari")
	if !below {
		return answered{err: errNoResource}
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return answered{err: errBusy, retry: true}
	}
	q := &ask{
		request: request{user: user, remote: x.r.RemoteAddr, params: p}, method: x.r.Method, path: path, base: x.basePath(),
		body: x.readBody,
	}
	a := s.dispatch(x.r.Context(), q)
	<-s.slots
	if a.upgrade {
		return s.serveEvents(x, &q.params)
	}
	return a
}

var (
	errStopping = wire.Errorf(http.StatusServiceUnavailable, "The server is stopping")
	errBusy     = wire.Errorf(http.StatusServiceUnavailable, "The server is too busy")
)

// options answers a preflight: what the path can do, without looking at who asks.
func (s *Server) options(x *exchange) answered {
	path, _ := strings.CutPrefix(x.r.URL.EscapedPath(), x.c.Prefix+"/ari")
	n, _ := s.routes.find(path)
	if n == nil {
		return answered{err: errNoResource}
	}
	return answered{response: noContent(), allow: n.methods(), operation: "OPTIONS"}
}

// ask is a request on its way to its operation.
type ask struct {
	request
	method string
	path   string // below /ari, escaped
	base   string // address of the API, for its description; "" = unknown
	body   func(*wire.Params) error
}

// answered is what a request has come to.
type answered struct {
	response
	err       error    // refusal, or a failure of our own
	operation string   // key of the operation, "" = none was found
	allow     []string // methods, for the header Allow; nil = not sent
	login     bool     // the client is to log in
	retry     bool     // it may try again in a second
	closes    bool     // the connection cannot be used further
	upgrade   bool     // the operation is the event WebSocket
	hijacked  bool     // it has been answered
}

// dispatch finds and carries out an operation, for both transports.
func (s *Server) dispatch(ctx context.Context, q *ask) answered {
	if q.user.ReadOnly && q.method != http.MethodGet && q.method != http.MethodOptions {
		return answered{err: errReadOnly}
	}
	if len(q.path) > 1 && strings.HasSuffix(q.path, "/") {
		return answered{err: wire.Errorf(http.StatusNotFound, "ARI URLs do not end with a slash. Try /ari%s", strings.TrimSuffix(q.path, "/"))}
	}
	if name, ok := strings.CutPrefix(q.path, "/api-docs/"); ok {
		return describe(q, name)
	}
	n, path := s.routes.find(q.path)
	switch {
	case n == nil:
		return answered{err: errNoResource}
	case q.method == http.MethodOptions:
		return answered{response: noContent(), allow: n.methods(), operation: "OPTIONS"}
	}
	op, ok := n.operations[q.method]
	if !ok {
		return answered{err: errMethod, allow: n.methods()}
	}
	q.request.path = path
	return s.perform(ctx, op, q)
}

var (
	errReadOnly   = wire.Errorf(http.StatusForbidden, "Write access denied")
	errNoResource = wire.Errorf(http.StatusNotFound, "Resource not found")
	errMethod     = wire.Errorf(http.StatusMethodNotAllowed, "Invalid method")
)

// perform carries out an operation that has been found.
func (s *Server) perform(ctx context.Context, op *route, q *ask) answered {
	a := answered{operation: op.key}
	if op.upgrade {
		a.upgrade = true
		return a
	}
	if q.body != nil { // before the gate: a client that stops half-way keeps no other one waiting
		if a.err = q.body(&q.params); a.err != nil {
			a.closes = errors.Is(a.err, wire.ErrBodyTooLarge)
			return a
		}
	}
	if op.makes {
		leave, err := s.calls.enter(ctx)
		if err != nil {
			a.err, a.retry = err, true
			return a
		}
		defer leave()
	}
	a.response, a.err = op.do(ctx, &q.request)
	if e, ok := errors.AsType[*wire.Error](a.err); ok {
		a.retry = e.Status == http.StatusServiceUnavailable
	}
	return a
}

// record logs what a request has come to: who, what and how long, never the query,
// which may have a password.
func (s *Server) record(user *User, remote string, a answered, took time.Duration) {
	s.count.add(a.code())
	level := slog.LevelDebug
	if a.err != nil {
		level = slog.LevelInfo
	}
	if !s.log.Enabled(context.Background(), level) { // of the logger only
		return
	}
	name := ""
	if user != nil {
		name = user.Name
	}
	attrs := []slog.Attr{
		slog.String("door", "ari"), slog.String("user", name), slog.String("remote", remote),
		slog.String("operation", a.operation), slog.Int("status", a.code()), slog.Duration("took", took),
	}
	if a.err != nil {
		attrs = append(attrs, slog.String("refusal", a.err.Error()))
	}
	s.log.LogAttrs(context.Background(), level, "request", attrs...) // of the logger only
}

// code is the status of an answer.
func (a *answered) code() int {
	if e, ok := errors.AsType[*wire.Error](a.err); ok {
		return e.Status
	} else if a.err != nil {
		return http.StatusInternalServerError
	}
	return cmp.Or(a.status, http.StatusOK)
}

// host gives the address of a client without its port.
func host(remote string) string {
	h, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return h
}
