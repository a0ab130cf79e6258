package media

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// fakeNet is a UDP network in memory, usable inside a synctest bubble.
type fakeNet struct {
	mu    sync.Mutex
	conns map[netip.AddrPort]*fakeConn
	taken map[netip.AddrPort]error // listening there fails
	stall bool                     // packets wait in flight
	held  []func()
}

func newFakeNet() *fakeNet {
	return &fakeNet{conns: map[netip.AddrPort]*fakeConn{}, taken: map[netip.AddrPort]error{}}
}

func (n *fakeNet) listen(ap netip.AddrPort) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.taken[ap]; err != nil {
		return nil, err
	}
	if n.conns[ap] != nil {
		return nil, os.ErrExist
	}
	c := &fakeConn{n: n, addr: ap, in: make(chan datagram, 512), closed: make(chan struct{})}
	n.conns[ap] = c
	return c, nil
}

// hold keeps all packets in flight until release.
func (n *fakeNet) hold() { n.mu.Lock(); n.stall = true; n.mu.Unlock() }

func (n *fakeNet) release() {
	n.mu.Lock()
	n.stall = false
	held := n.held
	n.held = nil
	n.mu.Unlock()
	for _, f := range held {
		f()
	}
}

type datagram struct {
	b    []byte
	from netip.AddrPort
}

type fakeConn struct {
	n      *fakeNet
	addr   netip.AddrPort
	in     chan datagram
	closed chan struct{}
	once   sync.Once
}

func (c *fakeConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-c.closed:
		return 0, nil, net.ErrClosed
	case d := <-c.in:
		return copy(b, d.b), net.UDPAddrFromAddrPort(d.from), nil
	}
}

func (c *fakeConn) WriteTo(b []byte, a net.Addr) (int, error) {
	to := a.(*net.UDPAddr).AddrPort()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	d := datagram{append([]byte(nil), b...), c.addr}
	deliver := func() {
		c.n.mu.Lock()
		peer := c.n.conns[to]
		c.n.mu.Unlock()
		if peer != nil {
			select {
			case peer.in <- d:
			default:
			}
		}
	}
	if c.n.stall {
		c.n.held = append(c.n.held, deliver)
		return len(b), nil
	}
	if peer := c.n.conns[to]; peer != nil {
		select {
		case peer.in <- d:
		default:
		}
	}
	return len(b), nil
}

func (c *fakeConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.n.mu.Lock()
		delete(c.n.conns, c.addr)
		c.n.mu.Unlock()
	})
	return nil
}
func (c *fakeConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.addr) }
func (c *fakeConn) SetDeadline(time.Time) error      { return nil }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return nil }

// lab is an engine on a fake network.
type lab struct {
	t *testing.T
	e *Engine
	n *fakeNet
}

// inLab runs f in a bubble with a started engine and stops it afterwards.
func inLab(t *testing.T, f func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet()
		e, err := New(Config{ListenPacket: n.listen, Log: testLog(t)})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := e.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if p := e.Stats().Panics; p != 0 {
				t.Errorf("%d panics", p)
			}
		}()
		f(&lab{t, e, n})
	})
}

// phone is the far end of a session: it sends what the test says and keeps
// what it receives.
type phone struct {
	t    *testing.T
	conn *fakeConn
	rtp  *RTP // our side, to send to
	seq  uint16
	ts   uint32
	ssrc uint32
	pt   uint8
	step uint32
}

// phone makes a phone at that address.
func (l *lab) phone(addr string) *phone {
	l.t.Helper()
	c, err := l.n.listen(netip.MustParseAddrPort(addr))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { c.Close() })
	ap := netip.MustParseAddrPort(addr)
	return &phone{t: l.t, conn: c.(*fakeConn), ssrc: uint32(ap.Port()) << 8, seq: 100, ts: 5000, step: 160}
}

// call opens a session to the phone and a port on it, with the config changed by edit.
func (l *lab) call(ph *phone, edit func(*RTPConfig)) (*Port, *RTP) {
	l.t.Helper()
	p := l.e.NewPort(ph.conn.addr.String())
	return p, l.answer(p, ph, edit)
}

// answer gives a port its session.
func (l *lab) answer(p *Port, ph *phone, edit func(*RTPConfig)) *RTP {
	l.t.Helper()
	r, err := l.e.OpenRTP(RTPOptions{ID: ph.conn.addr.String()})
	if err != nil {
		l.t.Fatal(err)
	}
	c := RTPConfig{Remote: ph.conn.addr, Codec: "PCMU", ClockRate: 8000, EventSendPT: 101, EventRecvPT: 101, SendOK: true, RecvOK: true}
	if edit != nil {
		edit(&c)
	}
	if err := r.Configure(c); err != nil {
		l.t.Fatal(err)
	}
	ph.rtp, ph.pt = r, c.RecvPT
	p.SetLeg(r, Format{Codec: c.Codec, ClockRate: c.ClockRate, PTime: c.PTime, EventPT: c.EventSendPT != 0})
	return r
}

// send sends one packet and moves sequence and timestamp on.
func (ph *phone) send(payload []byte) { ph.sendFrom(ph.conn, payload) }

func (ph *phone) sendFrom(c *fakeConn, payload []byte) {
	ph.packet(c, rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: ph.pt, SequenceNumber: ph.seq, Timestamp: ph.ts, SSRC: ph.ssrc}, Payload: payload})
	ph.seq++
	ph.ts += ph.step
}

func (ph *phone) packet(c *fakeConn, p rtp.Packet) {
	b, err := p.Marshal()
	if err != nil {
		ph.t.Fatal(err)
	}
	ph.raw(c, b)
}

func (ph *phone) raw(c *fakeConn, b []byte) {
	c.WriteTo(b, net.UDPAddrFromAddrPort(ph.rtp.local))
}

// talk sends n packets of that octet, one every 20 ms.
func (ph *phone) talk(n int, octet byte) {
	for range n {
		ph.send(bytesOf(octet, 160))
		pass(20 * time.Millisecond)
	}
}

// heard takes all RTP packets that arrived so far.
func (ph *phone) heard() (list []rtp.Packet) {
	for {
		select {
		case d := <-ph.conn.in:
			if isRTCP(d.b) {
				continue
			}
			var p rtp.Packet
			if err := p.Unmarshal(d.b); err != nil {
				ph.t.Fatal(err)
			}
			list = append(list, p)
		default:
			return list
		}
	}
}

func bytesOf(b byte, n int) []byte {
	list := make([]byte, n)
	for i := range list {
		list[i] = b
	}
	return list
}

// checkStream fails unless packets have one SSRC, sequences without a gap and
// timestamps that never go back.
func checkStream(t *testing.T, list []rtp.Packet) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.SSRC != b.SSRC {
			t.Fatalf("packet %d: SSRC changed from %x to %x", i, a.SSRC, b.SSRC)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		if int32(b.Timestamp-a.Timestamp) < 0 || int32(b.Timestamp-a.Timestamp) == 0 && b.PayloadType != 101 {
			t.Fatalf("packet %d: timestamp %d after %d", i, b.Timestamp, a.Timestamp)
		}
	}
}

// pass lets fake time pass and everything settle that it set going.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
