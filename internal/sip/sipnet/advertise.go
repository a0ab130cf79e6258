package sipnet

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// SentBy is the host and port that this flow's peer should be told of us, in
// Via and Contact (N7). In this order: the override of the peer's network,
// the listener's advertised address, the bound address, and for a socket
// bound to all addresses the one from which this machine reaches the peer.
// The port is the listener's; a connection to a peer for which we have no
// listener gives its own. host is an IP address without brackets, or a name.
func (f *Flow) SentBy() (host string, port int) {
	if hp := f.sentBy.Load(); hp != nil {
		return hp.host, hp.port
	}
	hp := f.net.advertised(f)
	f.sentBy.Store(&hp)
	return hp.host, hp.port
}

func (n *Net) advertised(f *Flow) hostPort {
	hp := hostPort{port: int(f.local.Port())}
	bound := f.local.Addr()
	if f.listener >= 0 {
		n.mu.Lock()
		l := n.listeners[f.listener]
		n.mu.Unlock()
		hp.port = int(l.Addr.Port())
		hp.host, hp.port = splitAdvertise(n.cfg.Listen[f.listener].Advertise, hp.port)
		bound = l.Addr.Addr()
	}
	for _, o := range n.cfg.Overrides {
		if o.Prefix.Contains(f.remote.Addr()) {
			return hostPort{o.Host, hp.port}
		}
	}
	switch {
	case hp.host != "":
	case !bound.IsUnspecified():
		hp.host = bound.String()
	case !f.local.Addr().IsUnspecified():
		hp.host = f.local.Addr().String()
	default:
		hp.host = n.sources.toward(f.remote.Addr(), bound).String()
	}
	return hp
}

// splitAdvertise splits "host", "host:port", "v6" and "[v6]:port".
func splitAdvertise(s string, port int) (string, int) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return s, port
	}
	if n, err := strconv.ParseUint(p, 10, 16); err == nil && n > 0 {
		port = int(n)
	}
	return host, port
}

// sourceCache remembers from which address this machine reaches others.
type sourceCache struct {
	mu    sync.Mutex // guards known
	known *lru[netip.Addr, netip.Addr]
}

// toward asks the routing table by connecting a UDP socket, which sends
// nothing. If that fails, bound is the best that is known.
func (c *sourceCache) toward(peer, bound netip.Addr) netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = newLRU[netip.Addr, netip.Addr](1024)
	}
	if a, ok := c.known.get(peer); ok {
		return a
	}
	conn, err := net.Dial("udp", netip.AddrPortFrom(peer, 5060).String())
	if err != nil {
		return bound
	}
	defer conn.Close()
	a := addrPort(conn.LocalAddr()).Addr()
	c.known.put(peer, a)
	return a
}
