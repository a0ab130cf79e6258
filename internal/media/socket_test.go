package media

import (
	"net"
	"net/netip"
	"testing"
)

// startEngine starts an engine on loopback sockets with a range of its own.
func startEngine(tb testing.TB) *Engine {
	e, err := New(Config{PortMin: 10000, PortMax: 32000, Log: testLog(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return e
}

// stopEngine stops it while tb's context is still good.
func stopEngine(tb testing.TB, e *Engine) {
	if err := e.Stop(tb.Context()); err != nil {
		tb.Error(err)
	}
}

func listenLoopback(tb testing.TB) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

func localAddr(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// socketCall opens a session that sends to that socket.
func socketCall(tb testing.TB, e *Engine, to netip.AddrPort, codec string) (*Port, *RTP) {
	r, err := e.OpenRTP(RTPOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	if err := r.Configure(RTPConfig{Remote: to, Codec: codec, SendOK: true, RecvOK: true, RTCPMux: true}); err != nil {
		tb.Fatal(err)
	}
	p := e.NewPort("bench")
	p.SetLeg(r, Format{Codec: codec})
	return p, r
}
