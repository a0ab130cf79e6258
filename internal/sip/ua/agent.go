package ua

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// Config is what an Agent needs. Layer and Net are required.
type Config struct {
	Layer     *txn.Layer
	Net       *sipnet.Net
	Log       *slog.Logger // nil: nothing is logged
	UserAgent string       // User-Agent and Server header; "" = none

	// Session timers (RFC 4028): what we offer and the least we accept.
	// 0 = 1800 s and 90 s (D11). A negative SessionExpires turns them off.
	SessionExpires, MinSE time.Duration

	// T1 and T2 pace our repeated 2xx and reliable provisionals; 0 = 500 ms and 4 s.
	T1, T2 time.Duration

	Rand  io.Reader // tags, Call-IDs; nil = crypto/rand
	Realm string    // of our challenges, and host of From where none is given and no listener says; "" = "dialwright"

	// Authenticate gives the secret of a phone (D7). nil: nobody can
	// authenticate, and REGISTER is answered 405. Must not block.
	Authenticate func(user, realm string) (Secret, bool)
	// MayRegister reports whether an authenticated user may bind aor; nil = only its own name.
	MayRegister func(user, aor string) bool
	// MaxContacts bounds the bindings of aor; nil or 0 = 10. The one that was renewed longest ago gives way.
	MaxContacts func(aor string) int
}

// Agent is the user agent: it owns all calls, the registrar and the
// registrations of one SIP endpoint. Safe concurrently.
type Agent struct {
	cfg       Config
	log       *slog.Logger
	auth      *authenticator
	registrar *Registrar
	wg        sync.WaitGroup // resolver goroutines and callbacks

	mu       sync.Mutex // guards what follows; never held while a call's mutex is taken
	ctx      context.Context
	cancel   context.CancelFunc
	draining bool              // new calls get 503
	stopped  bool              // no new goroutines
	calls    map[callKey]*Call // both directions, until their clean-up is done
	empty    chan struct{}     // closed when calls becomes empty; nil if nobody waits
	regs     map[*Registration]struct{}
	onInvite func(*Call, *sip.Request)
	others   map[sip.RequestMethod]func(*txn.ServerTx)
	panics   uint64
}

// callKey finds the call that an in-dialog message belongs to.
type callKey struct{ callID, localTag string }

