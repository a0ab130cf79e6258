package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Leg is where a port's packets come from and go to: an RTP session, a
// browser's track, one end of a pipe.
type Leg interface {
	// SetSink names who gets what arrives; nil = nobody. The sink runs on the
	// leg's read goroutine, one packet at a time, and must not block.
	SetSink(func(*Packet))
	// Send sends p with its sequence, timestamp and SSRC. One goroutine at a time.
	Send(p *Packet) error
	Describe() LegInfo
	// Close ends the leg. Closing twice is harmless.
	Close() error
}

// LegInfo describes a leg for people and snapshots.
type LegInfo struct {
	Kind           string         // "rtp", "srtp", "pipe", …
	Local, Remote  netip.AddrPort // Remote is where packets go now: learned or from SDP
	Codec          string
	SendOK, RecvOK bool // what the SDP direction allows
}

// RTPOptions opens a session.
type RTPOptions struct {
	ID string // for the log: the channel's id
	// Socket carries RTP and RTCP together, such as the way to a browser, in
	// place of a pair of the engine's ports. The session closes it. Configure it
	// with RTCPMux only. nil = a pair of ports.
	Socket Socket
}

// RTPConfig is what one offer/answer agreed about one audio stream.
type RTPConfig struct {
	Remote      netip.AddrPort // from SDP; unspecified address = the old form of hold
	RemoteRTCP  netip.AddrPort // a=rtcp; invalid = Remote's port + 1
	RTCPMux     bool
	Codec       string
	ClockRate   int   // RTP clock in Hz; 0 = 8000
	SendPT      uint8 // payload types differ per direction (RFC 3264 §5.1)
	RecvPT      uint8
	Also        []Also // other audio codecs that the peer may send; they are converted to Codec
	EventSendPT uint8  // telephone-event; 0 = not negotiated
	EventRecvPT uint8
	EventRate   int
	SendOK      bool // the direction lets us send …
	RecvOK      bool // … and hear
	PTime       int  // ms per packet the peer asked for; 0 = 20
	Strict      bool // hear only the SDP address, learn nothing (rule M3)
	Fixed       bool // send to Remote and nowhere else, whatever is learned, and no RTCP: programs that know of neither
	SRTP        *SRTPKeys
}

// RTP is a leg over a pair of UDP ports. Its life:
//
//	OpenRTP ──► open ──Configure──► talking ──Configure (re-INVITE)──┐
//	             │                    │  ▲                           │
//	             └──────Close─────────┴──┴───────────────────────────┘
//
// One goroutine reads RTP from OpenRTP to Close; Engine.Stop waits for it. RTCP
// is collected by the slow clock; where the system cannot (any but Linux, and
// injected sockets), a second goroutine reads it from the first Configure
// without rtcp-mux on. SSRC and sequence come from the port, which outlives configurations.
// All methods may be called concurrently, Send by one goroutine at a time.
type RTP struct {
	e     *Engine
	id    string
	port  int // of a pair
	conn  Socket
	rtcp  Socket // nil: conn carries RTCP too
	local netip.AddrPort

	sink   atomic.Pointer[func(*Packet)]
	state  atomic.Pointer[rtpState]
	dst    atomic.Pointer[netip.AddrPort] // where RTP goes
	closed atomic.Bool

	config sync.Mutex // one Configure at a time; taken before in.mu and out.mu
	report *clockEntry
	rtcpOn bool // the RTCP reader runs

	in struct {
		sync.Mutex // reader, RTCP and Configure
		learn      learner
		recv       receiver
		secure     *secureSide
		packets    uint64
		bytes      uint64
		invalid    uint64
		unknown    uint64
		foreign    uint64
		last       time.Time
		rtcpFrom   netip.AddrPort // where the peer's RTCP comes from
		peer       peerReport
		spread     inSpread
	}
	out struct {
		sync.Mutex
		buf, sealed []byte
		secure      *secureSide
		ssrc        uint32
		packets     uint64
		bytes       uint64
		lastTS      uint32
		lastAt      time.Time
		said        bool // something was sent, so BYE has somebody to tell
	}
}

