package run

import (
	"context"
	"errors"
	"time"
)

// Timeouts gives TIMEOUT(digit) and TIMEOUT(response).
func (x *Exec) Timeouts() (digit, response time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.digit, x.response
}

// SetTimeouts changes one or both; negative values leave it as it is.
func (x *Exec) SetTimeouts(digit, response time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if digit >= 0 {
		x.digit = digit
	}
	if response >= 0 {
		x.response = response
	}
}

// Absolute gives when TIMEOUT(absolute) ends the call, the zero time if never.
func (x *Exec) Absolute() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.deadline
}

// errAbsolute is the cause with which a running application is stopped when
// TIMEOUT(absolute) has run out.
var errAbsolute = errors.New("the absolute timeout has run out")

// SetAbsolute lets the call go to extension T in d from now, or end if there is none;
// a channel that no dialplan runs then is hung up. 0 = not at all.
func (x *Exec) SetAbsolute(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.absolute != nil {
		x.absolute.Stop()
		x.absolute = nil
	}
	x.deadline = time.Time{}
	if d <= 0 {
		return
	}
	at := time.Now().Add(d)
	x.deadline = at
	x.absolute = time.AfterFunc(d, func() { x.expire(at) })
}

// expire stops what runs when the deadline at has come. A timer that was
// replaced while it fired finds another deadline.
func (x *Exec) expire(at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case !x.deadline.Equal(at):
	case x.stopRun != nil:
		x.stopRun(errAbsolute)
	case x.runs == 0:
		x.c.HangupBare(false) // observed: Asterisk 22.10, AMI trace t8; returns at once
	}
}

// limited gives a context that also ends, with errAbsolute, when
// TIMEOUT(absolute) runs out. done must be called. What runs inside something
// limited ends with it; after the hangup there is no such limit.
func (x *Exec) limited(parent context.Context) (ctx context.Context, done func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inH || x.stopRun != nil {
		return parent, func() {}
	}
	ctx, stop := context.WithCancelCause(parent)
	x.stopRun = stop
	if !x.deadline.IsZero() && !time.Now().Before(x.deadline) { // it ran out between two applications
		stop(errAbsolute)
	}
	return ctx, func() {
		x.mu.Lock()
		x.stopRun = nil
		x.mu.Unlock()
		stop(nil)
	}
}
