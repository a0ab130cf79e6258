package auth

import (
	"sync"
	"time"
)

// Bounds of a Lockout.
const (
	lockAfter = 10               // wrong secrets
	lockTime  = 10 * time.Minute // in which they count, and for which a lock lasts
	lockSlots = 10_000           // addresses and names that are remembered, of each kind of memory
)

// Lockout remembers who has presented wrong secrets: from where, and for whom. Ten within
// ten minutes lock the address, or the name, for ten minutes (spec: vodia 4.10). A lock of a
// name does not keep out addresses from which it has logged in before, or anybody could
// lock a user out who knows its name. The zero value is ready, and it is safe for concurrent
// use.
type Lockout struct {
	mu    sync.Mutex // guards what follows
	wrong map[string]*tries
	known map[string]struct{} // names that have logged in, with the address
}

// tries are the last wrong secrets of an address or a name.
type tries struct {
	at    [lockAfter]time.Time // a ring
	next  int
	until time.Time // locked until then
}

// lockKeys are those of an address and of a name; an address holds no space.
func lockKeys(addr, name string) [2]string { return [...]string{"address " + addr, "name " + name} }

// Locked says how long secrets of a name from an address will not be looked at, 0 = they are.
func (l *Lockout) Locked(addr, name string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.known[addr+" "+name]
	var longest time.Duration
	for i, key := range lockKeys(addr, name) {
		if t := l.wrong[key]; t != nil && (i == 0 || !known) {
			longest = max(longest, t.until.Sub(now))
		}
	}
	return longest
}

// Failed counts a wrong secret, and says whether that locks the address or the name.
func (l *Lockout) Failed(addr, name string, now time.Time) (locks bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong == nil {
		l.wrong = map[string]*tries{}
	}
	for _, key := range lockKeys(addr, name) {
		t := l.wrong[key]
		if t == nil {
			if len(l.wrong) >= lockSlots {
				l.forget(now)
			}
			t = &tries{}
			l.wrong[key] = t
		}
		t.at[t.next] = now
		t.next = (t.next + 1) % lockAfter
		if first := t.at[t.next]; !first.IsZero() && now.Sub(first) < lockTime {
			t.until = now.Add(lockTime)
			t.at = [lockAfter]time.Time{} // it begins anew when the lock ends
			locks = true
		}
	}
	return locks
}

// Succeeded remembers that a name has logged in from an address.
func (l *Lockout) Succeeded(addr, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= lockSlots {
		l.known = map[string]struct{}{}
	}
	l.known[addr+" "+name] = struct{}{}
}

// forget drops what counts no more; if all counts, half of it, whichever. l.mu is held.
func (l *Lockout) forget(now time.Time) {
	for key, t := range l.wrong {
		last := t.at[(t.next+lockAfter-1)%lockAfter]
		if !now.Before(t.until) && now.Sub(last) >= lockTime {
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
