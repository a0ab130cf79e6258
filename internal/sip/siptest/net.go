// Package siptest is a network inside the process, for tests of everything
// that speaks SIP.
//
// A [Net] carries datagrams (and, for TCP, byte streams) between addresses
// that exist only in it. Nothing of it touches the operating system, so it
// works in a testing/synctest bubble, where 32 seconds of retransmissions cost
// microseconds; make the Net and everything on it inside the bubble.
//
//	wire := siptest.NewNet()
//	wire.OnPacket(func(p siptest.Packet) siptest.Verdict {
//		return siptest.Verdict{Drop: strings.HasPrefix(p.First(), "ACK ")}
//	})
//	n, err := sipnet.New(sipnet.Config{
//		Listen:     []sipnet.ListenConfig{{Transport: sipnet.UDP, Addr: "10.0.0.1:5060"}},
//		PacketConn: wire.ListenPacket,
//	})
//
// A packet without a verdict arrives at once and in order. Order between two
// delayed packets is that of their arrival times, so a longer delay on one
// packet is how to reorder. [Peer] is the other end: a scripted phone that
// says exactly what the test tells it to.
package siptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// queueLen is how many datagrams wait at a socket before further ones are
// lost, like a full receive buffer.
const queueLen = 4096

// Packet is one datagram on its way.
type Packet struct {
	At       time.Time // when it was sent
	From, To netip.AddrPort
	Data     []byte // read only
}

// First is the packet's first line, without its line end.
func (p Packet) First() string {
	line, _, _ := bytes.Cut(p.Data, []byte("\r\n"))
	return string(line)
}

// Verdict is what happens to a packet. The zero value delivers it at once.
type Verdict struct {
	Drop   bool          // it never arrives
	Delay  time.Duration // it arrives later
	Copies int           // further copies that arrive with it
}

// Net is a network of its own. All methods may be called concurrently.
type Net struct {
	mu       sync.Mutex // guards all below
	conns    map[netip.AddrPort]*packetConn
	streams  map[netip.AddrPort]*streamListener
	nextPort uint16
	verdict  func(Packet) Verdict
	sent     []Packet
	keep     bool
}

// NewNet makes an empty network.
func NewNet() *Net {
	return &Net{
		conns:    make(map[netip.AddrPort]*packetConn),
		streams:  make(map[netip.AddrPort]*streamListener),
		nextPort: 20000,
	}
}

// OnPacket sets who decides about every datagram from now on; nil delivers
// all. fn runs on the sender's goroutine and must not send.
func (n *Net) OnPacket(fn func(Packet) Verdict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.verdict = fn
}

// Record keeps every datagram sent from now on for [Net.Packets].
func (n *Net) Record() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keep = true
}

// Packets are the datagrams sent since [Net.Record], lost ones too.
func (n *Net) Packets() []Packet {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.sent)
}

// ListenPacket binds a datagram socket to addr, "10.0.0.1:5060" or
// "[fd00::1]:5060"; port 0 takes a free one. It has the shape of
// sipnet.Config.PacketConn. network must be udp, udp4 or udp6.
func (n *Net) ListenPacket(network, addr string) (net.PacketConn, error) {
	if network != "udp" && network != "udp4" && network != "udp6" {
		return nil, net.UnknownNetworkError(network)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.free(addr, func(a netip.AddrPort) bool { return n.conns[a] == nil })
	if err != nil {
		return nil, err
	}
	c := &packetConn{net: n, addr: at, queue: make(chan Packet, queueLen), closed: make(chan struct{})}
	c.read.init()
	n.conns[at] = c
	return c, nil
}

// free turns addr into an address that nobody is bound to. n.mu is held.
func (n *Net) free(addr string, isFree func(netip.AddrPort) bool) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return at, fmt.Errorf("siptest address %q: %w", addr, err)
	}
	for at.Port() == 0 {
		n.nextPort++
		try := netip.AddrPortFrom(at.Addr(), n.nextPort)
		if isFree(try) {
			return try, nil
		}
	}
	if !isFree(at) {
		return at, fmt.Errorf("siptest address %s: %w", at, os.ErrExist)
	}
	return at, nil
}

