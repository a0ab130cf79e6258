package ua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// inDialog takes a request of the peer in this call; false if there is no such
// dialog.
func (c *Call) inDialog(tx *txn.ServerTx) bool {
	c.mu.Lock()
	defer c.unlock()
	req := tx.Request()
	d := c.dialogOf(fromTag(req))
	if d == nil || c.released || c.state == ended && req.Method != sip.BYE {
		return false
	}
	if !d.accept(cseqOf(req)) { // RFC 3261 §12.2.2
		c.simple(tx, sip.StatusInternalServerError, "CSeq Out of Order")
		return true
	}
	d.flow = tx.Flow()
	if c.state != ended {
		c.keep(d.flow)
	}
	switch req.Method {
	case sip.INVITE:
		c.onReinvite(d, tx)
	case sip.UPDATE:
		c.onUpdate(d, tx)
	case sip.BYE:
		c.onBye(tx)
	case sip.PRACK:
		c.onPrack(tx)
	case sip.INFO:
		c.simple(tx, sip.StatusOK, "OK")
		c.emit(Event{Kind: EventInfo, ContentType: headerValue(req, "Content-Type"), Body: req.Body(), DialogTag: d.remoteTag})
	case sip.OPTIONS: // D13
		c.simple(tx, sip.StatusOK, "OK", sip.NewHeader("Allow", allowed), sip.NewHeader("Accept", "application/sdp"), sip.NewHeader("Supported", supported))
	case sip.REFER:
		c.onRefer(d, tx)
	case sip.NOTIFY:
		c.onNotify(d, tx)
	default:
		c.simple(tx, sip.StatusMethodNotAllowed, "Method Not Allowed", sip.NewHeader("Allow", allowed))
	}
	return true
}

// onBye ends the call (RFC 3261 §15.1.2).
func (c *Call) onBye(tx *txn.ServerTx) {
	c.simple(tx, sip.StatusOK, "OK")
	if c.unackedOK != nil { // it has our 2xx: no need to repeat it
		c.unackedOK.repeat.stop()
		c.unackedOK, c.byeAfterAck = nil, false
		defer c.finish()
	}
	if c.state == ended {
		return
	}
	code, text, ok := reasonCause(tx.Request())
	if !ok {
		code = cause.NormalClearing
	}
	switch c.state {
	case offered:
		c.refuseLocked(sip.StatusRequestTerminated, "Request Terminated", nil)
	case calling: // the callee may not (RFC 3261 §15), but then it is gone
		c.cancel(code)
	}
	c.end(Event{Cause: code, Reason: text, ByPeer: true, Stated: ok})
}
