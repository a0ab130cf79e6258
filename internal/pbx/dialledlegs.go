package pbx

import (
	"slices"
	"sync"
)

// DialledLeg is the end of a channel that was dialled on another one's behalf.
type DialledLeg struct {
	Name   string // of the channel, "PJSIP/101-0000001a"
	Result Result
}

// maxDialledLegs is how many ends a caller remembers; the oldest go first.
const maxDialledLegs = 64

// dialledLegs are the ends that a caller remembers, in the order in which they came.
type dialledLegs struct {
	mu   sync.Mutex // guards list
	list []DialledLeg
}

func (d *dialledLegs) add(l DialledLeg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.list) - maxDialledLegs + 1; n > 0 {
		d.list = slices.Delete(d.list, 0, n)
	}
	d.list = append(d.list, l)
}

// DialledLegs gives how the channels ended that were dialled with this one as
// DialOptions.Caller, the newest 64 of them, oldest first: what HANGUPCAUSE()
// tells of. It may be asked at any time, also after the channel has gone.
func (c *Channel) DialledLegs() []DialledLeg {
	c.dialledLegs.mu.Lock()
	defer c.dialledLegs.mu.Unlock()
	return slices.Clone(c.dialledLegs.list)
}

// ForgetDialledLegs empties what DialledLegs gives: the application
// HangupCauseClear.
func (c *Channel) ForgetDialledLegs() {
	c.dialledLegs.mu.Lock()
	defer c.dialledLegs.mu.Unlock()
	c.dialledLegs.list = nil
}

// tellCaller lets the caller of a dialled channel know how it ended.
func (c *Channel) tellCaller() {
	if c.caller != nil {
		c.caller.dialledLegs.add(DialledLeg{Name: c.Name(), Result: *c.result.Load()})
	}
}
