package sip

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// obeys makes the peer do what the dialled number says.
func (p *peer) obeys() {
	p.agent.OnInvite(func(c *ua.Call, req *sip.Request) {
		number := req.Recipient.User
		c.Handle(func(e ua.Event) {
			if e.Kind == ua.EventConfirmed && number == "bye" {
				c.Hangup(cause.NormalClearing)
			}
		})
		var err error
		switch number {
		case "busy":
			err = c.Reject(486, "Busy Here")
		case "ring":
			err = c.Provisional(180, "Ringing", nil)
		case "silent":
		default:
			err = c.Answer([]byte(pcmu))
		}
		if err != nil {
			p.t.Errorf("%s: %v", number, err)
		}
	})
}

func TestConformance(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) pbxtest.Subject {
		s, provider := startWithTrunk(t, nil)
		provider.obeys()
		return pbxtest.Subject{
			Technology: s.tech, Switch: s.sw, Media: true,
			Answers: "talk@carrier", Rings: "ring@carrier", Silent: "silent@carrier", Busy: "busy@carrier", HangsUp: "bye@carrier",
			Unknown: "999", Offline: "101",
			Left: func() int { return s.tech.Stats().Legs },
		}
	})
}
