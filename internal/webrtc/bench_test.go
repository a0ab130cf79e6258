package webrtc

import (
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkConnect is one leg from Open to its keys, with both ends of ICE and DTLS in this process: the
// figure cpu-ms/pair holds the browser's share too.
func BenchmarkConnect(b *testing.B) {
	s, client := benchServer(b), benchServer(b)
	before := cpu()
	for b.Loop() {
		x, y := pair(b, s, client)
		_ = x.Close()
		_ = y.Close()
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/pair")
}

// BenchmarkPacket is one packet of 20 ms of PCMU that is sent by a session on one leg and taken by
// one on another: SRTP, system calls, demultiplexing and the hand-over on both sides.
func BenchmarkPacket(b *testing.B) {
	s, client := benchServer(b), benchServer(b)
	x, y := pair(b, s, client)
	from, to := session(b, x), session(b, y)
	got := make(chan struct{}, 1)
	to.SetSink(func(*media.Packet) { got <- struct{}{} })
	p := &media.Packet{SSRC: 1, Payload: make([]byte, 160)}
	before := cpu()
	for b.Loop() {
		p.Seq++
		p.TS += 160
		if err := from.Send(p); err != nil {
			b.Fatal(err)
		}
		<-got
	}
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1000/float64(b.N), "cpu-us/packet")
}

func benchServer(b *testing.B) *Server {
	b.Helper()
	s, err := New(Config{Listen: loopback})
	if err == nil {
		err = s.Start(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop(b.Context()) })
	return s
}

// ended is a leg that has its keys, or an error.
type ended struct {
	*Conn
	keys *media.SRTPKeys
	err  error
}

// pair connects a leg of each of two servers: y is the client of DTLS.
func pair(b *testing.B, s, client *Server) (x, y ended) {
	b.Helper()
	open := func(s *Server) *Conn {
		c, err := s.Open("bench")
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	x.Conn, y.Conn = open(s), open(client)
	reach := func(s *Server, c *Conn, from *Server) {
		ufrag, pwd := c.Credentials()
		s.given(check(ufrag, pwd, useCandidate), from.Addr().String())
	}
	reach(s, x.Conn, client)
	reach(client, y.Conn, s)
	done := make(chan struct{})
	connect := func(e *ended, p Peer) {
		err := e.Connect(p, func(k *media.SRTPKeys, err error) {
			e.keys, e.err = k, err
			done <- struct{}{}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	connect(&x, Peer{Fingerprints: []string{client.Fingerprint()}})
	connect(&y, Peer{Fingerprints: []string{s.Fingerprint()}, Client: true})
	<-done
	<-done
	if x.err != nil || y.err != nil {
		b.Fatal(x.err, y.err)
	}
	return x, y
}

// session is a media session on a leg.
func session(b *testing.B, c ended) *media.RTP {
	b.Helper()
	e, err := media.New(media.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Stop(b.Context()) })
	r, err := e.OpenRTP(media.RTPOptions{ID: "bench", Socket: c.Conn})
	if err == nil {
		err = r.Configure(media.RTPConfig{Remote: c.Peer(), RTCPMux: true, Codec: "PCMU", SendOK: true, RecvOK: true, SRTP: c.keys})
	}
	if err != nil {
		b.Fatal(err)
	}
	return r
}
