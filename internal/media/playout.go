package media

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Source gives mono audio, pulled by the clock at the pace of its Rate. It must
// not block for long: a file is read through a buffer. A Source that is also
// an io.Closer is closed when its playout ends.
type Source interface {
	// ReadFrame fills pcm from the front. n < len(pcm) only together with an
	// error: io.EOF at the end. A Source serves one goroutine.
	ReadFrame(pcm []int16) (n int, err error)
	Rate() int // Hz: 8000, 16000 or 48000
}

// Seeker is a Source that can jump, for Playout.Skip backwards.
type Seeker interface {
	SeekTo(d time.Duration) error // from the beginning
}

// framer cuts a source into payloads of a format that may change between frames.
type framer struct {
	src     Source
	format  Format
	enc     codec.Encoder
	rs      *dsp.Resampler
	rate    int // of enc
	pcm     []int16
	out     []int16
	payload []byte
}

// pull reads ptime of audio; the rest of a last, short frame is silence.
func (f *framer) pull(ptime int) (pcm []int16, n int, err error) {
	want := f.src.Rate() * ptime / 1000
	if cap(f.pcm) < want {
		f.pcm = make([]int16, want)
	}
	pcm = f.pcm[:want]
	n, err = f.src.ReadFrame(pcm)
	n = max(0, min(n, want))
	clear(pcm[n:])
	if err == nil && n == 0 {
		err = io.EOF // a source that gives nothing would play for ever
	}
	return pcm, n, err
}

// next gives a payload of PTime, nil if there is none (end, or a codec that
// cannot be encoded here: the time passes all the same).
func (f *framer) next(to Format) (payload []byte, units uint32, err error) {
	if src, ok := f.src.(encodedSource); ok && strings.EqualFold(src.encoding(), to.Codec) {
		return f.pass(src, to)
	}
	pcm, n, err := f.pull(to.PTime)
	if n == 0 || !f.prepare(to) {
		return nil, 0, err
	}
	f.payload = f.enc.Encode(f.payload[:0], f.convert(pcm, f.rate))
	return f.payload, uint32(to.ClockRate * to.PTime / 1000), err
}

// encodedSource is a source that holds audio in a codec already: a prompt in
// the party's own codec is sent as it is, which saves half of its cost.
type encodedSource interface {
	Source
	encoding() string // the codec's name; "" = linear
	// readEncoded appends up to n octets; fewer only together with an error.
	readEncoded(dst []byte, n int) ([]byte, error)
}

// pass gives the next payload of an encodedSource in format to, whose codecs
// all have 8 octets per millisecond.
func (f *framer) pass(src encodedSource, to Format) (payload []byte, units uint32, err error) {
	n := to.PTime * 8
	f.payload, err = src.readEncoded(f.payload[:0], n)
	if len(f.payload) == 0 {
		return nil, 0, err
	}
	if short := n - len(f.payload); short > 0 {
		f.payload = quiet(f.payload, quietPattern(to.Codec), short)
	}
	return f.payload, uint32(to.ClockRate * to.PTime / 1000), err
}

// prepare makes encoder and resampler for a format.
func (f *framer) prepare(to Format) bool {
	if f.format == to {
		return f.enc != nil
	}
	f.format, f.enc, f.rs = to, nil, nil
	c, ok := codec.Lookup(to.codecName())
	if !ok {
		return false
	}
	f.enc, f.rate = c.NewEncoder(), c.SampleRate()
	return true
}

// Playout is one running Play. Its methods may be called concurrently.
type Playout struct {
	p       *Port // nil when it plays into a mixer
	release func()
	done    func(error)
	entry   atomic.Pointer[clockEntry]

	mu     sync.Mutex // guards what follows; taken before output.mu
	frames framer
	paused bool
	ended  bool
	pos    time.Duration
	ptime  time.Duration // of its place on the clock
}

// Play plays src to the party in place of what the bridge has for it. It
// replaces a running playout, which ends with ErrStopped. Time passes also
// while nobody hears: without a leg (but see Await), on hold, or with a codec that cannot be
// encoded here (opus). done is called exactly once, on a media goroutine: nil
// at the end of src, ErrStopped, ErrClosed, or the error of src.
func (p *Port) Play(src Source, done func(err error)) *Playout {
	po := &Playout{p: p, done: done, frames: framer{src: src}}
	po.release = func() { p.endPlay(po) }
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		po.finish(ErrClosed)
		return po
	}
	old := p.play
	p.play = po
	p.out.setPlay(po)
	p.mu.Unlock()
	if old != nil {
		old.finish(ErrStopped)
	}
	f, _ := p.Format()
	po.schedule(f.norm().ptime())
	return po
}

