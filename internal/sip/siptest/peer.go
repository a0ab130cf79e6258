package siptest

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Peer is a scripted end of the network: it sends the bytes the test gives it
// and hands over what it receives. Its methods fail the test on error and are
// for one goroutine.
type Peer struct {
	tb   testing.TB
	conn net.PacketConn
	addr netip.AddrPort
}

// NewPeer binds a peer to addr ("10.0.0.2:5060") and closes it when the test
// ends.
func NewPeer(tb testing.TB, n *Net, addr string) *Peer {
	tb.Helper()
	c, err := n.ListenPacket("udp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return &Peer{tb: tb, conn: c, addr: c.(*packetConn).addr}
}

// Addr is where the peer is bound.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// Send sends text as one datagram. Bare line feeds become CR LF, so that a
// test can write messages as raw strings.
func (p *Peer) Send(to netip.AddrPort, text string) {
	p.tb.Helper()
	if _, err := p.conn.WriteTo([]byte(CRLF(text)), net.UDPAddrFromAddrPort(to)); err != nil {
		p.tb.Fatal(err)
	}
}

// SendMessage serialises m and sends it.
func (p *Peer) SendMessage(to netip.AddrPort, m sip.Message) {
	p.tb.Helper()
	p.Send(to, m.String())
}

// Recv gives the next message, at most a minute (of the bubble) later.
func (p *Peer) Recv() (sip.Message, netip.AddrPort) {
	p.tb.Helper()
	m, from, ok := p.TryRecv(time.Minute)
	if !ok {
		p.tb.Fatalf("peer %s: nothing received within a minute", p.addr)
	}
	return m, from
}

// TryRecv gives the next message that arrives within d.
func (p *Peer) TryRecv(d time.Duration) (m sip.Message, from netip.AddrPort, ok bool) {
	p.tb.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(d)) // cannot fail
	buf := make([]byte, 65536)
	n, at, err := p.conn.ReadFrom(buf)
	if err != nil {
		return nil, netip.AddrPort{}, false
	}
	m, err = sip.NewParser().ParseSIP(buf[:n])
	if err != nil {
		p.tb.Fatalf("peer %s received what it cannot parse: %v\n%s", p.addr, err, buf[:n])
	}
	return m, netip.MustParseAddrPort(at.String()), true
}

// RecvRaw gives the next datagram as it came, which [Peer.Recv] might not be
// able to parse, at most a minute (of the bubble) later.
func (p *Peer) RecvRaw() string {
	p.tb.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(time.Minute)) // cannot fail
	buf := make([]byte, 65536)
	n, _, err := p.conn.ReadFrom(buf)
	if err != nil {
		p.tb.Fatalf("peer %s: nothing received within a minute", p.addr)
	}
	return string(buf[:n])
}

// Request is Recv for a request with this method.
func (p *Peer) Request(method sip.RequestMethod) (*sip.Request, netip.AddrPort) {
	p.tb.Helper()
	m, from := p.Recv()
	r, ok := m.(*sip.Request)
	if !ok || r.Method != method {
		p.tb.Fatalf("peer %s: want %s, received\n%s", p.addr, method, m.String())
	}
	return r, from
}

// Response is Recv for a response with this status.
func (p *Peer) Response(status int) (*sip.Response, netip.AddrPort) {
	p.tb.Helper()
	m, from := p.Recv()
	r, ok := m.(*sip.Response)
	if !ok || r.StatusCode != status {
		p.tb.Fatalf("peer %s: want response %d, received\n%s", p.addr, status, m.String())
	}
	return r, from
}

// Answer builds the response to req that a phone would send; the To tag is
// added unless it has one or toTag is empty.
func Answer(req *sip.Request, status int, reason, toTag string) *sip.Response {
	res := sip.NewResponse(status, reason)
	for _, name := range []string{"Record-Route", "Via", "From", "To", "Call-ID", "CSeq"} {
		sip.CopyHeaders(name, req, res)
	}
	if to := res.To(); to != nil && toTag != "" && !to.Params.Has("tag") {
		to.Params.Add("tag", toTag)
	}
	res.SetBody(nil)
	return res
}

// CRLF ends every line of text with CR LF.
func CRLF(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}
