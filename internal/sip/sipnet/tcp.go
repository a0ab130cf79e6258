package sipnet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	maxStreams       = 4096             // N5
	handshakeLimit   = 10 * time.Second // TLS
	dialLimit        = 10 * time.Second // TCP and TLS together
	acceptPauseFirst = 5 * time.Millisecond
	acceptPauseMax   = time.Second
)

// byteWire carries messages as bytes over TCP or TLS.
type byteWire struct {
	conn net.Conn
	// handshake completes TLS before the first byte; nil if done.
	handshake func(context.Context) error
}

func (w *byteWire) write(b []byte) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := w.conn.Write(b)
	return err
}

func (w *byteWire) shut() { _ = w.conn.Close() } // nothing is left to lose

// serve cuts what arrives into messages. It wakes at each deadline to see
// whether the connection is idle, or a message is too slow in coming.
func (w *byteWire) serve(s *stream) error {
	if err := w.secure(s.net); err != nil {
		return err
	}
	var f framer
	var began time.Time // when the message that is not complete began
	for {
		if err := w.waitLimit(s, began); err != nil {
			return err
		}
		n, err := w.conn.Read(f.space())
		f.filled(n)
		complete, ferr := w.frames(s, &f)
		if ferr != nil {
			return ferr
		}
		if complete || !f.partial() {
			began = time.Time{}
		}
		if began.IsZero() && f.partial() {
			began = time.Now()
		}
		switch {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF):
			return ErrClosed
		default:
			return err
		}
	}
}

// secure completes the TLS handshake of an accepted connection.
func (w *byteWire) secure(n *Net) error {
	if w.handshake == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(n.base, handshakeLimit)
	defer cancel()
	return w.handshake(ctx)
}

// waitLimit sets the time until which the next bytes are waited for, or says
// that the wait is over.
func (w *byteWire) waitLimit(s *stream, began time.Time) error {
	now := time.Now()
	next, closed := s.idle(now)
	if closed {
		return ErrIdle
	}
	if !began.IsZero() {
		end := began.Add(partialLimit)
		if !now.Before(end) {
			return ErrSlow
		}
		if end.Before(next) {
			next = end
		}
	}
	return w.conn.SetReadDeadline(next)
}

// frames handles all complete messages of the buffer and reports whether
// there was one.
func (w *byteWire) frames(s *stream, f *framer) (complete bool, err error) {
	for {
		fr, ok, err := f.next()
		switch {
		case err != nil && len(fr.data) > 0:
			status, reason := 400, "Bad Request"
			if errors.Is(err, ErrTooLarge) {
				status, reason = 513, "Message Too Large"
			}
			s.net.stats.received.Add(1)
			s.net.refuse(s.flow, fr.data, status, reason, err)
			s.finish() // the answer is still written
			<-s.done
			return complete, err
		case err != nil:
			s.net.stats.received.Add(1)
			s.net.stats.unparseable.Add(1)
			return complete, err
		case !ok:
			return complete, nil
		case fr.ping:
			s.pong()
		default:
			complete = true
			s.message(fr.data)
		}
	}
}

// listenStream binds a TCP socket, for TLS too: the handshake is done on the
// connection's own goroutine.
func (n *Net) listenStream(ctx context.Context, l ListenConfig) (net.Listener, error) {
	if n.cfg.StreamListen != nil {
		return n.cfg.StreamListen("tcp", l.Addr)
	}
	network := "tcp"
	if ap, err := netip.ParseAddrPort(l.Addr); err == nil && ap.Addr().Is4() {
		network = "tcp4" // "0.0.0.0" alone would be taken for both families
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, network, l.Addr)
}

// acceptLoop accepts connections until the listener is closed. Errors, above
// all running out of file descriptors, pause it and cost nobody else.
func (n *Net) acceptLoop(ln net.Listener, index int, l ListenConfig) {
	pause := time.Duration(0)
	for {
		c, err := ln.Accept()
		if err == nil {
			pause = 0
			n.accepted(c, index, l)
			continue
		}
		if n.isStopped() || errors.Is(err, net.ErrClosed) {
			return
		}
		n.stats.acceptErrors.Add(1)
		if pause == 0 {
			n.log.Warn("cannot accept SIP connections", "addr", l.Addr, "error", err)
		}
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			n.closeIdlest()
		}
		pause = min(max(2*pause, acceptPauseFirst), acceptPauseMax)
		n.pause(pause)
	}
}

// accepted starts a stream for a connection, or closes it when there are too
// many.
func (n *Net) accepted(c net.Conn, index int, l ListenConfig) {
	remote := addrPort(c.RemoteAddr())
	if !n.room(remote.Addr()) {
		n.stats.tooMany.Add(1)
		_ = c.Close() // the peer sees it
		return
	}
	n.stats.accepted.Add(1)
	w := &byteWire{conn: c}
	if l.Transport == TLS {
		t := tls.Server(c, l.TLS)
		w.conn, w.handshake = t, t.HandshakeContext
	}
	s, err := n.adopt(streamKey{transport: l.Transport, addr: remote}, addrPort(c.LocalAddr()), index, w, false)
	if err != nil {
		_ = c.Close() // stopping
		return
	}
	go s.run()
}

// room reports whether one more connection from a is within the limits.
func (n *Net) room(a netip.Addr) bool {
	known := n.cfg.KnownSource != nil && n.cfg.KnownSource(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.streams) < maxStreams && (known || n.perSource[a] < strangerStreams)
}

// closeIdlest closes the connection that was unused for longest, if nothing
// needs it, to have a file descriptor back.
func (n *Net) closeIdlest() {
	n.mu.Lock()
	var idlest *stream
	for s := range n.streams {
		if !s.flow.kept() && (idlest == nil || s.lastUsed.Load() < idlest.lastUsed.Load()) {
			idlest = s
		}
	}
	n.mu.Unlock()
	if idlest != nil {
		n.stats.closedIdle.Add(1)
		idlest.fail(ErrIdle)
	}
}
