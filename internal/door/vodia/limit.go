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

// uses numbers the uses of links and buttons, until those are valid no more. It is in memory
// only; of links the queue remembers too which numbers were used (use.durable).
type uses struct {
	mu   sync.Mutex // guards what follows
	used map[string]*used
	next time.Time // when to look again for what is over
}

// used is one link or button that was used.
type used struct {
	last  int   // the highest number that was taken
	free  []int // numbers up to it that were given back
	until time.Time
}

func newUses() *uses { return &uses{used: map[string]*used{}} }

// take gives the number of a new use, 1 to u.most; false if all are taken, or if no more can
// be remembered: then nothing may be used of which a second use would not be seen.
func (l *uses) take(u *use, now time.Time) (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.After(l.next) || len(l.used) >= maxUses {
		l.forget(now)
	}
	t := l.used[u.key]
	if t == nil {
		if len(l.used) >= maxUses {
			return 0, false
		}
		t = &used{}
		l.used[u.key] = t
	}
	if u.until.After(t.until) {
		t.until = u.until
	}
	for last := len(t.free) - 1; last >= 0; last-- {
		n, t.free = t.free[last], t.free[:last]
		if n <= u.most { // it was more before the configuration changed
			return n, true
		}
	}
	if t.last >= u.most {
		return 0, false
	}
	t.last++
	return t.last, true
}

// give takes the nth use back: nothing has come of it.
func (l *uses) give(key string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.used[key]; t != nil {
		if t.free = append(t.free, n); len(t.free) == t.last {
			delete(l.used, key)
		}
	}
}

// forget drops what is over, at most once a second. l.mu is held.
func (l *uses) forget(now time.Time) {
	if now.Before(l.next) {
		return
	}
	l.next = now.Add(time.Second)
	for key, t := range l.used {
		if now.After(t.until) {
			delete(l.used, key)
		}
	}
}
