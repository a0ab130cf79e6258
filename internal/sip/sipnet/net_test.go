package sipnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

func TestN1_ReplyAddressIsThePacketSource(t *testing.T) {
	for _, c := range []struct{ addr, want string }{
		{"127.0.0.1:0", "127.0.0.1"},
		{"[::1]:0", "::1"},
		{"0.0.0.0:0", "127.0.0.1"},
		{"[::]:0", "127.0.0.1"},
	} {
		t.Run(c.addr, func(t *testing.T) {
			in := newInbox()
			n, err := New(Config{Listen: []ListenConfig{{Transport: UDP, Addr: c.addr}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Start(t.Context(), in.handle); err != nil {
				t.Skip("no such address family here:", err)
			}
			defer n.Stop(t.Context())
			to := netip.AddrPortFrom(netip.MustParseAddr(c.want), n.Listeners()[0].Addr.Port())
			phone, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			if err != nil {
				t.Fatal(err)
			}
			defer phone.Close()
			if _, err := phone.Write([]byte(message(1))); err != nil {
				t.Fatal(err)
			}
			h := <-in.more
			source := addrPort(phone.LocalAddr())
			diff(t, "remote", source.String(), h.flow.RemoteAddr().String())
			via := h.msg.Via() // RFC 3581 §4
			diff(t, "received", source.Addr().String(), via.Params.GetOr("received", ""))
			diff(t, "rport", fmt.Sprint(source.Port()), via.Params.GetOr("rport", ""))
			if err := h.flow.Send([]byte("SIP/2.0 200 OK\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			if n, err := phone.Read(buf); err != nil || string(buf[:n]) != "SIP/2.0 200 OK\r\n\r\n" {
				t.Errorf("answer %q, %v", buf[:n], err)
			}
			host, _ := h.flow.SentBy()
			diff(t, "sent-by", c.want, host)
		})
	}
}

func TestN1_FlowsAreBounded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		u := r.net.udp[0]
		kept := u.flow(netip.MustParseAddrPort("10.1.0.0:1"))
		kept.SetRegistered(true)
		a := netip.MustParseAddr("10.1.0.1")
		for i := range 3 * udpFlows {
			u.flow(netip.AddrPortFrom(a, uint16(1+i%60000)))
			a = a.Next()
		}
		if n := u.flows.len(); n != udpFlows {
			t.Errorf("%d flows kept, want %d", n, udpFlows)
		}
		if u.flow(kept.RemoteAddr()) != kept {
			t.Error("a registered flow was forgotten")
		}
		kept.SetRegistered(false)
		if len(u.pinned) != 0 {
			t.Error("still pinned")
		}
	})
}

func TestN1_ViaOfHonestSourceHasNoReceived(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		p.Send(here(), strings.Replace(message(1), ";rport", "", 1))
		h := <-r.in.more
		diff(t, "Via", "SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK1", h.msg.Via().Value())
	})
}

func TestN2_StrangersAreLimited(t *testing.T) {
	known := netip.MustParseAddr("10.0.0.3")
	bubble(t, func(c *Config) { c.KnownSource = func(a netip.Addr) bool { return a == known } }, func(t *testing.T, r *rig) {
		flood := func(addr string) int {
			before := r.in.len()
			p := siptest.NewPeer(t, r.wire, addr)
			for i := range 1000 {
				p.Send(here(), message(i))
			}
			synctest.Wait()
			return r.in.len() - before
		}
		diff(t, "stranger, at once", 200, flood("10.0.0.2:5060"))
		sleep(500 * time.Millisecond)
		diff(t, "stranger, half a second later", 100, flood("10.0.0.2:5061"))
		diff(t, "known source", 1000, flood("10.0.0.3:5060"))
		if _, err := r.net.Flow(t.Context(), Target{Transport: UDP, Addr: netip.MustParseAddrPort("10.0.0.4:5060")}); err != nil {
			t.Fatal(err)
		}
		diff(t, "a peer we chose to call", 1000, flood("10.0.0.4:5060"))
		f := r.net.udp[0].flow(netip.MustParseAddrPort("10.0.0.5:5060"))
		f.SetRegistered(true)
		diff(t, "a registered flow", 1000, flood("10.0.0.5:5060"))
		if got := r.net.Stats().Limited; got != 800+900 {
			t.Errorf("%d counted as limited", got)
		}
	})
}

