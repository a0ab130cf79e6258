package sip

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/webrtc"
)

// techName is the part of our endpoints before the slash.
const techName = "PJSIP"

// Options is what the technology is given beside its configuration.
type Options struct {
	Log *slog.Logger // nil: nothing is logged

	// Follow decides where a 302 goes: it routes the target as if the phone or
	// trunk had dialled it, asks the guard, and gives what to dial
	// ("PJSIP/102") and the caller ID to show there, if it has its own. It may take its time; ctx ends with the leg. nil: no 302
	// is followed.
	Follow func(ctx context.Context, f Forward) (call.Route, error)

	// Watch is told, in order, what happens to phones and trunks beside their
	// calls; nil = nobody is. It must not block. e.State is the endpoint's state.
	//
	//	EndpointStateChange  a phone or trunk can be called now, or no more ("online",
	//	                     "offline"); "" = a reload has taken it out
	//	PeerStatusChange     the same in words (Reachable, Unreachable), and how a trunk's
	//	                     registration goes (Registered, Rejected, Unregistered)
	//	ContactStatusChange  a contact has registered (NonQualified), is gone (Removed),
	//	                     answers OPTIONS (Reachable) or does no more (Unreachable)
	//
	// What Endpoints gave before Start is not told.
	Watch func(typ pbx.EventType, e pbx.EndpointSnapshot)

	// Message takes text messages that phones and trunks send (RFC 3428) and gives
	// the SIP status of the answer: 200, 202 for one that is passed on, 404. nil:
	// MESSAGE is answered 405. It must not block.
	Message func(m TextMessage) (status int)

	// Bindings keeps registrations over a restart; nil = in memory only.
	Bindings BindingStore

	// Browsers carries the media of browsers; nil = their calls are refused. It is
	// started and stopped by whoever made it.
	Browsers *webrtc.Server

	// Identify says whose phone opens a WebSocket, by what its HTTP request carries
	// (RFC 7118 §7: a cookie, say): what that phone sends over it needs no digest,
	// what is sent for another phone is refused. The connection ends when done is
	// closed. ok is false for who has to prove itself by digest. nil: everybody has.
	Identify func(r *http.Request) (phone string, done <-chan struct{}, ok bool)

	// WebSocketOrigins are the origins, "https://crm.example.com", whose pages may
	// open a WebSocket beside those of the server's own host.
	WebSocketOrigins []string

	// Timers of the transaction layer; 0 = RFC 3261's 500 ms, 4 s, 5 s.
	T1, T2, T4 time.Duration

	// For tests: the network.
	PacketConn func(network, addr string) (net.PacketConn, error)
	Resolver   sipnet.Resolver // nil = the system's
}

// Technology is the SIP technology of the switch. See the package comment for
// its life. All methods are safe concurrently.
type Technology struct {
	config   Config // with defaults; phones and trunks live in dir
	log      *slog.Logger
	media    *media.Engine
	sw       *pbx.Switch
	follow   func(context.Context, Forward) (call.Route, error)
	watch    func(pbx.EventType, pbx.EndpointSnapshot)
	message  func(TextMessage) int
	store    BindingStore
	resolver sipnet.Resolver
	browsers *webrtc.Server // nil: no media of browsers
	net      *sipnet.Net
	txn      *txn.Layer
	agent    *ua.Agent

	dir           atomic.Pointer[directory]
	lines         lines
	legs          legSet
	ladders       *ladders
	known         known
	registrations registrations
	stopping      atomic.Bool
	panics        atomic.Uint64
	reloading     sync.Mutex // one Reload at a time

	base   context.Context // parent of what the technology does by itself; ends in Stop
	cancel context.CancelFunc
	wg     sync.WaitGroup // qualify loop, look-ups, routing questions
}

