package ua

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// offerState tracks who owes an offer or an answer (RFC 3264, RFC 6337).
// Guarded by the call's mutex.
//
//	idle ── re-INVITE/UPDATE with SDP in ──► owing ── AcceptOffer/RejectOffer ──► idle
//	idle ── Reinvite, refresh ──► ours ── final answer ──► idle
//	ours ── 491 ──► idle, again after a random wait
//	owing + another offer in: 500;  ours + an offer in: 491
type offerState struct {
	weOffer bool // the initial INVITE had no SDP: our offer in 18x/2xx has no answer yet
	owing   *owed
	ours    *change
	next    []*change
	glareT  timer
}

// owed is an answer (or an offer) that the user has to give.
type owed struct {
	tx     *txn.ServerTx // of the request; nil for a late answer (ACK, PRACK)
	accept func(sdp []byte)
	reject func(status int)
	limit  time.Duration
}

// change is a re-INVITE or UPDATE of ours.
type change struct {
	sdp     []byte
	method  sip.RequestMethod
	refresh bool // only keeps the session alive (RFC 4028)
	tries   int
	done    func(answer []byte, err error)
	x       *exchange
	invite  *sip.Request
}

// maxGlare is how often one change gives way before it fails with ErrGlare.
const maxGlare = 6

// maxWaiting bounds the changes that wait for their turn.
const maxWaiting = 8

func (c *Call) isOwed() bool { return c.owing != nil }

// owe notes that the user has to answer. If it does not, the offer is rejected.
func (c *Call) owe(o *owed) {
	c.owing = o
	c.arm(&c.lateT, o.limit, func() {
		if c.owing == o {
			c.owing = nil
			o.reject(sip.StatusInternalServerError)
		}
	})
}

// AcceptOffer answers what EventOffer (or an event with Offer set) asked for:
// the answer to the peer's offer, or our offer where the peer sent none.
func (c *Call) AcceptOffer(sdp []byte) error {
	c.mu.Lock()
	defer c.unlockAPI()
	o := c.owing
	if o == nil || len(sdp) == 0 {
		return ErrState
	}
	c.owing = nil
	c.lateT.stop()
	o.accept(sdp)
	c.nextOffer()
	return nil
}

// RejectOffer refuses the peer's offer, with 488 if status is 0. The session
// stays as it was (D10); without a session, the call ends.
func (c *Call) RejectOffer(status int) error {
	if status == 0 {
		status = sip.StatusNotAcceptableHere
	}
	c.mu.Lock()
	defer c.unlockAPI()
	o := c.owing
	if o == nil || status < 400 || status > 699 {
		return ErrState
	}
	c.owing = nil
	c.lateT.stop()
	o.reject(status)
	c.nextOffer()
	return nil
}

// busyWith gives the refusal of a request that would change the session while
// another change is under way (D10); 0 if none is.
func (c *Call) busyWith() (status int, reason string, h sip.Header) {
	switch {
	case c.owing != nil || c.state == offered && !c.weOffer && len(c.localSDP) == 0:
		// RFC 3261 §14.2, RFC 3311 §5.2: the peer's own offer is not answered yet.
		return sip.StatusInternalServerError, "Offer Pending", sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(11)))
	case c.ours != nil, c.weOffer, c.unackedOK != nil && c.unackedOK.offer, c.state == calling && len(c.peerSDP) == 0:
		return sip.StatusRequestPending, "Request Pending", nil
	}
	return 0, "", nil
}

// changeable checks a session change of the peer and refuses it if it cannot be.
func (c *Call) changeable(tx *txn.ServerTx) bool {
	if status, reason, h := c.busyWith(); status != 0 {
		if h != nil {
			c.simple(tx, status, reason, h)
		} else {
			c.simple(tx, status, reason)
		}
		return false
	}
	if low := c.refreshTooSmall(tx.Request()); low != nil {
		c.simple(tx, 422, "Session Interval Too Small", low)
		return false
	}
	return true
}

func (c *Call) onReinvite(d *dialog, tx *txn.ServerTx) {
	if c.state == offered || c.state == calling {
		c.simple(tx, sip.StatusInternalServerError, "Request Pending", sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(11))))
		return
	}
	if !c.changeable(tx) {
		return
	}
	d.refresh(tx.Request(), tx.Flow()) // D5: the new remote target
	c.do(func() { tx.OnCancel(func(*sip.Request) { c.onReinviteCancel(tx) }) })
	c.takeOffer(tx, sdpOf(tx.Request()))
}

