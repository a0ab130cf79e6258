package webrtc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Open.
var (
	// ErrFull: as many legs as Config.MaxLegs are open.
	ErrFull = errors.New("webrtc: too many browser legs")
	// ErrClosed: the server has not started, or has stopped.
	ErrClosed = errors.New("webrtc: closed")
)

// The defaults of Config.
const (
	DefaultMaxLegs = 500
	connectTime    = 15 * time.Second
	consentTime    = 30 * time.Second // RFC 7675 §5.1
	doubtTime      = 10 * time.Second
	sweepEvery     = time.Second
	readBuffer     = 4 << 20 // bytes of the socket
	maxDatagram    = 2048
)

// Config configures a Server.
type Config struct {
	Listen  netip.AddrPort // of the UDP port for all legs; port 0 = any free one
	MaxLegs int            // at once; 0 = 500
	Log     *slog.Logger   // nil = nothing is logged

	// Connect is how long ICE and DTLS may take together; 0 = 15 s.
	Connect time.Duration
	// Consent is how long a connected browser may be without a check; 0 = 30 s.
	Consent time.Duration
	// Doubt is the same for one that has lost its signalling; 0 = 10 s.
	Doubt time.Duration
}

// Server has the port on which the media of all browsers arrives. All methods
// may be called concurrently.
type Server struct {
	cfg  Config
	log  *slog.Logger
	cert tls.Certificate
	fp   string

	sock *net.UDPConn   // from Start to Stop
	addr netip.AddrPort // of sock
	stop chan struct{}
	wg   sync.WaitGroup // reader, sweeper, handshakes

	mu      sync.RWMutex // guards what follows
	started bool
	stopped bool
	conns   map[*Conn]struct{}
	agents  map[string]agent // by the user name fragment that is ours
	sources map[netip.AddrPort]*Conn

	counts counters
}

// agent is one pair of credentials of a Conn. A restart of ICE adds another.
type agent struct {
	conn *Conn
	pwd  string
}

// counters are the server's numbers.
type counters struct {
	opened, connected, full  atomic.Uint64
	strangers, refusedChecks atomic.Uint64
	overflow, panics         atomic.Uint64
	failed                   [len(reasons)]atomic.Uint64
}

// Stats counts what the server has done and holds.
type Stats struct {
	Legs      int               // open now
	Opened    uint64            // legs since the start
	Connected uint64            // of them: those whose keys were made
	Refused   uint64            // not opened, because there were too many
	Failed    map[Reason]uint64 // legs that did not connect, or were lost
	Strangers uint64            // datagrams of nobody that we know
	Checks    uint64            // connectivity checks with a wrong name or password
	Overflow  uint64            // datagrams dropped because a leg did not read
	Panics    uint64            // mistakes of ours that ended one leg
}

// New makes a server and its certificate, which lives as long as the process.
func New(c Config) (*Server, error) {
	if c.MaxLegs <= 0 {
		c.MaxLegs = DefaultMaxLegs
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		at *time.Duration
		by time.Duration
	}{{&c.Connect, connectTime}, {&c.Consent, consentTime}, {&c.Doubt, doubtTime}} {
		if *d.at <= 0 {
			*d.at = d.by
		}
	}
	cert, fp, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("webrtc: certificate: %w", err)
	}
	return &Server{
		cfg: c, log: c.Log, cert: cert, fp: fp, stop: make(chan struct{}),
		conns: map[*Conn]struct{}{}, agents: map[string]agent{}, sources: map[netip.AddrPort]*Conn{},
	}, nil
}

// Start opens the port. ctx is not kept: Stop ends the server.
func (s *Server) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.started {
		return ErrClosed
	}
	network := "udp"
	if s.cfg.Listen.Addr().Is4() {
		network = "udp4"
	}
	sock, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(s.cfg.Listen))
	if err != nil {
		return err
	}
	if err := sock.SetReadBuffer(readBuffer); err != nil {
		s.log.Debug("socket buffer not set", "err", err)
	}
	local := sock.LocalAddr().(*net.UDPAddr).AddrPort()
	s.sock, s.addr, s.started = sock, netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), true
	s.wg.Go(s.read)
	s.wg.Go(s.sweep)
	return nil
}

