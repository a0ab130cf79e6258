package media

import (
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Detectors are Sinks for Port.Tap with In set (rule M10). They take the rate
// of the first frame. Their callbacks run on the media clock and must not block.

// TalkSink says when a party starts and stops to talk.
type TalkSink struct {
	c   dsp.TalkConfig
	on  func(talking bool, lasted time.Duration)
	det *dsp.TalkDetector
}

// NewTalkSink calls on at each change; lasted is how long the state before was.
func NewTalkSink(c dsp.TalkConfig, on func(talking bool, lasted time.Duration)) *TalkSink {
	return &TalkSink{c: c, on: on}
}

// WriteFrame implements Sink.
func (s *TalkSink) WriteFrame(pcm []int16, rate int) {
	if s.det == nil {
		s.det = dsp.NewTalkDetector(rate, s.c, s.on)
	}
	s.det.Write(pcm)
}

// AMDSink decides whether a person or a machine answered. It calls back once.
type AMDSink struct {
	c  dsp.AMDConfig
	on func(dsp.AMDResult)

	mu   sync.Mutex // guards what follows
	det  *dsp.AMD
	done bool
}

// NewAMDSink calls on with the result.
func NewAMDSink(c dsp.AMDConfig, on func(dsp.AMDResult)) *AMDSink {
	return &AMDSink{c: c, on: on}
}

// WriteFrame implements Sink.
func (s *AMDSink) WriteFrame(pcm []int16, rate int) {
	s.mu.Lock()
	if s.det == nil {
		s.det = dsp.NewAMD(rate, s.c)
	}
	var result dsp.AMDResult
	ready := false
	if !s.done {
		result, ready = s.det.Write(pcm)
		s.done = ready
	}
	s.mu.Unlock()
	if ready {
		s.on(result)
	}
}

// Hangup ends the detection because the party hung up; the result is HANGUP
// unless there was one already.
func (s *AMDSink) Hangup() { s.end((*dsp.AMD).Hangup) }

// Timeout ends the detection because its time has passed on the clock: no audio
// came, or too little.
func (s *AMDSink) Timeout() { s.end((*dsp.AMD).Timeout) }

func (s *AMDSink) end(how func(*dsp.AMD) dsp.AMDResult) {
	s.mu.Lock()
	if s.det == nil {
		s.det = dsp.NewAMD(8000, s.c)
	}
	ready := !s.done
	s.done = true
	result := how(s.det)
	s.mu.Unlock()
	if ready {
		s.on(result)
	}
}

// Stats gives what was measured so far.
func (s *AMDSink) Stats() dsp.AMDStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.det == nil {
		return dsp.AMDStats{}
	}
	return s.det.Stats()
}

// ToneMeter is a Sink that measures the tone it hears: how tests and the demo
// prove that audio arrived.
type ToneMeter struct {
	mu   sync.Mutex // guards what follows
	peak *dsp.SpectrumPeak
}

// NewToneMeter makes a meter that has heard nothing.
func NewToneMeter() *ToneMeter { return &ToneMeter{} }

// WriteFrame implements Sink.
func (m *ToneMeter) WriteFrame(pcm []int16, rate int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peak == nil {
		m.peak = dsp.NewSpectrumPeak(rate)
	}
	m.peak.Write(pcm)
}

// Dominant gives frequency (Hz) and level (dBm0) of the tone heard lately; ok
// is false when there was none.
func (m *ToneMeter) Dominant() (hz, level float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peak == nil {
		return 0, 0, false
	}
	return m.peak.Dominant()
}

// ToneSink says that a tone of one frequency has been heard.
type ToneSink struct {
	c   dsp.ToneConfig
	on  func()
	det *dsp.ToneDetector
}

// NewToneSink calls on once for each tone.
func NewToneSink(c dsp.ToneConfig, on func()) *ToneSink { return &ToneSink{c: c, on: on} }

// WriteFrame implements Sink.
func (s *ToneSink) WriteFrame(pcm []int16, rate int) {
	if s.det == nil {
		s.det = dsp.NewToneDetector(rate, s.c, s.on)
	}
	s.det.Write(pcm)
}
