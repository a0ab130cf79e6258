package media

import (
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// buffer is a jitter buffer of PCMU with a clock of its own.
type buffer struct {
	*jitterBuffer
	t   *testing.T
	now time.Time
	pcm [160]int16
}

func newBuffer(t *testing.T) *buffer {
	j, ok := newJitterBuffer(Format{Codec: "PCMU"}.norm(), 8000)
	if !ok {
		t.Fatal("no buffer for PCMU")
	}
	return &buffer{jitterBuffer: j, t: t, now: time.Unix(1000, 0)}
}

// packet pushes packet n of the stream; its audio is its number modulo 25.
func (b *buffer) packet(n int) {
	pcmu, _ := codec.Lookup("PCMU")
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(n%25+1) * 1000
	}
	b.push(&Packet{Seq: uint16(n), TS: uint32(n) * 160, SSRC: 1, At: b.now, Payload: pcmu.NewEncoder().Encode(nil, pcm)})
}

// frame takes 20 ms and gives the number (modulo 25) of the packet it is from; -1 = silence.
func (b *buffer) frame() int {
	b.now = b.now.Add(20 * time.Millisecond)
	if !b.take(b.pcm[:]) || b.pcm[80] == 0 {
		return -1
	}
	return (int(b.pcm[80])+500)/1000 - 1
}

func (b *buffer) want(list ...int) {
	b.t.Helper()
	for i, w := range list {
		if got := b.frame(); got != w {
			b.t.Fatalf("frame %d is of packet %d, want %d", i, got, w)
		}
	}
}

func TestM5_JitterBufferOrder(t *testing.T) {
	b := newBuffer(t)
	b.want(-1)
	for _, n := range []int{0, 2, 1, 1, 4} { // reordered, doubled, 3 is lost
		b.packet(n)
	}
	b.want(0, 1, 2, -1, 4, -1)
	b.packet(3) // too late
	if n := b.takenLate(); n != 0 {
		t.Errorf("%d late while nothing was playing", n)
	}
}

func TestM5_JitterBufferLate(t *testing.T) {
	b := newBuffer(t)
	for n := range 5 {
		b.packet(n)
	}
	b.want(0, 1, 2)
	b.packet(1)
	if n := b.takenLate(); n != 1 {
		t.Errorf("%d late", n)
	}
	b.want(3, 4)
}

// TestM5_TalkspurtBeginsWhole: after a pause nothing of the first words is lost,
// and the pause is not played a second time.
func TestM5_TalkspurtBeginsWhole(t *testing.T) {
	for _, pause := range []int{3, 10, 40, 500} { // packets of 20 ms
		b := newBuffer(t)
		for n := range 3 {
			b.packet(n)
		}
		b.want(0, 1, 2)
		for range pause {
			b.want(-1)
		}
		heard := map[int]bool{}
		waited := 0
		for n := 3 + pause; n < 13+pause; n++ {
			b.packet(n)
			if got := b.frame(); got >= 0 {
				heard[got] = true
			} else {
				waited++
			}
		}
		if waited > 3 {
			t.Errorf("pause of %d packets: %d frames of silence after it", pause, waited)
		}
		if !heard[(3+pause)%25] {
			t.Errorf("pause of %d packets: the first one after it was lost", pause)
		}
	}
}

func TestM5_JitterBufferIsBounded(t *testing.T) {
	b := newBuffer(t)
	for n := range 30 {
		b.packet(n)
	}
	for n := range 10_000 {
		b.push(&Packet{Seq: uint16(n * 7), TS: uint32(n * n * 31), SSRC: uint32(n % 3), At: b.now, Payload: make([]byte, n%300)})
		if len(b.queue) > maxQueue || b.delay() > 2*maxDelay {
			t.Fatalf("%d packets, delay %v", len(b.queue), b.delay())
		}
		if n%3 == 0 {
			b.frame()
		}
	}
}

func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\xa0\x01\x40\x10\x00\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		b := newBuffer(t)
		for i := 0; i+3 < len(in); i += 4 {
			ts := uint32(in[i])<<24 | uint32(in[i+1])<<8 | uint32(in[i+2])
			b.push(&Packet{Seq: uint16(i), TS: ts, SSRC: 1, At: b.now, Payload: make([]byte, int(in[i+3])*2)})
			if in[i+3]&1 != 0 {
				b.frame()
			}
			if len(b.queue) > maxQueue {
				t.Fatal("queue is not bounded")
			}
		}
	})
}
