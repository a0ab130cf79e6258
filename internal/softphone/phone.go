package softphone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// Config is a phone. The zero value is one without a number that listens on
// loopback and answers every call.
type Config struct {
	User        string // number or name, "101"; also the digest user
	Password    string
	DisplayName string
	Server      string // "host:port" of registrar and proxy; "" = neither registers nor has a proxy
	Domain      string // host of our address; "" = that of Server
	Transport   string // to Server, and what we listen on: "udp" (default), "tcp", "tls"
	Bind        string // "address:port"; "" = "127.0.0.1:0"
	TLS         *tls.Config

	Codecs []string // order = preference; nil = PCMU, PCMA, G722 and telephone-event
	SRTP   string   // "off" (default), "optional", "required"
	Tone   float64  // Hz that every call sends; 0 = it sends nothing
	PTime  int      // milliseconds of audio per packet; 0 = 20

	// Keys lets the server press two keys of the phone: it says so in Allow-Events, and
	// NOTIFY with Event: talk answers a call that rings or takes back one on hold, Event: hold
	// holds it.
	Keys bool

	Rule  Rule                      // for incoming calls
	Rules func(number string) *Rule // by dialled number; nil, or a nil result: Rule

	NoMedia bool          // negotiate only: for load runs
	Media   *media.Engine // shared with other phones, started and stopped by its owner; nil = the phone has its own

	Expires  time.Duration // of the registration; 0 = 1 h
	RetryMin time.Duration // before a failed registration is tried again; 0 = 1 s, doubling up to 30 s
	T1       time.Duration // SIP timer T1; 0 = 500 ms
	Log      *slog.Logger  // nil = nothing is logged
}

// Phone is a SIP phone. See the package's description.
type Phone struct {
	cfg    Config
	policy sdp.Policy
	log    *slog.Logger

	net   *sipnet.Net
	layer *txn.Layer
	agent *ua.Agent
	media *media.Engine // nil with NoMedia
	sink  net.PacketConn
	calls chan *Call

	mu           sync.Mutex // guards what follows
	rule         Rule
	live         map[*Call]struct{}
	counts       Counts
	started      bool
	registration *ua.Registration
	state        ua.RegState
	changed      chan struct{} // closed and replaced when state changes
}

// ErrNotStarted is returned by Dial before Start.
var ErrNotStarted = errors.New("softphone: not started")

