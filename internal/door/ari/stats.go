package ari

import "sync/atomic"

// Stats counts what the door has done since it was made, and what it does now.
type Stats struct {
	Requests  uint64 // answered, over either transport
	Refused   uint64 // of these, with a status of 400 or higher
	Saturated uint64 // of these, with 503
	Events    uint64 // sent to clients
	Sockets   int    // open now, also outbound ones
	Making    int    // operations that make calls, in progress now
	Waiting   int    // and waiting for their turn
}

// Stats gives the counts. It is cheap.
func (s *Server) Stats() Stats {
	return Stats{
		Requests: s.count.requests.Load(), Refused: s.count.refused.Load(), Saturated: s.count.saturated.Load(),
		Events: s.count.events.Load(), Sockets: len(s.sockets.all()), Making: len(s.calls.inside), Waiting: len(s.calls.waiting),
	}
}

// counts are the running ones.
type counts struct{ requests, refused, saturated, events atomic.Uint64 }

// add counts a request by its status.
func (c *counts) add(status int) {
	c.requests.Add(1)
	if status >= 400 {
		c.refused.Add(1)
	}
	if status == 503 {
		c.saturated.Add(1)
	}
}
