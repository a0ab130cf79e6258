package media

import (
	"slices"
	"sync"
	"sync/atomic"
)

const (
	pipeDepth = 64 // packets that may wait; more are dropped
	maxHops   = 8  // pipes a packet may pass: channels that were bridged in a ring carry nothing for ever
)

// pipeEnd is one end of a pipe.
type pipeEnd struct {
	peer  *pipeEnd
	sink  atomic.Pointer[func(*Packet)]
	queue chan Packet
	stop  chan struct{}
	once  sync.Once
	begun sync.Once
}

// NewPipe gives two legs back to back in memory: what one sends the other
// delivers, on a goroutine of its own, so that a ring of bridged pipes cannot
// lock itself up. The two halves of a Local channel are joined this way. Both
// ends are to be closed; closing one leaves the other silent.
func NewPipe() (a, b Leg) {
	x, y := newPipeEnd(), newPipeEnd()
	x.peer, y.peer = y, x
	return x, y
}

func newPipeEnd() *pipeEnd {
	return &pipeEnd{queue: make(chan Packet, pipeDepth), stop: make(chan struct{})}
}

func (e *pipeEnd) SetSink(f func(*Packet)) {
	if f == nil {
		e.sink.Store(nil)
		return
	}
	e.sink.Store(&f)
	e.begun.Do(func() { go e.deliver() }) // ends with Close
}

// Send gives a copy of p to the other end.
func (e *pipeEnd) Send(p *Packet) error {
	select {
	case <-e.stop:
		return ErrClosed
	default:
	}
	if p.hops >= maxHops || e.peer.sink.Load() == nil {
		return nil
	}
	c := *p
	c.hops++
	c.Payload = slices.Clone(p.Payload)
	select {
	case e.peer.queue <- c:
	default: // the other end is slow or gone
	}
	return nil
}

func (e *pipeEnd) deliver() {
	for {
		select {
		case <-e.stop:
			return
		case p := <-e.queue:
			if sink := e.sink.Load(); sink != nil {
				(*sink)(&p)
			}
		}
	}
}

// Describe tells what little there is to tell.
func (e *pipeEnd) Describe() LegInfo { return LegInfo{Kind: "pipe", SendOK: true, RecvOK: true} }

// Close ends this end's goroutine.
func (e *pipeEnd) Close() error {
	e.once.Do(func() { close(e.stop) })
	return nil
}
