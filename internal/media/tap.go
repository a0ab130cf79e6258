package media

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// Sink takes mono audio: a recorder, a detector, a meter. WriteFrame runs on the
// media clock, one call at a time, every 20 ms; it must not block and not keep
// pcm.
type Sink interface {
	WriteFrame(pcm []int16, rate int)
}

// TapOptions selects what a tap hears.
type TapOptions struct {
	In   bool // what the party says
	Out  bool // what the party hears; with In both are mixed
	Rate int  // Hz of the frames: 8000 or 16000; 0 = 16000 if the leg is wideband now, else 8000

	// Unmuted hears what the party says also while Port.Mute keeps it from others.
	Unmuted bool
}

// tap listens at packet level and gives a Sink a steady stream: each direction
// goes through its own jitter buffer, so lost packets, pauses and a leg that
// has not come yet are silence (rule M7).
type tap struct {
	sink  Sink
	o     TapOptions
	entry *clockEntry
	gone  atomic.Bool

	in, out  earpiece
	pcm, mix []int16
}

// earpiece hears one direction.
type earpiece struct {
	format Format
	jb     atomic.Pointer[jitterBuffer]
}

func (e *earpiece) hear(f Format, pkt *Packet, rate int) {
	j := e.jb.Load()
	if j == nil || e.format != f {
		var ok bool
		if j, ok = newJitterBuffer(f, rate); !ok {
			j = nil
		}
		e.format = f
		e.jb.Store(j)
	}
	if j != nil {
		j.push(pkt)
	}
}

// Tap lets sink hear the port until remove is called or the port closes. It
// costs a decoder per direction and a place on the clock. remove may be called
// twice; one last frame may come while it runs.
func (p *Port) Tap(sink Sink, o TapOptions) (remove func()) {
	if o.Rate == 0 {
		o.Rate = 8000
		if f, ok := p.Format(); ok {
			if c, ok := codec.Lookup(f.codecName()); ok && c.SampleRate() > 8000 {
				o.Rate = 16000
			}
		}
	}
	t := &tap{sink: sink, o: o}
	samples := o.Rate * defaultTime / 1000
	t.pcm, t.mix = make([]int16, samples), make([]int16, samples)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return func() {}
	}
	p.taps = append(p.taps, t)
	t.entry = p.e.media.add(t, defaultTime*time.Millisecond)
	p.tapsChanged()
	return func() { p.removeTap(t) }
}

func (p *Port) removeTap(t *tap) {
	t.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taps = slices.DeleteFunc(p.taps, func(x *tap) bool { return x == t })
	p.tapsChanged()
}

// tapsChanged publishes the taps to both directions. Called with mu held.
func (p *Port) tapsChanged() {
	p.publish()
	var outs []*tap
	for _, t := range p.taps {
		if t.o.Out {
			outs = append(outs, t)
		}
	}
	if len(outs) == 0 {
		p.out.setTaps(nil)
		return
	}
	p.out.setTaps(func(pkt *Packet) {
		for _, t := range outs {
			if pkt.Kind == KindAudio {
				t.out.hear(p.out.fmt, pkt, t.o.Rate) // the output's lock is held here
			}
		}
	})
}

// hear takes an incoming packet on the read goroutine.
func (t *tap) hear(p *Port, pkt *Packet) {
	if !t.o.In || pkt.Kind != KindAudio {
		return
	}
	if f, ok := p.Format(); ok {
		t.in.hear(f, pkt, t.o.Rate)
	}
}

// tick gives the sink 20 ms.
func (t *tap) tick(time.Time) {
	clear(t.mix)
	for _, e := range [...]*earpiece{&t.in, &t.out} {
		j := e.jb.Load()
		if j == nil || !j.take(t.pcm) {
			continue
		}
		for i, s := range t.pcm {
			t.mix[i] = clip(int32(t.mix[i]) + int32(s))
		}
	}
	if !t.gone.Load() {
		t.sink.WriteFrame(t.mix, t.o.Rate)
	}
}

func (t *tap) close() {
	t.gone.Store(true)
	t.entry.remove()
}

// clip keeps a sum in 16 bits.
func clip(s int32) int16 { return int16(max(-32768, min(32767, s))) }
