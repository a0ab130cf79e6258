package pbx

import "sync"

// BeginCall counts the channel among the calls: a dialplan, or the built-in routing, runs
// it from now until the function returned is called. A channel that is sent elsewhere on
// its way has begun one call all the same. Phones that are dialled, and channels that run
// an application alone, are no calls (Asterisk: pbx.c increase_call_count; spec: cli 4.1).
func (c *Channel) BeginCall() (end func()) {
	s := c.sw
	if c.begun.CompareAndSwap(false, true) {
		s.callsBegun.Add(1)
	}
	s.calls.Add(1)
	return sync.OnceFunc(func() { s.calls.Add(-1) })
}
