package ua

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// Direction says who called.
type Direction int

// The directions of a call.
const (
	Outgoing Direction = iota // we sent the INVITE
	Incoming                  // the peer did
)

// state is where a call stands (drawn in the package comment).
type state int

const (
	calling   state = iota // outgoing: INVITE sent or about to be, no final answer
	offered                // incoming: no final answer yet
	answered               // incoming: our 2xx is out, its ACK has not come (D4)
	confirmed              // session stands
	ended                  // EventEnded is out; clean-up may go on
)

// Errors of calls.
var (
	ErrState     = errors.New("not possible in the call's state")
	ErrNoAck     = errors.New("no ACK to our 200 within 32 s")
	ErrExpired   = errors.New("session timer expired without a refresh")
	ErrNoAnswer  = errors.New("no final answer within 3 minutes of the last provisional one")
	ErrGlare     = errors.New("both sides kept changing the session at once")
	ErrStopped   = errors.New("the user agent takes no new calls")
	errCancelled = errors.New("no final answer to CANCEL within 32 s")
)

// StatusError is a final SIP answer to a request inside a call that is not a 2xx.
type StatusError struct {
	Status int
	Reason string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Reason) }

// lifetimes of RFC 3261 that are not the transaction layer's.
const (
	linger          = 32 * time.Second // 64*T1: how long repeated 2xx may come (D2), how long CANCEL waits (D3)
	proceedingLimit = 3 * time.Minute  // D2; RFC 3261 §16.6: timer C
	provisionalTick = time.Minute      // RFC 3261 §13.3.1.1: repeat a provisional each minute
	lateAnswerLimit = 20 * time.Second // how long the user may think about an answer that goes in an ACK or PRACK
)

// Call is one INVITE usage (RFC 5057) in either direction. All methods are
// safe concurrently, return at once, and may be called from event callbacks.
//
// Its mutex guards the state; what the state decides (messages to send,
// events to deliver) is queued under the mutex and carried out after it is
// released, in order, by one goroutine at a time: see unlock.
type Call struct {
	a             *Agent
	dir           Direction
	callID        string
	localTag      string
	wallet        *wallet
	done          chan struct{}
	request       *sip.Request  // incoming: the INVITE
	stx           *txn.ServerTx // incoming
	replaced      *Call         // incoming: the call named by Replaces
	replaces      string        // incoming: that header
	contactUser   string
	maxForks      int
	inviteHeaders []sip.Header // outgoing: the user's extra headers
	target        sip.Uri      // outgoing: Request-URI
	preloaded     []sip.Uri    // outgoing: Route of the INVITE
	fixedFlow     bool         // outgoing: InviteOptions.Flow was given

	mu       sync.Mutex // guards what follows
	queue    []item
	running  bool // somebody carries out the queue
	handler  func(Event)
	state    state
	local    sip.FromHeader // our From, without tag
	remote   sip.ToHeader   // the peer's address, without tag
	seq      uint32         // our last CSeq
	busy     int            // exchanges and repetitions under way
	quiet    bool           // done is closed, or about to be
	released bool
	last     *sip.Response // newest 18x or 2xx of the peer
	dlg      *dialog       // the confirmed dialog, or the only one of an incoming call
	early    []*dialog     // outgoing
	localSDP []byte        // last session description that we sent
	peerSDP  []byte        // last of the peer's that was agreed

	invite      *exchange // outgoing INVITE
	inviteSeq   uint32
	provisional bool // a provisional came: CANCEL may go
	cancelCause cause.Code
	cancelWant  bool
	cancelSent  bool
	acks        map[ackKey]*sentAck
	kept        *sipnet.Flow // retained: an idle connection must not be closed under a call
	lastSuccess time.Time    // last 2xx to an INVITE of ours

	incomingState // incoming.go
	offerState    // offer.go
	refreshState  // refresh.go: session timer
	referState    // refer.go

	proceedT, cancelT, lingerT, lateT timer
}

// item is one thing to do with the mutex released. Events never run on the
// goroutine of a method's caller, who may hold locks that the handler wants.
type item struct {
	run   func()
	event bool
}

// timer is a time.AfterFunc whose function runs under the call's mutex, and
// never after stop.
type timer struct {
	t   *time.Timer
	gen uint64
}

// arm (re)starts t. The mutex is held.
func (c *Call) arm(t *timer, d time.Duration, f func()) {
	t.stop()
	gen := t.gen
	t.t = time.AfterFunc(d, func() {
		defer c.a.recovered("timer", c)
		c.mu.Lock()
		if t.gen == gen {
			t.t = nil
			f()
		}
		c.unlock()
	})
}

