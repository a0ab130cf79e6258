package ua

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// RegisterOptions is one registration of ours at a registrar: of a trunk, or
// of the softphone.
type RegisterOptions struct {
	AOR         sip.Uri       // sip:user@domain: From and To
	Registrar   sip.Uri       // Request-URI, without user; zero = the AOR's domain
	Route       []sip.Uri     // outbound proxy
	ContactUser string        // "" = that of AOR
	Auth        Credentials   // User "" = none
	Expires     time.Duration // wanted; 0 = 1 h
	Keepalive   time.Duration // CRLF each so often while registered over UDP, to keep NAT open; 0 = none
	OnState     func(RegState)
	RetryMin    time.Duration // wait after a first failure, doubling; 0 = 30 s (D14)
	RetryMax    time.Duration // longest wait; 0 = 30 min
}

// RegState is where a registration stands.
type RegState struct {
	Registered bool
	ExpiresAt  time.Time    // zero unless Registered
	LastError  string       // of the newest try, in words; "" after success
	Status     int          // final SIP status of the newest try; 0 = no answer
	Flow       *sipnet.Flow // in use; nil unless Registered
}

// Registration keeps one AOR registered until Stop (RFC 3261 §10.2, D14).
//
//	trying ── 2xx ──► registered ── at 50-90 % of its life, or when the flow is lost ──► trying
//	trying ── refusal, silence ──► waiting 30 s, 60 s … 30 min ──► trying
//	any ── Stop ──► REGISTER with Expires: 0 ──► done
//
// Every try looks the registrar up again (RFC 3263) and goes on to the next
// address on 503 and silence.
type Registration struct {
	a      *Agent
	o      RegisterOptions
	callID string
	tag    string
	wallet *wallet

	mu       sync.Mutex // guards what follows; not held when OnState runs
	seq      uint32
	expires  time.Duration // as we ask: raised by 423
	state    RegState
	failures int
	timer    *time.Timer
	gen      uint64 // of the current timer or try; older ones are void
	beat     *time.Timer
	unhook   func() // of the flow's OnClose
	inFlight bool   // a REGISTER has no answer yet
	stopping bool
	stopped  chan struct{} // closed when the last REGISTER is answered
	reports  []RegState
	telling  bool
}

// Register begins a registration and returns at once; OnState tells how it
// goes. ctx is for values only: Stop ends the registration.
func (a *Agent) Register(_ context.Context, o RegisterOptions) (*Registration, error) {
	if o.Registrar.Host == "" {
		o.Registrar = sip.Uri{Scheme: o.AOR.Scheme, Host: o.AOR.Host, Port: o.AOR.Port, UriParams: o.AOR.UriParams}
	}
	o.Registrar.User, o.Registrar.Password = "", "" // RFC 3261 §10.2
	err := errors.Join(checkURI(o.AOR), checkURI(o.Registrar))
	for _, u := range o.Route {
		err = errors.Join(err, checkURI(u))
	}
	if err != nil {
		return nil, err
	}
	if o.Expires <= 0 {
		o.Expires = time.Hour
	}
	if o.RetryMin <= 0 {
		o.RetryMin = 30 * time.Second
	}
	if o.RetryMax < o.RetryMin {
		o.RetryMax = max(30*time.Minute, o.RetryMin)
	}
	if o.ContactUser == "" {
		o.ContactUser = o.AOR.User
	}
	r := &Registration{a: a, o: o, callID: a.token(24), tag: a.token(12), expires: o.Expires, stopped: make(chan struct{})}
	if o.Auth.User != "" {
		r.wallet = newWallet(&o.Auth)
	}
	a.mu.Lock()
	if a.draining {
		a.mu.Unlock()
		return nil, ErrStopped
	}
	a.regs[r] = struct{}{}
	a.mu.Unlock()
	r.mu.Lock()
	r.try()
	return r, nil
}

