package media

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Format is what is spoken on a leg.
type Format struct {
	Codec     string // "PCMU", "G722", "opus"
	ClockRate int    // RTP clock in Hz; 0 = 8000 (RFC 3551: 8000 for G722 too)
	PTime     int    // ms per packet that we make; 0 = 20
	EventPT   bool   // telephone-event was negotiated
	EventRate int    // its clock; 0 = ClockRate
}

func (f Format) norm() Format {
	if f.ClockRate <= 0 {
		f.ClockRate = 8000
	}
	if f.EventRate <= 0 {
		f.EventRate = f.ClockRate
	}
	switch f.PTime {
	case 10, 20, 30, 40, 60: // what the clock can pace
	default:
		f.PTime = defaultTime
	}
	if strings.EqualFold(f.Codec, "GSM") && f.PTime%20 != 0 { // its frames cannot be cut
		f.PTime = 20
	}
	return f
}

func (f Format) ptime() time.Duration { return time.Duration(f.PTime) * time.Millisecond }

// bridge is what a port feeds: a link or a mixer.
type bridge interface {
	receive(from *Port, pkt *Packet) // on from's read goroutine
	digit(from *Port, d Digit)       // from's party pressed a key
	changed(p *Port)                 // p's leg or format changed
	leave(p *Port)                   // p is closing or joins another bridge
}

// Port is a channel's end of the media plane. It exists from the channel's
// creation to its end; its leg comes when media is negotiated and may change.
//
//	         ┌───────────── Port ─────────────┐
//	leg ───► │ DTMF ► taps ► mute ► bridge    │ ───► link, mixer
//	leg ◄─── │ output ◄ DTMF ◄ player ◄ bridge│ ◄─── link, mixer
//	         └────────────────────────────────┘  whispers join behind the taps
//
// Output has one owner at a time: digits being sent come before a playout,
// a playout before the bridge. SSRC, sequence and timestamp belong to the
// port, so that the party hears one stream whoever owns it (rule M6).
//
// All methods may be called concurrently. Callbacks (done, OnDTMF, OnTimeout)
// run on media goroutines: they must not block, and may call the port.
//
// Locks are taken in this order: Link.mu or Mixer.mu, Port.mu, output.mu, RTP's.
type Port struct {
	e   *Engine
	id  string
	out output
	in  atomic.Pointer[route]

	lastIn atomic.Int64 // unix ns of the last packet; 0 = none
	events eventReader  // telephone-events of the party
	coming atomic.Bool  // playouts wait for the leg, see Await

	mu      sync.Mutex // guards what follows
	closed  bool
	leg     Leg
	bridge  bridge
	taps    []*tap
	murmurs []*Whisper
	muteIn  bool
	absorb  bool
	held    bool
	onDTMF  func(Digit)
	play    *Playout
	digits  *digitSender
	inband  func() // removes the in-band detector
	silence watchdog
	past    Stats // of earlier legs
}

// route is what an incoming packet needs to know; published as a whole.
type route struct {
	bridge bridge
	taps   []*tap
	mixed  []*overlay // whispers to those who hear the party
	mute   bool
	absorb bool
	quiet  []byte // silence in the party's codec
}

// NewPort makes a port without a leg. id is for the log: the channel's id.
func (e *Engine) NewPort(id string) *Port {
	p := &Port{e: e, id: id}
	p.out.init()
	p.events.on = p.digitHeard
	p.in.Store(&route{})
	e.ports.Add(1)
	return p
}

// ID is what NewPort got.
func (p *Port) ID() string { return p.id }

// SetLeg gives the port its leg, or another one, or the same with another
// format after a re-INVITE; nil takes it away. An old leg that differs is
// detached, not closed. The bridge adapts at once: relay, transcode or wait.
func (p *Port) SetLeg(l Leg, f Format) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	old := p.leg
	p.leg = l
	p.out.setLeg(l, f.norm())
	p.coming.Store(false)
	p.publish()
	b := p.bridge
	p.silence.arm(time.Now())
	if old != nil && old != l {
		old.SetSink(nil)
		p.past.add(legStats(old))
	}
	p.mu.Unlock()
	if l != nil && l != old {
		l.SetSink(p.receive)
	}
	if b != nil {
		b.changed(p)
	}
}

