package dialproxy

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dialwright/dialwright/internal/call"
)

// Bounds over all addresses.
const (
	maxClients = 10_000 // addresses remembered
	maxHeld    = 512    // requests that wait or pause at once
)

// limits bounds what addresses and labels may do (spec: dialproxy 11, W6, W7).
type limits struct {
	mu      sync.Mutex // guards what follows
	held    int
	clients map[netip.Addr]*visitor
	labels  map[string]*quota
}

// visitor is an address that has asked.
type visitor struct {
	bucket *rate.Limiter
	held   int // requests that wait or pause
}

// quota is what a label has used.
type quota struct {
	bucket   *rate.Limiter
	reserved int       // places taken for calls that are being submitted
	live     []call.ID // calls that had not ended when last looked at
}

func newLimits() *limits {
	return &limits{clients: map[netip.Addr]*visitor{}, labels: map[string]*quota{}}
}

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
func (l *limits) enter(a netip.Addr, perMinute, waiting int) (leave func(), after time.Duration) {
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
	if l.held >= maxHeld || v.held >= waiting {
		return nil, 5 * time.Second
	}
	if after := take(&v.bucket, perMinute); after > 0 {
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

// take takes a token of a bucket of so many a minute; without one it says when
// there will be. The bucket is made, or made anew, if it has not that rate.
func take(b **rate.Limiter, perMinute int) time.Duration {
	if perMinute <= 0 {
		return 0
	}
	limit := rate.Limit(float64(perMinute) / 60)
	if *b == nil || (*b).Limit() != limit {
		*b = rate.NewLimiter(limit, perMinute)
	}
	now := time.Now()
	r := (*b).ReserveN(now, 1)
	after := r.DelayFrom(now)
	if after > 0 {
		r.CancelAt(now)
	}
	return after
}

// label gives a label's quota. There are no more of them than labels that were let in.
// l.mu is held.
func (l *limits) label(name string) *quota {
	q := l.labels[name]
	if q == nil {
		q = &quota{}
		l.labels[name] = q
	}
	return q
}

// reserve takes a place for a call of a label. done says which of its calls have
// ended; it is asked without the lock. If there is no place it says after what time
// to try again; else kept must be called with the call's ID, "" if there is none.
func (l *limits) reserve(name string, conf Label, done func(call.ID) bool) (kept func(call.ID), after time.Duration) {
	if conf.PerMinute <= 0 && conf.AtOnce <= 0 {
		return func(call.ID) {}, 0
	}
	ended := map[call.ID]bool{}
	if conf.AtOnce > 0 {
		for _, id := range l.calls(name) {
			ended[id] = done(id)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.label(name)
	live := q.live[:0:0]
	for _, id := range q.live {
		if !ended[id] {
			live = append(live, id)
		}
	}
	q.live = live
	if conf.AtOnce > 0 && len(q.live)+q.reserved >= conf.AtOnce {
		return nil, 5 * time.Second
	}
	if after := take(&q.bucket, conf.PerMinute); after > 0 {
		return nil, after
	}
	q.reserved++
	return func(id call.ID) {
		l.mu.Lock()
		defer l.mu.Unlock()
		q.reserved--
		if id != "" && conf.AtOnce > 0 {
			q.live = append(q.live, id)
		}
	}, 0
}

func (l *limits) calls(name string) []call.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]call.ID(nil), l.label(name).live...)
}
