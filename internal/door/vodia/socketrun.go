package vodia

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// socket is one WebSocket, with the calls of one user.
//
//	client ─frames─► read ─► commands of the user ─► answers (bounded) ─┐
//	client ◄─ stream ◄──────────────────────────────────────────────────┤
//	             ▲── board: what is due, the newest of each ── usercall ┘
//
// Commands are carried out one after the other, and a client that sends more of them is not
// read further. What has changed is not queued: the board says that something has, and how
// things are is looked up when it is sent. So a client that reads slowly sees less of what
// lies between, but always how it ends; one that does not read at all is cut.
type socket struct {
	d       *Door
	conn    *websocket.Conn
	x       *exchange // the handshake; its writer is not used any more
	by      asker     // who has opened it, as of then
	name    directory.Name
	begun   time.Time
	heard   atomic.Int64 // when the client last sent anything, in nanoseconds since 1970
	pinging atomic.Bool
	waits   atomic.Int32 // calls whose end is waited for

	board   board
	answers chan wire.Message // to frames
	view    view              // of stream alone
	watches watches
	spelled spellings

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

// Times of sockets (spec: vodia 8.8).
const (
	lookEvery = 10 * time.Second  // how often rights, and whether the client is there, are looked at
	quietTime = 120 * time.Second // without a frame, after which we ping
	pongTime  = 30 * time.Second
	writeTime = 10 * time.Second // for a client to take a frame
)

// waitingAnswers bounds the answers that wait to be sent.
const waitingAnswers = 16

// Why a socket ends.
var (
	errParted = errors.New("closed by us")
	errSlow   = errors.New("the client does not read")
)

func newSocket(x *exchange, conn *websocket.Conn, e entry) *socket {
	conn.SetReadLimit(wire.MaxFrame)
	k := &socket{
		d: x.d, conn: conn, x: x, by: e.asker, name: e.name, begun: time.Now(),
		board: newBoard(), answers: make(chan wire.Message, waitingAnswers), quit: make(chan struct{}),
	}
	k.heard.Store(k.begun.UnixNano())
	k.watches.k = k
	return k
}

// run serves the socket until it ends. ctx gives values only: its end is that of the HTTP
// request, which is none any more.
func (k *socket) run(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	k.d.sockets.add(k)
	log := k.d.log.With("door", DoorName, "principal", k.by.principal(), "user", k.name.String(), "remote", k.x.client)
	log.Info("socket opened")
	k.helpers.Go(func() { cancel(k.read(ctx)) })
	why := k.stream(ctx)
	k.part(why)
	cancel(why)
	k.helpers.Wait()
	k.watches.stop()
	k.d.sockets.remove(k)
	if errors.Is(why, errSlow) {
		log.Warn("socket cut", "why", why)
		return
	}
	log.Info("socket closed", "why", k.because(why), "lasted", time.Since(k.begun))
}

// acts gives who has opened the socket and whose calls it shows, as both are now; ok is false
// when it must be closed: the session is over, or the one may not act for the other any more.
// A session lasts at least as long as its sockets do.
func (k *socket) acts() (by asker, u directory.User, ok bool) {
	s := k.by.session
	if !s.Touch() {
		return asker{}, directory.User{}, false
	}
	me, ok := k.d.stands(s.Login())
	if !ok {
		s.End()
		return asker{}, directory.User{}, false
	}
	u, ok = k.d.o.Users.User(k.name)
	return asker{user: me, session: s}, u, ok && !u.Disabled && me.MayActFor(u.Name)
}

// lost ends a socket whose rights are gone.
func (k *socket) lost() { k.end(websocket.StatusPolicyViolation, "logged out") }

// ping looks whether a client that was not heard of is still there.
func (k *socket) ping(ctx context.Context) {
	if !k.pinging.CompareAndSwap(false, true) {
		return
	}
	k.helpers.Go(func() {
		defer k.pinging.Store(false)
		ctx, cancel := context.WithTimeout(ctx, pongTime)
		defer cancel()
		switch err := k.conn.Ping(ctx); {
		case err == nil:
			k.heard.Store(time.Now().UnixNano())
		case errors.Is(err, context.DeadlineExceeded):
			k.end(websocket.StatusPolicyViolation, "no answer to a ping")
		}
	})
}

// end makes the stream tell what is due and close the socket. It does not wait. It may be
// called by any, several times.
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

// part closes the connection as why demands (RFC 6455 §7.4.1).
func (k *socket) part(why error) {
	var p parting
	switch {
	case errors.Is(why, errParted):
		p = k.parting
	case errors.Is(why, websocket.ErrMessageTooBig):
		p = parting{websocket.StatusMessageTooBig, "the message is too long"}
	case websocket.CloseStatus(why) >= 0: // the client has closed it, and was answered
		p = parting{websocket.StatusNormalClosure, ""}
	default:
		_ = k.conn.CloseNow() // it is of no use any more
		return
	}
	_ = k.conn.Close(p.code, p.reason) // waits for the client's close, at most 10 s
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
