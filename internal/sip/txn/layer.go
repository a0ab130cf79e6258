package txn

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// Errors of transactions.
var (
	// ErrTimeout: no final response within 64*T1 (timer B or F), or none after
	// a CANCEL.
	ErrTimeout = errors.New("no response in time")
	// ErrTransport: the flow failed; the cause is wrapped.
	ErrTransport = errors.New("transport failed")
	// ErrNoProvisional: a CANCEL must wait for the first provisional response
	// (RFC 3261 §9.1).
	ErrNoProvisional = errors.New("no provisional response yet")
	// ErrEnded: the transaction has had its final response or error.
	ErrEnded = errors.New("transaction has ended")
	// ErrNoAck: the peer did not acknowledge a final response (timer H).
	ErrNoAck = errors.New("no ACK to the final response")
	// ErrStopped: the layer was stopped.
	ErrStopped = errors.New("transaction layer stopped")
	// ErrUnsafe: a header value holds a line end and would forge headers.
	ErrUnsafe = errors.New("line end in a header value")
)

const (
	maxLive     = 20_000  // server transactions that wait for us or for an ACK
	maxFinished = 200_000 // server transactions kept for repetitions
)

// Config holds what tests and operators may change. The zero value is RFC
// 3261's.
type Config struct {
	// T1 is the estimated round trip (default 500 ms), T2 the longest interval
	// between repetitions (4 s), T4 how long a message stays in the network
	// (5 s). RFC 3261 §17.1.1.1.
	T1, T2, T4 time.Duration
	// Extensions are the option tags that a request may Require; nil is what
	// package ua implements: 100rel, timer, replaces, norefersub, path.
	Extensions []string
	// Log receives what an operator should see; nil discards.
	Log *slog.Logger
}

// Layer is all transactions of one [sipnet.Net]. All methods may be called
// concurrently.
//
// Lock order: a transaction's mutex, then Layer.mu. Neither is held while a
// user's function runs.
type Layer struct {
	net        *sipnet.Net
	t1, t2, t4 time.Duration
	log        *slog.Logger
	extensions map[string]bool
	seed       maphash.Seed // of To tags made without a transaction
	stats      counters

	onRequest  atomic.Pointer[func(*ServerTx)]
	onAck      atomic.Pointer[func(*sipnet.Flow, *sip.Request)]
	onStray2xx atomic.Pointer[func(*sipnet.Flow, *sip.Response)]

	mu       sync.Mutex // guards all below
	stopped  bool
	clients  map[clientKey]*ClientTx
	servers  map[serverKey]*ServerTx
	merged   map[mergeKey]serverKey
	finished map[serverKey]finished
	acked    map[string]ackedClient // completed INVITE client transactions by branch
	// What forgets the entries of finished and acked.
	afterJ, afterI *expiry[serverKey]
	afterD         *expiry[string]
}

