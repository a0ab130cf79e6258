package sip

import (
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// finish ends the leg: exactly once, with its last event.
func (l *leg) finish(e pbx.LegEvent) {
	if l.state == legEnded {
		return
	}
	l.state = legEnded
	if l.giveUp != nil {
		l.giveUp.Stop()
	}
	l.stop()
	l.closeMedia()
	l.ln.set(l, 0)
	l.t.legs.remove(l)
	l.mu.Lock()
	ids := l.callIDs
	l.mu.Unlock()
	for _, id := range ids {
		l.t.ladders.release(id)
	}
	e.Kind = pbx.LegEnded
	l.emit(e)
	l.pressKeys()
	l.letGo()
}

// letGo forgets what a leg that has ended needs no more. The dialog below lives on
// for 32 s (D2, D3) and keeps the leg; it must not keep the channel, its media and
// whoever placed the call.
func (l *leg) letGo() {
	l.o = pbx.RequestOptions{ChannelID: l.o.ChannelID, OnEvent: func(pbx.LegEvent) {}}
	l.plain, l.streams, l.str = nil, nil, nil
	for _, f := range l.forks {
		f.str = nil
	}
}

// broken ends a leg whose code has broken an invariant.
func (l *leg) broken(v any, stack []byte) {
	l.t.panics.Add(1)
	l.t.log.Error("leg ended by a broken invariant", "leg", l.o.ChannelID, "panic", v, "stack", string(stack))
	if l.conn != nil {
		l.conn.Hangup(cause.TemporaryFailure)
	}
	for _, f := range l.forks {
		f.call.Hangup(cause.TemporaryFailure)
	}
	l.finish(pbx.LegEvent{Cause: cause.TemporaryFailure})
}

// Hangup ends the leg in any state: CANCEL, BYE or a refusal. Rule D3: the
// clean-up goes on in the background; LegEnded comes when it is done.
func (l *leg) Hangup(c cause.Code) {
	l.q.post(func() {
		switch l.state {
		case legEnding, legEnded:
			return
		case legNew:
			l.state = legEnded // never dialled: nothing to report
			l.stop()
			l.t.legs.remove(l)
			return
		}
		l.hangup(c)
	})
}

func (l *leg) hangup(c cause.Code) {
	if l.refer && l.conn != nil {
		// The transfer that the peer asked for has been carried out: the
		// channel lets its leg go (RFC 3515 §2.4.5 final NOTIFY).
		l.conn.NotifyRefer(200, "OK")
		l.refer = false
	}
	l.state, l.hungUp = legEnding, c
	l.stop()
	l.closeMedia()
	l.ln.set(l, 0)
	l.open = map[string]bool{}
	l.lad.watch(func(callID string) { l.q.post(func() { l.settled(callID) }) })
	if l.incoming {
		l.open[l.conn.CallID()] = true
		l.conn.Hangup(c)
		return
	}
	for _, f := range l.forks {
		if !f.ended {
			l.open[f.call.CallID()] = true
			f.call.Hangup(c)
		}
	}
	l.endIfIdle()
}

// confirmTime is how long a leg that we hung up waits for the peer's last word
// before it reports its end. ua goes on by itself after that (RFC 3261 §9.1:
// up to 32 s); the wait only makes the ladder complete.
const confirmTime = time.Second

// conclude ends a leg that we have hung up, when the peer has confirmed.
func (l *leg) conclude(e pbx.LegEvent) {
	if len(l.open) == 0 || l.state == legEnded {
		l.finish(e)
		return
	}
	l.last = &e
	l.giveUp = time.AfterFunc(confirmTime, func() { l.q.post(func() { l.finish(e) }) })
}

// settled notes that the peer has confirmed the end of one of our calls.
func (l *leg) settled(callID string) {
	delete(l.open, callID)
	if l.last != nil && len(l.open) == 0 {
		l.finish(*l.last)
	}
}