func (c *Call) onReinviteCancel(tx *txn.ServerTx) {
	c.mu.Lock()
	defer c.unlock()
	if c.owing != nil && c.owing.tx == tx {
		c.owing = nil
		c.lateT.stop()
		c.simple(tx, sip.StatusRequestTerminated, "Request Terminated")
	}
}

func (c *Call) onUpdate(d *dialog, tx *txn.ServerTx) {
	sdp := sdpOf(tx.Request())
	if len(sdp) == 0 { // only refreshes the session and the target
		if low := c.refreshTooSmall(tx.Request()); low != nil {
			c.simple(tx, 422, "Session Interval Too Small", low)
			return
		}
		d.refresh(tx.Request(), tx.Flow())
		r := c.response(tx, sip.StatusOK, "OK")
		c.answerRefresh(tx.Request(), r)
		c.beginRefresh()
		c.send(tx, r)
		return
	}
	if c.changeable(tx) {
		d.refresh(tx.Request(), tx.Flow())
		c.takeOffer(tx, sdp)
	}
}

// takeOffer hands the peer's offer (or its wish for ours) to the user.
func (c *Call) takeOffer(tx *txn.ServerTx, sdp []byte) {
	req := tx.Request()
	c.owe(&owed{tx: tx, limit: lateAnswerLimit,
		accept: func(answer []byte) {
			c.localSDP = answer
			if len(sdp) > 0 {
				c.peerSDP = sdp
			}
			r := c.response(tx, sip.StatusOK, "OK")
			if req.Method != sip.PRACK {
				c.answerRefresh(req, r)
			}
			setSDP(r, answer)
			if req.Method == sip.INVITE {
				c.sendSuccess(tx, r, len(sdp) == 0)
			} else {
				c.send(tx, r)
			}
			c.beginRefresh()
		},
		reject: func(status int) { // D10: session unchanged
			reason := "Not Acceptable Here"
			if status != sip.StatusNotAcceptableHere {
				reason = "Rejected"
			}
			c.simple(tx, status, reason)
		},
	})
	c.emit(Event{Kind: EventOffer, SDP: sdp, Offer: len(sdp) > 0, DialogTag: fromTag(req)})
}

// Reinvite offers the peer a changed session: by re-INVITE, or by UPDATE
// before the answer (RFC 3311). Changes are made one after the other; glare is
// retried (D10). done gets the peer's answer, or an error: *StatusError (the
// session is unchanged), ErrGlare, ErrState. It may be nil.
func (c *Call) Reinvite(sdp []byte, done func(answer []byte, err error)) {
	if done == nil {
		done = func([]byte, error) {}
	}
	c.mu.Lock()
	defer c.unlockAPI()
	d := c.activeDialog()
	early := c.state == calling || c.state == offered
	if c.state == ended || d == nil || early && (!d.allowUpdate || len(c.peerSDP) == 0 || len(c.localSDP) == 0) || len(c.next) >= maxWaiting {
		c.later(func() { done(nil, ErrState) })
		return
	}
	ch := &change{sdp: sdp, method: sip.INVITE, done: done}
	if early {
		ch.method = sip.UPDATE
	}
	c.next = append(c.next, ch)
	c.nextOffer()
}

// activeDialog is the confirmed dialog, or the newest early one.
func (c *Call) activeDialog() *dialog {
	if c.dlg != nil {
		return c.dlg
	}
	if n := len(c.early); n > 0 {
		return c.early[n-1]
	}
	return nil
}

// nextOffer begins the next change of ours if nothing is in its way.
func (c *Call) nextOffer() {
	if c.state == ended || len(c.next) == 0 || c.ours != nil || c.owing != nil || c.unackedOK != nil || c.glareT.t != nil || c.weOffer {
		return
	}
	ch := c.next[0]
	c.next = c.next[1:]
	d := c.activeDialog()
	if d == nil {
		ch.finish(c, nil, ErrState)
		return
	}
	c.ours = ch
	c.begin()
	ch.x = c.exchange(d, ch.method, func(r *sip.Request) {
		if !ch.refresh || c.usesTimer() {
			c.offerInterval(r)
		}
		setSDP(r, ch.sdp)
		ch.invite = r
	})
	ch.x.retry = c.intervalTooSmall
	ch.x.on = func(r *sip.Response, err error) {
		if r != nil && r.StatusCode < 200 {
			return
		}
		c.mu.Lock()
		defer c.unlock()
		c.changeDone(d, ch, r, err)
		c.nextOffer()
		c.finish()
	}
	c.do(ch.x.start)
}

