package ua

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// Direction says who called.
type Direction int

// The directions of a call.
const (
	Outgoing Direction = iota // we sent the INVITE
	Incoming                  // the peer did
)

// state is where a call stands (drawn in the package comment).
type state int

const (
	calling   state = iota // outgoing: INVITE sent or about to be, no final answer
	offered                // incoming: no final answer yet
	answered               // incoming: our 2xx is out, its ACK has not come (D4)
	confirmed              // session stands
	ended                  // EventEnded is out; clean-up may go on
)

// Errors of calls.
var (
	ErrState     = errors.New("not possible in the call's state")
	ErrNoAck     = errors.New("no ACK to our 200 within 32 s")
	ErrExpired   = errors.New("session timer expired without a refresh")
	ErrNoAnswer  = errors.New("no final answer within 3 minutes of the last provisional one")
	ErrGlare     = errors.New("both sides kept changing the session at once")
	ErrStopped   = errors.New("the user agent takes no new calls")
	errCancelled = errors.New("no final answer to CANCEL within 32 s")
)

// StatusError is a final SIP answer to a request inside a call that is not a 2xx.
type StatusError struct {
	Status int
	Reason string
}

// Error gives status and reason, "486 Busy Here".
func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Reason) }

// lifetimes of RFC 3261 that are not the transaction layer's.
const (
	linger          = 32 * time.Second // 64*T1: how long repeated 2xx may come (D2), how long CANCEL waits (D3)
	proceedingLimit = 3 * time.Minute  // D2; RFC 3261 §16.6: timer C
	provisionalTick = time.Minute      // RFC 3261 §13.3.1.1: repeat a provisional each minute
	lateAnswerLimit = 20 * time.Second // how long the user may think about an answer that goes in an ACK or PRACK
)

// Call is one INVITE usage (RFC 5057) in either direction. All methods are
// safe concurrently, return at once, and may be called from event callbacks.
//
// Its mutex guards the state; what the state decides (messages to send,
// events to deliver) is queued under the mutex and carried out after it is
// released, in order, by one goroutine at a time: see unlock.
type Call struct {
	a             *Agent
	dir           Direction
	callID        string
	localTag      string
	wallet        *wallet
	done          chan struct{}
	request       *sip.Request  // incoming: the INVITE
	stx           *txn.ServerTx // incoming
	replaced      *Call         // incoming: the call named by Replaces
	replaces      string        // incoming: that header
	contactUser   string
	maxForks      int
	inviteHeaders []sip.Header // outgoing: the user's extra headers
	target        sip.Uri      // outgoing: Request-URI
	preloaded     []sip.Uri    // outgoing: Route of the INVITE
	fixedFlow     bool         // outgoing: InviteOptions.Flow was given

	mu       sync.Mutex // guards what follows
	queue    []item
	running  bool   // somebody carries out the queue
	phone    string // the address of record of the peer, if it is a phone; see flowTo
	handler  func(Event)
	state    state
	local    sip.FromHeader // our From, without tag
	remote   sip.ToHeader   // the peer's address, without tag
	seq      uint32         // our last CSeq
	busy     int            // exchanges and repetitions under way
	quiet    bool           // done is closed, or about to be
	released bool
	last     *sip.Response // newest 18x or 2xx of the peer
	dlg      *dialog       // the confirmed dialog, or the only one of an incoming call
	early    []*dialog     // outgoing
	localSDP []byte        // last session description that we sent
	peerSDP  []byte        // last of the peer's that was agreed

	invite      *exchange // outgoing INVITE
	inviteSeq   uint32
	provisional bool // a provisional came: CANCEL may go
	cancelCause cause.Code
	cancelWant  bool
	cancelSent  bool
	acks        map[ackKey]*sentAck
	kept        *sipnet.Flow // retained: an idle connection must not be closed under a call
	lastSuccess time.Time    // last 2xx to an INVITE of ours

	incomingState // incoming.go
	offerState    // offer.go
	refreshState  // refresh.go: session timer
	referState    // refer.go

	proceedT, cancelT, lingerT, lateT timer
}

