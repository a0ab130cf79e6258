package snoop

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// ear is the media of a snoop channel: a sink for what is spied, which becomes
// packets that the channel says, and a leg whose packets become the whisper. It has
// no goroutine: the target's tap paces it.
type ear struct {
	rate    int
	whisper *media.Whisper // nil = nothing is whispered
	untap   func()
	once    sync.Once
	sink    atomic.Pointer[func(*media.Packet)]

	pkt     media.Packet // of the tap's goroutine
	payload []byte

	pcm []int16 // of whoever sends
}

func newEar(f media.Format) *ear {
	return &ear{rate: f.ClockRate, pkt: media.Packet{SSRC: rand.Uint32(), Seq: uint16(rand.Uint32()), TS: rand.Uint32()}}
}

// WriteFrame implements media.Sink: 20 ms that were spied.
func (e *ear) WriteFrame(pcm []int16, _ int) {
	sink := e.sink.Load()
	if sink == nil {
		return
	}
	e.payload = e.payload[:0]
	for _, s := range pcm {
		e.payload = binary.BigEndian.AppendUint16(e.payload, uint16(s)) // RFC 3551 §4.5.11
	}
	p := &e.pkt
	p.Seq++
	p.TS += uint32(len(pcm))
	p.Kind, p.Payload, p.At = media.KindAudio, e.payload, time.Now()
	(*sink)(p)
}

// SetSink implements media.Leg, as the methods below.
func (e *ear) SetSink(f func(*media.Packet)) {
	if f == nil {
		e.sink.Store(nil)
		return
	}
	e.sink.Store(&f)
}

// Send whispers.
func (e *ear) Send(p *media.Packet) error {
	if e.whisper == nil || p.Kind != media.KindAudio {
		return nil
	}
	e.pcm = e.pcm[:0]
	for b := p.Payload; len(b) >= 2; b = b[2:] {
		e.pcm = append(e.pcm, int16(binary.BigEndian.Uint16(b)))
	}
	e.whisper.WriteFrame(e.pcm, e.rate)
	return nil
}

// Describe tells what little there is to tell.
func (e *ear) Describe() media.LegInfo {
	return media.LegInfo{Kind: "snoop", Codec: "L16", SendOK: true, RecvOK: true}
}

// Close leaves the target.
func (e *ear) Close() error {
	e.once.Do(func() {
		if e.untap != nil {
			e.untap()
		}
		if e.whisper != nil {
			e.whisper.Remove()
		}
	})
	return nil
}
