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

// Engine places the attempts of the queue on the switch. It has the method set
// of the originator's Engine, and promises what that one asks for:
//
//   - events come in order, from the goroutine that called Place, and never
//     after Place has returned;
//   - when Place returns, no leg is up, whatever happened;
//   - a leg that was refused is an Outcome with exactly one Failure; an error
//     means that the switch itself is broken.
//
// The stages of an attempt, and what may end it:
//
//	dial A ─► (press 1) ─► dial B ─► connected
//	   │          │           │          │
//	   └──────────┴───────────┴──────────┴─► refusal, hangup of A or B, end of ctx, MaxTime
type Engine struct {
	s *Switch
	o EngineOptions
}

// EngineOptions tune an Engine.
type EngineOptions struct {
	// EndedBy says who ended an attempt whose ctx ended with this cause:
	// "request", "server" or "limit". nil: errors with a method HangupBy()
	// string say it themselves, a deadline is "limit", all else "request".
	EndedBy func(cause error) string

	RingTime time.Duration // how long a leg rings when the request does not say; 0 = 45 s

	// FailTone lets a waiting leg A hear busy or congestion for so long when B
	// was refused; 0 = A is hung up at once.
	FailTone time.Duration

	Prompts int           // how often the press-1 prompt is played, 0 = 3
	Confirm time.Duration // how long a digit is waited for after each, 0 = 5 s
}

// NewEngine gives an engine on s with default options.
func NewEngine(s *Switch) *Engine { return NewEngineWith(s, EngineOptions{}) }

// NewEngineWith gives an engine on s.
func NewEngineWith(s *Switch, o EngineOptions) *Engine {
	if o.EndedBy == nil {
		o.EndedBy = endedBy
	}
	if o.RingTime <= 0 {
		o.RingTime = 45 * time.Second
	}
	if o.Prompts <= 0 {
		o.Prompts = 3
	}
	if o.Confirm <= 0 {
		o.Confirm = 5 * time.Second
	}
	return &Engine{s: s, o: o}
}

// endedBy is the default of EngineOptions.EndedBy.
func endedBy(err error) string {
	var e interface{ HangupBy() string }
	switch {
	case errors.As(err, &e):
		return e.HangupBy()
	case errors.Is(err, context.DeadlineExceeded):
		return "limit"
	case errors.Is(err, ErrStopping):
		return "server"
	}
	return "request"
}

// Endpoints lists phones and trunks with their states.
func (e *Engine) Endpoints(context.Context) ([]call.EndpointState, error) {
	return e.s.Endpoints(), nil
}

// Place rings leg A and carries out Then. See Engine.
func (e *Engine) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	p := &placement{e: e, s: e.s, at: a, events: events, in: newInbox()}
	p.err = p.run(ctx)
	p.end(ctx)
	return p.outcome(ctx), nil
}

// placement is one Place. Everything in it belongs to the goroutine that
// called Place.
type placement struct {
	e      *Engine
	s      *Switch
	at     call.Attempt
	events func(call.Event)
	in     *inbox

	a, b        *Channel
	bridge      *Bridge
	then        Handler    // for a dialplan or remote application
	second      call.Route // leg B of Connect, or of the built-in dialplan
	connectedAt time.Time
	hangupBy    string
	err         error // why the attempt did not come to its Then; nil = it did
}

// errNotConfirmed ends an attempt whose leg A answered but did not press 1.
var errNotConfirmed = errors.New("press 1 was not given")

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
		return p.application(ctx)
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
	case call.ThenApplication:
		if _, ok := knownApplication(t.Name); !ok {
			return unknownApplication(t.Name)
		}
		return nil
	case call.ThenDialplan, call.ThenApp:
		return p.prepareHandler(ctx, t)
	}
	return permanent(fmt.Sprintf("nothing is known of what to do when leg A has answered: %q", t.Kind))
}

