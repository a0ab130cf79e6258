package softphone

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// incoming takes a new call. It runs on a network goroutine.
func (p *Phone) incoming(s *ua.Call, req *sip.Request) {
	number := ua.UnescapeUser(req.Recipient.User)
	rule := p.admit(s.CallID(), number)
	c, err := p.newCall(rule, number, false)
	if err != nil {
		s.Handle(func(ua.Event) {})
		_ = s.Reject(503, "No Media Port") // the call may be gone already
		return
	}
	c.sip = s
	c.info.CallID, c.info.Remote, c.info.AutoAnswer = s.CallID(), s.RemoteIdentity(), wantsAutoAnswer(s)
	p.began(c)
	s.Handle(c.event)
	select {
	case p.calls <- c:
	default:
	}
	c.follow()
}

// admit counts an INVITE and gives the rule for it.
func (p *Phone) admit(callID, number string) Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Invites++
	p.counts.ByCallID[callID]++
	p.counts.ByNumber[number]++
	if p.cfg.Rules != nil {
		if r := p.cfg.Rules(number); r != nil {
			return *r
		}
	}
	return p.rule
}

// newCall makes a call with its media, still without its SIP side.
func (p *Phone) newCall(rule Rule, number string, out bool) (*Call, error) {
	c := &Call{phone: p, rule: rule, out: out, changed: make(chan struct{}), done: make(chan struct{})}
	c.info = Info{Number: number, Outgoing: out, StartedAt: time.Now()}
	a, err := p.openAudio(p.cfg.User+"/"+number, c.onDigit)
	c.audio = a
	return c, err
}

// wantsAutoAnswer looks for the ways in which a server asks a phone to answer
// by itself: the Answer-Mode header, and what brands made of Call-Info and
// Alert-Info.
func wantsAutoAnswer(s *ua.Call) bool {
	if strings.Contains(strings.ToLower(s.RequestHeader("Call-Info")), "answer-after=0") {
		return true
	}
	alert := strings.ToLower(s.RequestHeader("Alert-Info"))
	for _, word := range []string{"auto answer", "auto-answer", "autoanswer", "ring answer", "alert-autoanswer"} {
		if strings.Contains(alert, word) {
			return true
		}
	}
	return strings.EqualFold(s.RequestHeader("Answer-Mode"), "auto")
}

// follow does what the rule says with a new call.
func (c *Call) follow() {
	r := c.rule
	switch {
	case r.Action == Silent:
		return
	case r.Action == Answer && r.AutoAnswer && c.info.AutoAnswer:
		c.act()
		return
	case r.Action == Ring || r.After > 0 || r.EarlyMedia:
		c.ring()
	}
	switch {
	case r.Action == Ring:
	case r.After > 0:
		c.later(r.After, c.act)
	default:
		c.act()
	}
}

// ring sends 180, or 183 with audio.
func (c *Call) ring() {
	if !c.rule.EarlyMedia {
		if c.sip.Provisional(180, "Ringing", nil) == nil {
			c.advance(Ringing)
		}
		return
	}
	body, err := c.respondSDP()
	if err != nil {
		c.refuse(err)
		return
	}
	if c.sip.Provisional(183, "Session Progress", body) == nil {
		c.advance(EarlyMedia)
	}
}

// act carries out the rule after the ringing.
func (c *Call) act() {
	switch c.rule.Action {
	case Answer:
		c.Answer()
	case Reject:
		status, reason := c.rule.rejection()
		c.phone.count(func(n *Counts) { n.Rejected++ })
		_ = c.sip.Reject(status, reason) // a call that is gone needs no refusal
	case Redirect:
		target, err := c.phone.target(c.rule.Target)
		if err != nil {
			c.refuse(err)
			return
		}
		c.phone.count(func(n *Counts) { n.Rejected++ })
		_ = c.sip.Redirect(target.String())
	}
}

// Answer answers an incoming call now, whatever its rule waits for.
func (c *Call) Answer() {
	if c.out || c.State() >= Connected {
		return
	}
	var body []byte
	if c.State() != EarlyMedia { // else the 200 repeats the description of the 183
		var err error
		if body, err = c.respondSDP(); err != nil {
			c.refuse(err)
			return
		}
	}
	if c.sip.Answer(body) != nil {
		return // cancelled a moment ago
	}
	c.connected()
}

// respondSDP gives our answer to the INVITE's offer, or our offer where it had
// none.
func (c *Call) respondSDP() ([]byte, error) {
	if offer := c.sip.Request().Body(); len(offer) > 0 {
		return c.audio.answer(offer)
	}
	return c.audio.offer()
}