// send passes a datagram through the verdict to its receiver. Datagrams to
// addresses where nobody listens are lost, as on a real network.
func (n *Net) send(p Packet) {
	n.mu.Lock()
	verdict := n.verdict
	if n.keep {
		n.sent = append(n.sent, p)
	}
	n.mu.Unlock()
	var v Verdict
	if verdict != nil {
		v = verdict(p)
	}
	if v.Drop {
		return
	}
	for range v.Copies + 1 {
		if v.Delay > 0 {
			time.AfterFunc(v.Delay, func() { n.deliver(p) })
			continue
		}
		n.deliver(p)
	}
}

func (n *Net) deliver(p Packet) {
	n.mu.Lock()
	c := n.conns[p.To]
	n.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case c.queue <- p:
	default: // receive buffer full
	}
}

// packetConn is a bound datagram socket. It has the methods of net.UDPConn
// that take a netip.AddrPort, too.
type packetConn struct {
	net    *Net
	addr   netip.AddrPort
	queue  chan Packet
	once   sync.Once
	closed chan struct{}
	read   deadline
}

func (c *packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-c.queue:
		return copy(b, p.Data), p.From, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-c.read.wait():
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	}
}

func (c *packetConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.net.send(Packet{At: time.Now(), From: c.addr, To: to, Data: bytes.Clone(b)})
	return len(b), nil
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	at, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, err
	}
	return c.WriteToUDPAddrPort(b, at)
}

func (c *packetConn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.conns, c.addr)
		c.net.mu.Unlock()
		close(c.closed)
	})
	return nil
}

func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

func (c *packetConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *packetConn) SetReadDeadline(t time.Time) error  { c.read.set(t); return nil }
func (c *packetConn) SetWriteDeadline(t time.Time) error { return nil }

// deadline is a channel that closes when the time set has come.
type deadline struct {
	mu      sync.Mutex // guards all below
	timer   *time.Timer
	sets    int // a timer of an earlier set that fires in this instant is too late
	expired chan struct{}
}

func (d *deadline) init() { d.expired = make(chan struct{}) }

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	select {
	case <-d.expired:
		d.expired = make(chan struct{})
	default:
	}
	d.timer = nil
	d.sets++
	if t.IsZero() {
		return
	}
	mine, expired := d.sets, d.expired
	d.timer = time.AfterFunc(time.Until(t), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.sets == mine {
			select {
			case <-expired:
			default:
				close(expired)
			}
		}
	})
}

// ListenStream is the in-memory form of net.Listen for "tcp" addresses. It has
// the shape of sipnet.Config.StreamListen.
func (n *Net) ListenStream(network, addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.free(addr, func(a netip.AddrPort) bool { return n.streams[a] == nil })
	if err != nil {
		return nil, err
	}
	l := &streamListener{net: n, addr: at, backlog: make(chan net.Conn, 128), closed: make(chan struct{})}
	n.streams[at] = l
	return l, nil
}

// DialStream connects to a listener of [Net.ListenStream] from the address
// "10.9.9.9:PORT". It has the shape of sipnet.Config.StreamDial.
func (n *Net) DialStream(ctx context.Context, network, addr string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.streams[at]
	n.nextPort++
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 9, 9}), n.nextPort)
	n.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	here, there := net.Pipe()
	select {
	case l.backlog <- &streamConn{Conn: there, local: at, remote: from}:
		return &streamConn{Conn: here, local: from, remote: at}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type streamListener struct {
	net     *Net
	addr    netip.AddrPort
	backlog chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *streamListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *streamListener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.streams, l.addr)
		l.net.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *streamListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// streamConn is one end of a pipe that says where its ends are.
type streamConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *streamConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *streamConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }
