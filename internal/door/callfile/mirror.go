package callfile

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// began notes that an attempt has begun: in the log and in the file (spec:
// callfile 5.1 StartRetry).
func (d *Door) began(e *entry, n int, at time.Time) {
	if n <= e.started {
		e.live = true
		return
	}
	e.started, e.live = n, true
	count := e.file.Retries + n
	d.log.Info(fmt.Sprintf("Attempting call on %s for %s (Retry %d)", e.file.Channel(), target(e.file), count),
		"file", e.name, "call", e.call, "attempt", n)
	lines := wire.StartRetry.Line(d.pid, count, at.Add(e.file.RetryTime))
	if e.file.Open != 0 { // another server's, which is no more
		lines = wire.AbortRetry.Line(d.pid, count, at) + lines
		e.file.Open = 0
	}
	d.mirror(e, lines, at.Add(2*e.file.RetryTime))
}

// endedAttempt notes that an attempt has failed and another follows.
func (d *Door) endedAttempt(e *entry, n int, at, due time.Time, mark wire.Mark) {
	e.live = false
	if n <= e.ended {
		return
	}
	e.ended = n
	e.file.Open = 0
	d.mirror(e, mark.Line(d.pid, e.file.Retries+n, at), due)
	if e.lost && e.removed {
		d.unwanted(e)
	}
}

// mirror appends lines to a file and gives it a time, unless that is not
// wanted or not possible: nothing depends on it (spec: callfile 9, W2).
func (d *Door) mirror(e *entry, lines string, at time.Time) {
	if d.o.NoWriteback || e.lost || e.ending {
		return
	}
	if e.file.KeepFuture && !d.o.compat() {
		at = time.Time{} // the time is its owner's (spec: callfile 9, W12)
	} else {
		at = at.Truncate(time.Second)
	}
	err := d.folder.append(e.name, e.id, lines, at)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		d.gone(e.name)
	case errors.Is(err, errReplaced):
		d.detach(e)
	case !e.muted:
		e.muted = true
		d.log.Warn("call file cannot be written; its attempts are counted all the same", "file", e.name, "call", e.call, "error", err)
	}
}

// reasons are Asterisk's words for REASON (spec: callfile 7).
func reasonText(reason int) string {
	switch reason {
	case 3:
		return "Remote end Ringing"
	case 5:
		return "Remote end is Busy"
	case 8:
		return "Congestion (circuits busy)"
	case 1:
		return "Hangup"
	}
	return "Call Failure (not BUSY, and not NO_ANSWER, maybe Circuit busy or down?)"
}

// tellFailure logs an attempt that was not answered.
func (d *Door) tellFailure(e *entry) {
	if c := e.last; c != nil && c.Disposition != call.Answered && c.Disposition != call.Cancelled && c.Disposition != call.Interrupted {
		d.log.Info(fmt.Sprintf("Call failed to go through, reason (%d) %s", c.Reason, reasonText(c.Reason)),
			"file", e.name, "call", e.call, "attempt", c.Attempt, "cause", c.Cause, "sip_status", c.SIPStatus)
	}
}