// New checks the configuration (all mistakes at once) and puts the parts
// together. Nothing is opened before Start.
func New(c Config, m *media.Engine, sw *pbx.Switch, o Options) (*Technology, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	t := &Technology{
		config: c, log: o.Log, media: m, sw: sw, follow: o.Follow, watch: o.Watch, message: o.Message,
		store: o.Bindings, resolver: o.Resolver, browsers: o.Browsers,
		ladders: newLadders(), lines: lines{m: map[string]*line{}}, legs: legSet{m: map[*leg]struct{}{}},
		known: newKnown(), registrations: registrations{m: map[string]*trunkRegistration{}},
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.resolver == nil {
		t.resolver = net.DefaultResolver
	}
	t.dir.Store(newDirectory(c))
	// Replaced by Start; legs may be requested before.
	t.base, t.cancel = context.WithCancel(context.Background())
	if err := t.assemble(o); err != nil {
		return nil, err
	}
	t.firstStates(t.dir.Load())
	return t, nil
}

// assemble makes the stack below: transports, transactions, user agent.
func (t *Technology) assemble(o Options) error {
	listen := make([]sipnet.ListenConfig, len(t.config.Listen))
	for i, l := range t.config.Listen {
		listen[i] = sipnet.ListenConfig{Transport: sipnet.Transport(l.Transport), Addr: l.Addr, Advertise: l.Advertise, TLS: l.TLS}
	}
	overrides := make([]sipnet.AdvertiseOverride, len(t.config.Overrides))
	for i, v := range t.config.Overrides {
		overrides[i] = sipnet.AdvertiseOverride{Prefix: v.Prefix, Host: v.Host}
	}
	var err error
	t.net, err = sipnet.New(sipnet.Config{
		Listen: listen, Overrides: overrides, PacketConn: o.PacketConn, Resolver: o.Resolver, ClientTLS: t.clientTLS,
		Identify: o.Identify, WebSocketOrigins: o.WebSocketOrigins, KnownSource: t.knownSource, UserAgent: t.config.UserAgent, Log: t.log, Trace: t.trace,
	})
	if err != nil {
		return fmt.Errorf("sip transports: %w", err)
	}
	t.txn = txn.New(t.net, txn.Config{T1: o.T1, T2: o.T2, T4: o.T4, Log: t.log})
	t.agent = ua.New(ua.Config{
		Layer: t.txn, Net: t.net, Log: t.log, UserAgent: t.config.UserAgent,
		SessionExpires: t.config.SessionExpires, MinSE: t.config.MinSE, T1: o.T1, T2: o.T2,
		Realm: t.config.Domain, Authenticate: t.authenticate, MaxContacts: t.maxContacts,
	})
	t.agent.OnInvite(t.invited)
	if t.message != nil {
		t.agent.OnMessage(t.messaged)
	}
	t.agent.Registrar().OnUpdate(t.bindingsChanged)
	t.agent.Registrar().OnChange(func(aor string, registered bool) {
		t.log.Info("registration", "phone", aor, "registered", registered)
	})
	return nil
}

// Start opens the listeners, restores registrations, registers with the
// trunks' providers and begins to qualify. Cancelling ctx stops background
// work; Stop is still needed.
func (t *Technology) Start(ctx context.Context) error {
	t.cancel()
	t.base, t.cancel = context.WithCancel(ctx)
	if err := t.agent.Start(t.base); err != nil {
		return fmt.Errorf("start sip agent: %w", err)
	}
	if err := t.net.Start(t.base, t.txn.Handle); err != nil {
		return fmt.Errorf("start sip transports: %w", err)
	}
	if err := t.restoreBindings(t.base); err != nil {
		// Not fatal: the phones register again within the hour.
		t.log.Warn("registrations could not be restored", "err", err)
	}
	t.registerTrunks(t.dir.Load())
	t.wg.Go(func() { t.resolveLoop(t.base) })
	t.wg.Go(func() { t.qualifyLoop(t.base) })
	return nil
}

// Drain refuses new calls in both directions (503, cause 42); calls in
// progress go on.
func (t *Technology) Drain() { t.stopping.Store(true) }

// stopGrace bounds the wait for dialogs at a stop. A dialog that has ended
// stays up to 32 s for repeated 200s of its peer (rule D2); a server that
// stops does not wait for those.
const stopGrace = 2 * time.Second

// Stop refuses new calls, unregisters from the providers, hangs up the calls in
// progress and closes the listeners. What is not confirmed when ctx ends, or
// after two seconds, is dropped. It may be called twice, and without Start.
func (t *Technology) Stop(ctx context.Context) error {
	t.Drain()
	t.cancel()
	grace, done := context.WithTimeout(ctx, stopGrace)
	defer done()
	t.wg.Go(func() { t.stopRegistrations(grace) })
	err := t.agent.Stop(grace)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = nil // ours, and expected
	}
	err = errors.Join(err, t.txn.Stop(grace), t.net.Stop(ctx))
	t.wg.Wait()
	return err
}

