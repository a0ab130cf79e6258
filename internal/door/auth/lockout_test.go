package auth

import (
	"strconv"
	"testing"
	"time"
)

func TestLockout(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	fill := func(l *Lockout, addr, name string, n int, apart time.Duration) time.Time {
		now := at
		for i := range n {
			if i > 0 {
				now = now.Add(apart)
			}
			if locks := l.Failed(addr, name, now); locks != (i == lockAfter-1 && apart < lockTime/(lockAfter-1)) {
				t.Errorf("failure %d locks: %v", i+1, locks)
			}
		}
		return now
	}
	for _, c := range []struct {
		name       string
		n          int
		apart      time.Duration
		addr, user string // who tries next
		known      bool   // it has logged in from there before
		want       time.Duration
	}{
		{"nine", 9, 0, "10.0.0.1", "a", false, 0},
		{"ten", 10, 0, "10.0.0.1", "a", false, lockTime},
		{"slowly", 10, 67 * time.Second, "10.0.0.1", "a", false, 0},
		{"the same address, another name", 10, time.Second, "10.0.0.1", "b", false, lockTime},
		{"another address, the same name", 10, time.Second, "10.0.0.2", "a", false, lockTime},
		{"from where it has logged in", 10, time.Second, "10.0.0.2", "a", true, 0},
		{"known, but the address is locked", 10, time.Second, "10.0.0.1", "a", true, lockTime},
		{"somebody else", 10, time.Second, "10.0.0.2", "b", false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l Lockout
			if c.known {
				l.Succeeded(c.addr, c.user)
			}
			now := fill(&l, "10.0.0.1", "a", c.n, c.apart)
			if got := l.Locked(c.addr, c.user, now); got != c.want {
				t.Errorf("locked for %v, want %v", got, c.want)
			}
			if got := l.Locked(c.addr, c.user, now.Add(lockTime)); got > 0 {
				t.Errorf("still locked for %v", got)
			}
		})
	}
}

func TestLockoutIsBounded(t *testing.T) {
	var l Lockout
	at := time.Unix(1_700_000_000, 0)
	for i := range 3 * lockSlots {
		l.Failed("10.0.0.1", strconv.Itoa(i), at)
		l.Succeeded("10.0.0.1", strconv.Itoa(i))
	}
	if len(l.wrong) > lockSlots || len(l.known) > lockSlots {
		t.Errorf("%d and %d are remembered", len(l.wrong), len(l.known))
	}
}