// Stop ends every leg, closes the port and returns when all goroutines have
// ended, or with ctx's error. It may be called twice, and before Start.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.stopped = true
	close(s.stop)
	open := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	sock := s.sock
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close() // it cannot fail
	}
	if sock != nil {
		_ = sock.Close() // nothing is left to lose
	}
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Addr is the port as bound; the zero value before Start.
func (s *Server) Addr() netip.AddrPort {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.addr
}

// Fingerprint names our certificate as a session description does:
// "sha-256 4A:AD:…" (RFC 8122 §5).
func (s *Server) Fingerprint() string { return s.fp }

// Stats gives the counters.
func (s *Server) Stats() Stats {
	s.mu.RLock()
	legs := len(s.conns)
	s.mu.RUnlock()
	out := Stats{
		Legs: legs, Opened: s.counts.opened.Load(), Connected: s.counts.connected.Load(), Refused: s.counts.full.Load(),
		Strangers: s.counts.strangers.Load(), Checks: s.counts.refusedChecks.Load(), Overflow: s.counts.overflow.Load(),
		Panics: s.counts.panics.Load(), Failed: make(map[Reason]uint64, len(reasons)),
	}
	for i, r := range reasons {
		out.Failed[r] = s.counts.failed[i].Load()
	}
	return out
}

// read is the goroutine of the port.
func (s *Server) read() {
	buf := make([]byte, maxDatagram)
	var r reader
	for {
		n, from, err := s.sock.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier send; the next read blocks again
		}
		s.datagram(&r, buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// datagram hands one datagram to whom it is for.
func (s *Server) datagram(r *reader, b []byte, from netip.AddrPort) {
	defer s.guard()
	switch kindOf(b) {
	case kindSTUN:
		s.check(r, b, from)
	case kindDTLS:
		if c := s.from(from); c != nil {
			c.put(c.dtls, b)
		}
	case kindRTP:
		if c := s.from(from); c != nil {
			c.put(c.rtp, b)
		}
	default:
		s.counts.strangers.Add(1)
	}
}

// from finds the leg of a source that has proved itself, and counts strangers.
func (s *Server) from(a netip.AddrPort) *Conn {
	s.mu.RLock()
	c := s.sources[a]
	s.mu.RUnlock()
	if c == nil {
		s.counts.strangers.Add(1)
	}
	return c
}

// guard keeps a mistake of ours from ending the server.
func (s *Server) guard() {
	if v := recover(); v != nil {
		s.counts.panics.Add(1)
		s.log.Error("browser media: broken invariant", "panic", v, "stack", string(debug.Stack()))
	}
}

// sweep finds the legs whose browsers are gone.
func (s *Server) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			s.lose(now)
		}
	}
}

func (s *Server) lose(now time.Time) {
	s.mu.RLock()
	var gone []*Conn
	for c := range s.conns {
		if c.silent(now) {
			gone = append(gone, c)
		}
	}
	s.mu.RUnlock()
	for _, c := range gone {
		c.lost(&Error{Reason: Gone, Text: "the browser's media went away: it has sent no connectivity check any more"})
	}
}

// kind is what a datagram carries.
type kind int

const (
	kindOther kind = iota
	kindSTUN
	kindDTLS
	kindRTP // or RTCP
)

// kindOf tells protocols on one port apart (RFC 7983 §7).
func kindOf(b []byte) kind {
	if len(b) == 0 {
		return kindOther
	}
	switch first := b[0]; {
	case first <= 3:
		return kindSTUN
	case first >= 20 && first <= 63:
		return kindDTLS
	case first >= 128 && first <= 191:
		return kindRTP
	}
	return kindOther
}