// prepareHandler asks the runner, and for a dialplan without one the router.
func (p *placement) prepareHandler(ctx context.Context, t call.Then) error {
	if r := p.s.o.Runner; r != nil {
		h, err := r.Runner(t)
		if err != nil {
			if f, ok := asFailure(err); ok {
				return f
			}
			f := permanent("cannot continue after the answer")
			f.Err = err
			return f
		}
		p.then = h
		return nil
	}
	if t.Kind == call.ThenApp {
		return permanent(fmt.Sprintf("no application %q: this server runs no remote-control applications (ARI)", t.Name))
	}
	if p.s.o.Router == nil {
		return permanent("no dialplan: this server has neither a dialplan nor routes")
	}
	to, err := p.s.o.Router.Inbound(t.Context, t.Extension)
	if err != nil {
		if f, ok := asFailure(err); ok {
			return f
		}
		f := permanent(fmt.Sprintf("extension %q leads nowhere", t.Extension))
		f.Err = err
		return f
	}
	p.second = call.Route{Typed: t.Extension, Endpoint: to, Number: t.Extension}
	if p.s.o.Admit == nil {
		return nil
	}
	// The guard has seen the extension, but not where it leads.
	return p.s.admit(ctx, Admission{
		Context: t.Context, Account: p.at.Request.Account, Dialled: t.Extension, Endpoint: to, Remote: p.at.Request.Origin.Remote,
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

// callerForA is what phone A shows: the wanted caller ID, else who will be
// called.
func (p *placement) callerForA() call.CallerID {
	return firstID(p.at.RouteA.CallerID, p.at.Request.CallerID, call.CallerID{Number: cmp.Or(p.at.RouteB.Number, p.at.RouteB.Phone)})
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
	var err error
	p.a, err = p.s.Create(ctx, CreateOptions{
		Endpoint: endpoint, CallerID: p.callerForA(), Variables: r.Variables, Codecs: r.Codecs, AutoAnswer: r.AutoAnswer,
		Account: r.Account, Watch: p.in.watcher("a"),
	})
	if err != nil {
		return err
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
		if p.at.Request.EarlyMedia { // Asterisk: pbx_spool.c Early_media
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

// connect confirms, dials B and keeps the two connected.
func (p *placement) connect(ctx context.Context) error {
	if p.at.Request.Then.Confirm {
		if err := p.confirm(ctx); err != nil {
			return err
		}
	}
	wait := p.at.Request.Then.WaitTime
	if wait <= 0 {
		wait = p.e.o.RingTime
	}
	p.emit(call.EvConnecting, "b", nil, string(p.second.Endpoint))
	k := &connector{s: p.s, a: p.a, in: p.in, target: p.second.Endpoint, callerID: p.callerForB(), wait: wait}
	k.progress = func(sig signal) { p.b = k.b; p.progressB(sig) }
	err := k.run(ctx)
	p.b, p.bridge = k.b, k.bridge
	if err != nil {
		p.failTone(ctx, err)
		return err
	}
	p.connectedAt = now()
	p.emit(call.EvConnected, "", nil, "")
	return p.talk(ctx)
}

// confirm plays the press-1 prompt and waits for the 1.
func (p *placement) confirm(ctx context.Context) error {
	p.emit(call.EvConfirming, "a", p.a, "")
	prompt := p.at.Request.Then.Prompt
	switch {
	case prompt == "":
		prompt = PromptPress1
	case !hasScheme(prompt):
		prompt = "sound:" + prompt
	}
	for range p.e.o.Prompts {
		got, err := p.a.ReadDigits(ctx, ReadOptions{Prompts: []string{prompt}, Max: 1, Terminator: "none", First: p.e.o.Confirm})
		switch {
		case got == "1":
			return nil
		case err != nil && !errors.Is(err, ErrTimeout):
			if errors.Is(err, ErrGone) {
				return errAGone
			}
			return err
		}
	}
	return errNotConfirmed
}

// progressB reports a step of leg B.
func (p *placement) progressB(sig signal) {
	if p.held(sig) || sig.leg != "b" || sig.e.Type != Dial {
		return
	}
	switch sig.e.DialStatus {
	case "RINGING":
		p.emit(call.EvBRinging, "b", p.b, "")
	case "PROGRESS":
		p.emit(call.EvBProgress, "b", p.b, "")
	}
}

// failTone lets A hear why there is no B.
func (p *placement) failTone(ctx context.Context, err error) {
	f, ok := asFailure(err)
	if !ok || p.e.o.FailTone <= 0 || ctx.Err() != nil {
		return
	}
	tone := "tone:congestion"
	if f.Cause == int(cause.UserBusy) {
		tone = "tone:busy"
	}
	_ = p.a.toneUntilHangup(ctx, tone, p.e.o.FailTone) // however it ends, A is hung up next
}

// talk keeps A and B connected until somebody ends it.
func (p *placement) talk(ctx context.Context) error {
	var limit <-chan time.Time
	if d := p.at.Request.Then.MaxTime; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	for {
		select {
		case <-p.in.c:
			for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
				if sig.e.Type == ChannelTransfer {
					return p.transferred(ctx, sig, limit)
				}
				p.held(sig)
			}
		case <-p.a.ctx.Done():
			p.hangupBy = endedByLeg(p.a, "a")
			return nil
		case <-p.b.ctx.Done():
			p.hangupBy = endedByLeg(p.b, "b")
			return nil
		case <-limit:
			p.hangupBy = "limit"
			return nil
		case <-ctx.Done():
			p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
			return nil
		}
	}
}

// transferred waits for the end of the party that the other one has
// transferred: the attempt lasts as long as one of its legs.
func (p *placement) transferred(ctx context.Context, sig signal, limit <-chan time.Time) error {
	by, other, leg := p.a, p.b, "b"
	if sig.e.Channel.ID == p.b.id {
		by, other, leg = p.b, p.a, "a"
	}
	p.s.blindTransfer(by, other, sig.e.Target)
	select {
	case <-other.ctx.Done():
		p.hangupBy = endedByLeg(other, leg)
	case <-limit:
		p.hangupBy = "limit"
	case <-ctx.Done():
		p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
	}
	return nil
}

// application runs one of the built-in applications on A.
func (p *placement) application(ctx context.Context) error {
	p.connectedAt = now()
	p.emit(call.EvConnected, "a", p.a, p.at.Request.Then.Name)
	err := p.a.RunApplication(ctx, p.at.Request.Then.Name, p.at.Request.Then.Data)
	switch {
	case ctx.Err() != nil:
		p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
	case errors.Is(err, ErrGone):
		p.hangupBy = endedByLeg(p.a, "a")
	default:
		p.hangupBy = "server"
		if !isOurEnd(err) { // a missing sound: the call took place all the same
			p.s.log.Info("application ended early", "channel", p.a.id, "application", p.at.Request.Then.Name, "error", err)
		}
	}
	return nil
}

// handOver gives A to the dialplan or remote application until it hangs up.
func (p *placement) handOver(ctx context.Context) error {
	p.connectedAt = now()
	t := p.at.Request.Then
	p.emit(call.EvConnected, "a", p.a, cmp.Or(t.Name, t.Extension+"@"+t.Context))
	if err := p.a.Run(p.then); err != nil {
		p.hangupBy = endedByLeg(p.a, "a")
		return nil
	}
	for {
		select {
		case <-p.in.c:
			for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
				p.held(sig)
			}
		case <-p.a.ctx.Done():
			p.hangupBy = endedByLeg(p.a, "a")
			return nil
		case <-ctx.Done():
			p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
			return nil
		}
	}
}

// endedByLeg says who ended a leg: its party, or somebody in this server.
func endedByLeg(c *Channel, leg string) string {
	r, ok := c.Result()
	switch {
	case !ok || r.ByPeer:
		return leg
	case r.ByServer:
		return "server"
	}
	return "request"
}

func firstID(ids ...call.CallerID) call.CallerID {
	for _, id := range ids {
		if id.Name != "" || id.Number != "" || id.Private {
			return id
		}
	}
	return call.CallerID{}
}
