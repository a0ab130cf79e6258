package media

import (
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Digit is one key press of a party.
type Digit struct {
	Rune     rune // 0-9 * # A-D
	Duration time.Duration
	InBand   bool // heard as a tone
}

// eventRunes are the DTMF events by number (RFC 4733 §3.2).
const eventRunes = "0123456789*#ABCD"

// event is the payload of a telephone-event packet.
//
//	RFC 4733 §2.3
//	|     event     |E|R| volume    |          duration             |
type event struct {
	code     uint8
	end      bool
	volume   uint8 // -dBm0
	duration uint16
}

func parseEvent(b []byte) (event, bool) {
	if len(b) < 4 {
		return event{}, false
	}
	return event{b[0], b[1]&0x80 != 0, b[1] & 0x3f, binary.BigEndian.Uint16(b[2:])}, true
}

func (e event) append(b []byte) []byte {
	flags := e.volume & 0x3f
	if e.end {
		flags |= 0x80
	}
	return binary.BigEndian.AppendUint16(append(b, e.code, flags), e.duration)
}

// eventReader makes one digit of the many packets of each event (rule M9): a
// digit is reported with the first packet that has the end bit, or, if none of
// them arrived, when the next event starts or audio has gone on without it.
type eventReader struct {
	on   func(Digit)
	open atomic.Bool // an event is under way: audio packets look whether it is over

	mu   sync.Mutex // guards what follows
	seen bool
	ssrc uint32
	ts   uint32
	last event
	at   time.Time
	rate int
}

func (r *eventReader) read(p *Packet, o *output) {
	if p.Kind != KindEvent {
		if r.open.Load() {
			r.audio(p)
		}
		return
	}
	ev, ok := parseEvent(p.Payload)
	if !ok {
		return
	}
	f, _ := o.current()
	for _, d := range r.event(p, ev, f.EventRate) {
		r.on(d)
	}
}

// event gives the digits that the packet completes: the one before it whose
// end was lost, and its own.
func (r *eventReader) event(p *Packet, ev event, rate int) (done []Digit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen && r.ssrc == p.SSRC && p.TS != r.ts && int32(p.TS-r.ts) < 0 && int32(r.ts-p.TS) < 1<<20 {
		return nil // a late packet of an event that is over
	}
	if !r.seen || r.ssrc != p.SSRC || r.ts != p.TS {
		if r.open.Load() {
			done = r.finish(done)
		}
		r.seen, r.ssrc, r.ts, r.last = true, p.SSRC, p.TS, ev
		r.open.Store(true)
	}
	if !r.open.Load() {
		return done // a repeated end packet
	}
	r.last.duration = max(r.last.duration, ev.duration)
	r.at, r.rate = p.At, rate
	if ev.end {
		done = r.finish(done)
	}
	return done
}

// audio ends an event that no packet has continued for a while.
func (r *eventReader) audio(p *Packet) {
	r.mu.Lock()
	var done []Digit
	if r.open.Load() && p.At.Sub(r.at) > eventGap {
		done = r.finish(nil)
	}
	r.mu.Unlock()
	for _, d := range done {
		r.on(d)
	}
}

// finish closes the event that is open. Called with mu held.
func (r *eventReader) finish(list []Digit) []Digit {
	r.open.Store(false)
	if int(r.last.code) >= len(eventRunes) {
		return list // flash and modem tones are no digits
	}
	d := time.Duration(r.last.duration) * time.Second / time.Duration(max(r.rate, 1))
	return append(list, Digit{Rune: rune(eventRunes[r.last.code]), Duration: d})
}

// DTMFOptions says how digits are sent.
type DTMFOptions struct {
	Duration time.Duration // of each digit, 0 = 100 ms; multiples of 20 ms
	Gap      time.Duration // after each digit, 0 = 60 ms
	InBand   bool          // as tones in the audio
}

const (
	eventFrame   = 20 * time.Millisecond
	eventVolume  = 10 // -10 dBm0, as Asterisk: res_rtp_asterisk.c ast_rtp_dtmf_begin
	endRepeats   = 3  // RFC 4733 §2.5.1.4
	pauseShort   = 500 * time.Millisecond
	minEventTime = 40 * time.Millisecond
)

// digitSender sends digits of one port, one SendDTMF after the other, on the
// media clock. While it exists it owns the port's output.
type digitSender struct {
	p     *Port
	entry atomic.Pointer[clockEntry]

	mu   sync.Mutex // guards what follows
	jobs []digitJob
	dead bool

	left  string        // digits of jobs[0] to come
	on    bool          // a digit is being sent
	code  uint8         // which
	sent  time.Duration // of it
	ends  int           // end packets sent
	pause time.Duration // silence before the next digit
	tones *framer       // in-band digits
	buf   []byte
}

type digitJob struct {
	digits string
	o      DTMFOptions
	done   func(error)
}

// SendDTMF sends digits 0-9 * # A-D to the party, as RFC 4733 events or, with
// o.InBand, as tones; w is a pause of half a second, other characters are left
// out. A running playout is silent meanwhile, the bridge too. done is called
// once: nil when all was sent, ErrNoEvent at once when the party did not
// negotiate telephone-event (send SIP INFO then), ErrClosed. Several calls
// queue up.
func (p *Port) SendDTMF(digits string, o DTMFOptions, done func(error)) {
	if done == nil {
		done = func(error) {}
	}
	if o.Duration <= 0 {
		o.Duration = 100 * time.Millisecond
	}
	o.Duration = max(o.Duration, minEventTime)
	if o.Gap <= 0 {
		o.Gap = 60 * time.Millisecond
	}
	f, ok := p.Format()
	if ok && !f.EventPT && !o.InBand {
		done(ErrNoEvent)
		return
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		done(ErrClosed)
		return
	}
	defer p.mu.Unlock()
	job := digitJob{strings.ToUpper(digits), o, done}
	if p.digits != nil && p.digits.enqueue(job) {
		return
	}
	s := &digitSender{p: p}
	s.enqueue(job)
	s.left = job.digits
	p.digits = s
	p.out.setDigits(s)
	s.entry.Store(p.e.media.add(s, eventFrame))
}

func (s *digitSender) enqueue(j digitJob) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return false
	}
	s.jobs = append(s.jobs, j)
	return true
}

