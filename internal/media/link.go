package media

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// LinkMode says what a link does with audio at the moment.
type LinkMode int32

const (
	LinkWaiting      LinkMode = iota // a side has no leg yet
	LinkRelay                        // same codec: packets pass as they come (rule M4)
	LinkTranscode                    // jitter buffer, decode, resample, encode, clock (rule M5)
	LinkIncompatible                 // no common codec and one of them cannot be decoded here (opus)
)

func (m LinkMode) String() string {
	switch m {
	case LinkWaiting:
		return "waiting"
	case LinkRelay:
		return "relay"
	case LinkTranscode:
		return "transcode"
	case LinkIncompatible:
		return "incompatible"
	}
	return "unknown"
}

// Link joins two ports: each hears the other. It exists before either has a
// leg, so early media flows as soon as it comes, and it adapts whenever a leg
// is renegotiated.
type Link struct {
	a, b   *Port
	ab, ba direction
	mode   atomic.Int32
	onDTMF atomic.Pointer[func(*Port, Digit)]
	onMode atomic.Pointer[func(LinkMode)]

	mu     sync.Mutex
	closed bool
}

// direction carries one party's audio to the other.
type direction struct {
	src, dst *Port
	mode     atomic.Int32 // LinkMode, read per packet
	offsets  offsets      // of a relay; guarded by dst.out.mu
	work     atomic.Pointer[transcoder]
}

// Connect joins a and b. A port that is in another link or mixer leaves it.
func Connect(a, b *Port) *Link {
	l := &Link{a: a, b: b}
	l.ab.src, l.ab.dst = a, b
	l.ba.src, l.ba.dst = b, a
	if a.setBridge(l) && b.setBridge(l) {
		l.changed(a)
		return l
	}
	l.Close()
	return l
}

// Close parts the two; each goes on alone. Closing twice is harmless.
func (l *Link) Close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	l.ab.stop()
	l.ba.stop()
	l.mu.Unlock()
	l.a.clearBridge(l)
	l.b.clearBridge(l)
}

// Mode says what the link does now.
func (l *Link) Mode() LinkMode { return LinkMode(l.mode.Load()) }

// OnDTMF names who delivers a digit to a party that did not negotiate
// telephone-event, usually by SIP INFO. Without it the party hears tones.
func (l *Link) OnDTMF(f func(to *Port, d Digit)) { l.onDTMF.Store(&f) }

// OnMode names who hears of the link's mode: at once, and each time that it
// has changed. f is called without locks of this package, on the goroutine
// that changed a leg; two changes at the same moment may be told in either
// order, so that Mode counts and not the argument.
func (l *Link) OnMode(f func(LinkMode)) {
	l.onMode.Store(&f)
	f(l.Mode())
}

// Convertible says whether audio in the format can be made and understood
// here, and not only be passed on (rule M5: Opus cannot).
func (f Format) Convertible() bool {
	_, ok := codec.Lookup(f.norm().codecName())
	return ok
}

func (l *Link) leave(*Port) { l.Close() }

// changed chooses the mode anew and tells of it.
func (l *Link) changed(*Port) {
	before, now := l.adapt()
	if f := l.onMode.Load(); f != nil && before != now {
		(*f)(now)
	}
}

// adapt makes both directions fit what the legs speak now.
func (l *Link) adapt() (before, now LinkMode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.Mode()
	if l.closed {
		return before, before
	}
	fa, okA := l.a.Format()
	fb, okB := l.b.Format()
	mode := LinkWaiting
	if okA && okB {
		mode = linkMode(fa, fb)
	}
	if mode == LinkIncompatible { // whoever listens to OnMode does something about it
		l.a.e.log.Info("no audio between legs: codecs cannot be converted", "a", l.a.id, "codec_a", fa.Codec, "b", l.b.id, "codec_b", fb.Codec)
	}
	l.mode.Store(int32(mode))
	l.ab.set(mode, fa, fb)
	l.ba.set(mode, fb, fa)
	return before, mode
}

