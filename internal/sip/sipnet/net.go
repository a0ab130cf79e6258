package sipnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ListenConfig is one socket to listen on.
type ListenConfig struct {
	// Transport is UDP, TCP or TLS.
	Transport Transport
	// Addr is "address:port"; port 0 takes a free one. "0.0.0.0:5060" is all
	// of IPv4, "[::]:5060" both families.
	Addr string
	// Advertise is the host or "host:port" that peers are told in Via and
	// Contact. Empty: the bound address, or for an unspecified one the address
	// from which this machine reaches the peer.
	Advertise string
	// TLS is required for TLS, with a certificate; nil otherwise.
	TLS *tls.Config
}

// AdvertiseOverride tells peers within Prefix another host than the
// listener's, for networks on both sides of a NAT. The first match counts.
type AdvertiseOverride struct {
	Prefix netip.Prefix
	Host   string // without port
}

// Config is what a [Net] is made of. The zero value listens nowhere and can
// still open connections.
type Config struct {
	Listen []ListenConfig
	// Overrides are advertised hosts by the peer's network (N7).
	Overrides []AdvertiseOverride
	// ClientTLS gives the settings for a connection to peerHost: roots, client
	// certificate, server name. nil, or a nil result: system roots, TLS 1.2,
	// peerHost as server name.
	ClientTLS func(peerHost string) *tls.Config
	// KnownSource reports addresses that the configuration names, such as a
	// trunk's: they are exempt from the limits on strangers. It is called on
	// read loops and must be quick. nil: nobody is known.
	KnownSource func(netip.Addr) bool
	// Resolver is asked for names; nil is net.DefaultResolver.
	Resolver Resolver
	// WebSocketOrigins are patterns (path.Match) of hosts or origins whose pages may
	// open a WebSocket, beside those of the request's own host.
	WebSocketOrigins []string
	// Identify says whose phone the request for a WebSocket proves to be; see
	// [Flow.Identity]. The connection ends when done is closed; nil = never for
	// that. ok is false for strangers. nil: all are.
	Identify func(r *http.Request) (phone string, done <-chan struct{}, ok bool)
	// UserAgent is the Server header of answers made here.
	UserAgent string
	// Log receives what an operator should see; nil discards.
	Log *slog.Logger
	// Trace is told of every message, see [TraceRecord]. It runs on read loops
	// and senders' goroutines and must not block. nil costs nothing.
	Trace func(TraceRecord)

	// PacketConn, StreamListen and StreamDial replace the operating system's
	// sockets in tests; nil is the real thing.
	PacketConn   func(network, addr string) (net.PacketConn, error)
	StreamListen func(network, addr string) (net.Listener, error)
	StreamDial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Listener is a socket that was opened for a [ListenConfig].
type Listener struct {
	Transport Transport
	Addr      netip.AddrPort // as bound, with the port chosen
}

// Net owns all SIP sockets of the process. All methods may be called
// concurrently.
type Net struct {
	cfg        Config
	log        *slog.Logger
	parser     *sip.Parser
	strangers  *strangers
	stats      counters
	handle     atomic.Pointer[func(*Flow, sip.Message)]
	flowClosed atomic.Pointer[func(*Flow, error)]
	sources    sourceCache
	base       context.Context // ends with Stop
	cancel     context.CancelFunc
	stopped    chan struct{}
	wg         sync.WaitGroup // read, write and accept loops

	mu        sync.Mutex // guards all below
	started   bool
	stopping  bool
	listeners []Listener // parallel to cfg.Listen
	udp       []*udpSocket
	closers   []func() error // listening sockets
	streams   map[*stream]struct{}
	perSource map[netip.Addr]int
	open      map[streamKey]*Flow
	dialing   map[streamKey]*dialCall
	streamSeq uint64
}

// New checks cfg and makes a Net. Nothing is opened.
func New(cfg Config) (*Net, error) {
	var errs []error
	for i, l := range cfg.Listen {
		switch {
		case l.Transport != UDP && l.Transport != TCP && l.Transport != TLS:
			errs = append(errs, fmt.Errorf("listen %d: transport %q is not udp, tcp or tls", i, l.Transport))
		case l.Transport == TLS && l.TLS == nil:
			errs = append(errs, fmt.Errorf("listen %d: tls needs a certificate", i))
		}
		if _, err := netip.ParseAddrPort(l.Addr); err != nil {
			errs = append(errs, fmt.Errorf("listen %d: %w", i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	// Connections outlive the calls that open them, so they hang on the Net's
	// own context and not on a caller's.
	base, cancel := context.WithCancel(context.Background())
	return &Net{
		base:      base,
		cancel:    cancel,
		cfg:       cfg,
		log:       cfg.Log,
		parser:    newParser(),
		strangers: newStrangers(),
		stopped:   make(chan struct{}),
		streams:   make(map[*stream]struct{}),
		perSource: make(map[netip.Addr]int),
		open:      make(map[streamKey]*Flow),
		dialing:   make(map[streamKey]*dialCall),
	}, nil
}

// Start opens the listeners and calls handle for every message from then on:
// on the read loop of its socket, in order, without a goroutine in between.
// handle must not block. It is told the flow; received and rport of a
// request's top Via are already set (RFC 3581 §4). On error nothing stays
// open. Start may be called once.
func (n *Net) Start(ctx context.Context, handle func(*Flow, sip.Message)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started || n.stopping {
		return errors.New("sipnet: started twice, or after Stop")
	}
	n.handle.Store(&handle)
	var run []func()
	for i, l := range n.cfg.Listen {
		loop, err := n.openListener(ctx, i, l)
		if err != nil {
			for _, c := range n.closers {
				_ = c() // nothing was read from them
			}
			n.closers, n.listeners, n.udp = nil, nil, nil
			return fmt.Errorf("listen %s %s: %w", l.Transport, l.Addr, err)
		}
		run = append(run, loop)
	}
	n.started = true
	for _, loop := range run {
		n.wg.Go(loop)
	}
	return nil
}

// openListener binds one socket and gives its read or accept loop. n.mu is
// held.
func (n *Net) openListener(ctx context.Context, index int, l ListenConfig) (loop func(), err error) {
	if l.Transport == UDP {
		u, err := n.openUDP(index, l.Addr)
		if err != nil {
			return nil, err
		}
		n.udp = append(n.udp, u)
		n.closers = append(n.closers, u.conn.Close)
		n.listeners = append(n.listeners, Listener{UDP, u.local})
		return u.readLoop, nil
	}
	ln, err := n.listenStream(ctx, l)
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, ln.Close)
	n.listeners = append(n.listeners, Listener{l.Transport, addrPort(ln.Addr())})
	return func() { n.acceptLoop(ln, index, l) }, nil
}

// Listeners are the sockets as bound, in the order of Config.Listen; nil
// before Start.
func (n *Net) Listeners() []Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.listeners)
}

// OnFlowClose tells fn of every stream flow that closes, with the reason. It
// is for the one layer above, is set before Start, and must not block.
func (n *Net) OnFlowClose(fn func(*Flow, error)) { n.flowClosed.Store(&fn) }

// Stop closes the listeners, lets connections write what is queued, closes
// them, and returns when every goroutine has ended. When ctx ends first,
// connections are cut and its error is returned. Stop may be called twice and
// before Start.
func (n *Net) Stop(ctx context.Context) error {
	n.mu.Lock()
	if !n.stopping {
		n.stopping = true
		close(n.stopped)
		for _, c := range n.closers {
			_ = c() // the loop ends either way
		}
	}
	streams := make([]*stream, 0, len(n.streams))
	for s := range n.streams {
		streams = append(streams, s)
	}
	n.mu.Unlock()
	defer n.cancel()
	for _, s := range streams {
		s.finish()
	}
	done := make(chan struct{})
	go func() { n.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	n.cancel()
	for _, s := range streams {
		s.fail(ErrClosed)
	}
	<-done
	return context.Cause(ctx)
}

func (n *Net) isStopped() bool {
	select {
	case <-n.stopped:
		return true
	default:
		return false
	}
}

// recovered turns a panic into a log line and a count: what a peer sends ends
// at most its own message (design-engine.md 3.5). It is deferred.
func (n *Net) recovered(f *Flow) {
	if r := recover(); r != nil {
		n.stats.panics.Add(1)
		n.log.Error("panic while handling a SIP message", "flow", f.id, "panic", r, "stack", string(debug.Stack()))
	}
}

// guard runs fn and survives its panic.
func (n *Net) guard(f *Flow, fn func()) {
	defer n.recovered(f)
	fn()
}

// receive handles one message that came on f. It never panics.
func (n *Net) receive(f *Flow, data []byte) {
	defer n.recovered(f)
	n.stats.received.Add(1)
	if n.limited(f) {
		n.stats.limited.Add(1)
		return
	}
	m, err := parseMessage(n.parser, data)
	if err != nil {
		status, reason := refusal(data)
		n.refuse(f, data, status, reason, err)
		return
	}
	if r, ok := m.(*sip.Request); ok {
		if via := r.Via(); via != nil {
			f.source.mark(via)
		}
	}
	n.trace(f, false, data, "")
	(*n.handle.Load())(f, m)
}

// limited reports whether f's source is a stranger that sends too fast (N2).
func (n *Net) limited(f *Flow) bool {
	if f.known.Load() || f.registered.Load() {
		return false
	}
	a := f.remote.Addr()
	if n.cfg.KnownSource != nil && n.cfg.KnownSource(a) {
		return false
	}
	return !n.strangers.allow(a, time.Now())
}

// refuse counts a message that cannot be parsed and answers it if its headers
// allow (N2).
func (n *Net) refuse(f *Flow, data []byte, status int, reason string, err error) {
	n.stats.unparseable.Add(1)
	why := publicReason(err)
	n.trace(f, false, data, why)
	n.log.Debug("SIP message refused", "flow", f.id, "reason", why)
	answer := reject(data, status, reason, f.source, rejectTag(f), n.cfg.UserAgent)
	if answer == nil {
		return
	}
	n.stats.rejected.Add(1)
	_ = f.Send(answer) // counted there; a peer that sends garbage gets no more effort
}

// rejectTag is the To tag of answers to what cannot be parsed: the same for
// each repetition, as stateless responses need (RFC 3261 §8.2.7).
func rejectTag(f *Flow) string {
	return fmt.Sprintf("bad-%x", f.remote.Port())
}

// viaSource is where a request came from, for its top Via. The texts are kept
// on the flow, because they are needed for every request.
type viaSource struct{ host, port string }

func newViaSource(a netip.AddrPort) viaSource {
	return viaSource{a.Addr().String(), strconv.FormatUint(uint64(a.Port()), 10)}
}

// mark sets received when sent-by is not the source, and both received and
// rport when the client asked for rport (RFC 3261 §18.2.1, RFC 3581 §4).
func (s viaSource) mark(v *sip.ViaHeader) {
	_, rport := v.Params.Get("rport")
	if rport {
		v.Params.Add("rport", s.port)
	}
	if rport || v.Host != s.host {
		v.Params.Add("received", s.host)
	} else {
		v.Params.Remove("received")
	}
}

// addrPort is a socket address with IPv4 in its own form.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	default:
		ap, _ = netip.ParseAddrPort(a.String()) // the zero value says unknown
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