func TestN2_BucketsAreBounded(t *testing.T) {
	s := newStrangers()
	a := netip.MustParseAddr("10.0.0.1")
	for range 5 * strangersKnown {
		s.allow(a, time.Time{})
		a = a.Next()
	}
	if n := s.buckets.len(); n != strangersKnown {
		t.Errorf("%d buckets", n)
	}
}

func TestN2_Unparseable(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		for _, s := range []string{"hello", "\x00\x01\x02garbage\r\n\r\n", "SIP/2.0 abc OK\r\n\r\n", strings.Repeat("x", 60000),
			strings.Replace(message(1), "OPTIONS", "ACK", 2) + "", "BYE sip:x SIP/2.0\r\nCSeq: 1 BYE\r\nno header\r\n\r\n"} {
			if strings.HasPrefix(s, "ACK") {
				s = strings.Replace(s, "CSeq: 1", "CSeq: x", 1)
			}
			p.Send(here(), s)
		}
		synctest.Wait()
		if m, _, ok := p.TryRecv(time.Second); ok {
			t.Errorf("answered %s", m)
		}
		diff(t, "unparseable", uint64(6), r.net.Stats().Unparseable)
		diff(t, "handed up", 0, r.in.len())
		p.Send(here(), message(1, "Max-Forwards: x\n"))
		res, _ := p.Response(400)
		diff(t, "Via", "SIP/2.0/UDP 10.0.0.2:5060;rport=5060;branch=z9hG4bK1;received=10.0.0.2", res.Via().Value())
		diff(t, "To", "<sip:us@10.0.0.1>;tag=bad-13c4", res.To().Value())
		diff(t, "Call-ID", "c1", res.CallID().Value())
	})
}

func TestN2_KeepalivesAreNoMessages(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		for _, s := range []string{"\r\n\r\n", "\r\n", "", "\x00\x00\x00\x00"} {
			p.Send(here(), s)
		}
		synctest.Wait()
		st := r.net.Stats()
		diff(t, "keepalives, received", [2]uint64{4, 0}, [2]uint64{st.Keepalives, st.Received})
	})
}

func TestN4_LargeDatagram(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		f, err := r.net.Flow(t.Context(), Target{Transport: UDP, Addr: p.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		if f.LargeFlow(1301) != f {
			t.Error("no TCP connection is open, so UDP it is")
		}
		big := message(1, "X-Pad: "+strings.Repeat("x", 2300)+"\n")
		if err := f.Send([]byte(big)); err != nil {
			t.Error(err)
		}
		p.Request(sip.OPTIONS)
		ln, err := r.wire.ListenStream("tcp", "10.0.0.2:5060")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		g, err := r.net.Flow(t.Context(), Target{Transport: TCP, Addr: p.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		if f.LargeFlow(1300) != f || f.LargeFlow(1301) != g || g.LargeFlow(9999) != g {
			t.Error("above 1,300 bytes the open TCP connection should be used")
		}
	})
}

func TestN5_StreamCutsMessages(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		all := message(1) + "\r\n" + message(2) + strings.Replace(message(3), "Content-Length: 0\r\n\r\n", "l : 5\r\n\r\nhello", 1)
		for i := range len(all) {
			write(t, c, all[i:i+1])
		}
		write(t, c, all)
		diff(t, "messages", 6, r.in.len())
		diff(t, "body", "hello", string(r.in.heard[2].msg.Body()))
		if r.in.heard[0].flow != r.in.heard[5].flow || r.in.heard[0].flow.Transport() != TCP {
			t.Error("one connection is one flow")
		}
	})
}

func TestN5_BadHeaderCosts400NotTheConnection(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		text, done := readAll(c)
		write(t, c, strings.Replace(message(1), "CSeq: 1", "CSeq: x", 1)+message(2))
		if !strings.HasPrefix(text(), "SIP/2.0 400 ") || closed(done) || r.in.len() != 1 {
			t.Errorf("answer %q, closed %v, %d messages after it", text(), closed(done), r.in.len())
		}
	})
}

