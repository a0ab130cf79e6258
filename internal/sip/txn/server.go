package txn

import (
	"fmt"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// tryingAfter is when an INVITE gets its 100 if nothing was said (X4,
// RFC 3261 §17.2.1).
const tryingAfter = 200 * time.Millisecond

// serverState is where a server transaction stands.
type serverState int

const (
	serverTrying     serverState = iota // nothing sent
	serverProceeding                    // a provisional response was sent
	serverAccepted                      // INVITE: a 2xx was sent (RFC 6026)
	serverCompleted                     // INVITE: another final response was sent, ACK awaited
	serverEnded                         // over for its user
)

// ServerTx is a request of a peer that waits for our final response. All
// methods may be called concurrently.
type ServerTx struct {
	layer *Layer
	flow  *sipnet.Flow
	req   *sip.Request
	key   serverKey
	merge mergeKey // zero within dialogs

	mu       sync.Mutex // guards all below
	state    serverState
	last     []byte        // last response as sent (X6)
	lastRes  *sip.Response // what last was rendered from
	toTag    string        // of our responses
	timer    *time.Timer   // 100 Trying, or timers G and H, or the guard of other requests
	interval time.Duration // timer G; 0 on reliable transports
	deadline time.Time     // timer H
	cancel   *sip.Request  // the CANCEL that came
	onCancel func(*sip.Request)
	onEnd    func(error)
	endErr   error
}

// Request is the request; it must not be changed.
func (s *ServerTx) Request() *sip.Request { return s.req }

// Flow is where the request came from and the responses go.
func (s *ServerTx) Flow() *sipnet.Flow { return s.flow }

// OnCancel sets who hears of a CANCEL, once; at once if it has come. The
// CANCEL was answered 200 already; the user ends the INVITE with 487. It is
// not called after a final response.
func (s *ServerTx) OnCancel(fn func(cancel *sip.Request)) {
	s.mu.Lock()
	s.onCancel = fn
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil && fn != nil {
		fn(cancel)
	}
}

// OnEnd sets who hears that the transaction ended badly: ErrNoAck when a
// non-2xx was not acknowledged, ErrTransport when the flow was lost,
// ErrTimeout when the request (not an INVITE) was not answered within 64*T1,
// ErrStopped. It is not called for transactions that end well.
func (s *ServerTx) OnEnd(fn func(error)) {
	s.mu.Lock()
	s.onEnd = fn
	err := s.endErr
	s.mu.Unlock()
	if err != nil && fn != nil {
		fn(err)
	}
}

// Respond sends a response made with [NewResponse]. Any number of provisional
// ones may precede the final one. After a 2xx to an INVITE, Respond sends
// further 2xx: repeating it until the ACK comes is the user's (RFC 6026 §7.1),
// and the same *Response again is sent from its stored bytes. Errors:
// ErrEnded after a final response otherwise, ErrTransport, ErrUnsafe.
func (s *ServerTx) Respond(r *sip.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	final := r.StatusCode >= 200
	switch {
	case s.state == serverAccepted && r.IsSuccess():
	case s.state >= serverAccepted:
		return ErrEnded
	}
	if r != s.lastRes {
		if r.ContentLength() == nil {
			r.SetBody(r.Body())
		}
		raw, err := render(r)
		if err != nil {
			return err
		}
		s.last, s.lastRes = raw, r
	}
	if to := r.To(); to != nil && s.toTag == "" {
		s.toTag, _ = to.Params.Get("tag")
	}
	if s.state == serverAccepted {
		return s.send()
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	if !final {
		s.state = serverProceeding
		return s.send()
	}
	return s.final(r)
}

// final sends the final response and enters the state after it. s.mu is held.
func (s *ServerTx) final(r *sip.Response) error {
	l := s.layer
	if r.StatusCode == 401 || r.StatusCode == 407 {
		// The same request may come again with credentials. It should have a
		// higher CSeq (RFC 3261 §22.2), but is not to be called merged if not.
		l.mu.Lock()
		l.unmerge(s.merge, s.key)
		l.mu.Unlock()
	}
	switch {
	case s.req.Method != sip.INVITE:
		s.state = serverEnded
		s.flow.Release()
		err := s.send()
		l.finish(s, finished{flow: s.flow, last: s.last}, l.afterJ) // timer J
		return err
	case r.IsSuccess():
		s.state = serverAccepted
		s.flow.Release()
		err := s.send()
		l.finish(s, finished{flow: s.flow, accepted: true}, l.afterJ) // timer L
		return err
	}
	s.state = serverCompleted
	err := s.send()
	s.deadline = time.Now().Add(l.lifetime()) // timer H
	wait := l.lifetime()
	if !s.flow.Transport().Reliable() {
		s.interval = l.t1 // timer G
		wait = l.t1
	}
	s.schedule(wait)
	return err
}

// send sends the last response. s.mu is held.
func (s *ServerTx) send() error {
	if err := s.flow.Send(s.last); err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	return nil
}

// schedule sets the timer. s.mu is held.
func (s *ServerTx) schedule(d time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.tick)
	} else {
		s.timer.Reset(d)
	}
}

