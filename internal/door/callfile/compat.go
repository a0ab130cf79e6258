package callfile

import (
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// keepDelayed keeps a file with AlwaysDelete: no as Asterisk does, which takes
// the time that it has set itself for its owner's wish: the file is never dialled
// again, and grows by a line every RetryTime (spec: callfile 5.4). Our own mode
// does neither (spec: callfile 9, W12 and W17).
func (d *Door) keepDelayed(e *entry, status wire.Status) bool {
	d.keep(e, status)
	began := time.Now()
	if e.last != nil {
		began = e.last.StartedAt
	}
	next := began.Add(e.file.RetryTime)
	for !next.After(time.Now()) {
		next = next.Add(e.file.RetryTime)
	}
	d.at(e, next)
	return true
}

// delayed adds the line to a file that was kept by keepDelayed.
func (d *Door) delayed(e *entry) {
	now := time.Now()
	d.mirror(e, wire.DelayedRetry.Line(d.pid, e.file.Retries+e.ended, now), now.Add(e.file.RetryTime))
	if d.names[e.name] == e {
		d.at(e, now.Add(e.file.RetryTime))
	}
}
