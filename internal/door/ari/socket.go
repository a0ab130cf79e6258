package ari

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// socket is one event WebSocket with its session, whoever has opened it.
//
//	client ─frames─► read ─► frames (bounded) ─► work ─► answers (bounded) ─┐
//	client ◄─batches─ stream ◄──────────────────────────────────────────────┤
//	                    ▲────────── events ── session (bounded) ── hub ─────┘
//
// Requests are carried out one after the other. A client that sends more of them than
// that is not read further; one that does not read is disconnected, by the session's
// bound or when a write takes longer than timeout.
type socket struct {
	s       *Server
	conn    *websocket.Conn
	out     *batch // nil: each frame goes out on its own
	session *stasis.Session
	user    *User // with whose rights requests are carried out
	remote  string
	apps    []string
	cursors bool // the client understands cursors
	timeout time.Duration

	frames  chan []byte
	answers chan *wire.RESTResponse
	waiting []*wire.RESTResponse // answers taken, of the stream alone
	busy    atomic.Int32         // requests read and not answered
	sent    atomic.Uint64        // events

	quit     chan struct{} // closed to end it
	quitting sync.Once
	parting  parting // why; set before quit is closed
	helpers  sync.WaitGroup
}

// parting is how we end a socket.
type parting struct {
	code   websocket.StatusCode
	reason string
}

const (
	waitingFrames = 32
	leastTimeout  = 10 * time.Second // for a client to take a batch: more than Asterisk's 100 ms
	quiet         = 30 * time.Second // without a frame from us, after which we ping
)

func (s *Server) newSocket(c *websocket.Conn, session *stasis.Session, u *User, remote string, apps []string) *socket {
	c.SetReadLimit(maxFrame)
	return &socket{
		s: s, conn: c, session: session, user: u, remote: remote, apps: apps,
		timeout: max(s.o.Config().WriteTimeout, leastTimeout),
		frames:  make(chan []byte, waitingFrames), answers: make(chan *wire.RESTResponse, waitingFrames),
		quit: make(chan struct{}),
	}
}

// errParted says that a socket was ended by end.
var errParted = errors.New("closed by us")

const stoppingText = "the server is stopping"

// run serves the socket until it ends; then the session has ended too. ctx gives
// values only: its end is that of the HTTP request, which is none any more.
func (k *socket) run(ctx context.Context) {
	begun := time.Now()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	k.s.sockets.add(k)
	k.s.log.Info("event socket opened", "door", "ari", "user", k.user.Name, "remote", k.remote, "applications", k.apps)
	k.helpers.Go(func() { cancel(k.read(ctx)) })
	k.helpers.Go(func() { k.work(ctx) })
	why := k.stream(ctx)
	k.part(why)
	cancel(why)
	k.helpers.Wait()
	k.session.Close()
	k.s.sockets.remove(k)
	k.s.log.Info("event socket closed", "door", "ari", "user", k.user.Name, "remote", k.remote, "applications", k.apps,
		"why", k.because(why), "events", k.sent.Load(), "lasted", time.Since(begun))
}

