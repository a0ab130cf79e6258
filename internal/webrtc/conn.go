package webrtc

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v4/packetio"
)

// Bounds of what waits for one leg to read it.
const (
	rtpBacklog  = 64 << 10 // bytes: some 300 packets of 20 ms
	dtlsBacklog = 64 << 10
	maxAgents   = 4 // credentials of one leg: restarts of ICE before the oldest are forgotten
)

// Conn is the way to one browser. As a media.Socket it carries SRTP and
// SRTCP: it gives what arrived, as from one address, and sends to wherever the
// browser is. Methods may be called concurrently.
type Conn struct {
	s    *Server
	id   string
	rtp  *packetio.Buffer
	dtls *packetio.Buffer

	seen    atomic.Int64         // last check, Unix nanoseconds
	way     atomic.Pointer[path] // where to send; nil = not known yet
	limit   atomic.Int64         // how long it may be silent, nanoseconds; 0 = not connected
	peer    netip.AddrPort       // what a reader is told, from connected on
	reached chan struct{}        // closed by the first check that counts
	closed  chan struct{}

	// guarded by the server's mutex
	sources map[netip.AddrPort]struct{}
	ufrags  []string
	ufrag   string // the newest
	pwd     string

	mu      sync.Mutex // guards what follows
	isReach bool
	gone    bool // Close was called
	begun   bool // Connect was called
	onLost  func(error)
	lostBy  error
	session *dtls.Conn
}

// path is where to send, and whether the browser has chosen it.
type path struct {
	to        netip.AddrPort
	nominated bool
}

// Open makes the transport of a leg; id is for the log. Close it.
func (s *Server) Open(id string) (*Conn, error) {
	c := &Conn{
		s: s, id: id, rtp: packetio.NewBuffer(), dtls: packetio.NewBuffer(),
		reached: make(chan struct{}), closed: make(chan struct{}), sources: map[netip.AddrPort]struct{}{},
	}
	c.rtp.SetLimitSize(rtpBacklog)
	c.dtls.SetLimitSize(dtlsBacklog)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.started || s.stopped:
		return nil, ErrClosed
	case len(s.conns) >= s.cfg.MaxLegs:
		s.counts.full.Add(1)
		return nil, ErrFull
	}
	s.conns[c] = struct{}{}
	c.ufrag, c.pwd = s.addAgent(c)
	s.counts.opened.Add(1)
	return c, nil
}

// Credentials are our agent's, for the session description.
func (c *Conn) Credentials() (ufrag, pwd string) {
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	return c.ufrag, c.pwd
}

// Renew makes other credentials for a browser that restarts ICE (RFC 8445 §9).
// The old ones stay good, so that nothing is lost until it has moved.
func (c *Conn) Renew() (ufrag, pwd string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if _, open := c.s.conns[c]; open {
		if len(c.ufrags) >= maxAgents {
			delete(c.s.agents, c.ufrags[0])
			c.ufrags = c.ufrags[1:]
		}
		c.ufrag, c.pwd = c.s.addAgent(c)
	}
	return c.ufrag, c.pwd
}

// OnLost calls f once when the browser of a connected leg is gone, at once if
// it is. f must not block.
func (c *Conn) OnLost(f func(error)) {
	c.mu.Lock()
	c.onLost = f
	err := c.lostBy
	c.mu.Unlock()
	if err != nil {
		f(err)
	}
}

// Doubt says that the browser's signalling is gone: a page that is still there
// shows it by its checks, any other is given up soon.
func (c *Conn) Doubt() { c.limit.CompareAndSwap(int64(c.s.cfg.Consent), int64(c.s.cfg.Doubt)) }

// silent reports whether a connected browser has been away for too long.
func (c *Conn) silent(now time.Time) bool {
	limit := c.limit.Load()
	return limit > 0 && now.UnixNano()-c.seen.Load() > limit
}

// lost tells once that the browser is gone.
func (c *Conn) lost(err *Error) {
	c.mu.Lock()
	if c.gone || c.lostBy != nil {
		c.mu.Unlock()
		return
	}
	c.lostBy = err
	f := c.onLost
	c.mu.Unlock()
	c.limit.Store(0)
	c.s.failed(err.Reason)
	if f != nil {
		defer c.s.guard()
		f(err)
	}
}

// reach notes the first check that counts.
func (c *Conn) reach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isReach {
		c.isReach = true
		close(c.reached)
	}
}

// put queues a datagram for the leg; b is copied. A leg that does not read loses it.
func (c *Conn) put(q *packetio.Buffer, b []byte) {
	if _, err := q.Write(b); err != nil {
		c.s.counts.overflow.Add(1)
	}
}

// send sends to where the browser is; before that is known, nothing.
func (c *Conn) send(b []byte) (int, error) {
	way := c.way.Load()
	if way == nil {
		return len(b), nil
	}
	return c.s.sock.WriteToUDPAddrPort(b, way.to)
}

// ReadFromUDPAddrPort gives the next datagram of SRTP or SRTCP. Its address is
// the same for the life of the Conn, whatever way it took.
func (c *Conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, err := c.rtp.Read(b)
	if err != nil {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	return n, c.Peer(), nil
}

// WriteToUDPAddrPort sends b to the browser; the address does not count.
func (c *Conn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return c.send(b) }

// Peer is where the browser was when it connected; the zero value before.
func (c *Conn) Peer() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// LocalAddr is the server's port.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.s.Addr()) }

// Close ends the leg: it says goodbye to the browser (RFC 5246 §7.2.1) and forgets
// it. It does not wait, and may be called twice.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return nil
	}
	c.gone = true
	session := c.session
	close(c.closed)
	c.mu.Unlock()
	c.limit.Store(0)
	if session != nil {
		_ = session.Close() // a goodbye that is lost is noticed by the other side's timers
	}
	_ = c.rtp.Close()
	_ = c.dtls.Close()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.conns, c)
	for _, u := range c.ufrags {
		delete(c.s.agents, u)
	}
	for a := range c.sources {
		delete(c.s.sources, a)
	}
	return nil
}
