package ami

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// BenchmarkSessions has 200 clients on real sockets that read all of 1,000 events, each of
// about 500 bytes, as a channel's are.
func BenchmarkSessions(b *testing.B) {
	sw := pbx.New(pbx.Options{Linger: -1})
	c := &Config{Users: labUsers(), Listen: "127.0.0.1:0"}
	s, err := New(Options{Switch: sw, Dial: nobody{}, Config: func() *Config { return c }})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	const clients, events = 200, 1000
	var got, all sync.WaitGroup
	for range clients {
		conn, err := net.Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.WriteString(conn, "Action: Login\r\nUsername: tracer\r\nSecret: tracepw\r\nEvents: user\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 64<<10)
		n := 0
		for n < 2 {
			k, err := conn.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			n += bytes.Count(buf[:k], []byte("A")) // of the banner and of the answer
		}
		all.Go(func() {
			for seen := 0; ; {
				k, err := conn.Read(buf)
				if err != nil {
					return
				}
				for seen += bytes.Count(buf[:k], []byte("~")); seen >= events; seen -= events {
					got.Done()
				}
			}
		})
	}
	header := []wire.Header{{Name: "X", Value: strings.Repeat("x", 450) + "~"}}
	b.ReportAllocs()
	for b.Loop() {
		got.Add(clients)
		for range events {
			sw.Tell(pbx.Event{Type: eventUser, Data: &UserEvent{Name: "x", Headers: header}})
		}
		got.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/clients/events, "ns/event-and-session")
	if st := s.Stats(); st.ReadersDropped > 0 {
		b.Errorf("%d sessions were closed", st.ReadersDropped)
	}
	if err := s.Stop(context.Background()); err != nil {
		b.Error(err)
	}
	all.Wait()
	if err := sw.Stop(context.Background()); err != nil {
		b.Error(err)
	}
}
