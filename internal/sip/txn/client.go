package txn

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// clientState is where a client transaction stands.
type clientState int

const (
	clientCalling    clientState = iota // sent, nothing heard (Trying for non-INVITE)
	clientProceeding                    // a provisional response came
	clientEnded                         // a final response or error was handed up
)

// ClientTx is a request of ours that waits for its final response. All methods
// may be called concurrently.
type ClientTx struct {
	layer *Layer
	flow  *sipnet.Flow
	req   *sip.Request
	key   clientKey
	on    func(*sip.Response, error)
	raw   []byte // the request as sent (X6)

	mu         sync.Mutex // guards all below
	state      clientState
	timer      *time.Timer   // next repetition or the end; nil until sent
	interval   time.Duration // timer A or E; 0 on reliable transports
	deadline   time.Time     // timer B or F, or the end after a CANCEL; zero for none
	cancelled  bool
	queue      []clientEvent
	delivering bool // somebody is calling on
}

// clientEvent is one call of on.
type clientEvent struct {
	res *sip.Response
	err error
}

// Send starts a client transaction: it gives r a Via of the flow (replacing
// any), Max-Forwards and Content-Length if they are missing, sends it, and
// repeats it over UDP until something comes back. r belongs to the transaction
// from now on. Requests above 1,300 bytes over UDP go over an open TCP
// connection to the same address if there is one (N4).
//
// on hears the provisional responses, then one final response or error, in
// order and never two at a time; it must not block and may be called before
// Send returns. For INVITE, the ACK to a non-2xx is sent here (X3); the first
// 2xx ends the transaction (X2) and its ACK is the caller's. An INVITE that
// had a provisional response may wait for ever: ending it is the caller's.
//
// When Send returns an error, on is never called: ErrTransport, ErrStopped,
// ErrUnsafe, or a request without From, To, Call-ID or CSeq.
func (l *Layer) Send(f *sipnet.Flow, r *sip.Request, on func(*sip.Response, error)) (*ClientTx, error) {
	if r.Method == sip.ACK {
		return nil, errors.New("an ACK has no transaction: use SendAck")
	}
	branch := newBranch()
	setVia(r, f, branch)
	raw, err := l.prepare(r)
	if err != nil {
		return nil, err
	}
	if g := f.LargeFlow(len(raw)); g != f {
		f = g
		setVia(r, f, branch)
		if raw, err = l.prepare(r); err != nil {
			return nil, err
		}
	}
	return l.start(f, r, branch, raw, on)
}

// prepare completes, checks and renders a request.
func (l *Layer) prepare(r *sip.Request) ([]byte, error) {
	if r.From() == nil || r.To() == nil || r.CallID() == nil || r.CSeq() == nil {
		return nil, fmt.Errorf("%s without From, To, Call-ID or CSeq", r.Method)
	}
	complete(r)
	return render(r)
}

func (l *Layer) start(f *sipnet.Flow, r *sip.Request, branch string, raw []byte, on func(*sip.Response, error)) (*ClientTx, error) {
	c := &ClientTx{layer: l, flow: f, req: r, key: clientKey{branch, r.Method}, on: on, raw: raw}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return nil, ErrStopped
	}
	l.clients[c.key] = c
	l.mu.Unlock()
	f.Retain()
	if err := f.Send(raw); err != nil {
		c.retire()
		return nil, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	c.deadline = time.Now().Add(l.lifetime()) // timers B and F
	wait := l.lifetime()
	if !f.Transport().Reliable() {
		c.interval = l.t1 // timers A and E
		wait = l.t1
	}
	c.timer = time.AfterFunc(wait, c.tick)
	return c, nil
}

// Branch is the branch of the request's Via.
func (c *ClientTx) Branch() string { return c.key.branch }

// Request is the request as sent; it must not be changed.
func (c *ClientTx) Request() *sip.Request { return c.req }

// Flow is where the request went.
func (c *ClientTx) Flow() *sipnet.Flow { return c.flow }

