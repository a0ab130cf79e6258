package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Errors of this package. Test with errors.Is.
var (
	// ErrNoPorts: the port range or the process's file limit is used up. Refuse
	// the call with 503 or cause 34 (no circuit available).
	ErrNoPorts = errors.New("media: no free RTP port pair")
	// ErrNoEvent: the leg did not negotiate telephone-event; send SIP INFO or tones.
	ErrNoEvent = errors.New("media: the leg has no telephone-event")
	// ErrFormat: a file, tone or recording format that is not known here.
	ErrFormat = errors.New("media: unsupported audio format")
	// ErrClosed: the port, mixer or engine ended before the work was done.
	ErrClosed = errors.New("media: closed")
	// ErrStopped: a playout was stopped or replaced by the next one.
	ErrStopped = errors.New("media: stopped")
)

// Config configures an Engine. The zero value listens on 127.0.0.1, which
// suits tests; a server sets Bind and, behind a NAT, Advertise.
type Config struct {
	Bind      netip.Addr // local address of all RTP sockets; invalid = 127.0.0.1
	Advertise netip.Addr // what LocalAddr tells peers; invalid = Bind
	PortMin   int        // first UDP port, default 10000
	PortMax   int        // last UDP port, default 20000; keep the range outside 32768-60999, which Linux hands to others
	Log       *slog.Logger
	// ListenPacket opens one socket. Tests inject an in-memory one whose
	// addresses are *net.UDPAddr; nil = real UDP.
	ListenPacket func(netip.AddrPort) (net.PacketConn, error)
	// RTCPInterval between reports of a session; 0 = 5 s (rule M11).
	RTCPInterval time.Duration
}

// Engine owns the port pool, the clocks and every session. One per process is
// the rule, several are possible. All methods may be called concurrently.
type Engine struct {
	cfg   Config
	log   *slog.Logger
	pool  *portPool
	media *clock // 5 ms wheels: prompts, transcoded legs, mixers, taps
	slow  *clock // 100 ms wheel: RTCP, timeouts

	wg   sync.WaitGroup // clocks, readers and recorders
	stop chan struct{}

	ports   atomic.Int64
	panics  atomic.Uint64
	refused atomic.Uint64

	mu       sync.Mutex // guards what follows
	started  bool
	stopped  bool
	sessions map[*RTP]struct{}
	past     EngineStats // counters of closed sessions
}

// EngineStats counts an engine's work since New.
type EngineStats struct {
	Ports    int // channels' ports that are open
	Sessions int // RTP sessions that are open
	Clocked  int // streams on the media clock

	PacketsIn  uint64 // RTP taken
	PacketsOut uint64 // RTP sent
	Invalid    uint64 // datagrams that were no RTP, or failed authentication
	UnknownPT  uint64 // payload type not negotiated
	Foreign    uint64 // from another source than the one locked to (rule M3)
	Panics     uint64 // mistakes of ours that ended one stream

	PairsFree, PairsUsed, PairsResting int
	Refused                            uint64 // sessions refused with ErrNoPorts
}

// New checks c and makes an engine; nothing is opened and no goroutine runs
// before Start.
func New(c Config) (*Engine, error) {
	if !c.Bind.IsValid() {
		c.Bind = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if !c.Advertise.IsValid() {
		c.Advertise = c.Bind
	}
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = 10000, 20000
	}
	if c.PortMin < 1 || c.PortMax > 65535 || c.PortMax <= c.PortMin {
		return nil, fmt.Errorf("media: port range %d-%d holds no pair", c.PortMin, c.PortMax)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.ListenPacket == nil {
		c.ListenPacket = listenUDP
	}
	if c.RTCPInterval <= 0 {
		c.RTCPInterval = 5 * time.Second
	}
	e := &Engine{cfg: c, log: c.Log, stop: make(chan struct{}), sessions: map[*RTP]struct{}{}}
	e.pool = newPortPool(c.PortMin, c.PortMax)
	if e.pool.size == 0 {
		return nil, fmt.Errorf("media: port range %d-%d holds no pair", c.PortMin, c.PortMax)
	}
	e.media = newClock(runtime.GOMAXPROCS(0), clockTick, clockSlots, e.panicked)
	e.slow = newClock(1, slowTick, slowSlots, e.panicked)
	return e, nil
}

// Start turns the clocks. ctx is not kept: Stop ends them.
func (e *Engine) Start(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return ErrClosed
	}
	if e.started {
		return nil
	}
	e.started = true
	e.media.run(&e.wg, e.stop)
	e.slow.run(&e.wg, e.stop)
	return nil
}