// New makes an agent. It does nothing until Start.
func New(cfg Config) *Agent {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.SessionExpires == 0 {
		cfg.SessionExpires = 1800 * time.Second // D11
	}
	if cfg.MinSE <= 0 {
		cfg.MinSE = 90 * time.Second // RFC 4028 §5
	}
	if cfg.T1 <= 0 {
		cfg.T1 = 500 * time.Millisecond
	}
	if cfg.T2 <= 0 {
		cfg.T2 = 4 * time.Second
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Realm == "" {
		cfg.Realm = "dialwright"
	}
	ctx, cancel := context.WithCancel(context.Background()) // replaced by Start; Invite before Start must not crash
	a := &Agent{
		cfg: cfg, log: cfg.Log, ctx: ctx, cancel: cancel,
		calls: map[callKey]*Call{}, regs: map[*Registration]struct{}{},
		others: map[sip.RequestMethod]func(*txn.ServerTx){},
	}
	if cfg.Authenticate != nil {
		a.auth = newAuthenticator(cfg.Realm, cfg.Authenticate)
	}
	a.registrar = newRegistrar(a)
	return a
}

// Start takes over the transaction layer's requests. Cancelling ctx ends
// look-ups in progress; it does not replace Stop.
func (a *Agent) Start(ctx context.Context) error {
	a.mu.Lock()
	a.cancel()
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.mu.Unlock()
	a.cfg.Layer.OnAck(a.onAck)
	a.cfg.Layer.OnStray2xx(a.onStray2xx)
	a.cfg.Layer.OnRequest(a.onRequest)
	return nil
}

// Drain refuses new calls with 503 and waits until those that run have ended
// by themselves, or until ctx ends. Ended calls no longer stay for repeated
// 2xx from now on.
func (a *Agent) Drain(ctx context.Context) error {
	a.mu.Lock()
	a.draining = true
	calls := a.snapshot()
	a.mu.Unlock()
	for _, c := range calls {
		c.mu.Lock()
		c.release()
		c.unlock()
	}
	a.mu.Lock()
	if len(a.calls) == 0 {
		a.mu.Unlock()
		return nil
	}
	if a.empty == nil {
		a.empty = make(chan struct{})
	}
	empty := a.empty
	a.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stop refuses new calls, unregisters what Register began, hangs up all calls
// and waits for their clean-up. What is left when ctx ends is dropped without
// a word. It may be called twice, and before Start.
func (a *Agent) Stop(ctx context.Context) error {
	a.mu.Lock()
	a.draining = true
	regs := keys(a.regs)
	calls := a.snapshot()
	a.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range regs {
		wg.Go(func() { r.Stop(ctx) })
	}
	for _, c := range calls {
		c.Hangup(cause.NormalClearing)
	}
	wg.Wait()
	err := a.Drain(ctx)
	a.mu.Lock()
	a.stopped = true
	a.cancel()
	left := a.snapshot()
	a.mu.Unlock()
	for _, c := range left {
		c.drop()
	}
	a.registrar.stop()
	a.wg.Wait()
	return err
}

func (a *Agent) snapshot() []*Call {
	out := make([]*Call, 0, len(a.calls))
	for _, c := range a.calls {
		out = append(out, c)
	}
	return out
}

func keys[K comparable, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// Pending gives the number of calls that are not yet cleaned up.
func (a *Agent) Pending() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

// OnInvite sets who takes new incoming calls. f sets the call's handler with
// Call.Handle before it returns; it must not block. 100 Trying is automatic.
// Without it calls are refused with 480. Set it before Start.
func (a *Agent) OnInvite(f func(*Call, *sip.Request)) { a.mu.Lock(); a.onInvite = f; a.mu.Unlock() }

// OnMessage sets who takes MESSAGE; without it: 405. f answers with
// ServerTx.Respond and must not block.
func (a *Agent) OnMessage(f func(*txn.ServerTx)) { a.setOther(sip.MESSAGE, f) }

// OnOptions sets who takes OPTIONS outside dialogs; without it: 200.
func (a *Agent) OnOptions(f func(*txn.ServerTx)) { a.setOther(sip.OPTIONS, f) }

// OnSubscribe sets who takes SUBSCRIBE; without it: 489 (RFC 6665 §4.2.1.2).
func (a *Agent) OnSubscribe(f func(*txn.ServerTx)) { a.setOther(sip.SUBSCRIBE, f) }

// OnNotify sets who takes NOTIFY outside dialogs (message waiting); without it: 481.
func (a *Agent) OnNotify(f func(*txn.ServerTx)) { a.setOther(sip.NOTIFY, f) }

func (a *Agent) setOther(m sip.RequestMethod, f func(*txn.ServerTx)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.others[m] = f
}

func (a *Agent) isDraining() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.draining
}

// Registrar gives the registrar of this agent.
func (a *Agent) Registrar() *Registrar { return a.registrar }

func (a *Agent) context() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ctx
}

// spawn runs f in a goroutine that Stop waits for; false after Stop.
func (a *Agent) spawn(f func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return false
	}
	a.wg.Go(func() {
		defer a.recovered("goroutine", nil)
		f()
	})
	return true
}

// recovered ends a panic where outside input or a user's callback could cause
// one: it is logged and costs that call only (design-engine rule 3.5).
func (a *Agent) recovered(where string, c *Call) {
	p := recover()
	if p == nil {
		return
	}
	a.mu.Lock()
	a.panics++
	a.mu.Unlock()
	a.log.Error("panic in SIP user agent", "where", where, "panic", p, "stack", string(debug.Stack()))
	if c != nil {
		c.Hangup(cause.TemporaryFailure)
	}
}

// Panics gives the number of panics caught so far; a health check wants 0.
func (a *Agent) Panics() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.panics
}

// token makes a random word of n bytes, in lower-case letters and digits.
func (a *Agent) token(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, n)
	if _, err := io.ReadFull(a.cfg.Rand, b); err != nil {
		rand.Read(b) // an injected source ran dry
	}
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// add makes c reachable; false when the agent takes no new calls.
func (a *Agent) add(c *Call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.draining {
		return false
	}
	a.calls[c.key()] = c
	return true
}

func (a *Agent) remove(c *Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.calls, c.key())
	if len(a.calls) == 0 && a.empty != nil {
		close(a.empty)
		a.empty = nil
	}
}

func (a *Agent) find(callID, localTag string) *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[callKey{callID, localTag}]
}

// allowed lists the methods that we answer (RFC 3261 §20.5).
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE, SUBSCRIBE"

// supported lists our extensions (RFC 3261 §20.37).
const supported = "100rel, timer, replaces, norefersub"

