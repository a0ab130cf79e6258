package ua

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Info sends INFO in the dialog (RFC 6086, and the older way that DTMF uses).
// done gets the final status, or an error (ErrState, txn.ErrTimeout); it may
// be nil.
func (c *Call) Info(contentType string, body []byte, done func(status int, err error)) {
	c.mu.Lock()
	defer c.unlockAPI()
	c.oneShotStatus(sip.INFO, func(r *sip.Request) { setBody(r, contentType, body) }, done)
}

// Notify sends NOTIFY in the dialog, for event packages such as "talk" that
// phones take without a subscription. See NotifyRefer for transfers.
func (c *Call) Notify(event, contentType string, body []byte, done func(status int, err error)) {
	c.mu.Lock()
	defer c.unlockAPI()
	c.oneShotStatus(sip.NOTIFY, func(r *sip.Request) {
		r.AppendHeader(sip.NewHeader("Event", cleanText(event)))
		r.AppendHeader(sip.NewHeader("Subscription-State", "active"))
		setBody(r, contentType, body)
	}, done)
}

// appendEvents says which events are taken (RFC 6665 §8.2.2).
func (c *Call) appendEvents(m sip.Message) {
	if e := c.a.cfg.AllowEvents; e != "" {
		m.AppendHeader(sip.NewHeader("Allow-Events", e))
	}
}

func (c *Call) oneShotStatus(m sip.RequestMethod, fill func(*sip.Request), done func(int, error)) {
	if done == nil {
		done = func(int, error) {}
	}
	if c.state == ended || c.activeDialog() == nil {
		c.later(func() { done(0, ErrState) })
		return
	}
	c.oneShot(m, fill, func(r *sip.Response, err error) {
		c.mu.Lock()
		defer c.unlock()
		if err != nil {
			c.later(func() { done(0, err) })
			return
		}
		c.later(func() { done(r.StatusCode, nil) })
	})
}

// oneShot sends a request in the active dialog; on gets its final answer with
// the mutex not held. A 481 to INFO ends the call (RFC 3261 §12.2.1.2); one to
// REFER or NOTIFY only says that the subscription is unknown. The mutex is held.
func (c *Call) oneShot(m sip.RequestMethod, fill func(*sip.Request), on func(*sip.Response, error)) {
	d := c.activeDialog()
	if d == nil {
		return
	}
	c.begin()
	x := c.exchange(d, m, fill)
	x.on = func(r *sip.Response, err error) {
		if r != nil && r.StatusCode < 200 {
			return
		}
		if on != nil {
			on(r, err)
		}
		c.mu.Lock()
		defer c.unlock()
		if r != nil && r.StatusCode == sip.StatusCallTransactionDoesNotExists && m == sip.INFO {
			c.dialogGone(causeOf(r), Event{Status: r.StatusCode, Reason: r.Reason, Cause: causeOf(r), ByPeer: true})
		}
		c.finish()
	}
	c.do(x.start)
}

// dtmfEvents gives the digit of an event number (RFC 4733 §3.2; 16 is the hook flash).
const dtmfEvents = "0123456789*#ABCD!"

// ParseDTMF reads a digit from an INFO body (D13): application/dtmf-relay
// ("Signal=5\r\nDuration=100") or application/dtmf ("5"). digit is one of
// 0-9*#A-D! (! is a hook flash); d is 0 when the body does not say.
// Follows Asterisk: res_pjsip_dtmf_info.c dtmf_info_incoming_request, which
// reads * and # also as 10 and 11.
func ParseDTMF(contentType string, body []byte) (digit rune, d time.Duration, ok bool) {
	ct, _ := splitParams(contentType)
	ct = strings.ToLower(ct)
	if ct != "application/dtmf-relay" && ct != "application/dtmf" || len(body) > 256 {
		return 0, 0, false
	}
	signal := ""
	for line := range strings.Lines(string(body)) {
		k, v, found := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !found && signal == "" && ct == "application/dtmf":
			signal = strings.TrimSpace(k)
		case strings.EqualFold(strings.TrimSpace(k), "signal"):
			signal = strings.TrimSpace(v)
		case strings.EqualFold(strings.TrimSpace(k), "duration"):
			if ms, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && ms > 0 && ms <= 60_000 {
				d = time.Duration(ms) * time.Millisecond
			}
		}
	}
	signal = strings.ToUpper(signal)
	if len(signal) == 1 && strings.Contains(dtmfEvents, signal) {
		return rune(signal[0]), d, true
	}
	if n, err := strconv.Atoi(signal); err == nil && n >= 10 && n < len(dtmfEvents) {
		return rune(dtmfEvents[n]), d, true
	}
	return 0, 0, false
}

// FormatDTMF writes a digit as an INFO body: application/dtmf-relay if relay,
// else application/dtmf.
func FormatDTMF(relay bool, digit rune, d time.Duration) (contentType string, body []byte) {
	if !strings.ContainsRune(dtmfEvents, digit) {
		digit = '0'
	}
	if !relay {
		return "application/dtmf", []byte(string(digit))
	}
	return "application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", digit, d.Milliseconds())
}