// Hangup ends the call in any state: CANCEL (D3), a refusal, or BYE, with a
// Q.850 Reason. It returns at once; EventEnded follows with code as its cause
// (NormalClearing if 0), and the rest happens in the background. A second
// Hangup does nothing.
func (c *Call) Hangup(code cause.Code) {
	if code == cause.Unknown {
		code = cause.NormalClearing
	}
	c.mu.Lock()
	defer c.unlockAPI()
	c.hangup(code, Event{Cause: code})
}

// hangup ends the call from our side with ev as its last event.
func (c *Call) hangup(code cause.Code, ev Event) {
	switch c.state {
	case ended:
		return
	case calling:
		if ev.Status == 0 {
			ev.Status = sip.StatusRequestTerminated
		}
		c.cancel(code)
	case offered:
		status, reason := code.SIPStatus()
		if ev.Status == 0 {
			ev.Status, ev.Reason = status, reason
		}
		c.refuseLocked(status, reason, []sip.Header{reasonHeader(code)})
	case answered:
		c.byeAfterAck, c.byeCause = true, code // RFC 3261 §15: no BYE before the ACK or its time is over
	case confirmed:
		c.bye(c.dlg, code)
	}
	c.end(ev)
}

// end makes the call ended. The mutex is held.
func (c *Call) end(ev Event) {
	if c.state == ended {
		return
	}
	c.state = ended
	ev.Kind = EventEnded
	c.early = nil
	c.proceedT.stop()
	c.lateT.stop()
	c.stopOffers()
	c.stopRefresh()
	c.stopRefer()
	c.emit(ev)
	c.release()
}

// begin and finish count what is under way in the background. The mutex is held.
func (c *Call) begin() { c.busy++ }

func (c *Call) finish() {
	c.busy--
	c.release()
}

// release lets go of an ended call when nothing is under way, at the latest
// 32 s after the last 2xx that could be repeated (D2).
func (c *Call) release() {
	if c.state != ended || c.busy > 0 || c.released {
		return
	}
	c.quieten()
	if c.a.isDraining() {
		c.letGo()
		return
	}
	if rest := linger - time.Since(c.lastSuccess); c.lingering() && rest > 0 {
		c.arm(&c.lingerT, rest, c.release)
		return
	}
	c.letGo()
}

// lingering reports whether a 2xx may still come.
func (c *Call) lingering() bool { return !c.lastSuccess.IsZero() }

// quieten tells Done.
func (c *Call) quieten() {
	if !c.quiet {
		c.quiet = true
		c.do(func() { close(c.done) })
	}
}

func (c *Call) letGo() {
	if c.released {
		return
	}
	c.released = true
	c.quieten()
	for _, t := range []*timer{&c.proceedT, &c.cancelT, &c.lingerT, &c.lateT} {
		t.stop()
	}
	c.stopIncoming()
	c.keep(nil)
	c.acks, c.invite, c.early = nil, nil, nil
	c.do(func() { c.a.remove(c) })
}

// keep retains the flow of the call's dialog instead of the one before.
func (c *Call) keep(f *sipnet.Flow) {
	if f == c.kept {
		return
	}
	if f != nil {
		f.Retain()
	}
	if c.kept != nil {
		c.kept.Release()
	}
	c.kept = f
}

// drop lets go of a call at once, whatever is under way.
func (c *Call) drop() {
	c.mu.Lock()
	defer c.unlock()
	if c.invite != nil {
		c.invite.abandon()
	}
	c.end(Event{Cause: cause.TemporaryFailure, Err: ErrStopped})
	c.letGo()
}

// bye sends BYE in dialog d and sees to its end. The mutex is held.
func (c *Call) bye(d *dialog, code cause.Code) {
	c.begin()
	x := c.exchange(d, sip.BYE, func(r *sip.Request) { r.AppendHeader(reasonHeader(code)) })
	x.on = func(r *sip.Response, err error) {
		if r != nil && r.StatusCode < 200 {
			return
		}
		c.mu.Lock()
		c.finish()
		c.unlock()
	}
	c.do(x.start)
}
