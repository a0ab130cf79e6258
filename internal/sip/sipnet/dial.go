package sipnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrNoSocket means that no listener of ours can reach the target: there is
// no UDP socket of its address family.
var ErrNoSocket = errors.New("no socket for this target")

// ErrTransportUnsupported means that we cannot open connections of this
// transport: browsers open WebSockets to us, never the other way.
var ErrTransportUnsupported = errors.New("transport cannot be opened from here")

// dialCall is a connection being opened, which others wait for.
type dialCall struct {
	done chan struct{}
	flow *Flow
	err  error
}

// Flow gives a flow to t: for UDP at once from the socket that fits, for TCP
// and TLS an open connection to the same address (and server name), or a new
// one, for which it waits until ctx ends, at most 10 s. Simultaneous calls
// for one target share the connection. What t is was our choice: messages
// from there are no longer limited as a stranger's (N2).
func (n *Net) Flow(ctx context.Context, t Target) (*Flow, error) {
	t.Addr = netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port())
	switch t.Transport {
	case UDP:
		u := n.udpFor(t.Addr.Addr())
		if u == nil {
			return nil, fmt.Errorf("udp %s: %w", t.Addr, ErrNoSocket)
		}
		f := u.flow(t.Addr)
		f.known.Store(true)
		return f, nil
	case TCP, TLS:
		return n.streamFor(ctx, t)
	}
	return nil, fmt.Errorf("%s %s: %w", t.Transport, t.Addr, ErrTransportUnsupported)
}

// udpFor is the first UDP socket that reaches a. Sockets bound to loopback
// reach only loopback, and those bound to another address do not reach it.
func (n *Net) udpFor(a netip.Addr) *udpSocket {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return nil
	}
	var second *udpSocket
	for _, u := range n.udp {
		l := u.local.Addr()
		switch {
		case l.IsUnspecified() && (l.Is6() || a.Is4()):
			return u
		case l.IsUnspecified() || l.Is4() != a.Is4():
		case l.IsLoopback() == a.IsLoopback():
			return u
		case second == nil && !l.IsLoopback():
			second = u
		}
	}
	return second
}

// streamFor finds or opens a connection.
func (n *Net) streamFor(ctx context.Context, t Target) (*Flow, error) {
	key := streamKey{transport: t.Transport, addr: t.Addr}
	if t.Transport == TLS {
		key.server = t.ServerName
	}
	n.mu.Lock()
	if f := n.open[key]; f != nil && f.Alive() {
		n.mu.Unlock()
		f.known.Store(true)
		return f, nil
	}
	if n.stopping {
		n.mu.Unlock()
		return nil, ErrClosed
	}
	d := n.dialing[key]
	if d == nil {
		d = &dialCall{done: make(chan struct{})}
		n.dialing[key] = d
		n.wg.Go(func() { n.dial(key, d) })
	}
	n.mu.Unlock()
	select {
	case <-d.done:
		return d.flow, d.err
	case <-ctx.Done():
		return nil, fmt.Errorf("connect %s %s: %w", t.Transport, t.Addr, context.Cause(ctx))
	}
}

// dial opens a connection for all who wait for it; it is not cut short by the
// first of them giving up.
func (n *Net) dial(key streamKey, d *dialCall) {
	ctx, cancel := context.WithTimeout(n.base, dialLimit)
	defer cancel()
	s, err := n.connect(ctx, key)
	n.mu.Lock()
	delete(n.dialing, key)
	n.mu.Unlock()
	if err != nil {
		d.err = fmt.Errorf("connect %s %s: %w", key.transport, key.addr, err)
		close(d.done)
		return
	}
	d.flow = s.flow
	go s.run()
	close(d.done)
}

func (n *Net) connect(ctx context.Context, key streamKey) (*stream, error) {
	dial := n.cfg.StreamDial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, "tcp", key.addr.String())
	if err != nil {
		return nil, err
	}
	local := addrPort(c.LocalAddr())
	if key.transport == TLS {
		t := tls.Client(c, n.clientTLS(key))
		if err := t.HandshakeContext(ctx); err != nil {
			_ = c.Close() // the handshake's error says more
			return nil, err
		}
		c = t
	}
	s, err := n.adopt(key, local, n.listenerFor(key.transport, key.addr.Addr()), &byteWire{conn: c}, true)
	if err != nil {
		_ = c.Close() // stopping
	}
	return s, err
}

// clientTLS is the configuration for a connection (N7).
func (n *Net) clientTLS(key streamKey) *tls.Config {
	host := key.server
	if host == "" {
		host = key.addr.Addr().String()
	}
	var c *tls.Config
	if n.cfg.ClientTLS != nil {
		c = n.cfg.ClientTLS(host)
	}
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.ServerName == "" {
		c = c.Clone()
		c.ServerName = host
	}
	return c
}

// listenerFor is the listener whose address a peer of an outgoing connection
// should be told, or -1: the first of the same transport and address family.
func (n *Net) listenerFor(t Transport, a netip.Addr) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, l := range n.listeners {
		if l.Transport == t && (l.Addr.Addr().Is4() == a.Is4() || l.Addr.Addr().IsUnspecified()) {
			return i
		}
	}
	return -1
}
