package sip

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// Errors of leg methods that make no sense in the leg's state.
var (
	errDirection = errors.New("the leg goes the other way")
	errDialled   = errors.New("the leg was dialled already")
)

// legState is where a leg stands.
//
//	outgoing  new ─► calling ─► up ─► ending ─► ended
//	incoming  early ──────────► up ─► ending ─► ended
//
// ending: we have hung up and wait until every dialog is gone.
type legState int

const (
	legNew legState = iota
	legCalling
	legEarly
	legUp
	legEnding
	legEnded
)

// leg is one party's side of a channel: an outgoing call to a phone's contacts
// or to a trunk, or an incoming one. It implements pbx.Leg.
//
// What happens is serialised by q (see serial); the fields below it are
// touched only inside q. Describe, Header and Ladder read a copy under mu.
type leg struct {
	t        *Technology
	o        pbx.RequestOptions // of an incoming leg only ChannelID, Port and OnEvent
	res      resource
	incoming bool
	lad      *ladder
	ctx      context.Context // ends with the leg: look-ups and routing questions stop
	stop     context.CancelFunc

	q       serial
	state   legState
	prof    *profile
	ln      *line
	plain   *stream         // a pair of ports, shared by forks to phones; nil = not needed yet
	streams []*stream       // to browsers
	str     *stream         // of conn
	forks   []*fork         // outgoing: every INVITE of the leg
	live    int             // forks that have not ended
	pending int             // forwards that are being looked up
	failure *call.Failure   // best failure of the forks so far
	hungUp  cause.Code      // our own Hangup's cause
	extra   []pbx.Header    // of DialOptions
	shown   call.CallerID   // what the peer sees
	conn    *ua.Call        // incoming, or the fork that answered
	neg     *sdp.Negotiator // of conn
	answer  []byte          // incoming: our answer, made at the INVITE; nil = the caller wants our offer
	agreed  sdp.Agreed      // newest
	held    bool            // the peer holds us
	holding holdState
	speech  speechState
	asking  bool            // a re-INVITE of ours is under way: one at a time, each with one offer
	refer   bool            // a REFER of the peer waits for its result
	rang    bool            // LegRinging was told
	keys    []*keyPress     // wait for a device that rings
	moved   string          // where a 302 pointed that was not followed
	waiting []pbx.LegEvent  // incoming: events from before attach
	open    map[string]bool // Call-IDs that we have hung up and the peer has not confirmed
	last    *pbx.LegEvent   // ending: LegEnded, once open is empty
	giveUp  *time.Timer

	mu      sync.Mutex
	info    pbx.LegInfo
	callIDs []string
	firstID string // Call-ID of the first INVITE, until it is sent
	header  func(string) string
}

// holdState is our own hold: what is wanted, and what the peer knows.
type holdState struct {
	want, told bool
}

func (t *Technology) newLeg(o pbx.RequestOptions, res resource, p *profile, dialled string) *leg {
	l := &leg{t: t, o: o, res: res, prof: p, ln: t.lineOf(p.name), lad: &ladder{}}
	l.q.onPanic = l.broken
	// A leg outlives the request that made it; it ends its context itself.
	l.ctx, l.stop = context.WithCancel(t.base)
	l.info = pbx.LegInfo{Technology: techName, Name: p.name, Endpoint: dialled, Context: p.context}
	if p.kind == kindPhone {
		l.info.Phone = p.name
		l.info.CallerID = p.phone.self()
	} else {
		l.info.Trunk = p.name
	}
	return l
}

// emit posts an event to the channel. Events of an incoming leg that come
// before its channel is known wait for it (see attach).
func (l *leg) emit(e pbx.LegEvent) {
	if l.o.OnEvent == nil {
		l.waiting = append(l.waiting, e)
		return
	}
	l.o.OnEvent(e)
}

// attach gives an incoming leg its channel.
func (l *leg) attach(channelID string, onEvent func(pbx.LegEvent)) {
	l.q.post(func() {
		l.o.ChannelID, l.o.OnEvent = channelID, onEvent
		for _, e := range l.waiting {
			onEvent(e)
		}
		l.waiting = nil
	})
}

// do runs f in the leg's queue if the leg is in one of the states.
func (l *leg) do(f func(), in ...legState) {
	l.q.post(func() {
		for _, s := range in {
			if l.state == s {
				f()
				return
			}
		}
	})
}

// claim makes the leg the owner of a Call-ID: its messages go to our ladder.
func (l *leg) claim(callID string) {
	l.t.ladders.claim(callID, l.lad)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.callIDs = append(l.callIDs, callID)
	if l.info.CallID == "" {
		l.info.CallID = callID
	}
}

// connect notes the dialog that the leg consists of from now on.
func (l *leg) connect(c *ua.Call, header func(string) string) {
	l.conn = c
	l.mu.Lock()
	defer l.mu.Unlock()
	l.info.CallID = c.CallID()
	l.info.Peer = peerText(c)
	l.header = header
}

func peerText(c *ua.Call) string {
	f := c.Flow()
	if f == nil {
		return ""
	}
	return string(f.Transport()) + ":" + f.RemoteAddr().String()
}

