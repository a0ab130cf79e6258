package sipnet

import (
	"net/netip"
	"sync"
	"time"
)

const (
	strangerRate    = 200    // messages a second from one unknown address (N2)
	strangerBurst   = 200    // how many of them may come at once
	strangersKnown  = 10_000 // addresses that are remembered (N2)
	strangerStreams = 256    // connections from one unknown address
)

// strangers limits what sources that nobody configured may send: a token
// bucket for each address, and a bounded memory of addresses. An address that
// was forgotten starts again with a full bucket, so a flood from more than
// 10,000 addresses is limited by the sockets alone.
type strangers struct {
	mu      sync.Mutex // guards buckets
	buckets *lru[netip.Addr, *bucket]
}

type bucket struct {
	tokens float64
	at     time.Time // when tokens was right
}

func newStrangers() *strangers {
	return &strangers{buckets: newLRU[netip.Addr, *bucket](strangersKnown)}
}

// allow takes one token of a's bucket and reports whether there was one.
func (s *strangers) allow(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets.get(a)
	if !ok {
		b = &bucket{tokens: strangerBurst, at: now}
		s.buckets.put(a, b)
	}
	b.tokens = min(strangerBurst, b.tokens+now.Sub(b.at).Seconds()*strangerRate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
