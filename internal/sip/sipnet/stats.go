package sipnet

import "sync/atomic"

// Stats counts since the Net was made.
type Stats struct {
	Received      uint64 // messages, before any check
	Sent          uint64 // messages handed to a socket or a connection's queue
	SendErrors    uint64 // messages that could not be
	Unparseable   uint64 // received messages that are no usable SIP
	Rejected      uint64 // of those, answered 400 or 513
	Limited       uint64 // dropped: stranger above 200 a second
	Keepalives    uint64 // CR LF pings and empty datagrams
	Panics        uint64 // messages whose handling panicked
	Connections   int    // open stream connections
	Accepted      uint64 // stream connections accepted
	AcceptErrors  uint64 // failed accepts, such as out of file descriptors
	TooMany       uint64 // connections closed at once: limit reached
	Closed        uint64 // stream connections that ended
	ReadErrors    uint64 // errors of UDP sockets other than their closing
	ClosedForIdle uint64 // of Closed: nothing said for 120 s, or descriptors were short
}

// counters are the moving parts of [Stats].
type counters struct {
	received, sent, sendErrors, unparseable, rejected, limited, keepalives, panics atomic.Uint64
	accepted, acceptErrors, tooMany, closed, readErrors, closedIdle                atomic.Uint64
}

// Stats reads the counters.
func (n *Net) Stats() Stats {
	n.mu.Lock()
	open := len(n.streams)
	n.mu.Unlock()
	c := &n.stats
	return Stats{
		Received:      c.received.Load(),
		Sent:          c.sent.Load(),
		SendErrors:    c.sendErrors.Load(),
		Unparseable:   c.unparseable.Load(),
		Rejected:      c.rejected.Load(),
		Limited:       c.limited.Load(),
		Keepalives:    c.keepalives.Load(),
		Panics:        c.panics.Load(),
		Connections:   open,
		Accepted:      c.accepted.Load(),
		AcceptErrors:  c.acceptErrors.Load(),
		TooMany:       c.tooMany.Load(),
		Closed:        c.closed.Load(),
		ReadErrors:    c.readErrors.Load(),
		ClosedForIdle: c.closedIdle.Load(),
	}
}