// Ring sends 180 to the caller.
func (l *leg) Ring() error {
	if !l.incoming {
		return errDirection
	}
	l.do(func() {
		if err := l.conn.Provisional(180, "Ringing", nil); err != nil {
			l.t.log.Debug("cannot send 180", "leg", l.o.ChannelID, "err", err)
		}
	}, legEarly)
	return nil
}

// Answer takes the incoming call.
func (l *leg) Answer() error {
	if !l.incoming {
		return errDirection
	}
	l.do(l.accept, legEarly)
	return nil
}

// Progress sends 183 with our session description to the caller.
func (l *leg) Progress() error {
	if !l.incoming {
		return errDirection
	}
	l.do(l.earlyMedia, legEarly)
	return nil
}

// Reject refuses the incoming call with the SIP status for the cause
// (Asterisk: chan_pjsip.c hangup_cause2sip).
func (l *leg) Reject(c cause.Code) error {
	if !l.incoming {
		return errDirection
	}
	l.do(func() { l.hangup(c) }, legEarly)
	return nil
}

// Redirect answers the incoming call with 302 to target, a number or a dial
// string of this technology.
func (l *leg) Redirect(target string) error {
	if !l.incoming {
		return errDirection
	}
	l.do(func() {
		if err := l.conn.Redirect(l.uriFor(target)); err != nil {
			l.t.log.Debug("cannot send 302", "leg", l.o.ChannelID, "err", err)
			l.hangup(cause.Redirected)
		}
	}, legEarly)
	return nil
}

// Hold puts the peer on hold, or takes it back, by re-INVITE. What it hears
// meanwhile is the channel's business. Quick changes are folded: only the
// newest wish is sent once the peer has answered the one before.
func (l *leg) Hold(on bool) error {
	l.do(func() {
		l.holding.want = on
		l.tellHold()
	}, legUp)
	return nil
}

func (l *leg) tellHold() {
	h := &l.holding
	if l.asking || h.want == h.told || l.state != legUp {
		return
	}
	want := h.want
	l.neg.SetHold(holdDirection(want))
	offer, err := l.neg.Offer()
	if err != nil {
		l.t.log.Warn("cannot offer hold", "leg", l.o.ChannelID, "err", err)
		return
	}
	l.asking = true
	l.conn.Reinvite(offer, func(answer []byte, err error) {
		l.do(func() { l.holdTold(want, answer, err) }, legUp)
	})
}

func holdDirection(on bool) sdp.Direction {
	if on {
		return sdp.SendOnly // RFC 3264 §8.4
	}
	return sdp.SendRecv
}

func (l *leg) holdTold(want bool, answer []byte, err error) {
	h := &l.holding
	l.asking = false
	defer l.tellSpeech()
	if err != nil {
		// The session stays as it was (RFC 3261 §14.1).
		l.neg.SetHold(holdDirection(h.told))
		h.want = h.told
		l.t.log.Info("peer refused hold", "leg", l.o.ChannelID, "hold", want, "err", err)
		return
	}
	h.told = want
	if len(answer) > 0 {
		if ag, err := l.neg.SetAnswer(answer); err == nil {
			l.renegotiated(ag)
		}
	}
	l.tellHold()
}

// SendDTMFInfo sends one digit beside the media: by SIP INFO (rule D13), or as
// tones to an endpoint that is configured to take no INFO (rule M4).
func (l *leg) SendDTMFInfo(digit rune, d time.Duration) error {
	if l.prof.dtmf == DTMFInband || l.prof.dtmf == DTMFRFC4733 {
		l.o.Port.SendDTMF(string(digit), media.DTMFOptions{Duration: d, InBand: true}, func(err error) {
			if err != nil {
				l.t.log.Info("digit not sent", "call_id", l.Describe().CallID, "err", err)
			}
		})
		return nil
	}
	l.do(func() {
		contentType, body := ua.FormatDTMF(true, digit, d)
		l.conn.Info(contentType, body, func(status int, err error) {
			if err != nil || status >= 300 {
				l.t.log.Info("peer refused a digit", "leg", l.o.ChannelID, "status", status, "err", err)
			}
		})
	}, legUp)
	return nil
}

// Transfer asks the peer by REFER to call target instead.
func (l *leg) Transfer(target string) error {
	l.do(func() {
		l.conn.Refer(l.uriFor(target), func(status int, err error) {
			if err != nil || status >= 300 {
				l.t.log.Info("peer refused the transfer", "leg", l.o.ChannelID, "status", status, "err", err)
			}
		})
	}, legUp)
	return nil
}

// UpdateCallerID notes a new connected line. It is shown to a caller in the
// answer; a call that is answered already keeps what it was shown.
func (l *leg) UpdateCallerID(c call.CallerID) {
	l.do(func() { l.shown = c }, legNew, legEarly)
}

// Describe says what is known now.
func (l *leg) Describe() pbx.LegInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.info
}

// Ladder gives the leg's SIP messages, oldest first, at most 200.
func (l *leg) Ladder() []call.SIPMessage { return l.lad.messages() }

// Header gives a header of the peer's INVITE or answer, "" if absent.
func (l *leg) Header(name string) string {
	l.mu.Lock()
	h := l.header
	l.mu.Unlock()
	if h == nil {
		return ""
	}
	return h(name)
}
