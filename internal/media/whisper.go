package media

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// WhisperOptions selects who hears a whisper.
type WhisperOptions struct {
	In  bool // those who hear the party
	Out bool // the party itself
}

// Whisper mixes further audio into what a port's party says or hears, whoever
// owns the output: a playout, a link that relays packets, a mixer. Taps of the port
// do not hear it. A leg whose codec cannot be converted (opus) has none.
//
// It is a Sink: what is written is heard 40 to 60 ms later, in step with the
// packets that pass, or in packets of its own where none do.
type Whisper struct {
	p       *Port
	in, out *overlay // nil = not wanted
	entry   *clockEntry

	// of packets that we put in where the party sends none; used on the clock alone
	ssrc, ts uint32
	seq      uint16
	buf      []byte
}

// Bounds of what waits to be mixed.
const (
	whisperStart = 40 * time.Millisecond  // before the first of it is heard
	whisperMost  = 200 * time.Millisecond // more is cut down to whisperKeep: the two clocks drift
	whisperKeep  = 60 * time.Millisecond
	whisperAlone = 60 * time.Millisecond // without a packet to be mixed into
)

// Whisper begins a whisper; it lasts until Remove or the end of the port.
func (p *Port) Whisper(o WhisperOptions) *Whisper {
	w := &Whisper{p: p, ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), ts: rand.Uint32()}
	if o.In {
		w.in = &overlay{owner: w}
	}
	if o.Out {
		w.out = &overlay{owner: w}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return w
	}
	p.murmurs = append(p.murmurs, w)
	w.entry = p.e.media.add(w, defaultTime*time.Millisecond)
	p.whispersChanged()
	return w
}

// Remove ends the whisper. Removing twice is harmless.
func (w *Whisper) Remove() {
	p := w.p
	p.mu.Lock()
	defer p.mu.Unlock()
	w.entry.remove()
	p.murmurs = slices.DeleteFunc(p.murmurs, func(x *Whisper) bool { return x == w })
	p.whispersChanged()
}

// WriteFrame implements Sink. One goroutine at a time.
func (w *Whisper) WriteFrame(pcm []int16, rate int) {
	for _, o := range [...]*overlay{w.in, w.out} {
		if o != nil {
			o.write(pcm, rate)
		}
	}
}

// whispersChanged publishes the whispers to both directions. Called with mu held.
func (p *Port) whispersChanged() {
	p.publish()
	var out []*overlay
	for _, w := range p.murmurs {
		if w.out != nil {
			out = append(out, w.out)
		}
	}
	p.out.setMixed(out)
}

// overlay mixes whispers into a packet of the party, on its read goroutine.
func (p *Port) overlay(list []*overlay, pkt *Packet) {
	f, ok := p.Format()
	if !ok {
		return
	}
	for _, o := range list {
		o.mix(pkt, f, &o.buf, nil)
	}
}

// tick makes packets of silence to mix into where no others pass.
func (w *Whisper) tick(now time.Time) {
	f, ok := w.p.Format()
	if !ok {
		return
	}
	units := uint32(f.ClockRate * defaultTime / 1000)
	if w.out != nil && w.out.alone(now) {
		if b := w.silence(f); b != nil {
			w.p.out.generate(w, rankBridge, b, units, now)
		}
	}
	r := w.p.in.Load()
	if w.in == nil || r.bridge == nil || !w.in.alone(now) {
		return
	}
	b := w.silence(f)
	if b == nil {
		return
	}
	w.seq++
	w.ts += units
	pkt := Packet{Seq: w.seq, TS: w.ts, SSRC: w.ssrc, Payload: b, At: now}
	for _, o := range r.mixed {
		o.mix(&pkt, f, &w.buf, w)
	}
	r.bridge.receive(w.p, &pkt)
}

// silence gives 20 ms of it, nil in a codec that is not known here.
func (w *Whisper) silence(f Format) []byte {
	c, ok := codec.Lookup(f.codecName())
	if !ok {
		return nil
	}
	return c.NewEncoder().Encode(nil, make([]int16, c.SampleRate()*defaultTime/1000))
}

// overlay is one direction of a whisper.
type overlay struct {
	owner *Whisper
	buf   []byte // of mixed packets; belongs to the one goroutine that sends them

	mu      sync.Mutex // guards what follows; nothing is called under it
	format  Format     // that the rest is made for
	codec   codec.Codec
	dec     codec.Decoder
	enc     codec.Encoder
	rs      *dsp.Resampler
	from    int     // Hz that rs takes
	fifo    []int16 // written and not yet mixed, at the codec's rate
	playing bool
	pcm     []int16
	last    time.Time // when the party's own audio went by
}

// write keeps audio until it can be mixed; before the first packet nothing is kept,
// since the rate is not known.
func (o *overlay) write(pcm []int16, rate int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.codec == nil {
		return
	}
	if to := o.codec.SampleRate(); to != rate {
		if o.rs == nil || o.from != rate {
			rs, err := dsp.NewResampler(rate, to)
			if err != nil {
				return
			}
			o.rs, o.from = rs, rate
		}
		o.fifo = o.rs.Process(o.fifo, pcm)
	} else {
		o.fifo = append(o.fifo, pcm...)
	}
	if len(o.fifo) > o.samples(whisperMost) {
		o.fifo = append(o.fifo[:0], o.fifo[len(o.fifo)-o.samples(whisperKeep):]...)
	}
}

func (o *overlay) samples(d time.Duration) int {
	return int(d/time.Millisecond) * o.codec.SampleRate() / 1000
}

// prepare makes what a format needs. Called with mu held.
func (o *overlay) prepare(f Format) {
	if o.format == f {
		return
	}
	o.format, o.codec, o.rs, o.fifo, o.playing = f, nil, nil, nil, false
	if c, ok := codec.Lookup(f.codecName()); ok {
		o.codec, o.dec, o.enc = c, c.NewDecoder(), c.NewEncoder()
	}
}

// alone says that nobody else's audio has gone by for a while.
func (o *overlay) alone(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return now.Sub(o.last) > whisperAlone
}

// mix adds what waits to a packet; buf is where the new payload goes. from is the
// whisper that made the packet, or somebody else.
func (o *overlay) mix(pkt *Packet, f Format, buf *[]byte, from any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if from != any(o.owner) {
		o.last = pkt.At
	}
	o.prepare(f)
	if o.codec == nil {
		return
	}
	o.playing = len(o.fifo) > 0 && (o.playing || len(o.fifo) >= o.samples(whisperStart))
	if !o.playing && memoryless(o.codec) {
		return
	}
	o.pcm = o.dec.Decode(o.pcm[:0], pkt.Payload)
	if o.playing {
		n := min(len(o.fifo), len(o.pcm))
		for i, s := range o.fifo[:n] {
			o.pcm[i] = clip(int32(o.pcm[i]) + int32(s))
		}
		o.fifo = append(o.fifo[:0], o.fifo[n:]...)
	}
	*buf = o.enc.Encode((*buf)[:0], o.pcm)
	pkt.Payload = *buf
}

// memoryless codecs may be left and entered at any packet; a coder of the others
// has to see all of them.
func memoryless(c codec.Codec) bool {
	return !strings.EqualFold(c.Name(), "G722") && !strings.EqualFold(c.Name(), "GSM")
}