// refuse ends a call that we cannot take.
func (c *Call) refuse(err error) {
	status, reason := 500, "Server Internal Error"
	if e, ok := errors.AsType[*sdp.Error](err); ok {
		status, reason = e.Status, "Not Acceptable Here"
	}
	c.phone.log.Info("call refused", "call_id", c.ID(), "err", err)
	c.phone.count(func(n *Counts) { n.Rejected++ })
	_ = c.sip.Reject(status, reason)
}

// connected begins what the rule says for an answered call.
func (c *Call) connected() {
	c.advance(Connected)
	c.phone.count(func(n *Counts) { n.Answered++ })
	c.noteHold()
	r := c.rule
	if r.HangupAfter > 0 {
		c.later(r.HangupAfter, c.Hangup)
	}
	if r.HoldAfter > 0 {
		c.later(r.HoldAfter, func() { c.holdByRule(true) })
		if r.HoldFor > 0 {
			c.later(r.HoldAfter+r.HoldFor, func() { c.holdByRule(false) })
		}
	}
	if r.Press != "" {
		c.later(r.PressAfter, c.pressByRule)
	}
}

// key presses a key that the server wants pressed.
func (c *Call) key(event string) {
	c.change(func() { c.info.Keys = append(slices.Clone(c.info.Keys), event) })
	switch {
	case event == "talk" && c.State() < Connected:
		c.Answer()
	case event == "talk" || event == "hold":
		go c.holdByRule(event == "hold") // it waits for the server, whose answer comes by this goroutine
	}
}

// holdByRule is Hold on a goroutine of a timer, which ends with the call.
func (c *Call) holdByRule(on bool) {
	ctx, cancel := c.context()
	defer cancel()
	if err := c.Hold(ctx, on); err != nil {
		c.phone.log.Info("hold by rule", "call_id", c.ID(), "on", on, "err", err)
	}
}

func (c *Call) pressByRule() {
	ctx, cancel := c.context()
	defer cancel()
	if err := c.SendDTMF(ctx, c.rule.Press, c.rule.PressInfo); err != nil {
		c.phone.log.Info("press by rule", "call_id", c.ID(), "err", err)
	}
}

// event takes what the user agent tells of the call, in order, on network
// goroutines.
func (c *Call) event(e ua.Event) {
	switch e.Kind {
	case ua.EventRinging:
		c.advance(Ringing)
	case ua.EventProgress:
		c.progress(e)
	case ua.EventAnswered:
		c.answered(e)
	case ua.EventAnswerToOurOffer, ua.EventConfirmed:
		if err := c.audio.answered(e.SDP); err != nil {
			c.unusable(err)
		}
		c.noteHold()
	case ua.EventOffer:
		c.offered(e)
	case ua.EventInfo:
		if d, _, ok := ua.ParseDTMF(e.ContentType, e.Body); ok {
			c.pressed(d, true)
		}
	case ua.EventNotify:
		if c.phone.cfg.Keys {
			c.key(strings.ToLower(e.Reason))
		}
	case ua.EventRefer:
		c.sip.NotifyRefer(603, "Decline") // the phone transfers nobody
	case ua.EventEnded:
		c.end(e)
	}
}

// progress takes a provisional answer of an outgoing call.
func (c *Call) progress(e ua.Event) {
	if len(e.SDP) == 0 {
		c.advance(Ringing)
		return
	}
	if err := c.audio.answered(e.SDP); err != nil {
		c.phone.log.Info("early media not usable", "call_id", c.ID(), "err", err)
		return
	}
	c.advance(EarlyMedia)
}

// answered takes the 200 to an outgoing call.
func (c *Call) answered(e ua.Event) {
	if err := c.audio.answered(e.SDP); err != nil {
		c.unusable(err)
		return
	}
	c.connected()
}

// unusable ends an answered call whose media we cannot use (design rule S6).
func (c *Call) unusable(err error) {
	c.change(func() { c.info.Err = err })
	c.sip.Hangup(cause.BearerNotAvail)
}

// offered answers a re-INVITE or UPDATE.
func (c *Call) offered(e ua.Event) {
	var body []byte
	var err error
	if len(e.SDP) == 0 {
		body, err = c.audio.offer()
	} else {
		body, err = c.audio.answer(e.SDP)
	}
	if err != nil {
		_ = c.sip.RejectOffer(488)
		return
	}
	c.change(func() { c.info.Offers++ })
	c.noteHold()
	_ = c.sip.AcceptOffer(body) // fails only when the call has ended meanwhile
}