// Stop closes every session and returns when all goroutines have ended, or
// with ctx's error. Stopping twice, or before Start, is harmless.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	if !e.stopped {
		e.stopped = true
		close(e.stop)
	}
	open := make([]*RTP, 0, len(e.sessions))
	for r := range e.sessions {
		open = append(open, r)
	}
	e.mu.Unlock()
	for _, r := range open {
		r.Close()
	}
	done := make(chan struct{})
	go func() { e.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats counts over all sessions, closed ones included.
func (e *Engine) Stats() EngineStats {
	e.mu.Lock()
	s := e.past
	s.Sessions = len(e.sessions)
	for r := range e.sessions {
		r.count(&s)
	}
	e.mu.Unlock()
	s.Ports = int(e.ports.Load())
	s.Clocked = e.media.clients()
	s.Panics = e.panics.Load()
	s.Refused = e.refused.Load()
	s.PairsFree, s.PairsUsed, s.PairsResting = e.pool.counts(time.Now())
	return s
}

// panicked reports a mistake of ours that was caught at the root of a
// goroutine or of a clock's client.
func (e *Engine) panicked(v any) {
	e.panics.Add(1)
	e.log.Error("media stream ended by panic", "panic", v, "stack", string(debug.Stack()))
}

// listenPair opens the sockets of one pair. Ports that somebody else holds
// are put to rest and skipped, until none is left. Another server with the same
// range takes long runs of it, so after a few of its ports the search goes on
// somewhere else.
func (e *Engine) listenPair() (port int, rtp, rtcp Socket, err error) {
	const few = 4
	for failed := 0; ; failed++ {
		if failed >= few {
			e.pool.jump()
		}
		port, ok := e.pool.take(time.Now())
		if !ok {
			port, ok = e.pool.takeTired()
		}
		if !ok {
			break
		}
		rtp, rtcp, err = e.listen(port)
		if err == nil {
			return port, rtp, rtcp, nil
		}
		e.pool.release(port, time.Now(), true)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			break
		}
	}
	e.refused.Add(1)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrNoPorts, err)
	}
	return 0, nil, nil, ErrNoPorts
}

func (e *Engine) listen(port int) (rtp, rtcp Socket, err error) {
	a, err := e.cfg.ListenPacket(netip.AddrPortFrom(e.cfg.Bind, uint16(port)))
	if err != nil {
		return nil, nil, err
	}
	b, err := e.cfg.ListenPacket(netip.AddrPortFrom(e.cfg.Bind, uint16(port+1)))
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return adaptConn(a), adaptConn(b), nil
}

// Every calls f on the media clock every d (10, 20, 30, 40 or 60 ms; anything else
// is 20 ms) until remove is called; one last call may still be running then. f must
// not block. Legs that are no RTP pace what they receive by it.
func (e *Engine) Every(d time.Duration, f func(now time.Time)) (remove func()) {
	return e.media.add(clientFunc(f), d).remove
}

type clientFunc func(time.Time)

func (f clientFunc) tick(now time.Time) { f(now) }

// adopt registers a session, unless the engine has stopped.
func (e *Engine) adopt(r *RTP) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return ErrClosed
	}
	e.sessions[r] = struct{}{}
	e.wg.Add(1) // the RTP reader
	return nil
}

// forget takes a closed session off and keeps its counters.
func (e *Engine) forget(r *RTP) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.sessions[r]; ok {
		delete(e.sessions, r)
		r.count(&e.past)
	}
}
