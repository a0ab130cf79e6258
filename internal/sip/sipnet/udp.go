package sipnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// udpBuffer is what the kernel keeps for us while we are busy. Its default
	// loses datagrams above 4,000 calls a second. The kernel may grant less
	// (sysctl net.core.rmem_max).
	udpBuffer = 4 << 20
	// udpFlows is how many peers of one socket have a flow that is found again.
	udpFlows = 16384
)

// packetConn is the part of net.UDPConn that is used; test networks have it
// too.
type packetConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}

// udpSocket is one bound UDP socket and the flows of its peers.
type udpSocket struct {
	net   *Net
	index int // in Config.Listen
	conn  packetConn
	local netip.AddrPort

	mu     sync.Mutex // guards all below
	flows  *lru[netip.AddrPort, *Flow]
	pinned map[netip.AddrPort]*Flow // registered ones: as many as bindings
}

func (n *Net) openUDP(index int, addr string) (*udpSocket, error) {
	c, err := n.listenPacket(addr)
	if err != nil {
		return nil, err
	}
	return &udpSocket{
		net:    n,
		index:  index,
		conn:   c,
		local:  addrPort(c.LocalAddr()),
		flows:  newLRU[netip.AddrPort, *Flow](udpFlows),
		pinned: make(map[netip.AddrPort]*Flow),
	}, nil
}

func (n *Net) listenPacket(addr string) (packetConn, error) {
	if n.cfg.PacketConn != nil {
		c, err := n.cfg.PacketConn("udp", addr)
		if err != nil {
			return nil, err
		}
		if pc, ok := c.(packetConn); ok {
			return pc, nil
		}
		return plainConn{c}, nil
	}
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	network := "udp"
	if at.IP.To4() != nil {
		network = "udp4" // "0.0.0.0" alone would be taken for both families
	}
	c, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	// The kernel clips what it does not allow, and a small buffer still works.
	_ = c.SetReadBuffer(udpBuffer)
	_ = c.SetWriteBuffer(udpBuffer)
	return c, nil
}

// plainConn gives any net.PacketConn the methods of net.UDPConn.
type plainConn struct{ net.PacketConn }

func (c plainConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, addrPort(from), nil
}

func (c plainConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.WriteTo(b, net.UDPAddrFromAddrPort(to))
}

// readLoop handles datagrams one after the other until the socket is closed.
func (u *udpSocket) readLoop() {
	buf := make([]byte, maxMessage)
	for failures := 0; ; {
		n, from, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || u.net.isStopped() {
				return
			}
			// An ICMP error of an earlier datagram, or memory is short: read on,
			// but never in a hot loop.
			u.net.stats.readErrors.Add(1)
			if failures++; failures > 10 {
				u.net.log.Warn("cannot read from UDP socket", "addr", u.local, "error", err)
				u.net.pause(time.Duration(min(failures, 100)) * 10 * time.Millisecond)
			}
			continue
		}
		failures = 0
		u.datagram(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// datagram handles one datagram. Keepalives of phones (CR LF, NUL bytes,
// nothing) are no messages.
func (u *udpSocket) datagram(data []byte, from netip.AddrPort) {
	if from.Port() == 0 {
		return // cannot be answered; some scanners send it
	}
	blank := true
	for _, c := range data[:min(len(data), 8)] {
		blank = blank && (c == '\r' || c == '\n' || c == 0)
	}
	if blank && len(data) <= 8 {
		u.net.stats.keepalives.Add(1)
		return
	}
	u.net.receive(u.flow(from), data)
}

// flow finds or makes the flow of a peer.
func (u *udpSocket) flow(peer netip.AddrPort) *Flow {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f := u.pinned[peer]; f != nil {
		return f
	}
	f, ok := u.flows.get(peer)
	if !ok {
		f = &Flow{
			net: u.net, udp: u, transport: UDP, listener: u.index, local: u.local, remote: peer,
			source: newViaSource(peer),
			id:     fmt.Sprintf("udp:%s-%s", u.local, peer),
		}
		u.flows.put(peer, f)
	}
	return f
}

// pin keeps f from being forgotten, or stops doing so.
func (u *udpSocket) pin(f *Flow, on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if on {
		u.pinned[f.remote] = f
	} else if u.pinned[f.remote] == f {
		delete(u.pinned, f.remote)
	}
}

func (u *udpSocket) send(b []byte, to netip.AddrPort) error {
	_, err := u.conn.WriteToUDPAddrPort(b, to)
	return err
}

// pause waits for d or until the Net stops.
func (n *Net) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.stopped:
	}
}
