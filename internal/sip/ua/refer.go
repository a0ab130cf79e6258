package ua

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// referState is what transfers need (RFC 3515, D12). Guarded by the call's mutex.
type referState struct {
	referIn  *referIn
	refers   int // REFERs of the peer so far
	referOut *referOut
	referT   timer
}

// referIn is the peer's implicit subscription to a transfer that it asked for.
type referIn struct{ id string }

// referOut is ours.
type referOut struct{ done func(status int, err error) }

// transferLimit is how long our leg waits for the final NOTIFY (D12).
const transferLimit = 30 * time.Second

// onRefer takes REFER: 202, the first NOTIFY (RFC 3515 §2.4.4), an event.
func (c *Call) onRefer(d *dialog, tx *txn.ServerTx) {
	req := tx.Request()
	to, replaces, err := parseReferTo(headerValues(req, "Refer-To"))
	switch {
	case err != nil:
		c.simple(tx, sip.StatusBadRequest, "Bad Refer-To")
		return
	case c.handler == nil || c.state != confirmed && c.state != answered:
		c.simple(tx, sip.StatusGlobalDecline, "Decline")
		return
	}
	c.refers++
	sub := &referIn{}
	if c.refers > 1 { // RFC 3515 §2.4.6
		sub.id = ";id=" + strconv.FormatUint(uint64(cseqOf(req)), 10)
	}
	r := c.response(tx, sip.StatusAccepted, "Accepted")
	r.AppendHeader(c.contact(tx.Flow()))
	if strings.EqualFold(strings.TrimSpace(headerValue(req, "Refer-Sub")), "false") { // RFC 4488 §4
		r.AppendHeader(sip.NewHeader("Refer-Sub", "false"))
		sub = nil
	}
	c.send(tx, r)
	c.referIn = sub
	c.notifyRefer(sip.StatusTrying, "Trying")
	c.emit(Event{Kind: EventRefer, ReferTo: to, Replaces: replaces, DialogTag: d.remoteTag})
}

// parseReferTo reads the one Refer-To that must be there (RFC 3515 §2.1) and
// takes an embedded Replaces out of it (RFC 3891 §6.1).
func parseReferTo(values []string) (to, replaces string, err error) {
	if len(values) != 1 {
		return "", "", fmt.Errorf("%w: %d Refer-To headers", ErrURI, len(values))
	}
	u, err := parseURI(values[0])
	if err != nil {
		return "", "", err
	}
	for _, kv := range u.Headers {
		if strings.EqualFold(kv.K, "Replaces") {
			if replaces, err = url.PathUnescape(kv.V); err != nil {
				return "", "", fmt.Errorf("%w: %v", ErrURI, err)
			}
			replaces = cleanText(replaces)
		}
	}
	u.Headers = nil
	return u.String(), replaces, nil
}

// NotifyRefer reports to the peer how the transfer that it asked for goes: a
// SIP status, 100-699. A final status (200 and up) ends the reports.
func (c *Call) NotifyRefer(status int, reason string) {
	c.mu.Lock()
	defer c.unlockAPI()
	c.notifyRefer(status, reason)
}

func (c *Call) notifyRefer(status int, reason string) {
	sub := c.referIn
	if sub == nil || c.state == ended || status < 100 || status > 699 {
		return
	}
	subState := "active;expires=60"
	if status >= 200 {
		c.referIn = nil
		subState = "terminated;reason=noresource"
	}
	body := fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, cleanText(reason))
	c.oneShot(sip.NOTIFY, func(r *sip.Request) {
		r.AppendHeader(sip.NewHeader("Event", "refer"+sub.id))
		r.AppendHeader(sip.NewHeader("Subscription-State", subState))
		setBody(r, "message/sipfrag;version=2.0", body) // RFC 3420
	}, nil)
}

