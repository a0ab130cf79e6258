package pretend

import (
	"strconv"

	"github.com/dialwright/dialwright/internal/media"
)

// phone is the far end's media: what it sends, if it sends anything.
type phone struct {
	near, far media.Leg
	port      *media.Port
	tone      *media.Playout
}

// format is what pretended phones speak.
var format = media.Format{Codec: "PCMU", ClockRate: 8000, PTime: 20, EventPT: true}

// openMedia joins the channel's port with the far phone, once.
func (l *leg) openMedia() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.port == nil || l.t.o.Media == nil || l.phone != nil || l.over {
		return
	}
	ph := &phone{}
	ph.near, ph.far = media.NewPipe()
	if l.plan.tone > 0 {
		ph.port = l.t.o.Media.NewPort("phone " + l.plan.number)
		ph.port.SetLeg(ph.far, format)
		if src, err := media.Tone(strconv.Itoa(l.plan.tone)); err == nil {
			ph.tone = ph.port.Play(src, func(error) {})
		}
	}
	l.phone = ph
	l.port.SetLeg(ph.near, format)
}

// close ends the far side; the near one belongs to the channel's port from
// now on only until the switch closes that.
func (p *phone) close() {
	if p.tone != nil {
		p.tone.Stop()
	}
	if p.port != nil {
		p.port.Close()
	}
	for _, l := range [...]media.Leg{p.near, p.far} {
		if l != nil {
			_ = l.Close() // a pipe in memory: nothing to be done about it
		}
	}
}