func (t *timer) stop() {
	t.gen++
	if t.t != nil {
		t.t.Stop()
		t.t = nil
	}
}

// do queues something to do. The mutex is held.
func (c *Call) do(f func()) { c.queue = append(c.queue, item{run: f}) }

// emit queues an event. The mutex is held.
func (c *Call) emit(e Event) { c.notify(func(h func(Event)) { h(e) }) }

// notify queues a call to user code. The mutex is held.
func (c *Call) notify(f func(h func(Event))) {
	c.queue = append(c.queue, item{event: true, run: func() {
		c.mu.Lock()
		h := c.handler
		c.mu.Unlock()
		if h == nil {
			h = func(Event) {}
		}
		f(h)
	}})
}

// later queues user code that is not the event handler (done callbacks).
func (c *Call) later(f func()) {
	if f != nil {
		c.queue = append(c.queue, item{event: true, run: f})
	}
}

// unlock releases the mutex and carries out the queue on this goroutine,
// which is one of the network, a timer, or our own.
func (c *Call) unlock() {
	run := c.claim()
	c.mu.Unlock()
	if run {
		c.drain(false)
	}
}

// unlockAPI is unlock for methods that users call: messages go out at once,
// events are left to another goroutine.
func (c *Call) unlockAPI() {
	run := c.claim()
	c.mu.Unlock()
	if run {
		c.drain(true)
	}
}

func (c *Call) claim() bool {
	if c.running || len(c.queue) == 0 {
		return false
	}
	c.running = true
	return true
}

func (c *Call) drain(api bool) {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue, c.running = nil, false
			c.mu.Unlock()
			return
		}
		next := c.queue[0]
		if api && next.event {
			c.mu.Unlock()
			if !c.a.spawn(func() { c.drain(false) }) {
				c.drain(false) // stopping: nobody else is left to do it
			}
			return
		}
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.perform(next.run)
	}
}

func (c *Call) perform(f func()) {
	defer c.a.recovered("callback", c)
	f()
}

func (c *Call) key() callKey { return callKey{c.callID, c.localTag} }

// CallID gives the Call-ID.
func (c *Call) CallID() string { return c.callID }

// Direction says who called.
func (c *Call) Direction() Direction { return c.dir }

// Done is closed when the call is over and the wire is quiet: the INVITE has
// its final answer, BYE or CANCEL too, and no ACK is owed. (Its entry stays up
// to 32 s longer, to acknowledge repeated 2xx.)
func (c *Call) Done() <-chan struct{} { return c.done }

// Request gives the INVITE of an incoming call, read only; nil for an outgoing one.
func (c *Call) Request() *sip.Request { return c.request }

// Flow gives the flow on which the peer was last met; nil before an outgoing
// INVITE was sent.
func (c *Call) Flow() *sipnet.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dlg != nil:
		return c.dlg.flow
	case c.invite != nil:
		f, _ := c.invite.where()
		return f
	case c.stx != nil:
		return c.stx.Flow()
	}
	return nil
}

// Source is the flow that an incoming call came on, Flow otherwise.
func (c *Call) Source() *sipnet.Flow {
	if c.stx != nil {
		return c.stx.Flow()
	}
	return c.Flow()
}

// RemoteIdentity gives the peer's address: From of an incoming call, To of an
// outgoing one. It is what the peer claims, not proven.
func (c *Call) RemoteIdentity() Identity {
	if c.request != nil {
		if f := c.request.From(); f != nil {
			return identityOf(f.DisplayName, f.Address)
		}
		return Identity{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return identityOf(c.remote.DisplayName, c.remote.Address)
}

// AssertedIdentity gives the P-Asserted-Identity of the INVITE, or of the
// newest answer of an outgoing call (RFC 3325). Believe it only from trusted
// peers.
func (c *Call) AssertedIdentity() (Identity, bool) {
	if m := c.peerMessage(); m != nil {
		return ParseAsserted(headerValues(m, "P-Asserted-Identity")...)
	}
	return Identity{}, false
}

func (c *Call) peerMessage() headersOf {
	if c.request != nil {
		return c.request
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		return c.last
	}
	return nil
}

// RequestHeader gives the first value of a header of an incoming INVITE, by
// its long name in any case; "" if there is none.
func (c *Call) RequestHeader(name string) string {
	if c.request == nil {
		return ""
	}
	return headerValue(c.request, name)
}

// ResponseHeader is RequestHeader for the newest 18x or 2xx to an outgoing INVITE.
func (c *Call) ResponseHeader(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return ""
	}
	return headerValue(c.last, name)
}

// ReplacedCall gives the call that an incoming INVITE asks to take over
// (RFC 3891), nil if none. Whoever answers hangs that one up.
func (c *Call) ReplacedCall() *Call { return c.replaced }

// Replaces gives the value with which another call can replace this one in an
// attended transfer: "call-id;to-tag=…;from-tag=…" from the peer's view
// (RFC 3891 §3); "" without a dialog.
func (c *Call) Replaces() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dlg == nil {
		return ""
	}
	return c.callID + ";to-tag=" + c.dlg.remoteTag + ";from-tag=" + c.localTag
}

