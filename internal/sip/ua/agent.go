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
	// AllowEvents lists the event packages that are taken in calls without a subscription
	// ("talk, hold"), for Allow-Events in INVITE and its answers; "" = none.
	AllowEvents string

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
	// Digest lists the algorithms of our challenges, in their order: "MD5",
	// "SHA-256". nil = MD5 only, as Asterisk does: phones that do not know
	// SHA-256 may give up when they are merely shown it (observed: baresip 1.0
	// ends with "Function not implemented"). RFC 8760 §2.4 wants the best first.
	Digest []string
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
		a.auth = newAuthenticator(cfg.Realm, cfg.Digest, cfg.Authenticate)
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

// OnRefer sets who takes REFER outside dialogs; without it: 405.
func (a *Agent) OnRefer(f func(*txn.ServerTx)) { a.setOther(sip.REFER, f) }

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
