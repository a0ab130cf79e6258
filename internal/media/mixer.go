package media

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Mixer lets any number of ports hear each other: every 20 ms each member gets
// the sum of all others (N-1), summed in 32 bits and clipped (rule M8). The rate
// is that of the best member, 8 or 16 kHz, unless it was fixed. Members that
// are silent at the moment hear the same sum; for G.711 and linear audio it is
// encoded once per format.
//
// One goroutine of the media clock does the work; all methods may be called
// concurrently.
type Mixer struct {
	e     *Engine
	fixed int // 0 = by the best member

	mu       sync.Mutex // guards what follows; first in the order of locks
	closed   bool
	rate     int
	members  []*Member
	playouts []*Playout
	taps     []*mixTap
	entry    *clockEntry

	sum    []int32
	pcm    []int16 // scratch
	all    []int16 // the sum, clipped
	shared map[string][]byte
}

// MemberOptions of Mixer.Add.
type MemberOptions struct {
	Mute bool // is not heard
	Deaf bool // hears nothing
}

// Member is a port in a mixer.
type Member struct {
	m    *Mixer
	p    *Port
	jb   atomic.Pointer[jitterBuffer]
	mute atomic.Bool
	deaf atomic.Bool

	// guarded by m.mu
	format Format
	codec  codec.Codec // nil = no leg, or one that cannot be mixed (opus)
	enc    codec.Encoder
	rs     *dsp.Resampler // mixer's rate to the codec's
	rate   int            // of the mixer when jb and rs were made
	pcm    []int16
	out    []int16
	buf    []byte
	voiced bool
}

type mixTap struct{ sink Sink }

// NewMixer makes a mixer of rate Hz (8000 or 16000); 0 = by the best member.
func (e *Engine) NewMixer(rate int) *Mixer {
	m := &Mixer{e: e, fixed: rate, shared: map[string][]byte{}}
	m.setRate(max(rate, 8000))
	return m
}

func (m *Mixer) setRate(rate int) {
	n := rate * defaultTime / 1000
	m.rate, m.sum, m.pcm, m.all = rate, make([]int32, n), make([]int16, n), make([]int16, n)
}

// Add takes p into the mixer, out of whatever it was in. ErrClosed if either
// has ended.
func (m *Mixer) Add(p *Port, o MemberOptions) (*Member, error) {
	mb := &Member{m: m, p: p}
	mb.Mute(o.Mute, o.Deaf)
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, ErrClosed
	}
	m.members = append(m.members, mb)
	m.wake()
	m.mu.Unlock()
	if !p.setBridge(mb) {
		mb.Remove()
		return nil, ErrClosed
	}
	mb.changed(p)
	return mb, nil
}

// wake puts the mixer on the clock. Called with mu held.
func (m *Mixer) wake() {
	if m.entry == nil {
		m.entry = m.e.media.add(m, defaultTime*time.Millisecond)
	}
}

// Mute sets whether the member is not heard (in) and hears nothing (out).
func (mb *Member) Mute(in, out bool) {
	mb.mute.Store(in)
	mb.deaf.Store(out)
}

// Remove takes the member out. Removing twice is harmless.
func (mb *Member) Remove() {
	m := mb.m
	m.mu.Lock()
	m.members = slices.DeleteFunc(m.members, func(x *Member) bool { return x == mb })
	m.adapt()
	m.mu.Unlock()
	mb.p.clearBridge(mb)
}

func (mb *Member) leave(*Port) { mb.Remove() }

// digit: keys of a member are for whoever controls the mixer, not for all ears.
func (mb *Member) digit(*Port, Digit) {}

func (mb *Member) receive(_ *Port, pkt *Packet) {
	if j := mb.jb.Load(); j != nil && pkt.Kind == KindAudio && !mb.mute.Load() {
		j.push(pkt)
	}
}

// changed adapts to the member's format.
func (mb *Member) changed(*Port) {
	m := mb.m
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := mb.p.Format()
	mb.format, mb.codec = f, nil
	if ok {
		if c, known := codec.Lookup(f.codecName()); known {
			mb.codec, mb.enc = c, c.NewEncoder()
		} else {
			m.e.log.Warn("member cannot be mixed: codec cannot be converted", "port", mb.p.id, "codec", f.Codec)
		}
	}
	mb.rate = 0
	m.adapt()
}

// adapt chooses the rate and remakes what depends on it. Called with mu held.
func (m *Mixer) adapt() {
	best := max(m.fixed, 8000)
	for _, mb := range m.members {
		if m.fixed == 0 && mb.codec != nil && mb.codec.SampleRate() >= 16000 {
			best = 16000
		}
	}
	if best != m.rate {
		m.setRate(best)
	}
	for _, mb := range m.members {
		if mb.rate != m.rate {
			mb.prepare(m.rate)
		}
	}
}

