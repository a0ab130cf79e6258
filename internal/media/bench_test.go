//go:build unix

package media

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used, user and system.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// window is how many packets are on their way at once: packets wait in the
// sockets as they do under load, and none are lost.
const window = 64

// pump sends b.N packets through a relay at target, window at a time, and
// reports the CPU time per packet of everything but the generator's own two
// system calls, which measureEcho has found.
func pump(b *testing.B, gen *net.UDPConn, target netip.AddrPort) {
	pkt := Packet{SSRC: 7, Payload: make([]byte, 160)}
	buf, in := make([]byte, 0, 256), make([]byte, 2048)
	send := func() {
		pkt.Seq++
		pkt.TS += 160
		buf = appendRTP(buf[:0], &pkt, 0)
		if _, err := gen.WriteToUDPAddrPort(buf, target); err != nil {
			b.Fatal(err)
		}
	}
	receive := func() {
		if err := gen.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			b.Fatal(err)
		}
		if _, _, err := gen.ReadFromUDPAddrPort(in); err != nil {
			b.Fatalf("packet lost: %v", err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime(b)
	for done := 0; done < b.N; {
		n := min(window, b.N-done)
		for range n {
			send()
		}
		for range n {
			receive()
		}
		done += n
	}
	used := cpuTime(b) - begin
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/packet+gen")
}

// BenchmarkRelay: generator socket → session A → link → session B → the
// generator. Compare cpu-ns/packet+gen with BenchmarkBareRelay's: both contain
// the same generator.
func BenchmarkRelay(b *testing.B) {
	e := startEngine(b)
	defer stopEngine(b, e)
	gen := listenLoopback(b)
	pa, ra := socketCall(b, e, localAddr(gen), "PCMU")
	pb, _ := socketCall(b, e, localAddr(gen), "PCMU")
	Connect(pa, pb)
	pump(b, gen, ra.LocalAddr())
	pa.Close()
	pb.Close()
}

// BenchmarkBareRelay is the floor: the least that Go can do to relay, one
// goroutine that receives and sends.
func BenchmarkBareRelay(b *testing.B) {
	gen, relay, out := listenLoopback(b), listenLoopback(b), listenLoopback(b)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, _, err := relay.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			out.WriteToUDPAddrPort(buf[:n], localAddr(gen)) //nolint:errcheck // the generator sees the loss
		}
	}()
	pump(b, gen, localAddr(relay))
	relay.Close()
	<-done
}

// BenchmarkGenerator is what the generator of the two above costs alone.
func BenchmarkGenerator(b *testing.B) {
	gen := listenLoopback(b)
	pump(b, gen, localAddr(gen))
}