func TestN5_LostFramingClosesTheConnection(t *testing.T) {
	for name, c := range map[string]struct{ message, answer string }{
		"negative length": {strings.Replace(message(1), "Length: 0", "Length: -1", 1), "SIP/2.0 400 "},
		"two lengths":     {message(1, "l: 7\n"), "SIP/2.0 400 "},
		"announced large": {strings.Replace(message(1), "Length: 0", "Length: 70000", 1), "SIP/2.0 513 "},
		"endless head":    {"OPTIONS sip:x SIP/2.0\r\nX: " + strings.Repeat("x", 70000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig) {
				conn := r.dial()
				text, done := readAll(conn)
				_, _ = conn.Write([]byte(c.message)) // cut off before its end
				synctest.Wait()
				if !closed(done) || !strings.HasPrefix(text(), c.answer) || c.answer == "" && text() != "" {
					t.Errorf("closed %v, answer %q", closed(done), text())
				}
				diff(t, "connections", 0, r.net.Stats().Connections)
			})
		})
	}
}

func TestN5_PingIsAnswered(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		text, _ := readAll(c)
		write(t, c, "\r\n\r\n") // RFC 5626 §4.4.1
		diff(t, "pong", "\r\n", text())
		write(t, c, "\r\n")
		write(t, c, "\r\n")
		diff(t, "pong to a ping in two parts", "\r\n\r\n", text())
		write(t, c, "\r\n"+message(1))
		diff(t, "no pong to a line end before a message", "\r\n\r\n", text())
	})
}

func TestN5_IdleConnectionIsClosed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		_, done := readAll(c)
		sleep(100 * time.Second)
		write(t, c, "\r\n\r\n")
		sleep(119 * time.Second)
		if closed(done) {
			t.Fatal("closed 119 s after a ping")
		}
		sleep(2 * time.Second)
		if !closed(done) {
			t.Error("open 121 s after the last use")
		}
		diff(t, "closed for idle", uint64(1), r.net.Stats().ClosedForIdle)
	})
}

func TestN5_RegisteredOrRetainedIsNotIdle(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		_, done := readAll(c)
		write(t, c, message(1))
		f := (<-r.in.more).flow
		f.SetRegistered(true)
		sleep(time.Hour)
		f.Retain()
		f.SetRegistered(false)
		sleep(time.Hour)
		if closed(done) {
			t.Fatal("closed while it was needed")
		}
		f.Release()
		sleep(5 * time.Minute)
		if !closed(done) {
			t.Error("still open")
		}
	})
}

func TestN5_SlowMessageIsCut(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		_, done := readAll(c)
		m := message(1)
		for i := range len(m) - 1 { // a byte a second
			if _, err := c.Write([]byte(m[i : i+1])); err != nil {
				if i < 19 || i > 21 {
					t.Errorf("cut after %d s", i)
				}
				break
			}
			sleep(time.Second)
		}
		if !closed(done) {
			t.Error("a slow loris lives")
		}
	})
}

func TestN5_BusyStreamIsNotSlow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		m := message(1)
		write(t, c, m[:40])
		for range 60 { // there is always a message that has begun
			sleep(time.Second)
			write(t, c, m[40:]+m[:40])
		}
		diff(t, "messages", 60, r.in.len())
	})
}

func TestN5_PeerThatDoesNotReadIsCut(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		write(t, c, message(1))
		f := (<-r.in.more).flow
		var reason error
		f.OnClose(func(err error) { reason = err })
		if err := f.Send([]byte(message(2))); err != nil {
			t.Fatal(err)
		}
		sleep(4 * time.Second)
		if !f.Alive() {
			t.Fatal("cut after 4 s")
		}
		sleep(2 * time.Second)
		if f.Alive() || !errors.Is(reason, ErrSlow) {
			t.Errorf("alive %v, reason %v", f.Alive(), reason)
		}
		if err := f.Send([]byte("x")); err == nil {
			t.Error("sent on a closed flow")
		}
	})
}

