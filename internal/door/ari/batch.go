package ari

import (
	"errors"
	"net"
	"sync"
	"time"
)

// batch gathers what is written to a connection, so that many events cost one system
// call. One goroutine flushes it; answers to pings, which another one writes, are
// gathered too, and more says that there is something.
type batch struct {
	net.Conn
	more chan struct{} // has a token when something was gathered

	mu     sync.Mutex // guards what follows
	buf    []byte
	direct bool // nothing is gathered any more
}

const (
	fullBatch = 64 << 10 // bytes; more are sent before others are gathered
	maxBatch  = 1 << 20  // what answers to pings may come to while a client does not read
	lastWrite = time.Second
)

func newBatch() *batch { return &batch{more: make(chan struct{}, 1)} }

var errFlood = errors.New("the client pings and does not read")

// Write gathers p.
func (b *batch) Write(p []byte) (int, error) {
	b.mu.Lock()
	if b.direct {
		b.mu.Unlock()
		return b.Conn.Write(p)
	}
	defer b.mu.Unlock()
	if len(b.buf) > maxBatch && len(p) < 128 { // control frames are that short
		return 0, errFlood
	}
	b.buf = append(b.buf, p...)
	select {
	case b.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

// full says whether it is time to flush.
func (b *batch) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.buf) >= fullBatch
}

// flush writes what was gathered, within a time.
func (b *batch) flush(limit time.Duration) error {
	select {
	case <-b.more:
	default:
	}
	out := b.take()
	if len(out) == 0 {
		b.reuse(out)
		return nil
	}
	if err := b.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := b.Conn.Write(out); err != nil {
		return err
	}
	b.reuse(out)
	return nil
}

// finish writes what is left, and from now on everything at once, without a limit.
func (b *batch) finish(limit time.Duration) error {
	b.mu.Lock()
	b.direct = true
	b.mu.Unlock()
	if err := b.flush(limit); err != nil {
		return err
	}
	return b.SetWriteDeadline(time.Time{})
}

func (b *batch) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.buf
	b.buf = nil
	return out
}

// reuse keeps a buffer for the next round, unless it was that of a burst.
func (b *batch) reuse(out []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf == nil && cap(out) <= 2*fullBatch {
		b.buf = out[:0]
	}
}

// Close writes what is left, which may be a close frame, and closes the connection.
func (b *batch) Close() error {
	_ = b.flush(lastWrite) // the client may have gone
	return b.Conn.Close()
}