// New makes a layer over n and takes n's reports of lost flows. Give
// [Layer.Handle] to n.Start.
func New(n *sipnet.Net, c Config) *Layer {
	l := &Layer{
		net:        n,
		t1:         c.T1,
		t2:         c.T2,
		t4:         c.T4,
		log:        c.Log,
		extensions: make(map[string]bool),
		seed:       maphash.MakeSeed(),
		clients:    make(map[clientKey]*ClientTx),
		servers:    make(map[serverKey]*ServerTx),
		merged:     make(map[mergeKey]serverKey),
		finished:   make(map[serverKey]finished),
		acked:      make(map[string]ackedClient),
	}
	setDefault(&l.t1, 500*time.Millisecond)
	setDefault(&l.t2, 4*time.Second)
	setDefault(&l.t4, 5*time.Second)
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if c.Extensions == nil {
		c.Extensions = []string{"100rel", "timer", "replaces", "norefersub", "path"}
	}
	for _, e := range c.Extensions {
		l.extensions[e] = true
	}
	l.afterJ = newExpiry(&l.mu, l.lifetime(), l.forgetServer)
	l.afterI = newExpiry(&l.mu, l.t4, l.forgetServer)
	l.afterD = newExpiry(&l.mu, l.lifetime(), func(branch string) { delete(l.acked, branch) })
	if n != nil {
		n.OnFlowClose(l.flowClosed)
	}
	return l
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// lifetime is 64*T1, the length of timers B, D, F, H, J and L.
func (l *Layer) lifetime() time.Duration { return 64 * l.t1 }

// OnRequest sets who hears of new requests, INVITE and all others but ACK and
// CANCEL. fn runs inline on a read loop and must not block. Set it before the
// first message; without it requests get 503.
func (l *Layer) OnRequest(fn func(*ServerTx)) { l.onRequest.Store(&fn) }

// OnAck sets who hears of ACKs that end no transaction: those of 2xx. fn must
// not block.
func (l *Layer) OnAck(fn func(f *sipnet.Flow, ack *sip.Request)) { l.onAck.Store(&fn) }

// OnStray2xx sets who hears of 2xx responses to INVITE that have no
// transaction: repetitions, and the answers of other branches of a fork (X2).
// fn must not block.
func (l *Layer) OnStray2xx(fn func(f *sipnet.Flow, r *sip.Response)) { l.onStray2xx.Store(&fn) }

// Handle takes a message from the network. It is the handler for
// sipnet.Net.Start, runs inline, and never panics.
func (l *Layer) Handle(f *sipnet.Flow, m sip.Message) {
	defer l.recovered("handle")
	switch m := m.(type) {
	case *sip.Request:
		l.request(f, m)
	case *sip.Response:
		l.response(f, m)
	}
}

// recovered logs and counts a panic (design-engine.md 3.5). It is deferred
// where code of ours runs for the network or for a timer.
func (l *Layer) recovered(where string) {
	if r := recover(); r != nil {
		l.panicked(where, r)
	}
}

func (l *Layer) panicked(where string, r any) {
	l.stats.panics.Add(1)
	l.log.Error("panic in the transaction layer or above", "where", where, "panic", r, "stack", string(debug.Stack()))
}

// flowClosed ends all transactions of a lost connection (N5).
func (l *Layer) flowClosed(f *sipnet.Flow, reason error) {
	err := fmt.Errorf("%w: %w", ErrTransport, reason)
	clients, servers := l.live(func(g *sipnet.Flow) bool { return f == g })
	for _, c := range clients {
		c.end(err)
	}
	for _, s := range servers {
		s.end(err)
	}
}

// live collects the transactions on the flows that match.
func (l *Layer) live(match func(*sipnet.Flow) bool) (clients []*ClientTx, servers []*ServerTx) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.clients {
		if match(c.flow) {
			clients = append(clients, c)
		}
	}
	for _, s := range l.servers {
		if match(s.flow) {
			servers = append(servers, s)
		}
	}
	return clients, servers
}

// Stop ends every transaction with ErrStopped and forgets the finished ones;
// nothing is sent. Requests that still come get 503. Stop may be called twice.
func (l *Layer) Stop(context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	clients, servers := l.live(func(*sipnet.Flow) bool { return true })
	for _, c := range clients {
		c.end(ErrStopped)
	}
	for _, s := range servers {
		s.end(ErrStopped)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.afterJ.clear()
	l.afterI.clear()
	l.afterD.clear()
	clear(l.finished)
	clear(l.merged)
	clear(l.acked)
	return nil
}

// Pending is how many transactions are not over, those that only wait for
// repetitions included. It is 0 when nothing was said for 64*T1.
func (l *Layer) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clients) + len(l.servers) + len(l.finished) + len(l.acked)
}

// tag is a To tag that is the same for every repetition of a request, for
// answers that no transaction remembers (RFC 3261 §8.2.7).
func (l *Layer) tag(req *sip.Request) string {
	var h maphash.Hash
	h.SetSeed(l.seed)
	if c := req.CallID(); c != nil {
		_, _ = h.WriteString(c.Value()) // cannot fail
	}
	if v := req.Via(); v != nil {
		branch, _ := v.Params.Get("branch")
		_, _ = h.WriteString(branch) // cannot fail
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
