package ua

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// ErrAbandoned is what an exchange ends with that was given up before its
// request left.
var ErrAbandoned = errors.New("given up before it was sent")

// locateTimeout bounds looking up and connecting to a peer.
const locateTimeout = 10 * time.Second

// exchange is one client request until its last answer, over as many
// transactions as that takes: again with credentials after a challenge (D6),
// at the next target after 503, silence or a lost connection (RFC 3263 §4.3),
// and again when retry says so (422, 423).
//
//	locate ─► send ─► provisional… ─► final ─► on(final, nil)
//	            ▲                       │ 401/407 answered, retry(r)
//	            ├───────────────────────┤
//	            └── next target ◄───────┘ 503, timeout, connection lost
//
// All callbacks run on network, timer or resolver goroutines, one at a time,
// with no lock held.
type exchange struct {
	a      *Agent
	wallet *wallet
	flow   *sipnet.Flow                         // where to; nil = resolve uri
	backup *sipnet.Flow                         // used when uri cannot be found; may be nil
	uri    sip.Uri                              // next hop: first route or Request-URI (RFC 3261 §8.1.2)
	build  func(f *sipnet.Flow) *sip.Request    // a fresh request without Via and credentials, with the next CSeq
	retry  func(r *sip.Response) bool           // optional: reports whether to send again after a final response
	on     func(r *sip.Response, err error)     // provisional responses, then the final one or an error, last call
	sent   func(f *sipnet.Flow, r *sip.Request) // optional: told of each request just before it goes out

	mu         sync.Mutex // guards what follows
	tx         *txn.ClientTx
	req        *sip.Request
	targets    []sipnet.Target // not yet tried
	challenges int
	wantCancel *func(*sip.Request) // asked for while Send had not returned yet
	located    bool                // uri was looked up
	abandoned  bool
	done       bool
}

// start begins. It never blocks.
func (x *exchange) start() {
	if x.flow != nil && x.flow.Alive() {
		x.send(x.flow)
		return
	}
	if literalUDP(x.uri) { // no lookup, no connection: nothing to wait for
		x.locate()
		return
	}
	if !x.a.spawn(x.locate) {
		x.finish(nil, txn.ErrStopped)
	}
}

// literalUDP reports whether u says UDP and an address, so that finding it
// cannot block.
func literalUDP(u sip.Uri) bool {
	tp, _ := u.UriParams.Get("transport")
	_, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	return err == nil && !u.UriParams.Has("maddr") && u.Scheme != "sips" && (tp == "" || strings.EqualFold(tp, "udp"))
}

// locate finds the targets and goes to the first.
func (x *exchange) locate() {
	ctx, cancel := context.WithTimeout(x.a.context(), locateTimeout)
	defer cancel()
	targets, err := x.a.cfg.Net.Resolve(ctx, x.uri)
	if err == nil && len(targets) == 0 {
		err = errors.New("no address")
	}
	if err != nil && x.backup != nil && x.backup.Alive() {
		x.send(x.backup)
		return
	}
	if err != nil {
		x.finish(nil, fmt.Errorf("%w: find %s: %w", txn.ErrTransport, x.uri.Host, err))
		return
	}
	x.mu.Lock()
	x.targets, x.located = targets, true
	x.mu.Unlock()
	x.next(nil, nil)
}

// next goes to the next target, or ends with r or err when none is left.
func (x *exchange) next(r *sip.Response, err error) {
	for {
		x.mu.Lock()
		if len(x.targets) == 0 || x.abandoned {
			if r == nil && err == nil {
				err = ErrAbandoned
			}
			x.mu.Unlock()
			x.finish(r, err)
			return
		}
		t := x.targets[0]
		x.targets = x.targets[1:]
		x.mu.Unlock()
		ctx, cancel := context.WithTimeout(x.a.context(), locateTimeout)
		f, ferr := x.a.cfg.Net.Flow(ctx, t)
		cancel()
		if ferr == nil {
			x.send(f)
			return
		}
		r, err = nil, fmt.Errorf("%w: connect to %s %v: %w", txn.ErrTransport, t.Transport, t.Addr, ferr)
	}
}

// later runs next where connecting may block.
func (x *exchange) later(r *sip.Response, err error) {
	x.mu.Lock()
	blocks := len(x.targets) > 0 && x.targets[0].Transport != sipnet.UDP
	x.mu.Unlock()
	if !blocks || !x.a.spawn(func() { x.next(r, err) }) {
		x.next(r, err)
	}
}