// New checks c and makes a phone. Nothing is opened before Start.
func New(c Config) (*Phone, error) {
	if c.Bind == "" {
		c.Bind = "127.0.0.1:0"
	}
	c.Transport = strings.ToLower(c.Transport)
	if c.Transport == "" {
		c.Transport = "udp"
	}
	if !slices.Contains([]string{"udp", "tcp", "tls"}, c.Transport) {
		return nil, fmt.Errorf("softphone: transport %q is not udp, tcp or tls", c.Transport)
	}
	if c.Codecs == nil {
		c.Codecs = []string{"PCMU", "PCMA", "G722", "telephone-event"}
	}
	for _, name := range c.Codecs {
		if !sdp.Known(name) {
			return nil, fmt.Errorf("softphone: codec %q is not known", name)
		}
	}
	policy, ok := sdp.ParsePolicy(c.SRTP)
	if !ok {
		return nil, fmt.Errorf("softphone: SRTP %q is not off, optional or required", c.SRTP)
	}
	if c.Domain == "" {
		c.Domain, _, _ = strings.Cut(c.Server, ":")
	}
	if c.RetryMin == 0 {
		c.RetryMin = time.Second
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Phone{
		cfg: c, policy: policy, log: log.With("phone", c.User), media: c.Media, rule: c.Rule,
		calls: make(chan *Call, unread), live: map[*Call]struct{}{}, counts: newCounts(), changed: make(chan struct{}),
	}, nil
}

// unread is how many calls wait in Calls for a reader.
const unread = 256

// Start opens the sockets and begins to register. Errors leave nothing open.
func (p *Phone) Start(ctx context.Context) error {
	if err := p.startMedia(ctx); err != nil {
		return err
	}
	if err := p.startSIP(ctx); err != nil {
		p.stopMedia(ctx)
		return err
	}
	p.mu.Lock()
	p.started = true
	p.mu.Unlock()
	if p.cfg.Server == "" {
		return nil
	}
	return p.register(ctx)
}

// startMedia makes the phone's own media engine, or the socket that swallows
// what a load run sends it.
func (p *Phone) startMedia(ctx context.Context) error {
	bind, err := netip.ParseAddrPort(p.cfg.Bind)
	if err != nil {
		return fmt.Errorf("softphone: bind address: %w", err)
	}
	switch {
	case p.cfg.NoMedia:
		// Nobody reads it: the kernel drops what comes, without an ICMP error
		// that would disturb the sender.
		p.sink, err = net.ListenPacket("udp", netip.AddrPortFrom(bind.Addr(), 0).String())
	case p.cfg.Media == nil:
		// Above the server's default range, below what Linux gives to others.
		p.media, err = media.New(media.Config{Bind: bind.Addr(), PortMin: 20002, PortMax: 32000, Log: p.cfg.Log})
		if err == nil {
			err = p.media.Start(ctx)
		}
	}
	return err
}

func (p *Phone) stopMedia(ctx context.Context) error {
	if p.sink != nil {
		return p.sink.Close()
	}
	if p.cfg.Media == nil && p.media != nil {
		return p.media.Stop(ctx)
	}
	return nil
}

// startSIP opens the stack from the sockets up.
func (p *Phone) startSIP(ctx context.Context) (err error) {
	p.net, err = sipnet.New(sipnet.Config{
		Listen:      p.listen(),
		ClientTLS:   func(string) *tls.Config { return p.cfg.TLS },
		KnownSource: func(netip.Addr) bool { return true }, // whoever rings the phone may do so as often as it likes
		UserAgent:   userAgent, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.layer = txn.New(p.net, txn.Config{T1: p.cfg.T1, Log: p.log})
	c := ua.Config{Layer: p.layer, Net: p.net, Log: p.log, UserAgent: userAgent, T1: p.cfg.T1}
	if p.cfg.Keys {
		c.AllowEvents = "talk, hold"
	}
	p.agent = ua.New(c)
	p.agent.OnInvite(p.incoming)
	if err := p.net.Start(ctx, p.layer.Handle); err != nil {
		return err
	}
	return p.agent.Start(ctx)
}

const userAgent = "Dialwright softphone"

// listen gives our listener. A phone on TLS is reached over the connection that
// it opened itself, since it has no certificate.
func (p *Phone) listen() []sipnet.ListenConfig {
	switch p.cfg.Transport {
	case "tcp":
		return []sipnet.ListenConfig{{Transport: sipnet.TCP, Addr: p.cfg.Bind}}
	case "tls":
		return nil
	}
	return []sipnet.ListenConfig{{Transport: sipnet.UDP, Addr: p.cfg.Bind}}
}

// Stop hangs up all calls, unregisters, closes everything and returns when
// nothing runs any more. It does not wait out the 32 s in which a peer might
// repeat its 200: a phone that was switched off answers nothing. It may be
// called twice, and before Start. Its error is that of the sockets or ctx.
func (p *Phone) Stop(ctx context.Context) error {
	p.mu.Lock()
	started := p.started
	p.started = false
	p.mu.Unlock()
	if !started {
		return nil
	}
	for _, c := range p.Live() {
		c.Hangup()
	}
	p.leave(ctx, unregisterTime, func(ctx context.Context) { _ = p.Unregister(ctx) })
	p.leave(ctx, byeTime, func(ctx context.Context) { _ = p.agent.Stop(ctx) })
	err := errors.Join(p.layer.Stop(ctx), p.net.Stop(ctx))
	for _, c := range p.Live() {
		c.end(ua.Event{Kind: ua.EventEnded, Err: ua.ErrStopped}) // its BYE was not answered in time
	}
	return errors.Join(err, p.stopMedia(ctx))
}

// How long Stop waits for the answers of a peer that may be gone.
const (
	unregisterTime = 2 * time.Second
	byeTime        = 500 * time.Millisecond
)

// leave does something for which a peer has to answer, for at most d.
func (p *Phone) leave(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	f(ctx)
}

// Addr is where the phone listens for SIP; invalid before Start, and for TLS.
func (p *Phone) Addr() netip.AddrPort {
	if p.net == nil {
		return netip.AddrPort{}
	}
	for _, l := range p.net.Listeners() {
		return l.Addr
	}
	return netip.AddrPort{}
}

// URI is where the phone can be called directly: "sip:101@127.0.0.1:40000".
func (p *Phone) URI() string {
	u := "sip:" + p.Addr().String()
	if p.cfg.User != "" {
		u = "sip:" + ua.EscapeUser(p.cfg.User) + "@" + p.Addr().String()
	}
	if p.cfg.Transport != "udp" {
		u += ";transport=" + p.cfg.Transport
	}
	return u
}

// SetRule changes how calls that come from now on are treated.
func (p *Phone) SetRule(r Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = r
}

// Calls gives the incoming calls, each once, when its INVITE has come. Calls
// that find 256 unread ones before them are not put there.
func (p *Phone) Calls() <-chan *Call { return p.calls }

// NextCall waits for the next incoming call.
func (p *Phone) NextCall(ctx context.Context) (*Call, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("phone %s: no call came: %w", p.cfg.User, context.Cause(ctx))
	}
}

// Live gives the calls that have not ended, in no order.
func (p *Phone) Live() []*Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*Call, 0, len(p.live))
	for c := range p.live {
		list = append(list, c)
	}
	return list
}

// server is the URI of the registrar and proxy, with user, if one is given.
func (p *Phone) server(user, host string) (sip.Uri, error) {
	text := "sip:" + host
	if user != "" {
		text = "sip:" + ua.EscapeUser(user) + "@" + host
	}
	if p.cfg.Transport != "udp" {
		text += ";transport=" + p.cfg.Transport
	}
	return parseURI(text)
}

func parseURI(text string) (sip.Uri, error) {
	var u sip.Uri
	if err := sip.ParseUri(text, &u); err != nil {
		return u, fmt.Errorf("softphone: URI %q: %w", text, err)
	}
	return u, nil
}
