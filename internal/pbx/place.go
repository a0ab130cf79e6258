package pbx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// placement is one Place. Everything in it belongs to the goroutine that
// called Place.
type placement struct {
	e      *Engine
	s      *Switch
	at     call.Attempt
	hooks  Hooks
	events func(call.Event)
	in     *inbox

	a, b        *Channel
	bridge      *Bridge
	then        Handler    // for a dialplan or remote application
	second      call.Route // leg B of Connect, or of the built-in dialplan
	detail      string     // what is wrong with Then, for a lenient request
	connectedAt time.Time
	dialplan    *call.DialplanRecord // written in A's actor before A is gone, read after
	hangupBy    string
	err         error // why the attempt did not come to its Then; nil = it did
}

// run goes through the stages. It returns nil when Then was reached and has
// ended; then hangupBy says by whom.
func (p *placement) run(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.dialA(ctx); err != nil {
		return err
	}
	switch p.at.Request.Then.Kind {
	case call.ThenConnect:
		return p.connect(ctx)
	case call.ThenApplication:
		if p.then == nil { // one of the switch's own
			return p.application(ctx)
		}
		return p.handOver(ctx)
	default:
		if p.then == nil { // the built-in dialplan: a number that is routed
			return p.connect(ctx)
		}
		return p.handOver(ctx)
	}
}

// prepare finds out before anything rings whether Then can be carried out.
func (p *placement) prepare(ctx context.Context) error {
	t := p.at.Request.Then
	switch t.Kind {
	case call.ThenConnect:
		p.second = p.at.RouteB
		if p.second.Endpoint == "" {
			p.second.Endpoint = t.Second
		}
		return nil
	case call.ThenDialplan, call.ThenApplication, call.ThenApp:
		err := p.prepareHandler(ctx, t)
		if err != nil && p.at.Request.Lenient && p.second.Endpoint == "" && ctx.Err() == nil { // a denial of the guard counts
			return p.goOnAllTheSame(t, err)
		}
		return err
	}
	return permanent(fmt.Sprintf("nothing is known of what to do when leg A has answered: %q", t.Kind))
}

// goOnAllTheSame lets a lenient request dial although Then cannot be carried
// out: the answer counts, and what the dialplan makes of it is run (spec:
// callfile 6.1 steps 4 and 5).
func (p *placement) goOnAllTheSame(t call.Then, why error) error {
	p.detail = call.CompletedNoDestination
	if t.Kind != call.ThenDialplan {
		p.detail = call.CompletedNoApplication
	}
	p.s.log.Warn("dialled all the same", "call", p.at.Call, "attempt", p.at.Number, "reason", why)
	if p.then == nil {
		p.then = HandlerFunc(func(context.Context, *Channel) {}) // hangs up
	}
	return nil
}

// prepareHandler asks the runner, and without one the switch's own applications
// or, for a dialplan, the router.
func (p *placement) prepareHandler(ctx context.Context, t call.Then) error {
	_, own := knownApplication(t.Name)
	own = own && t.Kind == call.ThenApplication
	if r := p.s.o.Runner; r != nil {
		h, err := r.Runner(t)
		switch {
		case err == nil:
			p.then = h
			return nil
		case own:
			return nil
		case errors.Is(err, ErrBuiltIn):
		default:
			p.then = h // in case the request is lenient
			if f, ok := asFailure(err); ok {
				return f
			}
			f := permanent("cannot continue after the answer")
			f.Err = err
			return f
		}
	}
	if t.Kind == call.ThenApplication {
		if !own {
			return unknownApplication(t.Name)
		}
		return nil
	}
	if t.Kind == call.ThenApp {
		return permanent(fmt.Sprintf("no application %q: this server runs no remote-control applications (ARI)", t.Name))
	}
	if p.s.o.Router == nil {
		return permanent("no dialplan: this server has neither a dialplan nor routes")
	}
	to, err := p.s.o.Router.Inbound(p.at.Request.Account, t.Context, t.Extension)
	if err != nil {
		if f, ok := asFailure(err); ok {
			return f
		}
		f := permanent(fmt.Sprintf("extension %q leads nowhere", t.Extension))
		f.Err = err
		return f
	}
	p.second = to
	if p.s.o.Admit == nil {
		return nil
	}
	// The guard has seen the extension, but not where it leads.
	return p.s.admit(ctx, Admission{
		Context: t.Context, Account: p.at.Request.Account, Principal: p.at.Request.Origin.Principal, Dialled: t.Extension,
		Endpoint: to.Endpoint, Remote: p.at.Request.Origin.Remote,
	})
}

func permanent(text string) *call.Failure {
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: text}
}

// emit reports progress.
func (p *placement) emit(t call.EventType, leg string, c *Channel, text string) {
	e := call.Event{At: now(), Type: t, Leg: leg, Text: text}
	if c != nil {
		e.Channel = c.Name()
	}
	if p.events != nil {
		p.events(e)
	}
}

