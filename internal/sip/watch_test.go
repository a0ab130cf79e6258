package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// watched writes down what Options.Watch is told: "contact 101 online
// sip:101@… Reachable", "endpoint 101 online", "peer 101 online Reachable".
type watched struct {
	t    *testing.T
	mu   sync.Mutex
	all  []string
	more chan struct{} // closed and replaced at each line
}

func newWatched(t *testing.T) *watched { return &watched{t: t, more: make(chan struct{})} }

func (w *watched) watch(typ pbx.EventType, e pbx.EndpointSnapshot) {
	kind := map[pbx.EventType]string{pbx.ContactStatusChange: "contact", pbx.EndpointStateChange: "endpoint", pbx.PeerStatusChange: "peer"}[typ]
	line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", kind, e.Resource, e.State, e.Contact, e.Status)), " ")
	if e.Technology != "PJSIP" {
		line += " of " + e.Technology
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, line)
	close(w.more)
	w.more = make(chan struct{})
}

// want waits for as many lines as there are here and compares.
func (w *watched) want(lines ...string) {
	w.t.Helper()
	timeout := time.After(patience)
	for {
		w.mu.Lock()
		got, more := w.all, w.more
		if len(got) >= len(lines) {
			w.all = nil
			w.mu.Unlock()
			if d := cmp.Diff(lines, got); d != "" {
				w.t.Errorf("told (-want +got):\n%s", d)
			}
			return
		}
		w.mu.Unlock()
		select {
		case <-more:
		case <-timeout:
			w.t.Fatalf("only %q is told", got)
		}
	}
}

// quiet wants nothing more to have been told.
func (w *watched) quiet() {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) > 0 {
		w.t.Errorf("told: %q", w.all)
	}
}

// watchBubble is a server with phone 101 and a phone, in fake time.
type watchBubble struct {
	t     *testing.T
	tech  *Technology
	heard *watched
	phone *ua.Agent
	mu    sync.Mutex
	cut   bool // nothing comes through
}

func (b *watchBubble) lose(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = on
}