// State gives where the registration stands.
func (r *Registration) State() RegState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// try sends REGISTER. The mutex is held, and released.
func (r *Registration) try() {
	r.cancelTimer()
	r.inFlight = true
	gen := r.gen
	ruri, routes := routeTo(r.o.Registrar, r.o.Route)
	x := &exchange{a: r.a, wallet: r.wallet, uri: nextHop(ruri, routes)}
	if len(r.o.Route) > 0 && !isLoose(r.o.Route[0]) {
		x.uri = ruri
	}
	if r.stopping && r.state.Flow != nil && r.state.Flow.Alive() {
		x.flow = r.state.Flow
	}
	x.build = func(f *sipnet.Flow) *sip.Request { return r.request(f, ruri, routes) }
	x.retry = r.tooBrief
	x.on = func(resp *sip.Response, err error) {
		if resp != nil && resp.StatusCode < 200 {
			return
		}
		flow, _ := x.where()
		r.answered(gen, flow, resp, err)
	}
	r.mu.Unlock()
	x.start()
}

// request makes one REGISTER: one Call-ID for all, rising CSeq (RFC 3261 §10.2).
func (r *Registration) request(f *sipnet.Flow, ruri sip.Uri, routes []sip.Uri) *sip.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	req := sip.NewRequest(sip.REGISTER, ruri)
	for _, u := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: u})
	}
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	aor := r.o.AOR
	req.AppendHeader(&sip.FromHeader{Address: aor, Params: sip.HeaderParams{{K: "tag", V: r.tag}}})
	req.AppendHeader(&sip.ToHeader{Address: aor})
	id := sip.CallIDHeader(r.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: r.seq, MethodName: sip.REGISTER})
	expires := r.expires
	if r.stopping {
		expires = 0
	}
	req.AppendHeader(&sip.ContactHeader{Address: contactFor(f, r.o.ContactUser)})
	req.AppendHeader(sip.NewHeader("Expires", deltaSeconds(expires)))
	req.AppendHeader(sip.NewHeader("Allow", allowed))
	if r.a.cfg.UserAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", cleanText(r.a.cfg.UserAgent)))
	}
	req.SetBody(nil)
	return req
}

