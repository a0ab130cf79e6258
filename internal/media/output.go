package media

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// output is the stream that a port's party hears. It keeps one SSRC, counts
// one sequence, and carries a timeline (a timestamp and when it was true) from
// which every new owner takes over (rule M6).
type output struct {
	late atomic.Uint64 // packets of the bridge that came too late to be heard

	mu    sync.Mutex // guards what follows
	leg   Leg
	fmt   Format
	quiet []byte // silence in fmt's codec
	mute  bool
	held  bool

	play   *Playout     // owns the output before the bridge
	digits *digitSender // owns it before play

	ssrc  uint32
	seq   uint16    // last sent
	ts    uint32    // last sent …
	at    time.Time // … and its instant
	begun bool
	owner any // who sent last; a change sets the marker

	event   uint32    // source timestamp of the event being forwarded
	eventAt time.Time // its last packet; zero = none is under way
	pkt     Packet
	scratch []byte
	taps    func(*Packet) // hears what is sent; nil = nobody
	mixed   []*overlay    // whispers to the party
}

// eventGap ends a forwarded event whose end packets were lost.
const eventGap = 150 * time.Millisecond

func (o *output) init() {
	o.ssrc, o.seq, o.ts = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32() // RFC 3550 §5.1: random starts
}

func (o *output) setLeg(l Leg, f Format) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.Codec != o.fmt.Codec {
		o.quiet = quietPattern(f.Codec)
	}
	if f.ClockRate != o.fmt.ClockRate {
		o.owner = nil // the timeline goes on in other units: say so with a marker
	}
	o.leg, o.fmt = l, f
}

func (o *output) setMute(on bool) { o.mu.Lock(); o.mute = on; o.mu.Unlock() }
func (o *output) setHold(on bool) { o.mu.Lock(); o.held = on; o.mu.Unlock() }

func (o *output) setTaps(f func(*Packet)) { o.mu.Lock(); o.taps = f; o.mu.Unlock() }

func (o *output) setMixed(list []*overlay) { o.mu.Lock(); o.mixed = list; o.mu.Unlock() }

func (o *output) setPlay(p *Playout)       { o.mu.Lock(); o.play = p; o.mu.Unlock() }
func (o *output) setDigits(d *digitSender) { o.mu.Lock(); o.digits = d; o.mu.Unlock() }

func (o *output) current() (Format, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fmt, o.leg != nil
}

// resume gives sequence and timestamp for a packet whose owner did not send
// the last one: the timeline goes on by the time that passed, at least by one
// packet. Called with mu held.
func (o *output) resume(now time.Time) (seq uint16, ts uint32) {
	if !o.begun {
		return o.seq, o.ts
	}
	step := uint32(o.fmt.PTime * o.fmt.ClockRate / 1000)
	return o.seq + 1, o.ts + max(step, rtpUnits(now.Sub(o.at), o.fmt.ClockRate))
}

// offsets map a relayed stream into ours; they live in the direction that
// relays and are guarded by the output's mu.
type offsets struct {
	ssrc  uint32
	seq   uint16
	ts    uint32
	first uint16 // sequence of the source's first mapped packet
}

// relay sends a packet of the other leg with its own timing: gaps, reordering
// and packet length stay as the sender made them (rule M4).
func (o *output) relay(owner any, m *offsets, in *Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leg == nil || o.held || o.play != nil || o.digits != nil {
		return
	}
	marker := in.Marker
	if o.owner != owner || m.ssrc != in.SSRC || o.jumped(m, in) {
		seq, ts := o.resume(in.At)
		*m = offsets{ssrc: in.SSRC, seq: seq - in.Seq, ts: ts - in.TS, first: in.Seq}
		o.owner, marker = owner, true
	} else if int16(in.Seq-m.first) < 0 {
		return // from before the switch: its number is taken
	}
	p := &o.pkt
	*p = *in
	p.Marker = marker
	p.Seq, p.TS, p.SSRC = in.Seq+m.seq, in.TS+m.ts, o.ssrc
	if o.mute {
		if in.Kind == KindEvent {
			return
		}
		o.scratch = quiet(o.scratch[:0], o.quiet, len(in.Payload))
		p.Payload = o.scratch
	}
	if int16(in.Seq-m.first) > 1<<14 {
		m.first = in.Seq - 1<<13 // keep the comparison above meaningful for ever
	}
	o.transmit(p)
}

// jumped says that the source restarted its numbering under the same SSRC: a
// step beyond what loss and reordering do (RFC 3550 §A.1).
func (o *output) jumped(m *offsets, in *Packet) bool {
	d := int(int16(in.Seq + m.seq - o.seq))
	return d > maxDropout || d < -maxMisorder
}

