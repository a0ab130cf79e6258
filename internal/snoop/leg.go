package snoop

import (
	"context"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// leg is a snoop channel's side of the technology. Its life:
//
//	made ──attach──► listening ──target or channel ends──► over
type leg struct {
	t                     *Technology
	target                *pbx.Channel
	spyIn, spyOut         bool
	whisperIn, whisperOut bool

	mu       sync.Mutex // guards what follows, and the order of events; on never blocks
	on       func(pbx.LegEvent)
	ear      *ear
	unset    func() bool // of what waits for the target's end
	attached bool
	over     bool
}

// attach joins the channel with its target. The first of the two who call it does the work.
func (l *leg) attach(c *pbx.Channel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached || l.over {
		return
	}
	l.attached, l.on = true, c.Deliver
	format := media.Format{Codec: "L16", ClockRate: rate(l.target.Port()), PTime: 20}
	l.ear = newEar(format)
	if l.whisperIn || l.whisperOut {
		l.ear.whisper = l.target.Port().Whisper(media.WhisperOptions{In: l.whisperIn, Out: l.whisperOut})
	}
	// Without a direction to spy on the tap gives silence: a channel that says nothing
	// at all would be taken for dead.
	l.ear.untap = l.target.Port().Tap(l.ear, media.TapOptions{In: l.spyIn, Out: l.spyOut, Rate: format.ClockRate})
	c.Port().SetLeg(l.ear, format)
	l.unset = context.AfterFunc(l.target.Context(), l.targetEnded)
}

// rate is what the target's audio is worth, 16000 Hz for wideband.
func rate(p *media.Port) int {
	f, ok := p.Format()
	if ok && (f.Codec == "G722" || f.Codec == "L16" && f.ClockRate == 16000) {
		return 16000
	}
	return 8000
}

// targetEnded ends the channel without a ChannelHangupRequest (observed: Asterisk
// 22.10, spec: ari 5.8).
func (l *leg) targetEnded() {
	l.finish(pbx.LegEvent{Kind: pbx.LegEnded, Cause: cause.NormalClearing, ByPeer: true, Quiet: true})
}

// Hangup takes spy and whisper off the target.
func (l *leg) Hangup(code cause.Code) {
	l.finish(pbx.LegEvent{Kind: pbx.LegEnded, Cause: code})
}

func (l *leg) finish(e pbx.LegEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	l.t.live.Add(-1)
	if l.ear != nil {
		_ = l.ear.Close() // nothing that could fail
		l.unset()
	}
	if l.on != nil {
		l.on(e)
	}
}

// Dial, Ring and the like do not fit a channel that is up from its start.
func (l *leg) Dial(pbx.DialOptions) error { return pbx.ErrState }

func (l *leg) Ring() error           { return pbx.ErrState }
func (l *leg) Progress() error       { return pbx.ErrState }
func (l *leg) Redirect(string) error { return pbx.ErrState }
func (l *leg) Transfer(string) error { return pbx.ErrState }

// Answer has no effect: it is answered.
func (l *leg) Answer() error { return nil }

// Reject ends the leg.
func (l *leg) Reject(code cause.Code) error {
	l.Hangup(code)
	return nil
}

// Hold, digits and names have nobody to tell: digits are not whispered.
func (l *leg) Hold(bool) error                        { return nil }
func (l *leg) SendDTMFInfo(rune, time.Duration) error { return nil }
func (l *leg) UpdateCallerID(call.CallerID)           {}

// Describe names the target.
func (l *leg) Describe() pbx.LegInfo {
	id := l.target.ID()
	return pbx.LegInfo{Technology: "Snoop", Name: id, Endpoint: id, Codec: "L16", Peer: "snoop", Context: "default", Listens: true}
}

// Ladder is empty: nothing is on a wire.
func (l *leg) Ladder() []call.SIPMessage { return nil }

// Header is empty: there is no message.
func (l *leg) Header(string) string { return "" }