// tooBrief raises Expires after 423 (RFC 3261 §10.2.8).
func (r *Registration) tooBrief(resp *sip.Response) bool {
	least, ok := seconds(headerValue(resp, "Min-Expires"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if resp.StatusCode != sip.StatusIntervalToBrief || !ok || least <= r.expires || r.stopping {
		return false
	}
	r.expires = least
	return true
}

// answered takes the final answer of a try.
func (r *Registration) answered(gen uint64, f *sipnet.Flow, resp *sip.Response, err error) {
	r.mu.Lock()
	if gen != r.gen {
		r.mu.Unlock()
		return
	}
	r.inFlight = false
	if r.stopping {
		r.state.Registered, r.state.Flow, r.state.ExpiresAt = false, nil, time.Time{}
		close(r.stopped)
		r.report()
		return
	}
	if err == nil && resp.StatusCode < 300 {
		r.succeeded(f, resp)
	} else {
		r.failed(resp, err)
	}
	r.report()
}

// succeeded plans the refresh: at 50-90 % of the life that the registrar gave (D14).
func (r *Registration) succeeded(f *sipnet.Flow, resp *sip.Response) {
	life := r.granted(f, resp)
	r.failures = 0
	r.state = RegState{Registered: true, ExpiresAt: time.Now().Add(life), Status: resp.StatusCode, Flow: f}
	r.after(life/2+time.Duration(rand.Float64()*0.4*float64(life)), r.try)
	r.hook(f)
	r.keepalive(f)
}

// granted reads how long our Contact lives: its own expires, else the header.
func (r *Registration) granted(f *sipnet.Flow, resp *sip.Response) time.Duration {
	life := r.expires
	if d, ok := seconds(headerValue(resp, "Expires")); ok && d > 0 {
		life = d
	}
	ours := contactFor(f, r.o.ContactUser)
	for _, h := range resp.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || !strings.EqualFold(c.Address.Host, ours.Host) || c.Address.User != ours.User || c.Address.Port != ours.Port {
			continue
		}
		for _, kv := range c.Params {
			if d, ok := seconds(kv.V); ok && d > 0 && strings.EqualFold(kv.K, "expires") {
				life = d
			}
		}
	}
	return max(life, 10*time.Second)
}

// hook registers again soon when the connection is lost.
func (r *Registration) hook(f *sipnet.Flow) {
	if r.unhook != nil {
		r.unhook()
	}
	r.unhook = f.OnClose(func(err error) { r.a.spawn(func() { r.lost(f, err) }) }) // it may have closed already, and the mutex is held here
}

func (r *Registration) lost(f *sipnet.Flow, err error) {
	r.mu.Lock()
	if r.stopping || r.state.Flow != f {
		r.mu.Unlock()
		return
	}
	r.state = RegState{LastError: fmt.Sprintf("connection lost: %v", err)}
	r.after(time.Second+time.Duration(rand.Int64N(int64(4*time.Second))), r.try) // not all at once when a server restarts
	r.report()
}

// keepalive keeps NAT open (RFC 5626 §4.4.1 for streams; for UDP what most phones do).
func (r *Registration) keepalive(f *sipnet.Flow) {
	if r.beat != nil {
		r.beat.Stop()
		r.beat = nil
	}
	if r.o.Keepalive <= 0 || f.Transport() != sipnet.UDP {
		return
	}
	var beat *time.Timer
	beat = time.AfterFunc(r.o.Keepalive, func() {
		f.Send([]byte("\r\n\r\n"))
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.beat == beat {
			beat.Reset(r.o.Keepalive)
		}
	})
	r.beat = beat
}

// failed plans the next try: 30 s, doubling to 30 min, with up to a fifth of
// jitter; later if the registrar says so (D14).
func (r *Registration) failed(resp *sip.Response, err error) {
	wait := r.o.RetryMax
	if r.failures < 16 {
		wait = min(r.o.RetryMin<<r.failures, r.o.RetryMax)
	}
	r.failures++
	state := RegState{}
	if err != nil {
		state.LastError = err.Error()
	} else {
		state.Status = resp.StatusCode
		state.LastError = fmt.Sprintf("%d %s", resp.StatusCode, cleanText(resp.Reason))
		if s, _ := splitParams(headerValue(resp, "Retry-After")); s != "" {
			s, _, _ = strings.Cut(s, "(") // a comment may follow (RFC 3261 §20.33)
			if d, ok := seconds(s); ok {
				wait = max(wait, min(d, r.o.RetryMax))
			}
		}
	}
	if r.state.Registered && time.Now().Before(r.state.ExpiresAt) && err != nil { // the old binding may still stand
		state.Registered, state.ExpiresAt, state.Flow = true, r.state.ExpiresAt, r.state.Flow
	}
	r.state = state
	r.after(wait+time.Duration(rand.Int64N(int64(wait/5)+1)), r.try)
}

// after plans f, which is called with the mutex held and releases it.
func (r *Registration) after(d time.Duration, f func()) {
	r.cancelTimer()
	gen := r.gen
	r.timer = time.AfterFunc(d, func() {
		defer r.a.recovered("registration", nil)
		r.mu.Lock()
		if gen != r.gen || r.stopping {
			r.mu.Unlock()
			return
		}
		f()
	})
}

func (r *Registration) cancelTimer() {
	r.gen++
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// report tells OnState, in order and one at a time. The mutex is held, and released.
func (r *Registration) report() {
	if r.o.OnState == nil {
		r.mu.Unlock()
		return
	}
	r.reports = append(r.reports, r.state)
	if r.telling {
		r.mu.Unlock()
		return
	}
	r.telling = true
	for len(r.reports) > 0 {
		s := r.reports[0]
		r.reports = r.reports[1:]
		r.mu.Unlock()
		func() {
			defer r.a.recovered("registration callback", nil)
			r.o.OnState(s)
		}()
		r.mu.Lock()
	}
	r.telling = false
	r.mu.Unlock()
}

// Stop unregisters (Expires: 0) and waits for the answer, or for ctx. It may
// be called twice.
func (r *Registration) Stop(ctx context.Context) error {
	r.mu.Lock()
	if !r.stopping {
		r.stopping = true
		if r.unhook != nil {
			r.unhook()
			r.unhook = nil
		}
		if r.beat != nil {
			r.beat.Stop()
			r.beat = nil
		}
		if r.state.Registered || r.inFlight {
			r.try()
		} else {
			r.cancelTimer()
			close(r.stopped)
			r.mu.Unlock()
		}
	} else {
		r.mu.Unlock()
	}
	defer func() {
		r.a.mu.Lock()
		delete(r.a.regs, r)
		r.a.mu.Unlock()
	}()
	select {
	case <-r.stopped:
		return nil
	case <-ctx.Done():
		r.mu.Lock()
		r.cancelTimer()
		r.mu.Unlock()
		return context.Cause(ctx)
	}
}