// callerForA is what phone A shows: whom it is to be connected with if the request says
// that, else the wanted caller ID, else who will be called.
func (p *placement) callerForA() call.CallerID {
	return firstID(p.at.RouteA.CallerID, p.at.Request.Callee, p.at.Request.CallerID, call.CallerID{Number: cmp.Or(p.at.RouteB.Number, p.at.RouteB.Phone)})
}

// callerForB is what B shows: the wanted caller ID, else who calls.
func (p *placement) callerForB() call.CallerID {
	return firstID(p.second.CallerID, p.at.Request.CallerID, call.CallerID{Number: cmp.Or(p.at.RouteA.Phone, p.at.RouteA.Number)})
}

// dialA makes and dials leg A and waits for its answer.
func (p *placement) dialA(ctx context.Context) error {
	if ctx.Err() != nil { // withdrawn before anything was sent
		return context.Cause(ctx)
	}
	r := p.at.Request
	endpoint := p.at.RouteA.Endpoint
	if endpoint == "" {
		endpoint = r.First
	}
	if why := p.at.RouteA.Unknown; why != "" {
		return permanent(why)
	}
	var err error
	if f := p.hooks.Resolve; f != nil {
		if endpoint, err = f(ctx); err != nil {
			return err
		}
	}
	p.a, err = p.s.Create(ctx, CreateOptions{
		Endpoint: endpoint, CallerID: p.callerForA(), Codecs: r.Codecs, AutoAnswer: r.AutoAnswer, NoForward: r.NoForward,
		Variables: p.variables(),
		Account:   r.Account, AccountCode: r.AccountCode, Call: p.at.Call, CallLeg: "a", Watch: p.in.watcher("a"),
	})
	if err != nil {
		return err
	}
	p.keepRecord(p.a)
	if r.CallerID != (call.CallerID{}) || r.Callee != (call.CallerID{}) { // counts more than a variable CALLERID(...) (spec: callfile 3.1)
		_ = p.a.SetCallerID(p.callerForA()) // ErrGone is seen by Dial
		_ = p.a.SetConnected(p.callerForA())
	}
	if f := p.hooks.Prepare; f != nil {
		if err := f(ctx, p.a); err != nil {
			return err
		}
	}
	wait := r.WaitTime
	if wait <= 0 {
		wait = p.e.o.RingTime
	}
	if err := p.a.Dial(DialOptions{Timeout: wait}); err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	for {
		for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
			if p.progressA(sig) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		select {
		case <-p.in.c:
		case <-ctx.Done():
		case <-p.a.ctx.Done():
			if answered := p.drainA(); answered {
				return nil // and hung up at once: Then finds out
			}
			return unanswered(p.a)
		}
	}
}

// keepRecord asks the runner, while the channel is still there, what its
// handlers have said about the record of the call.
func (p *placement) keepRecord(a *Channel) {
	r, ok := p.s.o.Runner.(Recorder)
	if !ok {
		return
	}
	a.Watch(func(e *Event) {
		if e.Type != ChannelDestroyed {
			return
		}
		if d, ok := r.Record(a); ok {
			p.dialplan = &d
		}
	})
}

// drainA takes what A signalled before it ended.
func (p *placement) drainA() bool {
	for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
		if p.progressA(sig) {
			return true
		}
	}
	return false
}

// progressA reports a step of leg A and says whether it counts as answered.
func (p *placement) progressA(sig signal) bool {
	if p.held(sig) || sig.e.Type != Dial || sig.leg != "a" {
		return false
	}
	switch sig.e.DialStatus {
	case "RINGING":
		p.emit(call.EvRinging, "a", p.a, "")
	case "PROGRESS":
		p.emit(call.EvProgress, "a", p.a, "")
		if p.earlyMedia() {
			p.emit(call.EvAnswered, "a", p.a, "early media counts as the answer")
			return true
		}
	case "ANSWER":
		p.emit(call.EvAnswered, "a", p.a, "")
		return true
	case "CANCEL":
		p.emit(call.EvProgress, "a", p.a, "forwarded to "+sig.e.Target)
	}
	return false
}

// earlyMedia says whether A's early media counts as its answer (Asterisk:
// pbx_spool.c Early_media; spec: callfile 6.4: not with an application).
func (p *placement) earlyMedia() bool {
	k := p.at.Request.Then.Kind
	return p.at.Request.EarlyMedia && k != call.ThenApplication && k != call.ThenApp
}

// held reports a hold or resume by a phone.
func (p *placement) held(sig signal) bool {
	c := p.a
	if sig.leg == "b" {
		c = p.b
	}
	switch sig.e.Type {
	case ChannelHold:
		p.emit(call.EvHeld, sig.leg, c, "")
	case ChannelUnhold:
		p.emit(call.EvResumed, sig.leg, c, "")
	default:
		return false
	}
	return true
}

func firstID(ids ...call.CallerID) call.CallerID {
	for _, id := range ids {
		if id.Name != "" || id.Number != "" || id.Private {
			return id
		}
	}
	return call.CallerID{}
}