// tick is the transaction's timer: it repeats the request or ends the wait.
func (c *ClientTx) tick() {
	defer c.layer.recovered("client timer")
	c.mu.Lock()
	now := time.Now()
	switch {
	case c.state == clientEnded || c.deadline.IsZero():
		c.mu.Unlock()
		return
	case !now.Before(c.deadline):
		c.finish(clientEvent{err: ErrTimeout})
		return
	}
	wait := c.deadline.Sub(now)
	if c.interval > 0 && !(c.req.Method == sip.INVITE && c.state == clientProceeding) {
		c.layer.stats.resent.Add(1)
		if err := c.flow.Send(c.raw); err != nil {
			c.finish(clientEvent{err: fmt.Errorf("%w: %w", ErrTransport, err)})
			return
		}
		c.interval *= 2
		if c.req.Method != sip.INVITE { // RFC 3261 §17.1.2.2
			c.interval = min(c.interval, c.layer.t2)
			if c.state == clientProceeding {
				c.interval = c.layer.t2
			}
		}
		wait = min(wait, c.interval)
	}
	c.timer.Reset(wait)
	c.mu.Unlock()
}

// response matches a response to its transaction (RFC 3261 §17.1.3).
func (l *Layer) response(f *sipnet.Flow, r *sip.Response) {
	key, ok := responseKey(r)
	if !ok {
		l.stats.refused.Add(1)
		return
	}
	l.mu.Lock()
	c := l.clients[key]
	again, acked := l.acked[key.branch]
	l.mu.Unlock()
	switch {
	case c != nil && c.receive(r):
	case key.method != sip.INVITE:
		l.stats.unmatched.Add(1) // a repetition (timer K needs no more), or nobody's
	case r.IsSuccess():
		l.stray2xx(f, r)
	case acked && r.StatusCode >= 300:
		l.stats.repeats.Add(1)
		_ = again.flow.Send(again.ack) // it will be asked for again
	default:
		l.stats.unmatched.Add(1)
	}
}

// responseKey checks what a response must have: our Via alone (RFC 3261
// §8.1.3.3), CSeq, From, To, Call-ID and a status from 100 to 699.
func responseKey(r *sip.Response) (clientKey, bool) {
	vias := 0
	for _, h := range r.Headers() {
		if _, ok := h.(*sip.ViaHeader); ok {
			vias++
		}
	}
	if vias != 1 || r.CSeq() == nil || r.From() == nil || r.To() == nil || r.CallID() == nil ||
		r.StatusCode < 100 || r.StatusCode > 699 {
		return clientKey{}, false
	}
	branch, ok := r.Via().Params.Get("branch")
	return clientKey{branch, r.CSeq().MethodName}, ok
}

func (l *Layer) stray2xx(f *sipnet.Flow, r *sip.Response) {
	l.stats.stray.Add(1)
	if fn := l.onStray2xx.Load(); fn != nil {
		(*fn)(f, r)
	}
}

// receive handles a response of this transaction. It reports false if the
// transaction had ended already.
func (c *ClientTx) receive(r *sip.Response) bool {
	c.mu.Lock()
	switch {
	case c.state == clientEnded:
		c.mu.Unlock()
		return false
	case r.StatusCode >= 200:
		if c.req.Method == sip.INVITE && r.StatusCode >= 300 {
			c.acknowledge(r)
		}
		c.finish(clientEvent{res: r})
		return true
	}
	c.provisional()
	c.queue = append(c.queue, clientEvent{res: r})
	c.deliver()
	return true
}

// provisional moves to proceeding: an INVITE is no longer repeated nor timed
// out (RFC 3261 §17.1.1.2), other requests are repeated every T2 (§17.1.2.2).
// c.mu is held.
func (c *ClientTx) provisional() {
	if c.state == clientProceeding {
		return
	}
	c.state = clientProceeding
	if c.req.Method != sip.INVITE {
		return
	}
	if !c.cancelled {
		c.deadline = time.Time{}
		c.timer.Stop()
	}
}