// endPlay gives the output back to the bridge.
func (p *Port) endPlay(po *Playout) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.play == po {
		p.play = nil
		p.out.setPlay(nil)
	}
}

// schedule puts the playout on the clock, unless it has ended meanwhile.
func (po *Playout) schedule(ptime time.Duration) {
	po.mu.Lock()
	defer po.mu.Unlock()
	if !po.ended {
		po.ptime = ptime
		po.entry.Swap(po.p.e.media.add(po, ptime)).remove()
	}
}

// tick plays one packet.
func (po *Playout) tick(now time.Time) {
	if po.p.coming.Load() {
		return
	}
	f, _ := po.p.Format()
	f = f.norm()
	po.mu.Lock()
	if po.ended || po.paused {
		po.mu.Unlock()
		return
	}
	if po.ptime != f.ptime() {
		defer po.schedule(f.ptime())
	}
	payload, units, err := po.frames.next(f)
	if payload != nil {
		po.p.out.generate(po, rankPlay, payload, units, now)
		po.pos += f.ptime()
	} else if err == nil {
		po.pos += f.ptime()
	}
	po.mu.Unlock()
	if err != nil {
		po.fail(err)
	}
}

// mix fills pcm with the playout's next audio at rate Hz. ok says whether there
// was any; a caller that gets an error calls fail without its locks.
func (po *Playout) mix(pcm []int16, rate int) (ok bool, err error) {
	po.mu.Lock()
	defer po.mu.Unlock()
	if po.ended || po.paused {
		return false, nil
	}
	ptime := len(pcm) * 1000 / rate
	frame, n, err := po.frames.pull(ptime)
	if n == 0 {
		return false, err
	}
	po.pos += time.Duration(ptime) * time.Millisecond
	clear(pcm[copy(pcm, po.frames.convert(frame, rate)):])
	return true, err
}

// convert resamples a frame of the source to rate Hz; silence if that cannot be.
func (f *framer) convert(pcm []int16, rate int) []int16 {
	if f.src.Rate() == rate {
		return pcm
	}
	if f.rs == nil || f.rate != rate {
		f.rs, _ = dsp.NewResampler(f.src.Rate(), rate)
		f.rate = rate
	}
	if f.rs == nil {
		return nil
	}
	f.out = f.rs.Process(f.out[:0], pcm)
	return f.out
}

func (po *Playout) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	po.finish(err)
}

// finish ends the playout once.
func (po *Playout) finish(err error) {
	po.mu.Lock()
	if po.ended {
		po.mu.Unlock()
		return
	}
	po.ended = true
	if c, ok := po.frames.src.(io.Closer); ok {
		c.Close()
	}
	po.mu.Unlock()
	po.entry.Load().remove()
	po.release()
	if po.done != nil {
		po.done(err)
	}
}

// Stop ends the playout; done gets ErrStopped unless it had ended already.
func (po *Playout) Stop() { po.finish(ErrStopped) }

// Pause keeps the place; the party hears nothing, not the bridge either.
func (po *Playout) Pause() { po.mu.Lock(); po.paused = true; po.mu.Unlock() }

// Resume goes on after Pause.
func (po *Playout) Resume() { po.mu.Lock(); po.paused = false; po.mu.Unlock() }

// Position is how much has been played, Skip included.
func (po *Playout) Position() time.Duration {
	po.mu.Lock()
	defer po.mu.Unlock()
	return po.pos
}

// Skip jumps forwards, or backwards if the source is a Seeker. Beyond the end
// the playout ends; before the beginning it starts again.
func (po *Playout) Skip(d time.Duration) {
	po.mu.Lock()
	if po.ended {
		po.mu.Unlock()
		return
	}
	to := max(po.pos+d, 0)
	var err error
	if s, ok := po.frames.src.(Seeker); ok {
		err = s.SeekTo(to)
	} else if d > 0 {
		for at := po.pos; at < to && err == nil; at += defaultTime * time.Millisecond {
			_, _, err = po.frames.pull(defaultTime)
		}
	} else {
		to = po.pos
	}
	if err == nil {
		po.pos = to
	}
	po.mu.Unlock()
	if err != nil {
		po.fail(err)
	}
}