func (mb *Member) prepare(rate int) {
	mb.rate, mb.rs = rate, nil
	mb.pcm = make([]int16, rate*defaultTime/1000)
	mb.jb.Store(nil)
	if mb.codec == nil {
		return
	}
	if j, ok := newJitterBuffer(mb.format, rate); ok {
		mb.jb.Store(j)
	}
	if to := mb.codec.SampleRate(); to != rate {
		mb.rs, _ = dsp.NewResampler(rate, to) // two of 8, 16, 48 kHz: cannot fail
	}
}

// Play plays src to all members, on top of what they say. done as for Port.Play.
func (m *Mixer) Play(src Source, done func(error)) *Playout {
	po := &Playout{done: done, frames: framer{src: src}}
	po.release = func() { m.endPlay(po) }
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.playouts = append(slices.Clone(m.playouts), po)
		m.wake()
	}
	m.mu.Unlock()
	if closed {
		po.finish(ErrClosed)
	}
	return po
}

func (m *Mixer) endPlay(po *Playout) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.playouts = slices.DeleteFunc(slices.Clone(m.playouts), func(x *Playout) bool { return x == po })
}

// Tap lets sink hear the whole sum: a conference recording. The sink must not
// call the mixer.
func (m *Mixer) Tap(sink Sink) (remove func()) {
	t := &mixTap{sink}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taps = append(m.taps, t)
	if !m.closed {
		m.wake()
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.taps = slices.DeleteFunc(m.taps, func(x *mixTap) bool { return x == t })
	}
}

// Close lets all members go and ends playouts with ErrClosed.
func (m *Mixer) Close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	members, playouts := m.members, m.playouts
	m.members, m.taps = nil, nil
	m.entry.remove()
	m.mu.Unlock()
	for _, mb := range members {
		mb.p.clearBridge(mb)
	}
	for _, po := range playouts {
		po.finish(ErrClosed)
	}
}

// tick mixes 20 ms.
func (m *Mixer) tick(now time.Time) {
	for _, f := range m.mix(now) {
		f()
	}
}

// mix does the work of a tick. It gives what has to be called without the lock:
// the ends of playouts.
func (m *Mixer) mix(now time.Time) (after []func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	clear(m.sum)
	for _, po := range m.playouts {
		ok, err := po.mix(m.pcm, m.rate)
		if ok {
			addTo(m.sum, m.pcm)
		}
		if err != nil {
			after = append(after, func() { po.fail(err) })
		}
	}
	for _, mb := range m.members {
		mb.hear()
	}
	m.deliver(now)
	return after
}

// hear adds what the member said to the sum. Called with m.mu held.
func (mb *Member) hear() {
	j := mb.jb.Load()
	mb.voiced = j != nil && j.take(mb.pcm) && !mb.mute.Load()
	if mb.voiced {
		addTo(mb.m.sum, mb.pcm)
	}
	if j != nil {
		if n := j.takenLate(); n > 0 {
			mb.p.out.late.Add(n)
		}
	}
}

func addTo(sum []int32, pcm []int16) {
	for i, s := range pcm {
		sum[i] += int32(s)
	}
}

// deliver sends each member its share. Called with mu held.
func (m *Mixer) deliver(now time.Time) {
	for i, s := range m.sum {
		m.all[i] = clip(s)
	}
	for _, t := range m.taps {
		t.sink.WriteFrame(m.all, m.rate)
	}
	clear(m.shared)
	for _, mb := range m.members {
		if mb.codec == nil || mb.deaf.Load() {
			continue
		}
		units := uint32(mb.format.ClockRate * defaultTime / 1000)
		mb.p.out.generate(mb, rankBridge, m.share(mb), units, now)
	}
}

// share gives the payload for one member.
func (m *Mixer) share(mb *Member) []byte {
	together := !mb.voiced && mb.rs == nil && stateless(mb.codec)
	if together {
		if b, ok := m.shared[mb.codec.Name()]; ok {
			return b
		}
	}
	pcm := m.all
	if mb.voiced {
		pcm = m.pcm
		for i, s := range m.sum {
			pcm[i] = clip(s - int32(mb.pcm[i]))
		}
	}
	if mb.rs != nil {
		mb.out = mb.rs.Process(mb.out[:0], pcm)
		pcm = mb.out
	}
	mb.buf = mb.enc.Encode(mb.buf[:0], pcm)
	if together {
		m.shared[mb.codec.Name()] = mb.buf
	}
	return mb.buf
}

// stateless codecs give the same octets whoever encodes them.
func stateless(c codec.Codec) bool { return !strings.EqualFold(c.Name(), "G722") }