// tick sends 20 ms of the current digit or pause.
func (s *digitSender) tick(now time.Time) {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return
	}
	err := s.step(now)
	var done func(error)
	if err != nil || s.idle() {
		done = s.jobs[0].done
		s.jobs = s.jobs[1:]
		s.on, s.tones = false, nil
		if len(s.jobs) > 0 {
			s.left = s.jobs[0].digits
		}
	}
	last := len(s.jobs) == 0
	s.dead = last
	s.mu.Unlock()
	if last {
		s.release()
	}
	if done != nil {
		done(err)
	}
}

func (s *digitSender) idle() bool { return !s.on && s.left == "" && s.pause <= 0 && s.tones == nil }

// step advances the state machine by one frame. Called with mu held.
func (s *digitSender) step(now time.Time) error {
	switch {
	case s.tones != nil:
		return s.stepTones(now)
	case s.on:
		return s.stepEvent(now)
	case s.pause > 0:
		s.pause -= eventFrame
		if s.pause > 0 {
			return nil
		}
		s.pause = 0
	}
	return s.nextDigit(now)
}

// nextDigit begins the next digit or pause of the job.
func (s *digitSender) nextDigit(now time.Time) error {
	o := s.jobs[0].o
	for s.left != "" {
		c := s.left[0]
		code := strings.IndexByte(eventRunes, c)
		if o.InBand && code >= 0 {
			n := 1
			for n < len(s.left) && strings.IndexByte(eventRunes, s.left[n]) >= 0 {
				n++
			}
			s.tones = &framer{src: newToneSource(dsp.DTMFTone(s.left[:n], o.Duration, o.Gap))}
			s.left = s.left[n:]
			return s.stepTones(now)
		}
		s.left = s.left[1:]
		switch {
		case code >= 0:
			s.on, s.code, s.sent, s.ends = true, uint8(code), 0, 0
			return s.stepEvent(now)
		case c == 'W': // Asterisk: app.c dtmf_stream, half a second
			s.pause = pauseShort
			return nil
		}
	}
	return nil
}

// stepEvent sends the next packet of the event: the timestamp stays, the
// duration grows, the last packet is sent three times (rule M9).
func (s *digitSender) stepEvent(now time.Time) error {
	o := s.jobs[0].o
	f, _ := s.p.Format()
	first := s.sent == 0
	if s.ends == 0 {
		s.sent += eventFrame
	}
	ev := event{code: s.code, volume: eventVolume, end: s.sent >= o.Duration,
		duration: uint16(min(rtpUnits(s.sent, f.norm().EventRate), 0xffff))}
	s.buf = ev.append(s.buf[:0])
	if err := s.p.out.sendEvent(s, s.buf, first, now); err != nil {
		return err
	}
	if ev.end {
		if s.ends++; s.ends == endRepeats {
			s.on = false
			s.pause = max(o.Gap-(endRepeats-1)*eventFrame, 0)
		}
	}
	return nil
}

func (s *digitSender) stepTones(now time.Time) error {
	f, _ := s.p.Format()
	f = f.norm()
	f.PTime = defaultTime
	payload, units, err := s.tones.next(f)
	if payload != nil {
		s.p.out.generate(s, rankDigits, payload, units, now)
	}
	if err != nil {
		s.tones = nil
	}
	return nil
}

// release gives the output back.
func (s *digitSender) release() {
	s.entry.Load().remove()
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.digits == s {
		s.p.digits = nil
		s.p.out.setDigits(nil)
	}
}

// abort ends all jobs with err.
func (s *digitSender) abort(err error) {
	s.mu.Lock()
	jobs := s.jobs
	s.jobs, s.dead = nil, true
	s.mu.Unlock()
	s.release()
	for _, j := range jobs {
		j.done(err)
	}
}

// DetectInBand turns the search for DTMF tones in the party's audio on or off:
// for parties without telephone-event (rule M9). Digits come through OnDTMF.
func (p *Port) DetectInBand(on bool) {
	var remove func()
	if on {
		remove = p.Tap(&inbandSink{p: p}, TapOptions{In: true, Rate: 8000, Unmuted: true})
	}
	p.mu.Lock()
	old := p.inband
	p.inband = remove
	p.mu.Unlock()
	if old != nil {
		old()
	}
}

type inbandSink struct {
	p   *Port
	det *dsp.DTMFDetector
}

func (s *inbandSink) WriteFrame(pcm []int16, rate int) {
	if s.det == nil {
		s.det = dsp.NewDTMFDetector(rate, func(d dsp.DTMFDigit) {
			s.p.digitHeard(Digit{Rune: d.Rune, Duration: d.Duration, InBand: true})
		})
	}
	s.det.Write(pcm)
}
