package extmedia

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// How much waits to be written to a program.
const (
	audioMost  = 50  // frames, a second of them; what comes then is dropped
	noticeMost = 256 // notices; a program that does not read them is cut off
	writeTime  = 5 * time.Second
)

// errSlow ends the connection of a program that does not read.
var errSlow = errors.New("the program does not read what it is sent")

// stream is the media of a channel whose program is reached by TCP: a leg whose
// packets wait for the writer of the connection, and that delivers what the feed has,
// every 20 ms.
type stream struct {
	f    format
	feed *feed
	tell func([]notice) // what the feed has to say; must not block

	audio chan []byte   // waits for the writer
	words chan []byte   // notices, not to be lost
	slow  chan struct{} // closed when words was full
	once  sync.Once
	mute  atomic.Bool // the program does not want audio (direction out)

	sink    atomic.Pointer[func(*media.Packet)]
	dropped atomic.Uint64

	begin  sync.Mutex // guards remove
	remove func()     // from the clock
	closed bool

	pkt     media.Packet // of the clock
	quiet   []byte
	payload []byte
}

func newStream(f format, tell func([]notice)) *stream {
	s := &stream{
		f: f, feed: newFeed(f.frame), tell: tell, quiet: f.silence(),
		audio: make(chan []byte, audioMost), words: make(chan []byte, noticeMost), slow: make(chan struct{}),
	}
	s.pkt = media.Packet{SSRC: rand.Uint32(), Seq: uint16(rand.Uint32()), TS: rand.Uint32()} // RFC 3550 §5.1
	return s
}

// start lets the channel hear the program.
func (s *stream) start(e *media.Engine) {
	s.begin.Lock()
	defer s.begin.Unlock()
	if s.remove == nil && !s.closed {
		s.remove = e.Every(frameTime*time.Millisecond, s.tick)
	}
}

// tick says 20 ms: a frame, or silence, so that a program that only listens is not
// taken for dead (Asterisk: chan_websocket.c webchan_read).
func (s *stream) tick(now time.Time) {
	frame, tell := s.feed.next()
	if len(tell) > 0 {
		s.tell(tell)
	}
	sink := s.sink.Load()
	if sink == nil {
		return
	}
	if frame == nil {
		s.payload = append(s.payload[:0], s.quiet...)
	} else {
		s.payload = s.f.swap(s.payload[:0], frame)
	}
	p := &s.pkt
	p.Seq++
	p.Kind, p.Payload, p.At = media.KindAudio, s.payload, now
	(*sink)(p)
	p.TS += s.f.units(len(s.payload))
}

// SetSink implements media.Leg, as the methods below.
func (s *stream) SetSink(f func(*media.Packet)) {
	if f == nil {
		s.sink.Store(nil)
		return
	}
	s.sink.Store(&f)
}

// Send leaves a packet to the writer, as it is cut.
func (s *stream) Send(p *media.Packet) error {
	if p.Kind != media.KindAudio || s.mute.Load() {
		return nil
	}
	select {
	case s.audio <- s.f.swap(make([]byte, 0, len(p.Payload)), p.Payload):
	default:
		s.dropped.Add(1)
	}
	return nil
}

// say leaves a text to the writer.
func (s *stream) say(b []byte) {
	select {
	case s.words <- b:
	default:
		s.once.Do(func() { close(s.slow) })
	}
}

// Describe tells what little there is to tell.
func (s *stream) Describe() media.LegInfo {
	return media.LegInfo{Kind: "stream", Codec: s.f.codec, SendOK: true, RecvOK: true}
}

// Close takes the stream off the clock.
func (s *stream) Close() error {
	s.begin.Lock()
	defer s.begin.Unlock()
	s.closed = true
	if s.remove != nil {
		s.remove()
		s.remove = nil
	}
	return nil
}

// write gives what waits to the connection until done is closed, or writing fails.
// Words go before audio.
func (s *stream) write(done <-chan struct{}, word, audio func([]byte) error) error {
	for {
		var err error
		select {
		case b := <-s.words:
			err = word(b)
		default:
			select {
			case <-done:
				return nil
			case <-s.slow:
				return errSlow
			case b := <-s.words:
				err = word(b)
			case b := <-s.audio:
				err = audio(b)
			}
		}
		if err != nil {
			return err
		}
	}
}