// onRequest takes every request but ACK and CANCEL, on a read loop.
func (a *Agent) onRequest(tx *txn.ServerTx) {
	req := tx.Request()
	defer a.recovered("request", nil)
	if tag := toTag(req); tag != "" {
		if c := a.find(callIDOf(req), tag); c != nil && c.inDialog(tx) {
			return
		}
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist") // RFC 3261 §12.2.2
		return
	}
	switch req.Method {
	case sip.INVITE:
		a.incoming(tx)
		return
	case sip.REGISTER:
		a.registrar.handle(tx)
		return
	case sip.BYE, sip.INFO, sip.PRACK, sip.UPDATE:
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	a.mu.Lock()
	f := a.others[req.Method]
	a.mu.Unlock()
	switch {
	case f != nil:
		f(tx)
	case req.Method == sip.OPTIONS: // D13
		a.respond(tx, sip.StatusOK, "OK", sip.NewHeader("Accept", "application/sdp"), sip.NewHeader("Supported", supported))
	case req.Method == sip.SUBSCRIBE:
		a.respond(tx, 489, "Bad Event")
	case req.Method == sip.NOTIFY:
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist") // RFC 6665 §4.1.3
	default:
		a.respond(tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

// respond answers a request that belongs to no call.
func (a *Agent) respond(tx *txn.ServerTx, status int, reason string, headers ...sip.Header) {
	r := txn.NewResponse(tx.Request(), status, reason, a.token(10))
	for _, h := range headers {
		r.AppendHeader(h)
	}
	if status == sip.StatusMethodNotAllowed || status == sip.StatusOK {
		r.AppendHeader(sip.NewHeader("Allow", allowed))
	}
	a.finishResponse(r)
	a.reply(tx, r)
}

func (a *Agent) finishResponse(r *sip.Response) {
	if a.cfg.UserAgent != "" {
		r.AppendHeader(sip.NewHeader("Server", cleanText(a.cfg.UserAgent)))
	}
	if r.ContentLength() == nil {
		r.SetBody(nil)
	}
}

func (a *Agent) reply(tx *txn.ServerTx, r *sip.Response) {
	if err := tx.Respond(r); err != nil {
		a.log.Debug("response not sent", "status", r.StatusCode, "error", err)
	}
}

// onAck takes the ACK to a 2xx of ours.
func (a *Agent) onAck(_ *sipnet.Flow, ack *sip.Request) {
	defer a.recovered("ack", nil)
	if c := a.find(callIDOf(ack), toTag(ack)); c != nil {
		c.onAck(ack)
	}
}

// onStray2xx takes a 2xx to an INVITE whose transaction has ended: a
// repetition, or another fork's answer (D1, D2).
func (a *Agent) onStray2xx(f *sipnet.Flow, r *sip.Response) {
	defer a.recovered("2xx", nil)
	if c := a.find(callIDOf(r), fromTag(r)); c != nil {
		c.stray2xx(f, r)
	}
}

// Authorize checks the digest credentials of an incoming call (D7). When they
// are missing or wrong it answers the INVITE itself (401, or 403 to a source
// that failed too often) and ok is false: the call is then over, without an
// event. It is for use inside the OnInvite callback.
func (a *Agent) Authorize(c *Call) (user string, ok bool) {
	if a.auth == nil {
		c.refuse(sip.StatusForbidden, "Forbidden", nil)
		return "", false
	}
	source := c.stx.Flow().RemoteAddr().Addr().String()
	user, v := a.auth.check(c.request, source, false)
	switch v {
	case authOK:
		return user, true
	case authBlocked:
		c.refuse(sip.StatusForbidden, "Forbidden", nil)
	default:
		c.refuse(sip.StatusUnauthorized, "Unauthorized", func(r *sip.Response) { a.auth.challenge(r, v == authStale, false) })
	}
	return "", false
}

// AuthorizeRequest is Authorize for a request outside calls (MESSAGE,
// SUBSCRIBE): it answers the request itself unless ok.
func (a *Agent) AuthorizeRequest(tx *txn.ServerTx) (user string, ok bool) {
	if a.auth == nil {
		a.respond(tx, sip.StatusForbidden, "Forbidden")
		return "", false
	}
	user, v := a.auth.check(tx.Request(), tx.Flow().RemoteAddr().Addr().String(), false)
	switch v {
	case authOK:
		return user, true
	case authBlocked:
		a.respond(tx, sip.StatusForbidden, "Forbidden")
	default:
		r := txn.NewResponse(tx.Request(), sip.StatusUnauthorized, "Unauthorized", a.token(10))
		a.auth.challenge(r, v == authStale, false)
		a.finishResponse(r)
		a.reply(tx, r)
	}
	return "", false
}

// contactFor gives our Contact URI towards the peer of f.
func contactFor(f *sipnet.Flow, user string) sip.Uri {
	host, port := f.SentBy()
	host, _ = cleanHost(host)
	u := sip.Uri{Scheme: "sip", User: EscapeUser(user), Host: host, Port: port}
	switch tp := f.Transport(); tp {
	case sipnet.TCP, sipnet.TLS: // tls is deprecated by RFC 3261 §26.2.2, but phones and Asterisk write and expect it
		u.UriParams = sip.HeaderParams{{K: "transport", V: string(tp)}}
	case sipnet.WS, sipnet.WSS: // RFC 7118 §5.4.1: ws for both
		u.UriParams = sip.HeaderParams{{K: "transport", V: "ws"}}
	}
	return u
}
