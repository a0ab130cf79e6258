package apps

import (
	"encoding/binary"
	"os"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// agiAudio is what EAGI gives a script on file descriptor 3: what the party says,
// 16-bit samples in little-endian order at 8 kHz (Asterisk: res_agi.c eagi).
type agiAudio struct {
	theirs *os.File // the script's end
	ours   *os.File
	untap  func()
	frames chan []byte
	sent   chan struct{} // closed when the writer has gone

	mu     sync.Mutex // guards closed
	closed bool
}

// agiAudioAhead is how many frames of 20 ms a script may be late; those that do not
// fit are lost to it.
const agiAudioAhead = 250

// openAGIAudio taps the channel. pbx.ErrNoMedia without a media engine.
func openAGIAudio(c *pbx.Channel) (*agiAudio, error) {
	if c.Port() == nil {
		return nil, pbx.ErrNoMedia
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a := &agiAudio{theirs: r, ours: w, frames: make(chan []byte, agiAudioAhead), sent: make(chan struct{})}
	go a.write()
	a.untap = c.Port().Tap(a, media.TapOptions{In: true, Rate: 8000})
	return a, nil
}

// WriteFrame implements media.Sink.
func (a *agiAudio) WriteFrame(pcm []int16, _ int) {
	b := make([]byte, 2*len(pcm))
	for i, v := range pcm {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	select {
	case a.frames <- b:
	default:
	}
}

// write passes frames on until close.
func (a *agiAudio) write() {
	defer close(a.sent)
	for b := range a.frames {
		if _, err := a.ours.Write(b); err != nil {
			break // the script does not listen
		}
	}
	for range a.frames { // let close come
	}
}

func (a *agiAudio) close() {
	a.untap()
	a.mu.Lock()
	a.closed = true
	close(a.frames)
	a.mu.Unlock()
	_ = a.ours.SetWriteDeadline(time.Now()) // a write under way ends
	<-a.sent
	_, _ = a.ours.Close(), a.theirs.Close()
}