// onNotify takes NOTIFY in the dialog: about our transfer, or anything else.
func (c *Call) onNotify(d *dialog, tx *txn.ServerTx) {
	req := tx.Request()
	event, _ := splitParams(headerValue(req, "Event"))
	isRefer := strings.EqualFold(event, "refer")
	if isRefer && c.referOut == nil { // RFC 6665 §4.1.3
		c.simple(tx, sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist")
		return
	}
	c.simple(tx, sip.StatusOK, "OK")
	ev := Event{Kind: EventNotify, ContentType: headerValue(req, "Content-Type"), Body: req.Body(), DialogTag: d.remoteTag}
	if !isRefer {
		ev.Reason = event
		c.emit(ev)
		return
	}
	ev.Status, ev.Reason = parseSipfrag(req.Body())
	c.emit(ev)
	subState, _ := splitParams(headerValue(req, "Subscription-State"))
	if ev.Status >= 200 || strings.EqualFold(subState, "terminated") {
		c.transferDone(ev.Status, ev.Reason)
	}
}

// parseSipfrag reads the status line of a message/sipfrag body (RFC 3420);
// status 0 if there is none.
func parseSipfrag(body []byte) (status int, reason string) {
	line, _, _ := strings.Cut(string(body), "\n")
	f := strings.SplitN(strings.TrimSpace(line), " ", 3)
	if len(f) < 2 || !strings.EqualFold(f[0], "SIP/2.0") {
		return 0, ""
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || n < 100 || n > 699 {
		return 0, ""
	}
	if len(f) == 3 {
		reason = cleanText(f[2])
	}
	return n, reason
}

// Refer asks the peer to call to, a SIP URI that may carry an escaped Replaces
// (RFC 3515). done gets the final status of that call: with a 2xx, and after
// 30 s of silence (err is txn.ErrTimeout), our leg is hung up (D12); with
// anything else (*StatusError) it stays. done may be nil.
func (c *Call) Refer(to string, done func(status int, err error)) {
	if done == nil {
		done = func(int, error) {}
	}
	c.mu.Lock()
	defer c.unlockAPI()
	u, err := parseURI(to)
	if err == nil && (c.state != confirmed || c.referOut != nil) {
		err = ErrState
	}
	if err != nil {
		c.later(func() { done(0, err) })
		return
	}
	c.referOut = &referOut{done: done}
	c.arm(&c.referT, transferLimit, func() { c.finishTransfer(0, txn.ErrTimeout, true) })
	by := c.local.Address
	c.oneShot(sip.REFER, func(r *sip.Request) {
		r.AppendHeader(sip.NewHeader("Refer-To", "<"+u.String()+">"))
		r.AppendHeader(sip.NewHeader("Referred-By", "<"+by.String()+">")) // RFC 3892
	}, c.referAnswered)
}

// ReferCall is Refer for an attended transfer: the peer of c is to take our
// place in other (RFC 5589 §7).
func (c *Call) ReferCall(other *Call, done func(status int, err error)) {
	replaces := other.Replaces()
	other.mu.Lock()
	var u sip.Uri
	if other.dlg != nil {
		u = *other.dlg.target.Clone()
	}
	other.mu.Unlock()
	u.Headers = sip.HeaderParams{{K: "Replaces", V: url.QueryEscape(replaces)}}
	c.Refer(u.String(), done)
}

// referAnswered takes the final answer to REFER, without the mutex held.
func (c *Call) referAnswered(r *sip.Response, err error) {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case err != nil:
		c.finishTransfer(0, err, false)
	case r.StatusCode >= 300:
		c.finishTransfer(r.StatusCode, &StatusError{r.StatusCode, r.Reason}, false)
	case strings.EqualFold(strings.TrimSpace(headerValue(r, "Refer-Sub")), "false"): // RFC 4488: there will be no NOTIFY
		c.finishTransfer(r.StatusCode, nil, true)
	}
}

func (c *Call) transferDone(status int, reason string) {
	if status >= 300 {
		c.finishTransfer(status, &StatusError{status, reason}, false)
		return
	}
	c.finishTransfer(status, nil, status >= 200)
}

func (c *Call) finishTransfer(status int, err error, hangup bool) {
	out := c.referOut
	if out == nil {
		return
	}
	c.referOut = nil
	c.referT.stop()
	c.later(func() { out.done(status, err) })
	if hangup {
		c.hangup(cause.NormalClearing, Event{Cause: cause.NormalClearing})
	}
}

func (c *Call) stopRefer() {
	c.referIn = nil
	c.finishTransfer(0, ErrState, false)
}