func TestN5_SendNeverBlocks(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		write(t, c, message(1))
		f := (<-r.in.more).flow
		for i := range 2 * queueMessages {
			if err := f.Send([]byte(message(i))); err != nil {
				if !errors.Is(err, ErrSlow) || i < queueMessages {
					t.Errorf("message %d: %v", i, err)
				}
				return
			}
		}
		t.Error("the queue has no end")
	})
}

func TestN5_LossIsReported(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		var lost []*Flow
		r.net.OnFlowClose(func(f *Flow, err error) { lost = append(lost, f) })
		c := r.dial()
		write(t, c, message(1))
		f := (<-r.in.more).flow
		calls := 0
		f.OnClose(func(error) { calls++ })
		f.OnClose(func(error) { calls++ })()
		c.Close()
		synctest.Wait()
		f.OnClose(func(error) { calls++ })
		if calls != 2 || len(lost) != 1 || lost[0] != f {
			t.Errorf("%d calls of OnClose, lost %v", calls, lost)
		}
	})
}

func TestN5_ConnectionLimits(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		for range strangerStreams {
			r.dial()
		}
		_, done := readAll(r.dial())
		synctest.Wait()
		if !closed(done) {
			t.Error("one unknown address has too many connections")
		}
		st := r.net.Stats()
		diff(t, "open, refused", [2]int{strangerStreams, 1}, [2]int{st.Connections, int(st.TooMany)})
	})
}

// brokenListener fails to accept until told otherwise.
type brokenListener struct {
	net.Listener
	failures int
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestN5_OutOfFileDescriptors(t *testing.T) {
	var broken *brokenListener
	bubble(t, func(c *Config) {
		listen := c.StreamListen
		c.StreamListen = func(network, addr string) (net.Listener, error) {
			ln, err := listen(network, addr)
			broken = &brokenListener{Listener: ln}
			return broken, err
		}
	}, func(t *testing.T, r *rig) {
		idle := r.dial()
		_, done := readAll(idle)
		busy := r.dial()
		write(t, busy, message(1))
		(<-r.in.more).flow.Retain()
		start := time.Now()
		broken.failures = 10 // seen after the accept that waits now
		r.dial()
		synctest.Wait()
		sleep(10 * time.Second)
		c := r.dial()
		write(t, c, message(2))
		if !closed(done) {
			t.Error("the idle connection was kept")
		}
		diff(t, "errors", uint64(10), r.net.Stats().AcceptErrors)
		if broken.failures != 0 || time.Since(start) > 11*time.Second {
			t.Errorf("%d failures left after %v", broken.failures, time.Since(start))
		}
		write(t, busy, message(3))
		diff(t, "messages", 3, r.in.len())
	})
}

func TestN6_RequestsGoDownTheFlowTheyCameFrom(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		text, _ := readAll(c)
		write(t, c, message(1))
		f := (<-r.in.more).flow
		same, err := r.net.Flow(t.Context(), Target{Transport: TCP, Addr: f.RemoteAddr()})
		if err != nil || same != f {
			t.Errorf("flow to the address of an open connection: %v, %v", same, err)
		}
		if err := f.Send([]byte(message(9))); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		diff(t, "sent down the connection", message(9), text())
		if !strings.HasPrefix(f.ID(), "tcp:10.0.0.1:5060-10.9.9.9:") || !strings.Contains(f.ID(), "#") {
			t.Errorf("id %s", f.ID())
		}
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		p.Send(here(), message(2))
		u := (<-r.in.more).flow
		diff(t, "id", "udp:10.0.0.1:5060-10.0.0.2:5060", u.ID())
		if again, _ := r.net.Flow(t.Context(), Target{Transport: UDP, Addr: p.Addr()}); again != u {
			t.Error("one peer, two UDP flows")
		}
	})
}

