package ua

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// reliableState is the sending side of reliable provisionals (RFC 3262 §3):
// one is unacknowledged at a time, the others wait.
type reliableState struct {
	mustReliable bool
	refused      bool
	rseqOut      uint32
	unacked      *sip.Response
	waiting      []*sip.Response
	after        func() // the final answer, held back
	relT         timer
	relWait      time.Duration
	relSince     time.Time
}

// sendReliable sends r reliably, in its turn.
func (c *Call) sendReliable(r *sip.Response) {
	if c.unacked != nil {
		if len(c.waiting) < 16 { // more is no conversation any more
			c.waiting = append(c.waiting, r)
		}
		return
	}
	if c.rseqOut == 0 { // RFC 3262 §3: starts at random in 1…2³¹-1
		var b [4]byte
		rand.Read(b[:])
		c.rseqOut = binary.BigEndian.Uint32(b[:])&0x3fffffff + 1
	} else {
		c.rseqOut++
	}
	r.AppendHeader(sip.NewHeader("Require", "100rel"))
	r.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(c.rseqOut), 10)))
	c.unacked, c.relWait, c.relSince = r, c.a.cfg.T1, time.Now()
	c.send(c.stx, r)
	c.repeatReliable()
}

// repeatReliable: T1, doubling, for 64*T1; then the INVITE is refused with 504
// (RFC 3262 §3: "a 5xx response").
func (c *Call) repeatReliable() {
	c.arm(&c.relT, c.relWait, func() {
		if c.unacked == nil || c.state != offered {
			return
		}
		if time.Since(c.relSince) >= 64*c.a.cfg.T1 {
			c.refuseLocked(sip.StatusGatewayTimeout, "PRACK Timeout", nil)
			c.end(Event{Status: sip.StatusGatewayTimeout, Cause: cause.FromSIP(sip.StatusGatewayTimeout), Err: txn.ErrTimeout})
			return
		}
		r := c.unacked
		c.do(func() { c.a.reply(c.stx, r) })
		c.relWait *= 2
		c.repeatReliable()
	})
}

// afterReliable runs f when no reliable provisional is unacknowledged.
func (c *Call) afterReliable(f func()) {
	if c.unacked == nil {
		f()
		return
	}
	c.after = f
}

func (c *Call) stopReliable() {
	c.relT.stop()
	c.unacked, c.waiting, c.after = nil, nil, nil
}

// onPrack takes PRACK (RFC 3262 §3): RAck must name the unacknowledged one.
func (c *Call) onPrack(tx *txn.ServerTx) {
	req := tx.Request()
	var rseq, seq uint32
	var method string
	_, err := fmt.Sscanf(headerValue(req, "RAck"), "%d %d %s", &rseq, &seq, &method)
	if err != nil || c.unacked == nil || rseq != c.rseqOut || seq != cseqOf(c.stx.Request()) || method != string(sip.INVITE) {
		c.simple(tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	offered := sdpOf(c.unacked)
	c.relT.stop()
	c.unacked = nil
	sdp := sdpOf(req)
	switch {
	case len(sdp) == 0:
		c.simple(tx, sip.StatusOK, "OK")
	case c.weOffer && len(offered) > 0: // the answer to the offer in our provisional
		c.weOffer, c.peerSDP = false, sdp
		c.simple(tx, sip.StatusOK, "OK")
		c.emit(Event{Kind: EventAnswerToOurOffer, SDP: sdp, DialogTag: c.dlg.remoteTag})
	default: // RFC 3262 §5: a further offer, answered in the 200
		c.takeOffer(tx, sdp)
	}
	if len(c.waiting) > 0 {
		next := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.sendReliable(next)
		return
	}
	if f := c.after; f != nil {
		c.after = nil
		f()
	}
}

// reliable is the receiving side: it takes the RSeq of an 18x, sends PRACK
// (RFC 3262 §4), and reports whether the response is to be used.
func (c *Call) reliable(d *dialog, r *sip.Response) bool {
	rseq, err := strconv.ParseUint(strings.TrimSpace(headerValue(r, "RSeq")), 10, 32)
	if err != nil || !hasOption(r, "Require", "100rel") {
		return true // not reliable
	}
	if d.rseq != 0 && uint32(rseq) != d.rseq+1 {
		return false // repeated, or out of order: no PRACK
	}
	d.rseq = uint32(rseq)
	rack := fmt.Sprintf("%d %d INVITE", rseq, cseqOf(r))
	prack := func(sdp []byte) {
		c.begin()
		x := c.exchange(d, sip.PRACK, func(req *sip.Request) {
			req.AppendHeader(sip.NewHeader("RAck", rack))
			setSDP(req, sdp)
		})
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
	if sdp := sdpOf(r); len(c.localSDP) == 0 && len(sdp) > 0 && !c.isOwed() { // the peer's offer: our answer goes in the PRACK
		c.owe(&owed{
			accept: func(answer []byte) { c.localSDP = answer; prack(answer) },
			reject: func(int) {
				c.hangup(cause.BearerNotAvail, Event{Cause: cause.BearerNotAvail, Status: sip.StatusNotAcceptableHere})
			},
			limit: lateAnswerLimit,
		})
		c.last = r
		d.earlySDP, c.peerSDP = sdp, sdp
		c.emit(Event{Kind: EventProgress, Status: r.StatusCode, Reason: r.Reason, SDP: sdp, Offer: true, DialogTag: d.remoteTag, Response: r})
		return false
	}
	prack(nil)
	return true
}
