package txn

import "sync/atomic"

// Stats counts since the layer was made.
type Stats struct {
	Requests  uint64 // received, of any kind
	Refused   uint64 // requests answered here by N3, and responses that are no responses
	Merged    uint64 // of those, copies by another path (482)
	Overload  uint64 // of those, without room or after Stop (503)
	Repeats   uint64 // repetitions of peers that were absorbed or answered from memory
	Resent    uint64 // our own repetitions
	Stray2xx  uint64 // 2xx to INVITE without transaction
	Unmatched uint64 // other responses without transaction
	Panics    uint64 // of users' functions and our own
}

// counters are the moving parts of [Stats].
type counters struct {
	requests, refused, merged, overload, repeats, resent, stray, unmatched, panics atomic.Uint64
}

// Stats reads the counters.
func (l *Layer) Stats() Stats {
	c := &l.stats
	return Stats{
		Requests:  c.requests.Load(),
		Refused:   c.refused.Load(),
		Merged:    c.merged.Load(),
		Overload:  c.overload.Load(),
		Repeats:   c.repeats.Load(),
		Resent:    c.resent.Load(),
		Stray2xx:  c.stray.Load(),
		Unmatched: c.unmatched.Load(),
		Panics:    c.panics.Load(),
	}
}
