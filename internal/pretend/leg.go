package pretend

import (
	"strconv"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// leg is one pretended phone call.
type leg struct {
	t        *Technology
	plan     plan
	on       func(pbx.LegEvent)
	port     *media.Port
	resource string
	callID   string

	say  sync.Mutex // guards said and the order of events; on never blocks
	said bool       // LegEnded has been posted

	mu      sync.Mutex // guards the fields below; on is called outside of it
	timers  []*time.Timer
	ladder  []call.SIPMessage
	dialled bool
	up      bool
	over    bool
	phone   *phone
}

func (l *leg) isUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// Dial lets the far phone do what its number says.
func (l *leg) Dial(o pbx.DialOptions) error {
	l.mu.Lock()
	if l.dialled || l.over {
		l.mu.Unlock()
		return pbx.ErrDialled
	}
	l.dialled = true
	l.note(true, "INVITE sip:"+l.plan.number+"@pretend SIP/2.0", "from "+o.CallerID.Number)
	l.mu.Unlock()
	l.t.enter(l)
	switch {
	case l.plan.silent:
	case l.plan.status != 0:
		l.after(l.plan.ring, func() { l.refuse(l.plan.status) })
	case l.plan.early:
		l.after(0, l.progress)
	case l.plan.rings || l.plan.ring > 0:
		l.after(0, l.ringing)
	default:
		l.after(0, l.answer)
	}
	return nil
}

// after runs f later unless the leg is over by then. 0 is as soon as possible,
// but never from inside Dial.
func (l *leg) after(d time.Duration, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.timers = append(l.timers, time.AfterFunc(d, func() {
		l.mu.Lock()
		over := l.over
		l.mu.Unlock()
		if !over {
			f()
		}
	}))
}

func (l *leg) ringing() {
	l.record(false, "SIP/2.0 180 Ringing")
	l.tell(pbx.LegEvent{Kind: pbx.LegRinging})
	l.after(l.plan.ring, l.answer)
}

func (l *leg) progress() {
	l.openMedia()
	l.record(false, "SIP/2.0 183 Session Progress")
	l.tell(pbx.LegEvent{Kind: pbx.LegProgress})
	l.after(l.plan.ring, l.answer)
}

func (l *leg) answer() {
	l.mu.Lock()
	if l.up || l.over {
		l.mu.Unlock()
		return
	}
	l.up = true
	l.note(false, "SIP/2.0 200 OK", "INVITE")
	l.mu.Unlock()
	l.openMedia()
	l.tell(pbx.LegEvent{Kind: pbx.LegAnswered})
	l.live()
}

// live does what the phone does after the answer.
func (l *leg) live() {
	for i, d := range l.plan.digits {
		l.after(time.Duration(i+1)*200*time.Millisecond, func() {
			l.tell(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: d, Duration: 100 * time.Millisecond})
		})
	}
	if l.plan.hold > 0 {
		l.after(l.plan.hold, func() { l.tell(pbx.LegEvent{Kind: pbx.LegHeld}) })
		if l.plan.resume > 0 {
			l.after(l.plan.hold+l.plan.resume, func() { l.tell(pbx.LegEvent{Kind: pbx.LegResumed}) })
		}
	}
	if l.plan.talk > 0 {
		l.after(l.plan.talk, func() {
			l.record(false, "BYE sip:dialwright@pretend SIP/2.0")
			l.end(pbx.LegEvent{Kind: pbx.LegEnded, Cause: l.plan.cause, ByPeer: true})
		})
	}
}

// refuse ends the leg with a SIP status (D16).
func (l *leg) refuse(status int) {
	code := cause.FromSIP(status)
	_, phrase := code.SIPStatus()
	l.record(false, "SIP/2.0 "+strconv.Itoa(status)+" "+phrase)
	l.end(pbx.LegEvent{
		Kind: pbx.LegEnded, Cause: code, SIPStatus: status, Text: phrase, ByPeer: true,
		Failure: &call.Failure{
			Disposition: call.Disposition(code.Disposition()), Cause: int(code), SIPStatus: status, Peer: phrase, Permanent: code.Permanent(),
		},
	})
}

// Hangup ends the leg. A late phone answers first: what a 200 that crosses a
// CANCEL looks like to the switch.
func (l *leg) Hangup(code cause.Code) {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	late := l.plan.late && l.dialled && !l.up
	if l.up {
		l.note(true, "BYE sip:"+l.plan.number+"@pretend SIP/2.0", "")
	} else if l.dialled {
		l.note(true, "CANCEL sip:"+l.plan.number+"@pretend SIP/2.0", "")
	}
	l.mu.Unlock()
	if late {
		l.record(false, "SIP/2.0 200 OK")
		l.tell(pbx.LegEvent{Kind: pbx.LegAnswered})
		l.record(true, "BYE sip:"+l.plan.number+"@pretend SIP/2.0")
	}
	l.end(pbx.LegEvent{Kind: pbx.LegEnded, Cause: code})
}

// tell posts an event: nothing after LegEnded.
func (l *leg) tell(e pbx.LegEvent) {
	l.say.Lock()
	defer l.say.Unlock()
	if l.said {
		return
	}
	l.said = e.Kind == pbx.LegEnded
	l.on(e)
}

// end is the end, once.
func (l *leg) end(e pbx.LegEvent) {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	for _, t := range l.timers {
		t.Stop()
	}
	l.timers = nil
	ph := l.phone
	l.phone = nil
	l.mu.Unlock()
	if ph != nil {
		ph.close()
	}
	l.t.forget(l)
	l.tell(e)
}

// The rest of pbx.Leg. A pretended leg is always an outgoing one.

func (l *leg) Ring() error             { return pbx.ErrState }
func (l *leg) Progress() error         { return pbx.ErrState }
func (l *leg) Answer() error           { return pbx.ErrState }
func (l *leg) Redirect(string) error   { return pbx.ErrState }
func (l *leg) Reject(cause.Code) error { return pbx.ErrState }

func (l *leg) Hold(on bool) error {
	if on {
		l.record(true, "re-INVITE sendonly")
	} else {
		l.record(true, "re-INVITE sendrecv")
	}
	return nil
}

func (l *leg) SendDTMFInfo(digit rune, _ time.Duration) error {
	l.record(true, "INFO Signal="+string(digit))
	return nil
}

func (l *leg) Transfer(target string) error {
	l.record(true, "REFER "+target)
	l.after(0, func() {
		l.end(pbx.LegEvent{Kind: pbx.LegEnded, Cause: cause.NormalClearing, ByPeer: true})
	})
	return nil
}

func (l *leg) UpdateCallerID(id call.CallerID) { l.record(true, "UPDATE "+id.Number) }

func (l *leg) Describe() pbx.LegInfo {
	return pbx.LegInfo{
		Technology: "Pretend", Name: l.plan.number, Endpoint: l.resource, Phone: l.plan.number,
		CallID: l.callID, Codec: "PCMU", Peer: "pretend:" + l.plan.number,
	}
}

func (l *leg) Ladder() []call.SIPMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]call.SIPMessage(nil), l.ladder...)
}

func (l *leg) Header(string) string { return "" }

// record notes a message that would have been on the wire.
func (l *leg) record(sent bool, first string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(sent, first, "")
}

// note is record with l.mu held. A talkative test does not grow without bound.
func (l *leg) note(sent bool, first, note string) {
	if len(l.ladder) >= 100 {
		return
	}
	l.ladder = append(l.ladder, call.SIPMessage{
		At: time.Now().UTC(), Sent: sent, Peer: "pretend:" + l.plan.number, First: first, Note: note,
	})
}