// read takes frames from the client until the socket ends, and says why that was.
func (k *socket) read(ctx context.Context) error {
	defer close(k.frames)
	// Canceling a read would tear the connection down before it is closed in order: what
	// ends it is the close.
	reading := context.WithoutCancel(ctx)
	for {
		kind, frame, err := k.conn.Read(reading)
		if err != nil {
			return err
		}
		if kind != websocket.MessageText { // binary frames are ignored (spec: ari 3.2)
			continue
		}
		k.busy.Add(1)
		select {
		case k.frames <- frame:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stream sends events and answers in order until the socket ends, and says why.
func (k *socket) stream(ctx context.Context) error {
	var more <-chan struct{} // answers to pings are to be sent
	if k.out != nil {
		more = k.out.more
	}
	ping := time.NewTimer(quiet)
	defer ping.Stop()
	for {
		last := isClosed(k.quit) // looked at first: what has happened until now is told
		n, err := k.round()
		switch {
		case err != nil:
			return err
		case n > 0:
			ping.Reset(quiet)
			continue
		case last:
			return errParted
		}
		select {
		case <-k.session.Ready():
		case a := <-k.answers:
			k.waiting = append(k.waiting, a)
		case <-more:
		case <-ping.C:
			k.ping(ctx)
			ping.Reset(quiet)
		case <-k.quit:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// round sends all there is, and says how much. The answers are taken before the
// events: what a request has caused before it was answered is told before its answer.
func (k *socket) round() (n int, err error) {
	answers := k.waiting
	for more := true; more; {
		select {
		case a := <-k.answers:
			answers = append(answers, a)
		default:
			more = false
		}
	}
	items, end := k.session.Take()
	for _, i := range items {
		if err := k.sendEvent(i); err != nil {
			return n, err
		}
	}
	for _, a := range answers {
		if err := k.sendAnswer(a); err != nil {
			return n, err
		}
	}
	clear(answers)
	k.waiting = answers[:0]
	if k.out != nil {
		if err := k.out.flush(k.timeout); err != nil {
			return n, fmt.Errorf("send to client: %w", err)
		}
	}
	n = len(items) + len(answers)
	if n == 0 {
		return 0, end
	}
	return n, nil
}

// sendEvent sends an event, if ARI has it.
func (k *socket) sendEvent(i stasis.Item) error {
	e, ok := k.s.event(i)
	if !ok {
		return nil
	}
	if k.cursors {
		e.Head().Cursor = k.session.Cursor(i)
	}
	k.sent.Add(1)
	k.s.count.events.Add(1)
	return k.send(e)
}

// sendAnswer sends the answer to a request, with the envelope of an event (spec: ari
// 3.5).
func (k *socket) sendAnswer(a *wire.RESTResponse) error {
	a.Timestamp, a.Application, a.AsteriskID = wire.Date(time.Now().UTC()), k.apps[0], k.s.o.EntityID
	k.busy.Add(-1)
	return k.send(a)
}

func (k *socket) send(e wire.Event) error {
	frame, err := wire.Encode(e)
	if err != nil { // our own fault, and no reason to disconnect
		k.s.log.Error("event cannot be written", "door", "ari", "type", wire.TypeOf(e), "error", err)
		return nil
	}
	if k.out == nil {
		ctx, cancel := context.WithTimeout(context.Background(), k.timeout) // the stream ends by its own doing
		defer cancel()
		return k.conn.Write(ctx, websocket.MessageText, frame)
	}
	if err := k.conn.Write(context.Background(), websocket.MessageText, frame); err != nil { // into the batch: takes no time
		return err
	}
	if k.out.full() {
		return k.out.flush(k.timeout)
	}
	return nil
}

// ping looks whether a client that has heard nothing is still there. While it has a
// request in progress it may be that nothing more is read from it.
func (k *socket) ping(ctx context.Context) {
	if k.busy.Load() > 0 {
		return
	}
	k.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, quiet)
		defer cancel()
		if errors.Is(k.conn.Ping(ctx), context.DeadlineExceeded) {
			k.end(websocket.StatusPolicyViolation, "no answer to a ping")
		}
	})
}

// end makes the stream tell what has happened and close the socket. It does not wait.
// It may be called by any, several times.
func (k *socket) end(code websocket.StatusCode, reason string) {
	k.quitting.Do(func() {
		k.parting = parting{code, reason}
		close(k.quit)
	})
}

// because says why a socket has ended.
func (k *socket) because(why error) string {
	if errors.Is(why, errParted) {
		return k.parting.reason
	}
	return why.Error()
}

// part closes the connection as why demands.
func (k *socket) part(why error) {
	if k.out != nil && k.out.finish(k.timeout) != nil {
		_ = k.conn.CloseNow() // it is of no use any more
		return
	}
	p := parting{websocket.StatusNormalClosure, ""}
	switch {
	case errors.Is(why, errParted):
		p = k.parting
	case errors.Is(why, stasis.ErrTooSlow):
		p = parting{websocket.StatusPolicyViolation, why.Error()}
	case errors.Is(why, stasis.ErrClosed):
		p = parting{websocket.StatusGoingAway, stoppingText}
	case errors.Is(why, websocket.ErrMessageTooBig):
		p = parting{websocket.StatusMessageTooBig, "the message is too long"}
	case websocket.CloseStatus(why) >= 0: // the client has closed it, and was answered
	default:
		_ = k.conn.CloseNow() // it is of no use any more
		return
	}
	_ = k.conn.Close(p.code, p.reason) // waits for the client's close, at most 5 s
}

// sockets are those that are open.
type sockets struct {
	running sync.WaitGroup // those that may be open
	max     int            // of those that clients open

	mu      sync.Mutex // guards what follows
	stopped bool
	clients int // places that clients have taken, at most max
	open    map[*socket]struct{}
}

// defaultSockets is how many sockets clients may have.
const defaultSockets = 1000

func newSockets(most int) *sockets {
	return &sockets{max: cmp.Or(most, defaultSockets), open: make(map[*socket]struct{})}
}

// reserve takes a place for a client's socket, if there is one.
func (l *sockets) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || l.clients >= l.max {
		return false
	}
	l.clients++
	l.running.Add(1)
	return true
}

func (l *sockets) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients--
	l.running.Done()
}

// add enters a socket; one that comes too late is ended at once.
func (l *sockets) add(k *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[k] = struct{}{}
	if l.stopped {
		k.end(websocket.StatusGoingAway, stoppingText)
	}
}

func (l *sockets) remove(k *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, k)
}

// all gives those that are open now.
func (l *sockets) all() []*socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.open))
}

// stop ends all and waits until they are closed; when ctx ends it cuts what is left.
func (l *sockets) stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	for _, k := range l.all() {
		k.end(websocket.StatusGoingAway, stoppingText)
	}
	over := make(chan struct{})
	go func() { // ends with the last socket, which is cut at the latest below
		l.running.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
	}
	for _, k := range l.all() {
		_ = k.conn.CloseNow() // its goroutines end by that
	}
	return fmt.Errorf("close event sockets: %w", context.Cause(ctx))
}
