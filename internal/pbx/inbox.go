package pbx

import "sync"

// inbox carries what a controller waits for from the actors of its channels
// into its own goroutine: pushed without blocking, taken in order. It takes
// only the few kinds of events that move a call, so it stays short.
type inbox struct {
	mu sync.Mutex // guards q
	q  []signal
	c  chan struct{} // has an element while q may not be empty
}

// signal is one event of leg "a" or "b".
type signal struct {
	leg string
	e   Event
}

func newInbox() *inbox { return &inbox{c: make(chan struct{}, 1)} }

// watcher gives a function for Channel.Watch that tags the events of a leg.
func (in *inbox) watcher(leg string) func(*Event) {
	return func(e *Event) {
		switch e.Type {
		case Dial, ChannelHold, ChannelUnhold, ChannelTransfer:
			in.push(signal{leg, *e})
		}
	}
}

func (in *inbox) push(s signal) {
	in.mu.Lock()
	in.q = append(in.q, s)
	in.mu.Unlock()
	select {
	case in.c <- struct{}{}:
	default:
	}
}

// take gives the oldest signal, false if there is none.
func (in *inbox) take() (signal, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.q) == 0 {
		return signal{}, false
	}
	s := in.q[0]
	in.q = in.q[1:]
	return s, true
}
