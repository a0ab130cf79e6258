package link

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of the door.
const (
	perMinute  = 60     // requests of an address, unless the configuration says otherwise
	atOnce     = 128    // requests of an address at once
	maxHeld    = 512    // requests at once
	maxClients = 10_000 // addresses remembered
)

func (c *Config) perMinute() int {
	if c.PerMinute == 0 {
		return perMinute
	}
	return c.PerMinute
}

// limits bounds what addresses may do.
type limits struct {
	mu      sync.Mutex // guards what follows
	held    int
	clients map[netip.Addr]*visitor
}

// visitor is an address that has asked.
type visitor struct {
	bucket *rate.Limiter // nil: no limit
	held   int
}

func newLimits() *limits { return &limits{clients: map[netip.Addr]*visitor{}} }

// key is what counts as one address: all of the same IPv6 /64 are one subscriber's.
func key(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// enter takes a place for a request of an address. If there is none it says after what
// time to try again; else leave gives the place back.
func (l *limits) enter(a netip.Addr, perMinute int) (leave func(), after time.Duration) {
	a = key(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.clients[a]
	if v == nil {
		if len(l.clients) >= maxClients {
			l.forget()
		}
		if len(l.clients) >= maxClients {
			return nil, time.Minute
		}
		v = &visitor{}
		l.clients[a] = v
	}
	if l.held >= maxHeld || v.held >= atOnce {
		return nil, 5 * time.Second
	}
	if after := v.take(perMinute); after > 0 {
		return nil, after
	}
	l.held++
	v.held++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held--
		v.held--
	}, 0
}

// forget drops the addresses that might as well be new. l.mu is held.
func (l *limits) forget() {
	for a, v := range l.clients {
		if v.held == 0 && (v.bucket == nil || v.bucket.Tokens() >= float64(v.bucket.Burst())) {
			delete(l.clients, a)
		}
	}
}

// take takes a token of the bucket; without one it says when there will be. The bucket is
// made anew if it has another rate.
func (v *visitor) take(perMinute int) time.Duration {
	if perMinute <= 0 {
		v.bucket = nil
		return 0
	}
	limit := rate.Limit(float64(perMinute) / 60)
	if v.bucket == nil || v.bucket.Limit() != limit {
		v.bucket = rate.NewLimiter(limit, perMinute)
	}
	now := time.Now()
	r := v.bucket.ReserveN(now, 1)
	after := r.DelayFrom(now)
	if after > 0 {
		r.CancelAt(now)
	}
	return after
}
