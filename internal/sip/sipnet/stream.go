package sipnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	idleLimit     = 120 * time.Second // N5: without use, registration or retain
	partialLimit  = 20 * time.Second  // for one message to arrive completely
	writeLimit    = 5 * time.Second   // N5: for one write
	queueMessages = 256               // messages that wait for the writer
	queueBytes    = 1 << 20           // bytes that wait for the writer
)

// streamKey is what a connection that can be used for requests is found by.
type streamKey struct {
	transport Transport
	addr      netip.AddrPort
	server    string // name that its certificate was checked against
}

// wire is what a stream reads from and writes to: TCP and TLS as bytes,
// WebSocket as frames.
type wire interface {
	// serve reads until the stream ends and gives the reason.
	serve(s *stream) error
	// write writes one message within writeLimit.
	write(b []byte) error
	// shut cuts the connection; serve returns soon after.
	shut()
}

// stream is a connection: one goroutine reads and handles, one writes what
// [stream.send] queued.
type stream struct {
	net  *Net
	flow *Flow
	key  streamKey
	wire wire

	out      chan []byte // nil element: write no more and close
	queued   atomic.Int64
	lastUsed atomic.Int64 // UnixNano of the last message or ping, either way
	done     chan struct{}

	once sync.Once
	err  error // set before done is closed
}

// adopt makes a flow of a connection and counts it. It fails when the Net
// stops. The caller must run the stream on a goroutine, which Stop waits for.
func (n *Net) adopt(key streamKey, local netip.AddrPort, listener int, w wire, dialled bool) (*stream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return nil, ErrClosed
	}
	n.streamSeq++
	s := &stream{net: n, key: key, wire: w, out: make(chan []byte, queueMessages), done: make(chan struct{})}
	s.flow = &Flow{
		net: n, stream: s, transport: key.transport, listener: listener, local: local, remote: key.addr,
		source: newViaSource(key.addr),
		id:     fmt.Sprintf("%s:%s-%s#%d", key.transport, local, key.addr, n.streamSeq),
	}
	s.flow.known.Store(dialled)
	s.touch()
	n.wg.Add(1) // here, because Stop must not miss it
	n.streams[s] = struct{}{}
	n.perSource[key.addr.Addr()]++
	if old := n.open[key]; old == nil {
		n.open[key] = s.flow
	}
	return s, nil
}

// run reads and writes until the stream ends; it is the read goroutine.
func (s *stream) run() {
	defer s.net.wg.Done()
	s.net.wg.Go(s.writeLoop)
	err := s.wire.serve(s)
	s.fail(err)
	<-s.done
	s.net.forget(s)
	s.flow.close(s.err)
}

// forget takes a stream that ended out of the tables.
func (n *Net) forget(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, s)
	a := s.key.addr.Addr()
	if n.perSource[a]--; n.perSource[a] <= 0 {
		delete(n.perSource, a)
	}
	if n.open[s.key] == s.flow {
		delete(n.open, s.key)
	}
	n.stats.closed.Add(1)
}

// fail ends the stream with a reason; only the first counts.
func (s *stream) fail(err error) {
	s.once.Do(func() {
		if err == nil {
			err = ErrClosed
		}
		s.err = err
		close(s.done)
		s.wire.shut()
	})
}

// finish closes the stream after what is queued was written.
func (s *stream) finish() {
	select {
	case s.out <- nil:
	default: // the queue is full: it will not empty in time
		s.fail(ErrClosed)
	}
}

// send queues a message for the writer.
func (s *stream) send(b []byte) error {
	select {
	case <-s.done:
		return s.err
	default:
	}
	if s.queued.Add(int64(len(b))) > queueBytes {
		s.fail(ErrSlow)
		return ErrSlow
	}
	select {
	case s.out <- b:
		return nil
	default:
		s.fail(ErrSlow)
		return ErrSlow
	}
}

func (s *stream) writeLoop() {
	for {
		select {
		case <-s.done:
			return
		case b := <-s.out:
			if b == nil {
				s.fail(ErrClosed)
				return
			}
			s.queued.Add(-int64(len(b)))
			if err := s.wire.write(b); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
					err = ErrSlow
				}
				s.fail(err)
				return
			}
			s.touch()
		}
	}
}

// touch notes that the stream is in use.
func (s *stream) touch() { s.lastUsed.Store(time.Now().UnixNano()) }

// idleAt is when the stream will have been idle for long enough to close.
func (s *stream) idleAt() time.Time {
	return time.Unix(0, s.lastUsed.Load()).Add(idleLimit)
}

// idle closes the stream if it is idle and nothing needs it, and otherwise
// gives the time to look again.
func (s *stream) idle(now time.Time) (next time.Time, closed bool) {
	if s.flow.kept() {
		return now.Add(idleLimit), false
	}
	if at := s.idleAt(); now.Before(at) {
		return at, false
	}
	s.net.stats.closedIdle.Add(1)
	return now, true
}

// pong answers a keepalive (RFC 5626 §4.4.1).
func (s *stream) pong() {
	s.net.stats.keepalives.Add(1)
	s.touch()
	_ = s.send([]byte("\r\n")) // a failure has ended the stream
}

// message handles one message.
func (s *stream) message(data []byte) {
	s.touch()
	s.net.receive(s.flow, data)
}

// openStream is a connection on which requests for key may go, or nil.
func (n *Net) openStream(key streamKey) *Flow {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.open[key]; f != nil && f.Alive() {
		return f
	}
	return nil
}
