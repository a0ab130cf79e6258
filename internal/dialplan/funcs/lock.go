package funcs

import (
	"context"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// locking lists LOCK, TRYLOCK and UNLOCK (spec: dialplan 6.2): named locks for
// all channels. They give 1 if it worked, else 0.
func locking() []run.Func {
	return []run.Func{
		{Name: "LOCK", Read: func(ctx context.Context, x *run.Exec, name string) (string, error) {
			return oneOrZero(locksOf(x).lock(ctx, x, name, lockWait)), nil
		}},
		{Name: "TRYLOCK", Read: func(ctx context.Context, x *run.Exec, name string) (string, error) {
			return oneOrZero(locksOf(x).lock(ctx, x, name, 0)), nil
		}},
		{Name: "UNLOCK", Read: func(_ context.Context, x *run.Exec, name string) (string, error) {
			return oneOrZero(locksOf(x).unlock(x, name)), nil
		}},
	}
}

// lockWait is how long LOCK waits: two channels that wait for one another go on
// at last (Asterisk: func_lock.c).
const lockWait = 3 * time.Second

// locks are the locks of a machine. A channel that has gone gives its locks back.
type locks struct {
	mu   sync.Mutex // guards held and the fields of its values
	held map[string]*heldLock
}

// heldLock is a lock that a channel holds.
type heldLock struct {
	by    *run.Exec
	times int           // how often: as many UNLOCKs free it
	free  chan struct{} // closed when it is given back
}

func locksOf(x *run.Exec) *locks {
	return x.Machine().Value("locks", func() any { return &locks{held: make(map[string]*heldLock)} }).(*locks)
}

// lock takes a lock, waiting up to d for it.
func (l *locks) lock(ctx context.Context, x *run.Exec, name string, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		free := l.try(x, name)
		if free == nil {
			return true
		}
		select {
		case <-free:
		case <-ctx.Done():
			return false
		}
	}
}

// try takes a lock and gives nil, or what is closed when another gives it back.
func (l *locks) try(x *run.Exec, name string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch h := l.held[name]; {
	case h == nil:
		l.held[name] = &heldLock{by: x, times: 1, free: make(chan struct{})}
		if x.Value("locks", nil) == nil {
			x.SetValue("locks", true)
			x.Cleanup(func() { l.release(x) })
		}
	case h.by == x:
		h.times++
	default:
		return h.free
	}
	return nil
}

func (l *locks) unlock(x *run.Exec, name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[name]
	if h == nil || h.by != x {
		return false
	}
	if h.times--; h.times == 0 {
		close(h.free)
		delete(l.held, name)
	}
	return true
}

// release gives back all that a channel holds.
func (l *locks) release(x *run.Exec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, h := range l.held {
		if h.by == x {
			close(h.free)
			delete(l.held, name)
		}
	}
}