// BenchmarkRelayWithoutSockets is our own part of a relayed packet: parse,
// learn, count, link, renumber, serialise.
func BenchmarkRelayWithoutSockets(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(fmt.Sprintf("srtp=%v", secure), func(b *testing.B) {
			n := newFakeNet()
			e, err := New(Config{ListenPacket: n.nowhere})
			if err != nil {
				b.Fatal(err)
			}
			from := netip.MustParseAddrPort("192.0.2.1:4000")
			pa, ra := socketCall(b, e, from, "PCMU")
			pb, rb := socketCall(b, e, from, "PCMU")
			if secure {
				key := make([]byte, 30)
				c := RTPConfig{Remote: from, Codec: "PCMU", SendOK: true, RecvOK: true, RTCPMux: true}
				c.SRTP = &SRTPKeys{Suite: "AES_CM_128_HMAC_SHA1_80", Local: key, Remote: key}
				if err := rb.Configure(c); err != nil {
					b.Fatal(err)
				}
			}
			Connect(pa, pb)
			pkt, in := Packet{SSRC: 7, Payload: make([]byte, 160)}, Packet{}
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				pkt.Seq++
				pkt.TS += 160
				buf = appendRTP(buf[:0], &pkt, 0)
				ra.receive(buf, from, &in)
			}
			pa.Close()
			pb.Close()
			if err := e.Stop(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// nowhere gives sockets that read nothing and swallow what is sent.
func (n *fakeNet) nowhere(netip.AddrPort) (net.PacketConn, error) {
	return &deadConn{fakeConn{n: n, closed: make(chan struct{})}}, nil
}

type deadConn struct{ fakeConn }

func (c *deadConn) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	<-c.closed
	return 0, netip.AddrPort{}, net.ErrClosed
}
func (c *deadConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

// BenchmarkPlayer is one packet of a prompt: read, encode, number, send; on a
// loopback socket that nobody reads, and without a socket.
func BenchmarkPlayer(b *testing.B) {
	for _, codec := range []string{"PCMU", "G722"} {
		for _, sockets := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/sockets=%v", codec, sockets), func(b *testing.B) {
				c := Config{PortMin: 10000, PortMax: 32000}
				if !sockets {
					c.ListenPacket = newFakeNet().nowhere
				}
				e, err := New(c)
				if err != nil {
					b.Fatal(err)
				}
				p, _ := socketCall(b, e, localAddr(listenLoopback(b)), codec)
				po := p.Play(Silence(0), nil)
				now := time.Now()
				b.ReportAllocs()
				for b.Loop() {
					now = now.Add(20 * time.Millisecond)
					po.tick(now)
				}
				p.Close()
				if err := e.Stop(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkMixer is 20 ms of a conference, per member: take, sum, encode,
// send to nowhere. One in four talks.
func BenchmarkMixer(b *testing.B) {
	for _, members := range []int{3, 10, 100} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			n := newFakeNet()
			e, err := New(Config{ListenPacket: n.nowhere})
			if err != nil {
				b.Fatal(err)
			}
			m := e.NewMixer(0)
			var list []*Member
			for range members {
				p, _ := socketCall(b, e, netip.MustParseAddrPort("192.0.2.1:4000"), "PCMU")
				mb, err := m.Add(p, MemberOptions{})
				if err != nil {
					b.Fatal(err)
				}
				list = append(list, mb)
				defer p.Close()
			}
			pkt := Packet{SSRC: 7, Payload: make([]byte, 160)}
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(20 * time.Millisecond)
				pkt.At = now
				pkt.Seq++
				pkt.TS += 160
				for i := 0; i < members; i += 4 {
					list[i].receive(nil, &pkt)
				}
				m.tick(now)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/member")
			m.Close()
		})
	}
}

// BenchmarkIdlePort measures what an answered channel holds while nothing
// happens: session, sockets, goroutines, port.
func BenchmarkIdlePort(b *testing.B) {
	const calls = 200
	for b.Loop() {
		e := startEngine(b)
		to := netip.MustParseAddrPort("127.0.0.1:9")
		before, goroutines := heap(), runtime.NumGoroutine()
		var ports []*Port
		for range calls {
			p, r := socketCall(b, e, to, "PCMU")
			if err := r.Configure(RTPConfig{Remote: to, Codec: "PCMU", SendOK: true, RecvOK: true}); err != nil { // with an RTCP socket
				b.Fatal(err)
			}
			ports = append(ports, p)
		}
		for i := 0; i < calls; i += 2 {
			Connect(ports[i], ports[i+1])
		}
		b.ReportMetric(float64(heap()-before)/calls/1024, "KiB/port")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/calls, "goroutines/port")
		for _, p := range ports {
			p.Close()
		}
		stopEngine(b, e)
	}
}

// heap is what is in use after a collection, stacks included.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// BenchmarkClock is a client that comes and goes while many others are there, as the
// sessions of calls do.
func BenchmarkClock(b *testing.B) {
	c := newClock(1, clockTick, clockSlots, func(v any) { b.Error(v) })
	stop := make(chan struct{})
	var wheels sync.WaitGroup
	c.run(&wheels, stop)
	for range 5000 {
		c.add(clientFunc(func(time.Time) {}), 20*time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.add(clientFunc(func(time.Time) {}), 20*time.Millisecond).remove()
	}
	close(stop)
	wheels.Wait()
}
