package ami

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// pace holds users to what they may originate: so many calls a second, in bursts of one
// second's worth, and so many at once (spec: ami 10.7).
type pace struct {
	mu    sync.Mutex // guards users
	users map[string]*userPace
}

// userPace is what a user has done lately.
type userPace struct {
	live  int       // channels that were originated and are there
	left  float64   // calls that may begin now
	since time.Time // when left was so
}

// enter lets one call more begin, or gives the text of the refusal. One that was let in
// leaves once.
func (p *pace) enter(u *User, at time.Time) (refused string) {
	if u == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.of(u)
	if u.AtOnce > 0 && w.live >= u.AtOnce {
		return fmt.Sprintf("Too many calls at once, at most %d are allowed", u.AtOnce)
	}
	if u.PerSecond > 0 {
		burst := math.Max(u.PerSecond, 1)
		if w.since.IsZero() {
			w.left = burst
		} else {
			w.left = math.Min(burst, w.left+u.PerSecond*at.Sub(w.since).Seconds())
		}
		w.since = at
		if w.left < 1 {
			return fmt.Sprintf("Too many calls, at most %g per second are allowed", u.PerSecond)
		}
		w.left--
	}
	w.live++
	return ""
}

// leave counts a call that is over.
func (p *pace) leave(u *User) {
	if u == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(u).live--
}

// of gives the count of a user; p.mu is held. It outlives reloads.
func (p *pace) of(u *User) *userPace {
	name := strings.ToLower(u.Name)
	w := p.users[name]
	if w == nil {
		w = &userPace{}
		if p.users == nil {
			p.users = map[string]*userPace{}
		}
		p.users[name] = w
	}
	return w
}