// Await says whether the party has answered and its first leg is on the way: playouts then wait
// for it, so that the beginning of a prompt is not lost on a browser whose media connects
// after the answer. SetLeg ends the waiting; who does not come to that calls it with false.
func (p *Port) Await(on bool) {
	_, ok := p.Format()
	p.coming.Store(on && !ok)
}

// Format gives what the leg speaks; ok is false before there is a leg.
func (p *Port) Format() (f Format, ok bool) { return p.out.current() }

// publish makes the fields that packets read visible. Called with mu held.
func (p *Port) publish() {
	r := &route{bridge: p.bridge, taps: slices.Clone(p.taps), mute: p.muteIn, absorb: p.absorb}
	for _, w := range p.murmurs {
		if w.in != nil {
			r.mixed = append(r.mixed, w.in)
		}
	}
	if f, ok := p.out.current(); ok && p.muteIn {
		r.quiet = quietPattern(f.Codec)
	}
	p.in.Store(r)
}

// receive is the leg's sink.
func (p *Port) receive(pkt *Packet) {
	p.lastIn.Store(pkt.At.UnixNano())
	p.events.read(pkt, &p.out)
	r := p.in.Load()
	for _, t := range r.taps {
		if t.o.Unmuted {
			t.hear(p, pkt)
		}
	}
	if r.mute {
		if pkt.Kind == KindEvent {
			return
		}
		pkt.Payload = quiet(make([]byte, 0, len(pkt.Payload)), r.quiet, len(pkt.Payload))
	}
	for _, t := range r.taps {
		if !t.o.Unmuted {
			t.hear(p, pkt)
		}
	}
	if r.bridge == nil || r.absorb && pkt.Kind == KindEvent {
		return
	}
	if len(r.mixed) > 0 && pkt.Kind == KindAudio {
		p.overlay(r.mixed, pkt)
	}
	r.bridge.receive(p, pkt)
}

// digitHeard reports one complete digit of the party.
func (p *Port) digitHeard(d Digit) {
	p.mu.Lock()
	on, b := p.onDTMF, p.bridge
	if p.absorb || p.muteIn {
		b = nil
	}
	p.mu.Unlock()
	if b != nil && !d.InBand { // tones are in the audio that the bridge has anyway
		b.digit(p, d)
	}
	if on != nil {
		on(d)
	}
}

// LastIn is when the party's last packet came, the zero time if none has.
func (p *Port) LastIn() time.Time {
	if n := p.lastIn.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// OnDTMF names who hears of each digit of the party, once per key press.
func (p *Port) OnDTMF(f func(Digit)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onDTMF = f
}

// AbsorbDTMF keeps the party's telephone-events from the bridge: the digits of
// a "press 1" prompt are no business of the other side.
func (p *Port) AbsorbDTMF(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.absorb = on
	p.publish()
}

// Mute silences what the party says (in) or what it hears (out). Packets
// flow on, with silence in them, so that no side takes the call for dead.
func (p *Port) Mute(in, out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muteIn = in
	p.out.setMute(out)
	p.publish()
}

// SetHold says that the party is on hold: what the bridge has for it is not
// sent, playouts are, and the RTP timeout is ten times as long (rule M11).
// What the party sends, such as its own music, still goes to the bridge.
func (p *Port) SetHold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = on
	p.out.setHold(on)
}

// Stats gives the numbers of all legs that the port had.
func (p *Port) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.past
	s.add(legStats(p.leg))
	s.Late += p.out.late.Load()
	return s
}

func legStats(l Leg) Stats {
	if l, ok := l.(interface{ Stats() Stats }); ok {
		return l.Stats()
	}
	return Stats{}
}

