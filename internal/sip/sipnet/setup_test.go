package sipnet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// inbox is a handler that keeps what it hears.
type inbox struct {
	mu    sync.Mutex // guards all below
	heard []heard
	more  chan heard
}

type heard struct {
	flow *Flow
	msg  sip.Message
}

func newInbox() *inbox { return &inbox{more: make(chan heard, 4096)} }

func (b *inbox) handle(f *Flow, m sip.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = append(b.heard, heard{f, m})
	b.more <- heard{f, m}
}

func (b *inbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.heard)
}

// start makes a started Net that is stopped with the test.
func start(t *testing.T, cfg Config, handle func(*Flow, sip.Message)) *Net {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the test's has ended
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return n
}

// message is an OPTIONS with a number in its Call-ID.
func message(i int, extra ...string) string {
	return siptest.CRLF(fmt.Sprintf(`OPTIONS sip:us@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK%d
From: <sip:them@10.0.0.2>;tag=a
To: <sip:us@10.0.0.1>
Call-ID: c%d
CSeq: 1 OPTIONS
%sContent-Length: 0

`, i, i, strings.Join(extra, "")))
}

// rig is a Net on an in-memory network, in a bubble.
type rig struct {
	t    *testing.T
	wire *siptest.Net
	net  *Net
	in   *inbox
}

func bubble(t *testing.T, change func(*Config), fn func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, wire: siptest.NewNet(), in: newInbox()}
		cfg := Config{
			Listen: []ListenConfig{
				{Transport: UDP, Addr: "10.0.0.1:5060"},
				{Transport: TCP, Addr: "10.0.0.1:5060"},
			},
			PacketConn:   r.wire.ListenPacket,
			StreamListen: r.wire.ListenStream,
			StreamDial:   r.wire.DialStream,
			UserAgent:    "test",
		}
		if change != nil {
			change(&cfg)
		}
		r.net = start(t, cfg, r.in.handle)
		fn(t, r)
	})
}

func here() netip.AddrPort { return netip.MustParseAddrPort("10.0.0.1:5060") }

// dial is a phone's TCP connection.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := r.wire.DialStream(r.t.Context(), "tcp", "10.0.0.1:5060")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	synctest.Wait()
	return c
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// readAll collects what a connection receives until it ends.
func readAll(c net.Conn) (text func() string, done chan struct{}) {
	var mu sync.Mutex
	var b bytes.Buffer
	done = make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, err := c.Read(buf)
			mu.Lock()
			b.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}, done
}

func closed(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
