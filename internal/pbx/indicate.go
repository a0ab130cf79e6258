package pbx

import (
	"github.com/dialwright/dialwright/internal/cause"
)

// Indicate tells a party that has called us, and that we have not answered, that
// the line is busy (17) or congested (34): any other cause counts as 34. The
// channel ends with it: a SIP phone gets its final 486 or 503. Whoever dialled a
// Local channel sees a Failure that is Indicated: DIALSTATUS BUSY or CONGESTION
// with HANGUPCAUSE 0 (Asterisk: app_dial.c, AST_CONTROL_BUSY; spec: dialplan
// 5.2). Errors: ErrState for a channel that is answered or was dialled by us,
// ErrGone.
func (c *Channel) Indicate(code cause.Code) error {
	if code != cause.UserBusy {
		code = cause.CircuitCongestion
	}
	return c.do(func() error {
		if !c.incoming || c.snap.Load().State == Up {
			return ErrState
		}
		if i, ok := c.leg.(Indicator); ok {
			return i.Indicate(code)
		}
		c.hang(hangup{cause: code, soft: true, by: byRequest})
		return nil
	})
}