// acknowledge sends the ACK to a non-2xx and keeps it for timer D. c.mu is
// held.
func (c *ClientTx) acknowledge(r *sip.Response) {
	l := c.layer
	ack := renderAck(c.req, r)
	_ = c.flow.Send(ack) // the response will come again
	if c.flow.Transport().Reliable() {
		return // timer D is 0 (RFC 3261 §17.1.1.2)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.acked[c.key.branch] = ackedClient{c.flow, ack}
		l.afterD.add(c.key.branch)
	}
}

// end ends the transaction from outside with an error.
func (c *ClientTx) end(err error) {
	defer c.layer.recovered("client end")
	c.mu.Lock()
	if c.state == clientEnded {
		c.mu.Unlock()
		return
	}
	c.finish(clientEvent{err: err})
}

// finish hands up the last event. c.mu is held, and released.
func (c *ClientTx) finish(e clientEvent) {
	c.retire()
	c.queue = append(c.queue, e)
	c.deliver()
}

// retire takes the transaction out of the layer and stops its timer. c.mu is
// held.
func (c *ClientTx) retire() {
	c.state = clientEnded
	if c.timer != nil {
		c.timer.Stop()
	}
	c.layer.mu.Lock()
	delete(c.layer.clients, c.key)
	c.layer.mu.Unlock()
	c.flow.Release()
}

// deliver calls on for what is queued, unless somebody does already. c.mu is
// held, and released.
func (c *ClientTx) deliver() {
	if c.delivering {
		c.mu.Unlock()
		return
	}
	c.delivering = true
	for len(c.queue) > 0 {
		e := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.call(e)
		c.mu.Lock()
	}
	c.queue = nil
	c.delivering = false
	c.mu.Unlock()
}

func (c *ClientTx) call(e clientEvent) {
	defer c.layer.recovered("response")
	if c.on != nil {
		c.on(e.res, e.err)
	}
}

// Cancel sends a CANCEL for an INVITE that had a provisional response
// (RFC 3261 §9.1). build may add headers to it, such as Reason; nil adds none.
// The CANCEL is a transaction of its own, whose outcome does not matter: the
// INVITE still gets its final response, usually 487, or a 2xx that crossed
// with the CANCEL, or ErrTimeout after 64*T1. A second Cancel does nothing.
// Errors: ErrNoProvisional (ask again after the first 1xx), ErrEnded,
// ErrTransport.
func (c *ClientTx) Cancel(build func(cancel *sip.Request)) error {
	c.mu.Lock()
	switch {
	case c.req.Method != sip.INVITE:
		c.mu.Unlock()
		return fmt.Errorf("only an INVITE can be cancelled, not %s", c.req.Method)
	case c.state == clientEnded:
		c.mu.Unlock()
		return ErrEnded
	case c.state == clientCalling:
		c.mu.Unlock()
		return ErrNoProvisional
	case c.cancelled:
		c.mu.Unlock()
		return nil
	}
	c.cancelled = true
	c.deadline = time.Now().Add(c.layer.lifetime()) // RFC 3261 §9.1, last paragraph
	c.timer.Reset(c.layer.lifetime())
	c.mu.Unlock()

	r := newCancel(c.req)
	if build != nil {
		build(r)
	}
	raw, err := c.layer.prepare(r)
	if err != nil {
		return err
	}
	_, err = c.layer.start(c.flow, r, c.key.branch, raw, nil)
	return err
}

// SendAck sends the ACK to a 2xx, which has no transaction (RFC 3261
// §13.2.2.4). An ACK without a Via gets one with a new branch; one that has it
// is sent as it is, so that the same ACK can answer a repeated 2xx.
func (l *Layer) SendAck(f *sipnet.Flow, ack *sip.Request) error {
	if ack.Via() == nil {
		setVia(ack, f, newBranch())
	}
	raw, err := l.prepare(ack)
	if err != nil {
		return err
	}
	return l.SendRaw(f, raw)
}

// SendRaw sends bytes that were rendered before, such as a stored ACK. b must
// not change any more.
func (l *Layer) SendRaw(f *sipnet.Flow, b []byte) error {
	if err := f.Send(b); err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	return nil
}