// register begins the phone's registration.
func (b *watchBubble) register() *ua.Registration {
	b.t.Helper()
	r, err := b.phone.Register(b.t.Context(), ua.RegisterOptions{
		AOR:       sip.Uri{Scheme: "sip", User: "101", Host: "pbx.test"},
		Registrar: sip.Uri{Scheme: "sip", Host: "10.0.0.1", Port: 5060}, ContactUser: "101", Auth: ua.Credentials{User: "101", Password: "secret101"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func inWatchBubble(t *testing.T, qualify time.Duration, f func(b *watchBubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wire := siptest.NewNet()
		b := &watchBubble{t: t, heard: newWatched(t)}
		wire.OnPacket(func(siptest.Packet) siptest.Verdict {
			b.mu.Lock()
			defer b.mu.Unlock()
			return siptest.Verdict{Drop: b.cut}
		})
		engine, err := media.New(media.Config{Bind: netip.MustParseAddr("10.0.0.1")})
		if err != nil {
			t.Fatal(err)
		}
		sw := pbx.New(pbx.Options{Media: engine})
		b.tech, err = New(Config{
			Domain: "pbx.test", Listen: []Listener{{Transport: "udp", Addr: "10.0.0.1:5060"}}, Qualify: qualify,
			Phones: []Phone{{Name: "101", Password: "secret101"}},
		}, engine, sw, Options{PacketConn: wire.ListenPacket, Resolver: names{}, Watch: b.heard.watch})
		if err != nil {
			t.Fatal(err)
		}
		n, err := sipnet.New(sipnet.Config{Listen: []sipnet.ListenConfig{{Transport: sipnet.UDP, Addr: "10.0.0.2:5060"}}, PacketConn: wire.ListenPacket,
			KnownSource: func(netip.Addr) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		layer := txn.New(n, txn.Config{})
		b.phone = ua.New(ua.Config{Layer: layer, Net: n})
		for _, start := range []func(context.Context) error{engine.Start, b.tech.Start, b.phone.Start, func(ctx context.Context) error { return n.Start(ctx, layer.Handle) }} {
			if err := start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		f(b)
		for name, stop := range map[string]func(context.Context) error{"phone": b.phone.Stop, "technology": b.tech.Stop, "media": engine.Stop} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := stop(ctx); err != nil {
				t.Errorf("stop %s: %v", name, err)
			}
			cancel()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = layer.Stop(ctx) // of the test's own phone
		_ = n.Stop(ctx)
	})
}

const bubbleContact = "sip:101@10.0.0.2"

func TestWatchAPhoneThatRegistersAndLeaves(t *testing.T) {
	inWatchBubble(t, 0, func(b *watchBubble) {
		contact := bubbleContact + ":5060"
		b.heard.quiet() // that it is offline, Endpoints has said
		r := b.register()
		b.heard.want("contact 101 offline "+contact+" NonQualified", "endpoint 101 online", "peer 101 online Reachable")
		<-time.After(3 * time.Hour) // it registers again and again
		b.heard.quiet()
		if err := r.Stop(b.t.Context()); err != nil {
			b.t.Error(err)
		}
		b.heard.want("contact 101 online "+contact+" Removed", "endpoint 101 offline", "peer 101 offline Unreachable")
		b.register()
		b.heard.want("contact 101 offline "+contact+" NonQualified", "endpoint 101 online", "peer 101 online Reachable")
		b.lose(true)
		<-time.After(2 * time.Hour) // it expires
		b.heard.want("contact 101 online "+contact+" Removed", "endpoint 101 offline", "peer 101 offline Unreachable")
		b.lose(false)
	})
}

func TestWatchAPhoneThatIsQualified(t *testing.T) {
	inWatchBubble(t, 30*time.Second, func(b *watchBubble) {
		contact := bubbleContact + ":5060"
		b.register()
		b.heard.want("contact 101 offline "+contact+" NonQualified", "endpoint 101 online", "peer 101 online Reachable", "contact 101 online "+contact+" Reachable")
		<-time.After(5 * time.Minute)
		b.heard.quiet()
		b.lose(true)
		<-time.After(3 * time.Minute) // two OPTIONS without an answer
		b.heard.want("contact 101 online "+contact+" Unreachable", "endpoint 101 offline", "peer 101 offline Unreachable")
		b.lose(false)
		<-time.After(time.Minute)
		b.heard.want("contact 101 offline "+contact+" Reachable", "endpoint 101 online", "peer 101 online Reachable")
	})
}

func TestWatchATrunksRegistration(t *testing.T) {
	for name, tc := range map[string]struct {
		password string
		want     []string
	}{
		"accepted": {"hush", []string{"peer carrier offline Registered", "endpoint carrier online", "peer carrier online Reachable"}},
		"rejected": {"wrong", []string{"peer carrier offline Rejected"}},
	} {
		t.Run(name, func(t *testing.T) {
			provider := newPeer(t, peerOptions{secrets: map[string]string{"acct": "hush"}})
			heard := newWatched(t)
			start(t, func(c *Config, o *Options) {
				o.Watch = heard.watch
				c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port()), Register: true, User: "acct", Password: tc.password}}
			})
			heard.want(tc.want...)
		})
	}
}

func TestWatchAReload(t *testing.T) {
	heard := newWatched(t)
	s := start(t, func(_ *Config, o *Options) { o.Watch = heard.watch })
	next := s.tech.config
	next.Phones = []Phone{{Name: "102", Password: "secret102"}, {Name: "201", Password: "secret201"}}
	next.Trunks = []Trunk{{Name: "carrier", Host: "192.0.2.1"}}
	if err := s.tech.Reload(next); err != nil {
		t.Fatal(err)
	}
	heard.want("endpoint 101", "endpoint 201 offline", "peer 201 offline Unreachable", "endpoint carrier online", "peer carrier online Reachable")
}