// transmit sends p and moves the timeline. Called with mu held.
func (o *output) transmit(p *Packet) {
	if !o.begun || int16(p.Seq-o.seq) > 0 {
		if p.TS != o.ts || !o.begun { // an event keeps its timestamp and the instant at which it began
			o.at = p.At
		}
		o.seq, o.ts, o.begun = p.Seq, p.TS, true
	}
	if o.taps != nil {
		o.taps(p)
	}
	if p.Kind == KindAudio {
		for _, w := range o.mixed {
			w.mix(p, o.fmt, &w.buf, o.owner)
		}
	}
	o.leg.Send(p) //nolint:errcheck // an unreachable peer is the signalling's and the timeout's business
}

// rank orders who may own the output.
type rank uint8

const (
	rankBridge rank = iota
	rankPlay
	rankDigits
)

// allowed says whether that rank owns the output now. Called with mu held.
func (o *output) allowed(r rank) bool {
	switch {
	case o.leg == nil:
		return false
	case o.digits != nil:
		return r == rankDigits
	case o.play != nil:
		return r >= rankPlay
	}
	return r > rankBridge || !o.held
}

// generate sends one packet that we made; units is its length on the RTP clock.
func (o *output) generate(owner any, r rank, payload []byte, units uint32, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.allowed(r) || !o.eventAt.IsZero() && now.Sub(o.eventAt) < eventGap && r == rankBridge {
		return
	}
	p := &o.pkt
	*p = Packet{Seq: o.seq + 1, TS: o.ts + units, SSRC: o.ssrc, Payload: payload, At: now}
	passed := rtpUnits(now.Sub(o.at), o.fmt.ClockRate)
	if o.owner != owner || !o.begun || passed > 4*units {
		p.Seq, p.TS = o.resume(now)
		p.Marker, o.owner = true, owner
	}
	if o.mute {
		o.scratch = quiet(o.scratch[:0], o.quiet, len(payload))
		p.Payload = o.scratch
	}
	o.transmitMade(p)
}

// transmitMade is transmit for a stream of ours: its timeline goes by packets
// and not by the jitter of the clock that paced them.
func (o *output) transmitMade(p *Packet) {
	steady := o.begun && !p.Marker
	at := o.at.Add(time.Duration(p.TS-o.ts) * time.Second / time.Duration(o.fmt.ClockRate))
	o.transmit(p)
	if steady {
		o.at = at
	}
}

// sendEvent sends one packet of an event of ours. first begins the event: it
// takes the timestamp from the timeline and sets the marker (RFC 4733 §2.5.1.1).
func (o *output) sendEvent(owner any, payload []byte, first bool, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leg == nil {
		return nil
	}
	if !o.fmt.EventPT {
		return ErrNoEvent
	}
	p := &o.pkt
	*p = Packet{Kind: KindEvent, Seq: o.seq + 1, TS: o.ts, SSRC: o.ssrc, Payload: payload, At: now}
	if first {
		p.Seq, p.TS = o.resume(now)
		p.Marker, o.owner = true, owner
	}
	o.transmit(p)
	return nil
}

// forwardEvent sends an event packet of the other leg where audio is not
// relayed as it is: numbering is ours, the event's duration is converted.
func (o *output) forwardEvent(owner any, in *Packet, fromRate int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.allowed(rankBridge) || !o.fmt.EventPT || o.mute || len(in.Payload) < 4 {
		return
	}
	p := &o.pkt
	*p = Packet{Kind: KindEvent, Seq: o.seq + 1, TS: o.ts, SSRC: o.ssrc, At: in.At}
	if o.event != in.TS || o.eventAt.IsZero() {
		p.Seq, p.TS = o.resume(in.At)
		p.Marker, o.owner, o.event = true, owner, in.TS
	}
	o.scratch = append(o.scratch[:0], in.Payload[:4]...)
	d := int(binary.BigEndian.Uint16(in.Payload[2:])) * o.fmt.EventRate / max(fromRate, 1)
	binary.BigEndian.PutUint16(o.scratch[2:], uint16(min(d, 0xffff)))
	p.Payload = o.scratch
	o.eventAt = in.At
	o.transmit(p)
}

// quietPattern is silence in a codec, to be repeated; nil when it is unknown.
func quietPattern(name string) []byte {
	if strings.EqualFold(name, "opus") {
		return []byte{0xf8, 0xff, 0xfe} // RFC 6716 §3.1: CELT, fullband, 20 ms, one frame that decodes to silence
	}
	c, ok := codec.Lookup(name)
	if !ok {
		return nil
	}
	return c.NewEncoder().Encode(nil, make([]int16, c.SampleRate()/50))
}

// quiet appends n octets of that silence to dst; a codec that is no byte
// stream (opus) gets its pattern as it is.
func quiet(dst, pattern []byte, n int) []byte {
	if len(pattern) == 3 {
		return append(dst, pattern...)
	}
	for len(pattern) > 0 && n > 0 {
		k := min(n, len(pattern))
		dst = append(dst, pattern[:k]...)
		n -= k
	}
	return dst
}