// await starts the timer for a request whose user has not answered at once:
// the 100 of an INVITE, or the end of any other, for which an answer is worth
// nothing after 64*T1 (RFC 4320 §1.2).
func (s *ServerTx) await() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state > serverProceeding:
	case s.req.Method != sip.INVITE:
		s.schedule(s.layer.lifetime())
	case s.state == serverTrying:
		s.schedule(tryingAfter)
	}
}

// tick is the transaction's timer.
func (s *ServerTx) tick() {
	defer s.layer.recovered("server timer")
	s.mu.Lock()
	now := time.Now()
	switch {
	case s.state < serverAccepted && s.req.Method != sip.INVITE:
		s.endWith(ErrTimeout)
		return
	case s.state == serverTrying:
		s.state = serverProceeding
		s.last, _ = render(NewResponse(s.req, 100, "Trying", "")) // what was parsed has no line ends
		_ = s.send()                                              // a lost flow ends the transaction
	case s.state == serverCompleted && !now.Before(s.deadline):
		s.endWith(ErrNoAck)
		return
	case s.state == serverCompleted && s.interval > 0:
		s.layer.stats.resent.Add(1)
		_ = s.send() // timer H ends it
		s.interval = min(2*s.interval, s.layer.t2)
		s.timer.Reset(min(s.interval, s.deadline.Sub(now)))
	}
	s.mu.Unlock()
}

// end ends the transaction from outside with an error.
func (s *ServerTx) end(err error) {
	defer s.layer.recovered("server end")
	s.mu.Lock()
	if s.state == serverAccepted || s.state == serverEnded {
		s.mu.Unlock()
		return
	}
	s.endWith(err)
}

// endWith takes the transaction out and tells its user. s.mu is held, and
// released.
func (s *ServerTx) endWith(err error) {
	s.state = serverEnded
	s.endErr = err
	if s.timer != nil {
		s.timer.Stop()
	}
	l := s.layer
	l.mu.Lock()
	if l.servers[s.key] == s {
		delete(l.servers, s.key)
	}
	l.unmerge(s.merge, s.key)
	l.mu.Unlock()
	s.flow.Release()
	fn := s.onEnd
	s.mu.Unlock()
	if fn != nil {
		fn(err)
	}
}

// repeated answers a repetition of the request from the stored bytes (X6).
func (s *ServerTx) repeated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.layer.stats.repeats.Add(1)
	if s.last != nil {
		_ = s.send() // the peer will ask again
	}
}

// acked ends the wait for the ACK of a non-2xx (RFC 3261 §17.2.1).
func (s *ServerTx) acked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverCompleted {
		return
	}
	s.state = serverEnded
	s.timer.Stop()
	s.flow.Release()
	s.layer.finish(s, finished{flow: s.flow}, s.layer.afterI) // timer I
}

// cancelled notes a CANCEL and tells the user of the INVITE, once.
func (s *ServerTx) cancelled(cancel *sip.Request) {
	s.mu.Lock()
	if s.state > serverProceeding || s.cancel != nil {
		s.mu.Unlock()
		return
	}
	s.cancel = cancel
	fn := s.onCancel
	s.mu.Unlock()
	if fn != nil {
		fn(cancel)
	}
}

// tagOr is the To tag of our responses so far, or else.
func (s *ServerTx) tagOr(other string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.toTag != "" {
		return s.toTag
	}
	return other
}
