package media

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// portRest is how long a pair stays unused after a call, so that late packets
// of the old call do not reach the new one (rule M1).
const portRest = 10 * time.Second

// portPool hands out pairs of ports (even for RTP, the next one for RTCP).
// One bit per pair says whether it is taken; taken pairs are in use or at
// rest. Rest needs no timer: pairs go back in the order in which they were
// released, whenever somebody asks.
type portPool struct {
	base int // first even port

	mu    sync.Mutex
	taken []uint64 // bit i: pair base+2i
	size  int      // pairs
	used  int      // in use, without those at rest
	next  int      // where the search goes on
	rest  []restingPair
}

type restingPair struct {
	index   int
	until   time.Time
	foreign bool // somebody else held it: no use to try it earlier
}

// newPortPool covers the pairs that lie wholly in min..max.
func newPortPool(min, max int) *portPool {
	base := min + min&1
	size := 0
	if max > base {
		size = (max - base + 1) / 2
	}
	pp := &portPool{base: base, size: size, taken: make([]uint64, (size+63)/64)}
	if size > 0 {
		pp.next = rand.IntN(size) // a restart does not begin where the last run's calls still send
	}
	return pp
}

// take gives the RTP port of a free pair; ok is false when there is none.
func (pp *portPool) take(now time.Time) (port int, ok bool) {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	pp.wake(now)
	for range pp.size {
		i := pp.next
		pp.next = (i + 1) % pp.size
		if pp.taken[i/64]&(1<<(i%64)) == 0 {
			pp.taken[i/64] |= 1 << (i % 64)
			pp.used++
			return pp.base + 2*i, true
		}
	}
	return 0, false
}

// jump lets the search go on anywhere.
func (pp *portPool) jump() {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	pp.next = rand.IntN(pp.size)
}

// takeTired gives the pair that has rested longest, where nothing else is left:
// a call on it may hear a late packet of another for a moment, but it takes
// place. ok is false when every pair is in use or somebody else's.
func (pp *portPool) takeTired() (port int, ok bool) {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	for n, r := range pp.rest {
		if !r.foreign {
			pp.rest = slices.Delete(pp.rest, n, n+1)
			pp.used++
			return pp.base + 2*r.index, true
		}
	}
	return 0, false
}

// release puts the pair of that RTP port to rest. foreign says that somebody
// else holds it.
func (pp *portPool) release(port int, now time.Time, foreign bool) {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	pp.used--
	pp.rest = append(pp.rest, restingPair{(port - pp.base) / 2, now.Add(portRest), foreign})
}

// wake frees the pairs that have rested. Called with mu held.
func (pp *portPool) wake(now time.Time) {
	n := 0
	for n < len(pp.rest) && !pp.rest[n].until.After(now) {
		i := pp.rest[n].index
		pp.taken[i/64] &^= 1 << (i % 64)
		n++
	}
	pp.rest = append(pp.rest[:0], pp.rest[n:]...)
}

// counts gives the number of free, used and resting pairs.
func (pp *portPool) counts(now time.Time) (free, used, resting int) {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	pp.wake(now)
	return pp.size - pp.used - len(pp.rest), pp.used, len(pp.rest)
}