// SetAuth gives the credentials for challenges to our requests in an incoming
// call (a trunk that challenges BYE). Outgoing calls have InviteOptions.Auth.
func (c *Call) SetAuth(creds *Credentials) {
	c.wallet.mu.Lock()
	defer c.wallet.mu.Unlock()
	c.wallet.creds = creds
}

// Handle sets who gets the events of an incoming call: ordered, never
// concurrent, on network goroutines, so f must not block. Set it in the
// OnInvite callback, before anything else.
func (c *Call) Handle(f func(Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handler = f
}

// Hangup ends the call in any state: CANCEL (D3), a refusal, or BYE, with a
// Q.850 Reason. It returns at once; EventEnded follows with code as its cause
// (NormalClearing if 0), and the rest happens in the background. A second
// Hangup does nothing.
func (c *Call) Hangup(code cause.Code) {
	if code == cause.Unknown {
		code = cause.NormalClearing
	}
	c.mu.Lock()
	defer c.unlockAPI()
	c.hangup(code, Event{Cause: code})
}

// hangup ends the call from our side with ev as its last event.
func (c *Call) hangup(code cause.Code, ev Event) {
	switch c.state {
	case ended:
		return
	case calling:
		if ev.Status == 0 {
			ev.Status = sip.StatusRequestTerminated
		}
		c.cancel(code)
	case offered:
		status, reason := code.SIPStatus()
		if ev.Status == 0 {
			ev.Status, ev.Reason = status, reason
		}
		c.refuseLocked(status, reason, []sip.Header{reasonHeader(code)})
	case answered:
		c.byeAfterAck, c.byeCause = true, code // RFC 3261 §15: no BYE before the ACK or its time is over
	case confirmed:
		c.bye(c.dlg, code)
	}
	c.end(ev)
}

// end makes the call ended. The mutex is held.
func (c *Call) end(ev Event) {
	if c.state == ended {
		return
	}
	c.state = ended
	ev.Kind = EventEnded
	c.early = nil
	c.proceedT.stop()
	c.lateT.stop()
	c.stopOffers()
	c.stopRefresh()
	c.stopRefer()
	c.emit(ev)
	c.release()
}

// begin and finish count what is under way in the background. The mutex is held.
func (c *Call) begin() { c.busy++ }

func (c *Call) finish() {
	c.busy--
	c.release()
}

// release lets go of an ended call when nothing is under way, at the latest
// 32 s after the last 2xx that could be repeated (D2).
func (c *Call) release() {
	if c.state != ended || c.busy > 0 || c.released {
		return
	}
	c.quieten()
	if c.a.isDraining() {
		c.letGo()
		return
	}
	if rest := linger - time.Since(c.lastSuccess); c.lingering() && rest > 0 {
		c.arm(&c.lingerT, rest, c.release)
		return
	}
	c.letGo()
}

// lingering reports whether a 2xx may still come.
func (c *Call) lingering() bool { return !c.lastSuccess.IsZero() }

// quieten tells Done.
func (c *Call) quieten() {
	if !c.quiet {
		c.quiet = true
		c.do(func() { close(c.done) })
	}
}

func (c *Call) letGo() {
	if c.released {
		return
	}
	c.released = true
	c.quieten()
	for _, t := range []*timer{&c.proceedT, &c.cancelT, &c.lingerT, &c.lateT} {
		t.stop()
	}
	c.stopIncoming()
	c.keep(nil)
	c.acks, c.invite, c.early = nil, nil, nil
	c.do(func() { c.a.remove(c) })
}

// keep retains the flow of the call's dialog instead of the one before.
func (c *Call) keep(f *sipnet.Flow) {
	if f == c.kept {
		return
	}
	if f != nil {
		f.Retain()
	}
	if c.kept != nil {
		c.kept.Release()
	}
	c.kept = f
}

// drop lets go of a call at once, whatever is under way.
func (c *Call) drop() {
	c.mu.Lock()
	defer c.unlock()
	if c.invite != nil {
		c.invite.abandon()
	}
	c.end(Event{Cause: cause.TemporaryFailure, Err: ErrStopped})
	c.letGo()
}

// bye sends BYE in dialog d and sees to its end. The mutex is held.
func (c *Call) bye(d *dialog, code cause.Code) {
	c.begin()
	x := c.exchange(d, sip.BYE, func(r *sip.Request) { r.AppendHeader(reasonHeader(code)) })
	x.on = func(r *sip.Response, err error) {
		if r != nil && r.StatusCode < 200 {
			return
		}
		c.mu.Lock()
		c.finish()
		c.unlock()
	}
	c.do(x.start)
}

// exchange prepares a request in dialog d; the caller sets on. fill may add
// headers and a body. The mutex is held.
func (c *Call) exchange(d *dialog, m sip.RequestMethod, fill func(*sip.Request)) *exchange {
	ruri, routes := d.path()
	x := &exchange{a: c.a, wallet: c.wallet, flow: d.knownFlow(), uri: nextHop(ruri, routes), backup: d.flow}
	if len(d.routes) > 0 && !isLoose(d.routes[0]) {
		x.uri = ruri
	}
	x.build = func(f *sipnet.Flow) *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seq++
		r := c.inDialogRequest(d, m, c.seq, f)
		if fill != nil {
			fill(r)
		}
		if r.ContentLength() == nil {
			r.SetBody(nil)
		}
		return r
	}
	return x
}

