package media

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Tone makes a source of a tone. spec is "440+480/2000,0/4000" (frequencies,
// milliseconds, repeated), the name of a tone of the default country
// ("ringback", "busy", "congestion", "dial", "milliwatt"), or "de:busy" with
// the country in front. An unknown one gives ErrFormat.
func Tone(spec string) (Source, error) {
	country, kind, ok := strings.Cut(spec, ":")
	if !ok {
		country, kind = "us", spec
	}
	if t, found := dsp.CountryTone(strings.ToLower(country), strings.ToLower(kind)); found {
		return newToneSource(t), nil
	}
	t, err := dsp.ParseTone(spec)
	if err != nil {
		return nil, fmt.Errorf("%w: tone %q: %w", ErrFormat, spec, err)
	}
	return newToneSource(t), nil
}

// toneRate suits every tone of telephony.
const toneRate = 8000

type toneSource struct{ gen *dsp.ToneGen }

func newToneSource(t dsp.Tone) *toneSource { return &toneSource{dsp.NewToneGen(toneRate, t)} }

func (s *toneSource) Rate() int { return toneRate }

func (s *toneSource) ReadFrame(pcm []int16) (int, error) {
	n := s.gen.Read(pcm)
	if n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}

// Silence is a source of silence; d = 0 lasts for ever.
func Silence(d time.Duration) Source {
	return &silence{left: int(d * toneRate / time.Second), endless: d <= 0}
}

type silence struct {
	left    int // samples
	endless bool
}

func (s *silence) Rate() int { return toneRate }

func (s *silence) ReadFrame(pcm []int16) (int, error) {
	n := len(pcm)
	if !s.endless {
		n = min(n, s.left)
		s.left -= n
	}
	clear(pcm[:n])
	if n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}

// Sequence plays sources one after the other, at the rate of the first.
func Sequence(list ...Source) Source {
	s := &sequence{}
	for _, src := range list {
		s.list = append(s.list, Resample(src, list[0].Rate()))
	}
	return s
}

// Resample gives a source at another rate in Hz: 8000, 16000 or 48000. It is a
// Closer, unless the rate is src's own already and src none.
func Resample(src Source, rate int) Source {
	if src.Rate() == rate {
		return src
	}
	return &resampled{frames: framer{src: src}, rate: rate}
}

// resampled gives a source at another rate, converted in frames of 20 ms.
type resampled struct {
	frames framer
	rate   int
	rest   []int16
	err    error // after rest
}

func (r *resampled) Rate() int    { return r.rate }
func (r *resampled) Close() error { closeSource(r.frames.src); return nil }

func (r *resampled) ReadFrame(pcm []int16) (n int, err error) {
	for {
		k := copy(pcm[n:], r.rest)
		r.rest = r.rest[k:]
		if n += k; n == len(pcm) {
			return n, nil
		}
		if r.err != nil {
			return n, r.err
		}
		var frame []int16
		var got int
		frame, got, r.err = r.frames.pull(defaultTime)
		r.rest = r.frames.convert(frame[:got], r.rate)
	}
}

type sequence struct{ list []Source }

func (s *sequence) Rate() int {
	if len(s.list) == 0 {
		return toneRate
	}
	return s.list[0].Rate()
}

func (s *sequence) ReadFrame(pcm []int16) (n int, err error) {
	for n < len(pcm) {
		if len(s.list) == 0 {
			return n, io.EOF
		}
		k, err := s.list[0].ReadFrame(pcm[n:])
		n += k
		switch {
		case err == io.EOF || err == nil && k == 0:
			if len(s.list) == 1 {
				return n, io.EOF // keep it for Rate
			}
			closeSource(s.list[0])
			s.list = s.list[1:]
		case err != nil:
			return n, err
		}
	}
	return n, nil
}

// Close closes the sources that were not played to their end.
func (s *sequence) Close() error {
	for _, src := range s.list {
		closeSource(src)
	}
	return nil
}

func closeSource(s Source) {
	if c, ok := s.(io.Closer); ok {
		c.Close()
	}
}

// Loop repeats a source for ever: music on hold. A source that is no Seeker, or
// is empty, is played once.
func Loop(s Source) Source {
	if _, ok := s.(Seeker); !ok {
		return s
	}
	return &loop{s}
}

type loop struct{ Source }

func (l *loop) ReadFrame(pcm []int16) (n int, err error) {
	empty := false // a round that gave nothing: an empty source would spin
	for n < len(pcm) {
		k, err := l.Source.ReadFrame(pcm[n:])
		n += k
		if err == nil {
			continue
		}
		if err != io.EOF || empty && k == 0 {
			return n, err
		}
		empty = k == 0
		if err := l.Source.(Seeker).SeekTo(0); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (l *loop) Close() error { closeSource(l.Source); return nil }
