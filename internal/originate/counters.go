package originate

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/call"
)

// counters are what this server has done since its start. The zero value is
// ready; safe for concurrent use.
type counters struct {
	accepted, repeated, started, storeErrors, recovered atomic.Uint64

	mu   sync.Mutex // guards what follows
	deny map[RefusalCode]uint64
	ends map[call.Disposition]uint64
}

func (c *counters) denied(code RefusalCode, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deny == nil {
		c.deny = map[RefusalCode]uint64{}
	}
	c.deny[code] += uint64(n)
}

func (c *counters) ended(d call.Disposition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends == nil {
		c.ends = map[call.Disposition]uint64{}
	}
	c.ends[d]++
}

func (c *counters) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Accepted: c.accepted.Load(), Repeated: c.repeated.Load(), Started: c.started.Load(),
		StoreErrors: c.storeErrors.Load(), Recovered: c.recovered.Load(),
		Denied: maps.Clone(c.deny), Ended: maps.Clone(c.ends),
	}
}
