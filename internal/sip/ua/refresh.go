package ua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
)

// refreshState is the session timer (RFC 4028, D11). Guarded by the call's mutex.
type refreshState struct {
	want      time.Duration // Session-Expires that we offer; negative = off
	minSE     time.Duration // Min-SE: ours, raised by 422
	interval  time.Duration // as agreed; 0 = no session timer
	weRefresh bool
	raised    int
	refT      timer // refresh at half
	expT      timer // BYE before expiry
}

// maxRaises bounds how often one request is raised after 422.
const maxRaises = 3

func (c *Call) usesTimer() bool { return c.want > 0 }

// offerInterval adds Session-Expires and Min-SE to a request of ours. In a
// running session the refresher keeps its part (RFC 4028 §7.4).
func (c *Call) offerInterval(r *sip.Request) {
	if !c.usesTimer() {
		return
	}
	v := deltaSeconds(max(c.want, c.minSE, c.interval))
	switch {
	case c.interval > 0 && c.weRefresh:
		v += ";refresher=uac"
	case c.interval > 0:
		v += ";refresher=uas"
	}
	r.AppendHeader(sip.NewHeader("Session-Expires", v))
	r.AppendHeader(sip.NewHeader("Min-SE", deltaSeconds(c.minSE)))
}

// intervalTooSmall raises our interval after a 422 and reports whether to send
// again (RFC 4028 §7.3). It is called without the mutex.
func (c *Call) intervalTooSmall(r *sip.Response) bool {
	if r.StatusCode != 422 {
		return false
	}
	least, ok := seconds(headerValue(r, "Min-SE"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok || c.raised >= maxRaises || c.state == ended {
		return false
	}
	c.raised++
	c.minSE = max(c.minSE, least)
	c.want = max(c.want, c.minSE)
	return true
}

// refreshTooSmall gives the Min-SE header of a 422 if a request of the peer
// wants too short an interval and knows 422 (RFC 4028 §9).
func (c *Call) refreshTooSmall(req *sip.Request) sip.Header {
	se, _, ok := sessionExpires(req)
	if !ok || !c.usesTimer() || se >= c.a.cfg.MinSE || !knowsTimer(req) {
		return nil
	}
	return sip.NewHeader("Min-SE", deltaSeconds(c.a.cfg.MinSE))
}

func knowsTimer(m headersOf) bool {
	return hasOption(m, "Supported", "timer") || hasOption(m, "Require", "timer")
}

func sessionExpires(m headersOf) (d time.Duration, refresher string, ok bool) {
	v, p := splitParams(headerValue(m, "Session-Expires"))
	d, ok = seconds(v)
	return d, strings.ToLower(p["refresher"]), ok && d > 0
}

// answerRefresh agrees on the timer as UAS and writes it into a 2xx
// (RFC 4028 §9, table 2).
func (c *Call) answerRefresh(req *sip.Request, r *sip.Response) {
	se, refresher, asked := sessionExpires(req)
	knows := knowsTimer(req)
	c.interval = 0
	if !c.usesTimer() || !asked && !knows {
		return
	}
	least, _ := seconds(headerValue(req, "Min-SE"))
	least = max(least, c.minSE)
	c.interval = max(c.want, least)
	if asked {
		c.interval = max(min(se, c.interval), c.minSE)
	}
	switch {
	case !knows:
		refresher = "uas"
	case refresher != "uas":
		refresher = "uac"
		r.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	c.weRefresh = refresher == "uas"
	r.AppendHeader(sip.NewHeader("Session-Expires", deltaSeconds(c.interval)+";refresher="+refresher))
}

// startRefresh agrees on the timer as UAC, from a 2xx (RFC 4028 §7.2).
func (c *Call) startRefresh(r *sip.Response) {
	se, refresher, ok := sessionExpires(r)
	c.interval = 0
	if ok && c.usesTimer() {
		c.interval, c.weRefresh = se, refresher != "uas"
	}
	c.raised = 0
	c.beginRefresh()
}

// beginRefresh (re)starts the timers of a standing session: refresh at half,
// BYE at expiry minus min(32 s, a third) (D11, RFC 4028 §10).
func (c *Call) beginRefresh() {
	c.stopRefresh()
	if c.interval <= 0 || c.state != confirmed && c.state != answered {
		return
	}
	if c.weRefresh {
		c.arm(&c.refT, c.interval/2, c.refresh)
	}
	c.arm(&c.expT, c.interval-min(32*time.Second, c.interval/3), func() {
		c.hangup(cause.TimerExpiry, Event{Cause: cause.TimerExpiry, Err: ErrExpired})
	})
}

func (c *Call) stopRefresh() {
	c.refT.stop()
	c.expT.stop()
}

// refresh keeps the session alive: by UPDATE if the peer takes it, else by a
// re-INVITE with the session description in force (D11, RFC 4028 §7.4).
func (c *Call) refresh() {
	if c.dlg == nil || c.ours != nil || len(c.next) > 0 {
		c.arm(&c.refT, c.interval/8, c.refresh) // a change is under way; its 2xx refreshes too
		return
	}
	ch := &change{method: sip.INVITE, sdp: c.localSDP, refresh: true}
	if c.dlg.allowUpdate {
		ch.method, ch.sdp = sip.UPDATE, nil
	}
	ch.done = func(_ []byte, err error) {
		c.mu.Lock()
		defer c.unlock()
		if err == nil || c.state != confirmed {
			return
		}
		if e, ok := err.(*StatusError); ok && ch.method == sip.UPDATE && (e.Status == sip.StatusMethodNotAllowed || e.Status == sip.StatusNotImplemented) {
			c.dlg.allowUpdate = false
			c.refresh()
			return
		}
		c.arm(&c.refT, c.interval/8, c.refresh) // expT ends it if nothing helps
	}
	c.next = append(c.next, ch)
	c.nextOffer()
}