func TestN6_DialledConnectionIsShared(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		ln, err := r.wire.ListenStream("tcp", "10.0.0.7:5060")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		target := Target{Transport: TCP, Addr: netip.MustParseAddrPort("10.0.0.7:5060")}
		flows := make(chan *Flow, 10)
		for range cap(flows) {
			go func() {
				f, err := r.net.Flow(t.Context(), target)
				if err != nil {
					t.Error(err)
				}
				flows <- f
			}()
		}
		first := <-flows
		for range cap(flows) - 1 {
			if f := <-flows; f != first {
				t.Error("two connections to one target")
			}
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, message(1)) // both directions on one connection
		if h := <-r.in.more; h.flow != first {
			t.Error("the peer's request came on another flow")
		}
		c.Close()
		synctest.Wait()
		if first.Alive() {
			t.Error("alive after the peer hung up")
		}
		second, err := r.net.Flow(t.Context(), target)
		if err != nil || second == first {
			t.Errorf("no new connection: %v", err)
		}
	})
}

func TestN6_DialFailure(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		for _, target := range []Target{
			{Transport: TCP, Addr: netip.MustParseAddrPort("10.0.0.8:5060")},
			{Transport: WS, Addr: netip.MustParseAddrPort("10.0.0.8:80")},
			{Transport: UDP, Addr: netip.MustParseAddrPort("[fd00::1]:5060")},
		} {
			if f, err := r.net.Flow(t.Context(), target); err == nil {
				t.Errorf("%v: flow %s", target, f.ID())
			}
		}
	})
}

func TestRule3_5_PanicInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := siptest.NewNet()
		n := start(t, Config{Listen: []ListenConfig{{Transport: UDP, Addr: "10.0.0.1:5060"}}, PacketConn: wire.ListenPacket},
			func(*Flow, sip.Message) { panic("handler's mistake") })
		p := siptest.NewPeer(t, wire, "10.0.0.2:5060")
		p.Send(here(), message(1))
		p.Send(here(), message(2))
		synctest.Wait()
		diff(t, "panics", uint64(2), n.Stats().Panics)
	})
}

func TestRule3_1_OrderIsKept(t *testing.T) {
	bubble(t, func(c *Config) { c.KnownSource = func(netip.Addr) bool { return true } }, func(t *testing.T, r *rig) {
		p := siptest.NewPeer(t, r.wire, "10.0.0.2:5060")
		for i := range 500 {
			p.Send(here(), message(i))
		}
		for i := range 500 {
			if h := <-r.in.more; h.msg.CallID().Value() != fmt.Sprint("c", i) {
				t.Fatalf("message %d is %s", i, h.msg.CallID().Value())
			}
		}
	})
}

func TestStop(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		text, done := readAll(c)
		write(t, c, message(1))
		f := (<-r.in.more).flow
		if err := f.Send([]byte(message(2))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.net.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		<-done
		diff(t, "written before closing", message(2), text())
		if f.Alive() {
			t.Error("alive after Stop")
		}
		if _, err := r.net.Flow(t.Context(), Target{Transport: TCP, Addr: here()}); err == nil {
			t.Error("a connection after Stop")
		}
	})
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(t.Context()); err != nil { // before Start
		t.Error(err)
	}
	if err := n.Start(t.Context(), func(*Flow, sip.Message) {}); err == nil {
		t.Error("started after Stop")
	}
}

func TestStop_DeadlineCutsConnections(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		c := r.dial()
		write(t, c, message(1))
		f := (<-r.in.more).flow
		if err := f.Send([]byte(message(2))); err != nil { // nobody reads it
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.net.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestNew_ReportsAllMistakes(t *testing.T) {
	_, err := New(Config{Listen: []ListenConfig{{Transport: "sctp", Addr: "x"}, {Transport: TLS, Addr: "127.0.0.1:0"}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three mistakes, got %v", err)
	}
	n, err := New(Config{Listen: []ListenConfig{{Transport: UDP, Addr: "10.0.0.1:1"}, {Transport: UDP, Addr: "10.0.0.1:1"}},
		PacketConn: siptest.NewNet().ListenPacket})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), func(*Flow, sip.Message) {}); err == nil || n.Listeners() != nil {
		t.Errorf("one address bound twice: %v", err)
	}
}