// rtpState is one Configure; never changed once published.
type rtpState struct {
	RTPConfig
	suite *SRTPKeys
	also  map[uint8]*converter // by payload type; the read goroutine alone uses what is in it
}

// listen makes converters for the further codecs.
func (st *rtpState) listen() {
	for _, a := range st.Also {
		c := newConverter(a, st.RTPConfig)
		if a.PT == st.RecvPT || c == nil {
			continue
		}
		if st.also == nil {
			st.also = map[uint8]*converter{}
		}
		st.also[a.PT] = c
	}
}

// OpenRTP takes a port pair and starts to listen. Errors wrap ErrNoPorts when
// ports or file descriptors are used up, and are ErrClosed after Stop.
func (e *Engine) OpenRTP(o RTPOptions) (*RTP, error) {
	r := &RTP{e: e, id: o.ID, conn: o.Socket}
	if o.Socket != nil {
		r.local = addrPort(o.Socket.LocalAddr())
	} else {
		var err error
		if r.port, r.conn, r.rtcp, err = e.listenPair(); err != nil {
			return nil, err
		}
		r.local = netip.AddrPortFrom(e.cfg.Advertise, uint16(r.port))
	}
	r.out.ssrc = rand.Uint32()
	if err := e.adopt(r); err != nil {
		return nil, errors.Join(err, r.shut())
	}
	go r.read()
	return r, nil
}

// shut closes the sockets and puts a pair to rest.
func (r *RTP) shut() error {
	if r.rtcp == nil {
		return r.conn.Close()
	}
	err := errors.Join(r.conn.Close(), r.rtcp.Close())
	r.e.pool.release(r.port, time.Now(), false)
	return err
}

// LocalAddr is what to write into SDP: the advertised address and our RTP port.
// RTCP is one port above.
func (r *RTP) LocalAddr() netip.AddrPort { return r.local }

// SetSink names who gets the packets of negotiated payload types.
func (r *RTP) SetSink(f func(*Packet)) {
	if f == nil {
		r.sink.Store(nil)
		return
	}
	r.sink.Store(&f)
}

// Configure puts an offer/answer into force: at first, and after every
// re-INVITE. Equal SRTP keys keep their contexts and so their rollover counters.
func (r *RTP) Configure(c RTPConfig) error {
	if c.ClockRate == 0 {
		c.ClockRate = 8000
	}
	if c.EventRate == 0 {
		c.EventRate = c.ClockRate
	}
	c.Remote, c.RemoteRTCP = unmap(c.Remote), unmap(c.RemoteRTCP)
	r.config.Lock()
	defer r.config.Unlock()
	if r.closed.Load() {
		return ErrClosed
	}
	if err := r.rekey(c.SRTP); err != nil {
		return fmt.Errorf("configure %s: %w", r.id, err)
	}
	r.in.Lock()
	r.in.learn.setRemote(c.Remote, c.Strict)
	dst := r.in.learn.target()
	if c.Fixed {
		dst = c.Remote
	}
	r.in.Unlock()
	r.dst.Store(&dst)
	st := &rtpState{RTPConfig: c, suite: c.SRTP}
	st.listen()
	r.state.Store(st)
	if !c.Fixed {
		r.startRTCP(c.RTCPMux)
	}
	return nil
}

// startRTCP makes sure that reports are sent and read. Called with config held.
func (r *RTP) startRTCP(mux bool) {
	var socket *rtcpSocket
	if !mux && !r.rtcpOn && r.rtcp != nil {
		r.rtcpOn = true
		if socket = newRTCPSocket(r.rtcp); socket == nil {
			r.e.wg.Go(r.readRTCP)
		}
	}
	if r.report == nil || socket != nil {
		r.report.remove()
		r.report = r.e.slow.add(&reporter{r: r, socket: socket}, reportPoll)
	}
}