func linkMode(a, b Format) LinkMode {
	if strings.EqualFold(a.Codec, b.Codec) && a.ClockRate == b.ClockRate {
		return LinkRelay
	}
	if a.Convertible() && b.Convertible() {
		return LinkTranscode
	}
	return LinkIncompatible
}

func (d *direction) set(mode LinkMode, from, to Format) {
	old := d.work.Load()
	switch {
	case mode != LinkTranscode:
		d.stop()
	case old == nil || old.from != from || old.to != to:
		d.stop()
		d.work.Store(newTranscoder(d, from, to))
	}
	d.mode.Store(int32(mode))
}

func (d *direction) stop() {
	d.mode.Store(int32(LinkWaiting))
	if w := d.work.Swap(nil); w != nil {
		w.entry.Load().remove()
	}
}

// receive is called on from's read goroutine and, relaying, sends on it.
func (l *Link) receive(from *Port, pkt *Packet) {
	d := &l.ab
	if from == l.b {
		d = &l.ba
	}
	switch LinkMode(d.mode.Load()) {
	case LinkRelay:
		if pkt.Kind == KindEvent {
			d.event(pkt)
			return
		}
		d.dst.out.relay(d, &d.offsets, pkt)
	case LinkTranscode:
		if pkt.Kind == KindEvent {
			d.event(pkt)
			return
		}
		if w := d.work.Load(); w != nil {
			w.jb.push(pkt)
		}
	}
}

// event forwards a packet of a telephone-event. Without one on the other side
// nothing is sent here: digit converts it when it is complete.
func (d *direction) event(pkt *Packet) {
	from, _ := d.src.Format()
	to, ok := d.dst.Format()
	switch {
	case !ok || !to.EventPT:
	case LinkMode(d.mode.Load()) == LinkRelay && from.EventRate == to.EventRate:
		d.dst.out.relay(d, &d.offsets, pkt)
	default:
		d.dst.out.forwardEvent(&d.offsets, pkt, from.EventRate) // an owner of its own: relayed audio takes up its numbering anew
	}
}

// digit converts a key press for a party without telephone-event (rule M4).
func (l *Link) digit(from *Port, d Digit) {
	to := l.b
	if from == l.b {
		to = l.a
	}
	if f, ok := to.Format(); !ok || f.EventPT {
		return // forwarded packet by packet, or nobody there yet
	}
	if f := l.onDTMF.Load(); f != nil && *f != nil {
		(*f)(to, d)
		return
	}
	to.SendDTMF(string(d.Rune), DTMFOptions{Duration: d.Duration, InBand: true}, nil)
}

// transcoder converts one direction on the media clock.
type transcoder struct {
	d        *direction
	from, to Format
	jb       *jitterBuffer
	enc      codec.Encoder
	pcm      []int16
	payload  []byte
	units    uint32
	entry    atomic.Pointer[clockEntry]
}

// newTranscoder is only called with codecs that linkMode found.
func newTranscoder(d *direction, from, to Format) *transcoder {
	c, ok := codec.Lookup(to.codecName())
	if !ok {
		return nil
	}
	jb, ok := newJitterBuffer(from, c.SampleRate())
	if !ok {
		return nil
	}
	w := &transcoder{d: d, from: from, to: to, jb: jb, enc: c.NewEncoder()}
	w.pcm = make([]int16, c.SampleRate()*to.PTime/1000)
	w.units = uint32(to.ClockRate * to.PTime / 1000)
	w.entry.Store(d.dst.e.media.add(w, to.ptime()))
	return w
}

// tick sends one packet. When the source is silent nothing is sent either.
func (w *transcoder) tick(now time.Time) {
	if !w.jb.take(w.pcm) {
		return
	}
	w.payload = w.enc.Encode(w.payload[:0], w.pcm)
	w.d.dst.out.generate(w.d, rankBridge, w.payload, w.units, now)
	if n := w.jb.takenLate(); n > 0 {
		w.d.dst.out.late.Add(n)
	}
}