// changeDone takes the final answer to a change of ours.
func (c *Call) changeDone(d *dialog, ch *change, r *sip.Response, err error) {
	if c.ours == ch {
		c.ours = nil
	}
	switch {
	case err != nil:
		ch.finish(c, nil, err)
		c.dialogGone(cause.NoUserResponse, Event{Status: sip.StatusRequestTimeout, Cause: cause.NoUserResponse, Err: err})
	case r.StatusCode < 300:
		if ch.method == sip.INVITE {
			c.lastSuccess = time.Now()
			c.acknowledgeAfter(d, r, ch.invite)
		} else {
			d.refresh(r, nil)
		}
		if c.state == ended {
			return
		}
		c.startRefresh(r)
		c.changed(d, ch, sdpOf(r))
	case r.StatusCode == sip.StatusRequestPending && c.state != ended: // D10
		if ch.tries++; ch.tries >= maxGlare {
			ch.finish(c, nil, ErrGlare)
			return
		}
		c.next = append([]*change{ch}, c.next...)
		c.arm(&c.glareT, c.glareWait(), c.nextOffer)
	case r.StatusCode == sip.StatusCallTransactionDoesNotExists || r.StatusCode == sip.StatusRequestTimeout: // RFC 3261 §12.2.1.2
		ch.finish(c, nil, &StatusError{r.StatusCode, r.Reason})
		c.dialogGone(causeOf(r), Event{Status: r.StatusCode, Reason: r.Reason, Cause: causeOf(r), ByPeer: true})
	default:
		ch.finish(c, nil, &StatusError{r.StatusCode, r.Reason})
	}
}

// acknowledgeAfter refreshes the target from the 2xx first: the ACK goes there (D5).
func (c *Call) acknowledgeAfter(d *dialog, r *sip.Response, invite *sip.Request) {
	d.refresh(r, nil)
	if c.acks == nil {
		c.acks = map[ackKey]*sentAck{}
	}
	for k := range c.acks { // older changes are settled: one stored ACK per dialog
		if k.tag == d.remoteTag && k.seq < cseqOf(r) {
			delete(c.acks, k)
		}
	}
	c.acknowledge(d, cseqOf(r), invite, nil)
}

// changed reports the answer. A refresh only tells when the peer used it to
// change something.
func (c *Call) changed(d *dialog, ch *change, answer []byte) {
	if !ch.refresh {
		c.localSDP = ch.sdp
		c.peerSDP = answer
		ch.finish(c, answer, nil)
		return
	}
	ch.finish(c, answer, nil)
	if len(answer) > 0 && !bytes.Equal(answer, c.peerSDP) {
		c.peerSDP = answer
		c.emit(Event{Kind: EventAnswerToOurOffer, SDP: answer, DialogTag: d.remoteTag})
	}
}

func (ch *change) finish(c *Call, answer []byte, err error) {
	if done := ch.done; done != nil {
		ch.done = nil // once
		c.later(func() { done(answer, err) })
	}
}

// dialogGone ends a call whose peer no longer knows it.
func (c *Call) dialogGone(code cause.Code, ev Event) {
	if c.state == ended || errors.Is(ev.Err, ErrAbandoned) {
		return
	}
	if c.state == confirmed || c.state == answered {
		c.bye(c.dlg, code)
		c.end(ev)
		return
	}
	c.hangup(code, ev)
}

// glareWait: the owner of the Call-ID waits 2.1-4 s, the other 0-2 s, in steps
// of 10 ms (RFC 3261 §14.1).
func (c *Call) glareWait() time.Duration {
	if c.dir == Outgoing {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// stopOffers settles what is open when the call ends.
func (c *Call) stopOffers() {
	if o := c.owing; o != nil {
		c.owing = nil
		if o.tx != nil { // RFC 3261 §15.1.2: pending requests get 487
			c.simple(o.tx, sip.StatusRequestTerminated, "Request Terminated")
		}
	}
	c.glareT.stop()
	for _, ch := range c.next {
		ch.finish(c, nil, ErrState)
	}
	c.next = nil
	if ch := c.ours; ch != nil && ch.x != nil {
		c.ours = nil
		ch.finish(c, nil, ErrState)
		x := ch.x
		x.abandon()
		c.do(func() {
			if ch.method == sip.INVITE {
				x.cancel(nil) // if a provisional came; without one its own timer ends it
			}
			x.finish(nil, ErrAbandoned)
		})
	}
}