// Name is "PJSIP", as in Asterisk's endpoints.
func (t *Technology) Name() string { return techName }

// Listeners gives the addresses that are served, as bound.
func (t *Technology) Listeners() []sipnet.Listener { return t.net.Listeners() }

// WebSocket serves SIP over WebSocket (RFC 7118) on an HTTP server's path.
func (t *Technology) WebSocket() http.Handler { return t.net.WebSocket() }

// Stats counts what the technology has done and holds.
type Stats struct {
	Net          sipnet.Stats
	Transactions int    // in progress
	Legs         int    // live legs
	Registered   int    // phones with at least one contact
	Panics       uint64 // broken invariants; each has ended its leg
}

// Stats gives the counters.
func (t *Technology) Stats() Stats {
	return Stats{Net: t.net.Stats(), Transactions: t.txn.Pending(), Legs: t.legs.len(), Registered: len(t.agent.Registrar().All()), Panics: t.panics.Load()}
}

// trace files a message of the wire into the ladder of its leg. Credentials
// were removed by sipnet.
func (t *Technology) trace(r sipnet.TraceRecord) {
	if r.CallID == "" {
		return
	}
	t.ladders.record(r.CallID, r.CSeq, call.SIPMessage{
		At: r.At, Sent: r.Sent, Peer: r.Peer, First: r.First, Note: note(r.First, r.CSeq, r.HasSDP, r.Reason),
	})
}

// authenticate gives the secret of a phone (rule D7).
func (t *Technology) authenticate(user, _ string) (ua.Secret, bool) {
	p, ok := t.dir.Load().phone(user)
	if !ok {
		return ua.Secret{}, false
	}
	return ua.Secret{Password: p.phone.Password}, true
}

func (t *Technology) maxContacts(aor string) int {
	if p, ok := t.dir.Load().phone(aor); ok {
		return p.phone.MaxContacts
	}
	return defaultMaxContacts
}

// clientTLS gives the TLS settings towards a trunk's host or proxy (rule N7),
// nil for the system's.
func (t *Technology) clientTLS(host string) *tls.Config {
	for _, p := range t.dir.Load().trunks {
		if p.trunk.TLS == nil {
			continue
		}
		if p.trunk.Host == host {
			return p.trunk.TLS
		}
		if proxy, err := parseProxy(p.trunk.OutboundProxy); err == nil && proxy.Host == host {
			return p.trunk.TLS
		}
	}
	return nil
}

// ownHost is our host as a peer knows it: that of the listener on its flow.
func (t *Technology) ownHost(f *sipnet.Flow) string {
	if f == nil {
		return t.config.Domain
	}
	host, port := f.SentBy()
	if port == 0 || port == 5060 {
		return host
	}
	return net.JoinHostPort(host, fmt.Sprint(port))
}

// domain is the host of our own addresses towards a peer: the configured one,
// else that of the listener, so that a phone can call back what it was shown.
func (t *Technology) domain(f *sipnet.Flow) string {
	if t.config.Domain != defaultDomain || f == nil {
		return t.config.Domain
	}
	return t.ownHost(f)
}

// newCallID makes a Call-ID that cannot be guessed.
func (t *Technology) newCallID() string { return rand.Text() }

// knownSource reports whether packets from addr are exempt from the limit for
// strangers (rule N2).
func (t *Technology) knownSource(addr netip.Addr) bool {
	if t.known.phone(addr) {
		return true
	}
	_, ok := t.dir.Load().trunkBySource(netip.AddrPortFrom(addr, 0), false, t.known.resolved())
	return ok
}

// legSet holds the live legs.
type legSet struct {
	mu sync.Mutex
	m  map[*leg]struct{}
}

func (s *legSet) add(l *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[l] = struct{}{}
}

func (s *legSet) remove(l *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, l)
}

func (s *legSet) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.m)
}