// inDialogRequest makes a request without Via, Content and credentials
// (RFC 3261 §12.2.1.1). The mutex is held.
func (c *Call) inDialogRequest(d *dialog, m sip.RequestMethod, seq uint32, f *sipnet.Flow) *sip.Request {
	ruri, routes := d.path()
	r := sip.NewRequest(m, ruri)
	c.addRouting(r, routes, d.remoteTag, seq)
	switch m {
	case sip.INVITE, sip.UPDATE, sip.REFER, sip.NOTIFY: // target refresh requests (RFC 3261 §12.2, RFC 3311, RFC 6665 §3.1)
		r.AppendHeader(c.contact(f))
		r.AppendHeader(sip.NewHeader("Allow", allowed))
		r.AppendHeader(sip.NewHeader("Supported", supported))
	}
	return r
}

// addRouting adds the headers that every request of the call has.
func (c *Call) addRouting(r *sip.Request, routes []sip.Uri, remoteTag string, seq uint32) {
	for _, u := range routes {
		r.AppendHeader(&sip.RouteHeader{Address: u})
	}
	maxForwards := sip.MaxForwardsHeader(70)
	r.AppendHeader(&maxForwards)
	from := c.local
	from.Params = withTag(c.local.Params, c.localTag)
	r.AppendHeader(&from)
	to := c.remote
	to.Params = withTag(c.remote.Params, remoteTag)
	r.AppendHeader(&to)
	id := sip.CallIDHeader(c.callID)
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: r.Method})
	if c.a.cfg.UserAgent != "" {
		r.AppendHeader(sip.NewHeader("User-Agent", cleanText(c.a.cfg.UserAgent)))
	}
}

// contact is our Contact towards the peer of f; sips where the peer was called
// or calls so (RFC 3261 §8.1.1.8, §12.1.1).
func (c *Call) contact(f *sipnet.Flow) *sip.ContactHeader {
	u := contactFor(f, c.contactUser)
	if c.dir == Outgoing && c.target.Scheme == "sips" || c.dir == Incoming && c.request.Recipient.Scheme == "sips" {
		u.Scheme, u.UriParams = "sips", nil
	}
	return &sip.ContactHeader{Address: u}
}

func withTag(p sip.HeaderParams, tag string) sip.HeaderParams {
	out := withoutTag(p)
	if tag != "" {
		out = append(out, sip.HeaderKV{K: "tag", V: tag})
	}
	return out
}

func withoutTag(p sip.HeaderParams) sip.HeaderParams {
	var out sip.HeaderParams
	for _, kv := range p {
		if tagOf(sip.HeaderParams{kv}) == "" {
			out = append(out, kv)
		}
	}
	return out
}

// setBody gives a message a session description.
func setSDP(m sip.Message, sdp []byte) { setBody(m, "application/sdp", sdp) }

func setBody(m sip.Message, contentType string, body []byte) {
	if len(body) > 0 {
		ct := sip.ContentTypeHeader(cleanText(contentType))
		m.AppendHeader(&ct)
		m.SetBody(body)
	}
}

// dialogOf finds the dialog with a remote tag. The mutex is held.
func (c *Call) dialogOf(tag string) *dialog {
	if c.dlg != nil && c.dlg.remoteTag == tag {
		return c.dlg
	}
	for _, d := range c.early {
		if d.remoteTag == tag {
			return d
		}
	}
	return nil
}