// rekey makes new SRTP contexts if the keys differ from those in force.
func (r *RTP) rekey(k *SRTPKeys) error {
	var old *SRTPKeys
	if st := r.state.Load(); st != nil {
		old = st.suite
	}
	if k.equal(old) {
		return nil
	}
	var in, out *secureSide
	if k != nil {
		var err error
		if in, err = unprotect(k.Suite, k.Remote, k.RemoteMKI); err != nil {
			return err
		}
		if out, err = protect(k.Suite, k.Local); err != nil {
			return err
		}
	}
	r.in.Lock()
	r.in.secure = in
	r.in.Unlock()
	r.out.Lock()
	r.out.secure = out
	r.out.Unlock()
	return nil
}

// Send sends p; Kind chooses the payload type. Nothing is sent and no error
// given before the first Configure and while the direction forbids it.
// ErrNoEvent when a telephone-event is to be sent to a peer without it.
func (r *RTP) Send(p *Packet) error {
	st, dst := r.state.Load(), r.dst.Load()
	if st == nil || !st.SendOK || !dst.IsValid() || r.closed.Load() {
		return nil
	}
	pt := st.SendPT
	if p.Kind == KindEvent {
		if pt = st.EventSendPT; pt == 0 {
			return ErrNoEvent
		}
	}
	r.out.Lock()
	defer r.out.Unlock()
	r.out.buf = appendRTP(r.out.buf[:0], p, pt)
	b := r.out.buf
	if r.out.secure != nil {
		var err error
		if b, err = r.out.secure.rtp.EncryptRTP(r.out.sealed[:0], b, nil); err != nil {
			return err
		}
		r.out.sealed = b
	}
	if _, err := r.conn.WriteToUDPAddrPort(b, *dst); err != nil {
		return err
	}
	r.out.ssrc, r.out.lastTS, r.out.lastAt = p.SSRC, p.TS, p.At
	r.out.packets++
	r.out.bytes += uint64(len(p.Payload))
	r.out.said = true
	return nil
}

// Describe tells where the session stands.
func (r *RTP) Describe() LegInfo {
	i := LegInfo{Kind: "rtp", Local: r.local}
	if st := r.state.Load(); st != nil {
		i.Codec, i.SendOK, i.RecvOK = st.Codec, st.SendOK, st.RecvOK
		if st.SRTP != nil {
			i.Kind = "srtp"
		}
	}
	if dst := r.dst.Load(); dst != nil {
		i.Remote = *dst
	}
	return i
}

// Stats gives the session's numbers so far; also after Close.
func (r *RTP) Stats() Stats {
	rate := 8000
	if st := r.state.Load(); st != nil {
		rate = st.ClockRate
	}
	var s Stats
	r.in.Lock()
	s.PacketsIn, s.BytesIn, s.LastIn = r.in.packets, r.in.bytes, r.in.last
	s.Dropped = r.in.invalid + r.in.unknown + r.in.foreign
	s.Lost, s.Jitter = r.in.recv.lost(), r.in.recv.jitterTime(rate)
	s.RTT, s.RemoteLost, s.RemoteJitter = r.in.peer.rtt, r.in.peer.lost, r.in.peer.jitter
	s.RemoteSSRC = r.in.recv.ssrc
	r.in.spread.fill(&s)
	r.in.peer.fill(&s)
	r.in.Unlock()
	r.out.Lock()
	s.PacketsOut, s.BytesOut = r.out.packets, r.out.bytes
	if r.state.Load() != nil {
		s.SSRC = r.out.ssrc
	}
	r.out.Unlock()
	if s.PacketsIn > 0 {
		s.MOS = mos(100*float64(s.Lost)/float64(s.PacketsIn+s.Lost), s.Jitter, s.RTT)
	}
	return s
}

// count adds this session to s.
func (r *RTP) count(s *EngineStats) {
	r.in.Lock()
	s.PacketsIn += r.in.packets
	s.Invalid += r.in.invalid
	s.UnknownPT += r.in.unknown
	s.Foreign += r.in.foreign
	r.in.Unlock()
	r.out.Lock()
	s.PacketsOut += r.out.packets
	r.out.Unlock()
}

// Close says BYE, closes the sockets and puts a pair to rest. It does not
// wait for the reader, so that it can be called from a sink.
func (r *RTP) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.config.Lock()
	defer r.config.Unlock()
	r.report.remove()
	r.sayBye()
	err := r.shut()
	r.e.forget(r)
	return err
}
