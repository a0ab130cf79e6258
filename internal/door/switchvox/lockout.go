package switchvox

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of wrong passwords (spec: switchvox R8).
const (
	failures   = 10
	failTime   = 10 * time.Minute // in which they count, and for which a lock lasts
	lockSlots  = 10_000           // addresses and names that are remembered
	visitSlots = 10_000           // logins from addresses that are remembered
)

// lockout remembers who has presented wrong passwords: from where, and for whom. Ten within
// ten minutes lock the address, or the name, for ten minutes. A name stays open for
// addresses from which it has logged in, or anybody could lock it for its owner.
type lockout struct {
	mu     sync.Mutex // guards what follows
	wrong  map[string]*tries
	told   map[string]int64 // minutes in which a refusal of an address was told of
	visits map[string]bool  // names that have logged in, with the address
}

// tries are the wrong passwords of an address or a name.
type tries struct {
	at    [failures]time.Time // the last ones, in a ring
	next  int
	until time.Time // locked until then
}

func newLockout() *lockout {
	return &lockout{wrong: map[string]*tries{}, visits: map[string]bool{}, told: map[string]int64{}}
}

// addressKey is what counts as one address: all of the same IPv6 /64 are one subscriber's.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Keys of the maps; an address holds no space.
func byAddress(addr string) string    { return "address " + addr }
func byName(name string) string       { return "name " + name }
func byBoth(addr, name string) string { return addr + " " + name }

// locked says whether logins of a name from an address are not looked at.
func (l *lockout) locked(addr, name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shuts(addr, name, now)
}

// shuts is locked. l.mu is held.
func (l *lockout) shuts(addr, name string, now time.Time) bool {
	if t := l.wrong[byAddress(addr)]; t != nil && now.Before(t.until) {
		return true
	}
	t := l.wrong[byName(name)]
	return t != nil && now.Before(t.until) && !l.visits[byBoth(addr, name)]
}

// failed counts a wrong password. It is false, and counts none, if others that were tried at the same
// time have locked the address or the name meanwhile.
func (l *lockout) failed(addr, name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shuts(addr, name, now) {
		return false
	}
	for _, key := range [...]string{byAddress(addr), byName(name)} {
		t := l.wrong[key]
		if t == nil {
			if len(l.wrong) >= lockSlots {
				l.forget(now)
			}
			t = &tries{}
			l.wrong[key] = t
		}
		t.at[t.next] = now
		t.next = (t.next + 1) % failures
		if oldest := t.at[t.next]; !oldest.IsZero() && now.Sub(oldest) < failTime {
			t.until = now.Add(failTime)
			t.at = [failures]time.Time{} // it begins anew when the lock ends
		}
	}
	return true
}

// succeeded remembers that a name has logged in from an address.
func (l *lockout) succeeded(addr, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.visits) >= visitSlots {
		clear(l.visits)
	}
	l.visits[byBoth(addr, name)] = true
}

// forget drops what counts no more; if everything counts, half of it is dropped, whichever.
// l.mu is held.
func (l *lockout) forget(now time.Time) {
	for key, t := range l.wrong {
		last := t.at[(t.next+failures-1)%failures]
		if !now.Before(t.until) && now.Sub(last) >= failTime {
			delete(l.wrong, key)
		}
	}
	for key := range l.wrong {
		if len(l.wrong) <= lockSlots/2 {
			return
		}
		delete(l.wrong, key)
	}
}

// tells says whether a refusal of an address is the first of its kind in this minute.
func (l *lockout) tells(addr, text string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, minute := byBoth(addr, text), now.Unix()/60
	if at, ok := l.told[key]; ok && at == minute {
		return false
	}
	if len(l.told) >= lockSlots {
		clear(l.told)
	}
	l.told[key] = minute
	return true
}
