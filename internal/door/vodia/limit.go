package vodia

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of the memories of this file.
const (
	perMinute  = 120     // requests of an address
	maxClients = 10_000  // addresses remembered
	maxUses    = 100_000 // links that were used and are still valid
)

// addressKey is what counts as one address: all of the same IPv6 /64 are one subscriber's.
func addressKey(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// rates bounds the requests of addresses.
type rates struct {
	mu      sync.Mutex // guards buckets
	buckets map[netip.Addr]*rate.Limiter
}

func newRates() *rates { return &rates{buckets: map[netip.Addr]*rate.Limiter{}} }

// enter counts a request, and says after what time to try again if it is one too many. 0 a
// minute is the usual number, below 0 there is no limit.
func (l *rates) enter(a netip.Addr, n int, now time.Time) time.Duration {
	if n < 0 {
		return 0
	}
	if n == 0 {
		n = perMinute
	}
	a = addressKey(a)
	limit := rate.Limit(float64(n) / 60)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[a]
	if b == nil || b.Limit() != limit { // the configuration has changed
		if len(l.buckets) >= maxClients {
			l.forget(now)
		}
		if len(l.buckets) >= maxClients {
			return time.Minute
		}
		b = rate.NewLimiter(limit, n)
		l.buckets[a] = b
	}
	r := b.ReserveN(now, 1)
	after := r.DelayFrom(now)
	if after > 0 {
		r.CancelAt(now)
	}
	return after
}

// forget drops the addresses that might as well be new. l.mu is held.
func (l *rates) forget(now time.Time) {
	for a, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, a)
		}
	}
}

// uses counts how often what is signed was used, until it is valid no more. It is in memory
// only: a restart begins to count anew.
type uses struct {
	mu   sync.Mutex // guards what follows
	used map[string]*use
	next time.Time // when to look again for what is over
}

// use is one link that was used.
type use struct {
	count int
	until time.Time
}

func newUses() *uses { return &uses{used: map[string]*use{}} }

// take counts a use; false if it has been used so often, or if no more can be remembered:
// then nothing may be used of which a second use would not be seen.
func (u *uses) take(key string, until time.Time, most int, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.After(u.next) || len(u.used) >= maxUses {
		u.forget(now)
	}
	n := u.used[key]
	if n == nil {
		if len(u.used) >= maxUses {
			return false
		}
		n = &use{}
		u.used[key] = n
	}
	if n.count >= most {
		return false
	}
	n.count++
	if until.After(n.until) {
		n.until = until
	}
	return true
}

// give takes a use back: nothing has come of it.
func (u *uses) give(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := u.used[key]; n != nil {
		n.count--
		if n.count <= 0 {
			delete(u.used, key)
		}
	}
}

// forget drops what is over, at most once a second. u.mu is held.
func (u *uses) forget(now time.Time) {
	if now.Before(u.next) {
		return
	}
	u.next = now.Add(time.Second)
	for key, n := range u.used {
		if now.After(n.until) {
			delete(u.used, key)
		}
	}
}
