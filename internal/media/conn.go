package media

import (
	"net"
	"net/netip"
)

// Socket is what a session needs of its socket. *net.UDPConn has it; any
// other net.PacketConn, such as a test's in-memory one, is adapted. Reading and
// writing may happen at the same time; after Close both fail with net.ErrClosed.
type Socket interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}

func adaptConn(c net.PacketConn) Socket {
	if u, ok := c.(Socket); ok {
		return u
	}
	return packetConn{c}
}

// packetConn lets any net.PacketConn with *net.UDPAddr addresses serve.
type packetConn struct{ net.PacketConn }

func (c packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, a, err := c.ReadFrom(b)
	return n, addrPort(a), err
}

func (c packetConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return c.WriteTo(b, net.UDPAddrFromAddrPort(addr))
}

// addrPort gives a's address, or the zero value if a is not an IP address.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmap(a.AddrPort())
	case nil:
		return netip.AddrPort{}
	default:
		ap, _ := netip.ParseAddrPort(a.String())
		return unmap(ap)
	}
}

// unmap makes IPv4 addresses that a dual-stack socket reports comparable.
func unmap(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// listenUDP is the ListenPacket of a real engine.
func listenUDP(ap netip.AddrPort) (net.PacketConn, error) {
	network := "udp6" // an unspecified IPv6 address listens to IPv4 as well with "udp"
	switch {
	case ap.Addr().Is4():
		network = "udp4"
	case ap.Addr().IsUnspecified():
		network = "udp"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(ap))
}