// add sums counters; momentary values are those of o when it has them.
func (s *Stats) add(o Stats) {
	s.PacketsIn += o.PacketsIn
	s.PacketsOut += o.PacketsOut
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.Lost += o.Lost
	s.Late += o.Late
	s.Dropped += o.Dropped
	s.RemoteLost += o.RemoteLost
	if o.SSRC != 0 {
		s.SSRC, s.RemoteSSRC = o.SSRC, o.RemoteSSRC
	}
	for _, m := range [...]struct{ to, from *Spread }{
		{&s.JitterSpread, &o.JitterSpread}, {&s.RemoteJitterSpread, &o.RemoteJitterSpread}, {&s.LostSpread, &o.LostSpread},
		{&s.RemoteLostSpread, &o.RemoteLostSpread}, {&s.RTTSpread, &o.RTTSpread}, {&s.MES, &o.MES}, {&s.RemoteMES, &o.RemoteMES},
	} {
		m.to.merge(*m.from)
	}
	if o.PacketsIn > 0 {
		s.Jitter, s.MOS, s.LastIn = o.Jitter, o.MOS, o.LastIn
	}
	if o.RTT > 0 {
		s.RTT, s.RemoteJitter = o.RTT, o.RemoteJitter
	}
}

// setBridge moves the port to b; the bridge it was in lets it go first.
// It reports whether the port is still open.
func (p *Port) setBridge(b bridge) bool {
	for {
		p.mu.Lock()
		if p.closed && b != nil {
			p.mu.Unlock()
			return false
		}
		old := p.bridge
		if old == nil || old == b || b == nil {
			p.bridge = b
			p.publish()
			p.mu.Unlock()
			return true
		}
		p.mu.Unlock()
		old.leave(p)
	}
}

// clearBridge takes the port out of b if it is in it.
func (p *Port) clearBridge(b bridge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bridge == b {
		p.bridge = nil
		p.publish()
	}
}

// Close ends the port and its leg: playouts and digits end with ErrClosed,
// taps hear no more, the bridge goes on without it.
func (p *Port) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	leg, b, play, digits, taps, murmurs := p.leg, p.bridge, p.play, p.digits, p.taps, p.murmurs
	p.taps, p.murmurs = nil, nil
	p.silence.stop()
	p.mu.Unlock()
	p.e.ports.Add(-1)
	if b != nil {
		b.leave(p)
	}
	if play != nil {
		play.finish(ErrClosed)
	}
	if digits != nil {
		digits.abort(ErrClosed)
	}
	for _, t := range taps {
		t.close()
	}
	for _, w := range murmurs {
		w.entry.remove()
	}
	if leg != nil {
		leg.SetSink(nil)
		leg.Close()
	}
	p.in.Store(&route{})
	p.out.setLeg(nil, Format{})
}

// holdFactor stretches the RTP timeout of a party on hold: 30 s becomes 300 s (rule M11).
const holdFactor = 10

// watchdog calls f when nothing was received for d. Guarded by Port.mu.
type watchdog struct {
	entry *clockEntry
	d     time.Duration
	since time.Time // counting starts here
	f     func()
	fired int64 // value of lastIn when it fired, so that it fires once per silence
	armed bool
}

func (w *watchdog) arm(now time.Time) { w.since, w.armed = now, true }

func (w *watchdog) stop() {
	w.entry.remove()
	w.entry, w.f = nil, nil
}

// OnTimeout calls f when the leg received no RTP for d, ten times d on hold or
// when the SDP direction lets nothing come. It fires once per silence; d = 0
// turns it off. Without a leg it does not count.
func (p *Port) OnTimeout(d time.Duration, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silence.stop()
	if d <= 0 || f == nil || p.closed {
		return
	}
	p.silence.d, p.silence.f = d, f
	p.silence.arm(time.Now())
	p.silence.entry = p.e.slow.add(idleCheck{p}, 500*time.Millisecond)
}

type idleCheck struct{ p *Port }

func (c idleCheck) tick(now time.Time) {
	if f := c.p.idle(now); f != nil {
		f()
	}
}

// idle gives the function to call if the silence lasts too long now.
func (p *Port) idle(now time.Time) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &p.silence
	if w.f == nil || p.leg == nil {
		return nil
	}
	limit := w.d
	if i := p.leg.Describe(); p.held || !i.RecvOK || !i.SendOK {
		limit *= holdFactor
	}
	last := p.lastIn.Load()
	if last > w.fired {
		w.armed = true
	}
	since := w.since
	if t := time.Unix(0, last); last != 0 && t.After(since) {
		since = t
	}
	if !w.armed || now.Sub(since) < limit {
		return nil
	}
	w.armed, w.fired = false, last
	return w.f
}
