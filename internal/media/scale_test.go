//go:build unix

package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkBridgedCalls carries 100 and 1,000 bridged calls (two streams of 20 ms
// PCMU each) for two seconds per round over loopback sockets and reports loss, delay
// and CPU, generator included. Its ns/op means nothing.
func BenchmarkBridgedCalls(b *testing.B) {
	for _, calls := range []int{100, 1000} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) { bridgedCalls(b, calls) })
	}
}

func bridgedCalls(b *testing.B, calls int) {
	const span = 2 * time.Second
	e := startEngine(b)
	defer stopEngine(b, e)
	gen := listenLoopback(b)
	if err := gen.SetReadBuffer(4 << 20); err != nil {
		b.Fatal(err)
	}
	var sessions []netip.AddrPort
	for range calls {
		pa, ra := openCall(b, e, gen)
		pb, rb := openCall(b, e, gen)
		defer pa.Close()
		defer pb.Close()
		Connect(pa, pb)
		sessions = append(sessions, ra.LocalAddr(), rb.LocalAddr())
	}
	carry(b, gen, sessions, span)
}

// BenchmarkBareBridgedCalls is the floor: the same load over as many sockets
// and goroutines that only receive and send.
func BenchmarkBareBridgedCalls(b *testing.B) {
	for _, calls := range []int{100, 1000} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) { bareBridgedCalls(b, calls) })
	}
}

func bareBridgedCalls(b *testing.B, calls int) {
	const span = 2 * time.Second
	gen := listenLoopback(b)
	if err := gen.SetReadBuffer(4 << 20); err != nil {
		b.Fatal(err)
	}
	var conns []*net.UDPConn
	var targets []netip.AddrPort
	for range 2 * calls {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Skip(err)
		}
		defer c.Close()
		conns, targets = append(conns, c), append(targets, localAddr(c))
	}
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			buf := make([]byte, 2048)
			for {
				n, _, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				conns[i^1].WriteToUDPAddrPort(buf[:n], localAddr(gen)) //nolint:errcheck // the generator sees the loss
			}
		})
	}
	carry(b, gen, targets, span)
	for _, c := range conns {
		c.Close()
	}
	wg.Wait()
}

// carry loads the targets for span per round and reports how their packets
// came back.
func carry(b *testing.B, gen *net.UDPConn, targets []netip.AddrPort, span time.Duration) {
	var received atomic.Int64
	var delays []time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, _, err := gen.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if n < headerSize+8 || isRTCP(buf[:n]) {
				continue
			}
			received.Add(1)
			delays = append(delays, time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(buf[headerSize:])))))
		}
	}()
	sent := int64(0)
	begin := cpuTime(b)
	for b.Loop() {
		sent += generate(b, gen, targets, span)
	}
	used := cpuTime(b) - begin
	<-time.After(100 * time.Millisecond) // the last packets
	gen.Close()
	<-done
	slices.Sort(delays)
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(float64(sent-received.Load())/float64(sent)*100, "%lost")
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(used.Nanoseconds())/float64(sent), "cpu-ns/packet+gen")
}

// openCall skips the benchmark where the file limit is too low for it.
func openCall(b *testing.B, e *Engine, gen *net.UDPConn) (*Port, *RTP) {
	r, err := e.OpenRTP(RTPOptions{})
	if errors.Is(err, ErrNoPorts) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Configure(RTPConfig{Remote: localAddr(gen), Codec: "PCMU", SendOK: true, RecvOK: true, RTCPMux: true}); err != nil {
		b.Fatal(err)
	}
	p := e.NewPort("bench")
	p.SetLeg(r, Format{Codec: "PCMU"})
	return p, r
}

// generate sends every target a packet each 20 ms, spread over 20 steps of
// a millisecond, with the time in its payload.
func generate(b *testing.B, gen *net.UDPConn, targets []netip.AddrPort, span time.Duration) (sent int64) {
	pkt := Packet{Payload: make([]byte, 160)}
	var buf []byte
	step := time.NewTicker(time.Millisecond)
	defer step.Stop()
	begin := time.Now()
	for slot := 0; time.Since(begin) < span; slot++ {
		<-step.C
		now := time.Now()
		base := uint16(now.UnixMilli() / 20)
		for i := slot % 20; i < len(targets); i += 20 {
			pkt.Seq, pkt.TS, pkt.SSRC = base, uint32(base)*160, uint32(i)
			binary.BigEndian.PutUint64(pkt.Payload, uint64(time.Now().UnixNano()))
			buf = appendRTP(buf[:0], &pkt, 0)
			if _, err := gen.WriteToUDPAddrPort(buf, targets[i]); err != nil {
				b.Fatal(err)
			}
			sent++
		}
	}
	return sent
}