// send makes the request and starts its transaction.
func (x *exchange) send(f *sipnet.Flow) {
	x.mu.Lock()
	if x.abandoned {
		x.mu.Unlock()
		x.finish(nil, ErrAbandoned)
		return
	}
	x.flow = f
	x.mu.Unlock()
	req := x.build(f)
	x.wallet.sign(req)
	x.mu.Lock()
	x.req, x.tx = req, nil
	x.mu.Unlock()
	if x.sent != nil {
		x.sent(f, req)
	}
	tx, err := x.a.cfg.Layer.Send(f, req, func(r *sip.Response, err error) { x.response(req, r, err) })
	if err != nil {
		x.failed(fmt.Errorf("%w: %w", txn.ErrTransport, err))
		return
	}
	x.mu.Lock()
	var cancel *func(*sip.Request)
	if x.req == req && !x.done { // a response may already have made another
		x.tx = tx
		cancel, x.wantCancel = x.wantCancel, nil
	}
	x.mu.Unlock()
	if cancel != nil {
		tx.Cancel(*cancel)
	}
}

// response takes what the transaction reports.
func (x *exchange) response(sent *sip.Request, r *sip.Response, err error) {
	switch {
	case err != nil:
		x.failed(err)
	case r.StatusCode < 200:
		x.on(r, nil)
	case r.StatusCode < 300:
		x.finish(r, nil)
	case r.StatusCode == sip.StatusUnauthorized || r.StatusCode == sip.StatusProxyAuthRequired:
		x.mu.Lock()
		x.challenges++
		again := x.challenges <= maxChallenges && !x.abandoned
		f := x.flow
		x.mu.Unlock()
		if again && x.wallet.learn(r, sent) {
			x.send(f)
			return
		}
		x.finish(r, nil)
	case r.StatusCode == sip.StatusServiceUnavailable: // RFC 3263 §4.3
		x.later(r, nil)
	default:
		x.mu.Lock()
		f, dead := x.flow, x.abandoned
		x.mu.Unlock()
		if x.retry != nil && !dead && x.retry(r) {
			x.send(f)
			return
		}
		x.finish(r, nil)
	}
}

// failed handles a request without a final answer. A connection that broke is
// made again where the next hop leads, once.
func (x *exchange) failed(err error) {
	x.mu.Lock()
	again := !x.located && !x.abandoned && errors.Is(err, txn.ErrTransport) && x.flow.Transport() != sipnet.UDP
	x.located = true
	x.mu.Unlock()
	if again && x.a.spawn(x.locate) {
		return
	}
	x.later(nil, err)
}

// finish reports the end, once.
func (x *exchange) finish(r *sip.Response, err error) {
	x.mu.Lock()
	if x.done {
		x.mu.Unlock()
		return
	}
	x.done, x.tx = true, nil
	x.mu.Unlock()
	x.on(r, err)
}

// abandon lets no further request leave: challenges and failures from now on
// are final.
func (x *exchange) abandon() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.abandoned = true
}

// cancel sends CANCEL for the running INVITE (D3), which has had a provisional
// response.
func (x *exchange) cancel(build func(*sip.Request)) error {
	x.mu.Lock()
	tx := x.tx
	if tx == nil && !x.done {
		x.wantCancel = &build // the provisional that allowed it came before Send returned
	}
	x.mu.Unlock()
	if tx == nil {
		return nil
	}
	return tx.Cancel(build)
}

// where gives the flow in use and the newest request.
func (x *exchange) where() (*sipnet.Flow, *sip.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.flow, x.req
}

// giveUp ends the exchange with err although its transaction still runs. It
// is called with the call's mutex held, so the report comes from a goroutine.
func (x *exchange) giveUp(err error) {
	x.abandon()
	if !x.a.spawn(func() { x.finish(nil, err) }) {
		x.mu.Lock()
		x.done = true
		x.mu.Unlock()
	}
}

// locateFlow finds the flow to a next hop and hands it to f, at once if it is
// known or needs no look-up; f gets nil if there is none.
func (a *Agent) locateFlow(known *sipnet.Flow, uri sip.Uri, backup *sipnet.Flow, f func(*sipnet.Flow)) {
	if known != nil {
		f(known)
		return
	}
	find := func() {
		ctx, cancel := context.WithTimeout(a.context(), locateTimeout)
		defer cancel()
		targets, err := a.cfg.Net.Resolve(ctx, uri)
		if err == nil {
			for _, t := range targets {
				if flow, err := a.cfg.Net.Flow(ctx, t); err == nil {
					f(flow)
					return
				}
			}
		}
		f(backup)
	}
	if literalUDP(uri) || !a.spawn(find) {
		find()
	}
}
