package sipnet

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Transport names a way to carry SIP, as in a URI's transport parameter.
type Transport string

// The transports. WS and WSS come in through [Net.WebSocket] only.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
	TLS Transport = "tls"
	WS  Transport = "ws"
	WSS Transport = "wss"
)

// Via is the transport's name in a Via header (RFC 3261 §20.42; RFC 7118
// §5.2.1 for WS and WSS).
func (t Transport) Via() string {
	switch t {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	case WS:
		return "WS"
	default:
		return "WSS"
	}
}

// Reliable reports whether the transport repeats lost data itself, so that
// transactions need not.
func (t Transport) Reliable() bool { return t != UDP }

// Errors of sending and of flows that closed.
var (
	// ErrClosed is why a flow closed when nobody did wrong: the Net stopped,
	// or the peer hung up.
	ErrClosed = errors.New("flow closed")
	// ErrIdle closed a connection that carried nothing for 120 s.
	ErrIdle = errors.New("connection idle")
	// ErrSlow closed a connection whose peer did not read, or did not finish
	// a message in time.
	ErrSlow = errors.New("peer too slow")
	// ErrTooLarge closed a connection whose message was above 64 KiB.
	ErrTooLarge = errors.New("message too large")
	// ErrSession closed a connection whose owner is not logged in any more.
	ErrSession = errors.New("session ended")
)

// Flow is where a message came from or goes to: a stream connection, or our
// UDP socket and a peer's address. Flows are made by a [Net] only and are
// compared by pointer; all methods may be called concurrently. A UDP flow is
// forgotten by the Net when 16,384 others were used since, and then the same
// peer gets another pointer with the same ID; pointers held stay usable.
type Flow struct {
	net       *Net
	id        string
	transport Transport
	local     netip.AddrPort
	remote    netip.AddrPort
	source    viaSource  // remote as text
	listener  int        // index in Config.Listen whose address peers are shown, or -1
	udp       *udpSocket // of a UDP flow
	stream    *stream    // of any other
	identity  string     // see Identity; set before the flow is used

	known      atomic.Bool  // we chose to speak to it
	registered atomic.Bool  // carries a registration
	retained   atomic.Int32 // reasons not to close it for being idle
	sentBy     atomic.Pointer[hostPort]

	mu      sync.Mutex // guards all below
	closed  bool
	err     error
	closers []*func(error)
}

type hostPort struct {
	host string
	port int
}

// ID names the flow in logs and stores: "udp:10.0.0.1:5060-10.0.0.2:5060" is
// the same for the same pair of addresses at any time; streams end in "#" and
// a number that is never used again.
func (f *Flow) ID() string { return f.id }

// Transport says how the flow carries messages.
func (f *Flow) Transport() Transport { return f.transport }

// LocalAddr is our end as the socket is bound, possibly the unspecified
// address; see [Flow.SentBy] for what peers should be told.
func (f *Flow) LocalAddr() netip.AddrPort { return f.local }

// RemoteAddr is the peer's end as packets show it.
func (f *Flow) RemoteAddr() netip.AddrPort { return f.remote }

// Identity is the phone that whoever opened the flow has proved to be, by what
// [Config.Identify] found in the request for a WebSocket; "" = nobody.
func (f *Flow) Identity() string { return f.identity }

// Secure reports whether the flow is encrypted.
func (f *Flow) Secure() bool { return f.transport == TLS || f.transport == WSS }

// Alive reports whether the flow can still be used. A UDP flow is alive until
// its Net stops.
func (f *Flow) Alive() bool {
	if f.udp != nil {
		return !f.udp.net.isStopped()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.closed
}

// Send sends one rendered message. It does not wait for the peer: on a stream
// the message is queued, and a failure to write it closes the flow. b belongs
// to the flow from now on and must not change. Datagrams of any size are
// tried (N4). Errors: the reason of a closed flow, or the socket's.
func (f *Flow) Send(b []byte) error {
	var err error
	f.net.trace(f, true, b, "") // first, or the answer's record could precede it
	if f.udp != nil {
		err = f.udp.send(b, f.remote)
	} else {
		err = f.stream.send(b)
	}
	if err != nil {
		f.net.stats.sendErrors.Add(1)
		return err
	}
	f.net.stats.sent.Add(1)
	return nil
}

// OnClose calls fn with the reason when the flow closes, at once if it has.
// remove forgets fn. fn runs on the goroutine that closes the flow and must
// not block. UDP flows do not close; fn is not kept.
func (f *Flow) OnClose(fn func(error)) (remove func()) {
	if f.udp != nil {
		return func() {}
	}
	f.mu.Lock()
	if f.closed {
		err := f.err
		f.mu.Unlock()
		fn(err)
		return func() {}
	}
	p := &fn
	f.closers = append(f.closers, p)
	f.mu.Unlock()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, q := range f.closers {
			if q == p {
				f.closers = append(f.closers[:i:i], f.closers[i+1:]...)
				return
			}
		}
	}
}

// SetRegistered says whether a binding depends on this flow. A registered
// flow is not closed for being idle, nor limited like a stranger's, and a
// registered UDP flow keeps its pointer.
func (f *Flow) SetRegistered(on bool) {
	if f.registered.Swap(on) != on && f.udp != nil {
		f.udp.pin(f, on)
	}
}

// Retain keeps the flow from being closed for being idle until [Flow.Release]
// was called as often: for transactions and dialogs that wait.
func (f *Flow) Retain() { f.retained.Add(1) }

// Release undoes one [Flow.Retain].
func (f *Flow) Release() { f.retained.Add(-1) }

// LargeFlow gives the flow to use for a request of size bytes: f, or for more
// than 1,300 bytes over UDP a TCP connection to the same address if one is
// open, which is how we know that the peer accepts it (N4, RFC 3261 §18.1.1).
func (f *Flow) LargeFlow(size int) *Flow {
	if f.udp == nil || size <= maxDatagram {
		return f
	}
	if g := f.net.openStream(streamKey{transport: TCP, addr: f.remote}); g != nil {
		return g
	}
	return f
}

// maxDatagram is the size above which a request should not go over UDP
// (RFC 3261 §18.1.1).
const maxDatagram = 1300

// close marks the flow closed and tells whoever asked, once.
func (f *Flow) close(err error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	f.closed, f.err = true, err
	closers := f.closers
	f.closers = nil
	f.mu.Unlock()
	if fn := f.net.flowClosed.Load(); fn != nil {
		f.net.guard(f, func() { (*fn)(f, err) })
	}
	for _, fn := range closers {
		f.net.guard(f, func() { (*fn)(err) })
	}
}

// kept reports whether the flow must not be closed for being idle.
func (f *Flow) kept() bool { return f.registered.Load() || f.retained.Load() > 0 }
