package media

import (
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Bounds of the delay that a jitter buffer adds (rule M5).
const (
	minDelay   = 20 * time.Millisecond
	firstDelay = 40 * time.Millisecond // before the jitter is known
	maxDelay   = 120 * time.Millisecond
	maxQueue   = 64          // packets
	freshGap   = time.Second // a longer jump of the timestamps is a new timeline, not silence to be played
	slackPops  = 25          // look at the delay this often, in frames
)

// jitterBuffer turns packets that come irregularly into audio that is taken
// regularly. Its pointer moves along the sender's timestamps; what is missing
// when its turn comes is silence, what comes after its turn is dropped.
//
//	        late │ ◄── fifo ──► ◄────── queue ──────►
//	timestamps ──┼──────────────────────────────────────►
//	             next                              newest
//	                └────────── delay ─────────────┘
//
// The delay follows three times the measured jitter between 20 and 120 ms.
// When the smallest delay of half a second stays above the target, the excess
// is dropped; above 120 ms it is dropped at once. So the delay comes back
// after a stall. push and take may run on different goroutines.
type jitterBuffer struct {
	mu    sync.Mutex
	dec   codec.Decoder
	rs    *dsp.Resampler // nil when the codec's rate is the wanted one
	clock int            // RTP units per second
	width int            // octets of the smallest piece …
	lasts int            // … and how many RTP units it lasts
	name  string
	rate  int // Hz of what take gives

	queue   []queued
	spare   [][]byte
	fifo    []int16 // decoded, in rate
	pcm     []int16 // scratch
	begun   bool    // next is valid
	playing bool    // false while the buffer fills up
	next    uint32  // timestamp after fifo
	ssrc    uint32
	jitter  receiver
	boost   time.Duration // added after underruns, fades

	least time.Duration // smallest delay of this look
	pops  int
	late  uint64
}

type queued struct {
	ts      uint32
	payload []byte
}

// newJitterBuffer gives audio of rate Hz from packets of f; ok is false when
// f's codec cannot be decoded here.
func newJitterBuffer(f Format, rate int) (j *jitterBuffer, ok bool) {
	c, ok := codec.Lookup(f.codecName())
	if !ok {
		return nil, false
	}
	j = &jitterBuffer{dec: c.NewDecoder(), clock: f.ClockRate, width: 1, lasts: 1, rate: rate, name: f.Codec, least: -1}
	switch c.Name() {
	case "L16":
		j.width = 2
	case "GSM":
		j.width, j.lasts = gsmBlock, 160
	}
	if c.SampleRate() != rate {
		rs, err := dsp.NewResampler(c.SampleRate(), rate)
		if err != nil {
			return nil, false
		}
		j.rs = rs
	}
	return j, true
}

// codecName is what package codec calls the format.
func (f Format) codecName() string {
	if strings.EqualFold(f.Codec, "L16") && f.ClockRate == 16000 {
		return "L16/16000"
	}
	return f.Codec
}

func (j *jitterBuffer) duration(units uint32) time.Duration {
	return time.Duration(units) * time.Second / time.Duration(j.clock)
}

// span is how long a payload lasts, in RTP units.
func (j *jitterBuffer) span(payload []byte) uint32 { return uint32(len(payload) / j.width * j.lasts) }

func (j *jitterBuffer) units(d time.Duration) uint32 { return rtpUnits(d, j.clock) }

// push takes a packet of audio.
func (j *jitterBuffer) push(p *Packet) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(p.Payload) < j.width {
		return
	}
	if j.begun && (p.SSRC != j.ssrc || j.jumped(p.TS)) {
		j.restart()
	}
	j.ssrc = p.SSRC
	j.jitter.seen(p, j.clock, true)
	if !j.begun || !j.playing && len(j.queue) == 0 && int32(p.TS-j.next) > 0 {
		j.begun, j.next = true, p.TS // the silence before a talkspurt has passed already
	}
	if int32(p.TS-j.next) < 0 {
		if j.playing {
			j.late++
			return
		}
		j.next = p.TS // overtaken before anything was played
	}
	j.insert(p)
	for j.delay() > maxDelay {
		j.dropTo(j.target())
	}
}

// jumped says whether ts is on another timeline than what is buffered.
func (j *jitterBuffer) jumped(ts uint32) bool {
	d := int32(ts - j.next)
	gap := int32(j.units(freshGap))
	return d > gap+int32(j.units(maxDelay)) || d < -gap
}

func (j *jitterBuffer) restart() {
	for _, q := range j.queue {
		j.spare = append(j.spare, q.payload)
	}
	j.queue = j.queue[:0]
	j.begun, j.playing, j.least, j.pops = false, false, -1, 0
}

// insert keeps the queue in order of timestamps, without doubles.
func (j *jitterBuffer) insert(p *Packet) {
	at := len(j.queue)
	for at > 0 && int32(j.queue[at-1].ts-p.TS) > 0 {
		at--
	}
	if at > 0 && j.queue[at-1].ts == p.TS {
		return
	}
	if len(j.queue) >= maxQueue {
		j.late++
		return
	}
	var b []byte
	if n := len(j.spare); n > 0 {
		b, j.spare = j.spare[n-1][:0], j.spare[:n-1]
	}
	j.queue = append(j.queue, queued{})
	copy(j.queue[at+1:], j.queue[at:])
	j.queue[at] = queued{p.TS, append(b, p.Payload...)}
}

// delay is the audio in the buffer, holes included.
func (j *jitterBuffer) delay() time.Duration {
	d := time.Duration(len(j.fifo)) * time.Second / time.Duration(j.rate)
	if n := len(j.queue); n > 0 {
		last := j.queue[n-1]
		d += j.duration(last.ts + j.span(last.payload) - j.next)
	}
	return d
}

// target is the delay to hold.
func (j *jitterBuffer) target() time.Duration {
	t := minDelay + 3*j.jitter.jitterTime(j.clock) + j.boost
	if j.jitter.received < 10 {
		t = max(t, firstDelay)
	}
	return min(t, maxDelay-minDelay)
}

// take fills pcm with the next audio. It reports false, and silence, when the
// sender is silent or the buffer fills up.
func (j *jitterBuffer) take(pcm []int16) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.playing {
		if len(j.queue) == 0 || j.delay() < j.target() {
			clear(pcm)
			return false
		}
		j.playing = true
	}
	j.watch(time.Duration(len(pcm)) * time.Second / time.Duration(j.rate))
	for len(j.fifo) < len(pcm) && len(j.queue) > 0 {
		j.advance(len(pcm) - len(j.fifo))
	}
	n := copy(pcm, j.fifo)
	j.fifo = append(j.fifo[:0], j.fifo[n:]...)
	clear(pcm[n:])
	if n < len(pcm) { // ran dry: wait for more than before
		j.playing = false
		j.boost = min(j.boost+minDelay/2, maxDelay/2)
	}
	return n > 0
}

// advance decodes the next packet, or fills want samples of a hole before it.
func (j *jitterBuffer) advance(want int) {
	head := j.queue[0]
	if hole := int32(head.ts - j.next); hole > 0 {
		n := min(int64(want), int64(hole)*int64(j.rate)/int64(j.clock))
		n = max(n, 1)
		j.fifo = append(j.fifo, make([]int16, n)...)
		j.next += uint32(min(int64(hole), max(1, n*int64(j.clock)/int64(j.rate))))
		return
	}
	j.fifo = j.decode(j.fifo, head)
	j.pop()
}

// pop takes the head off and moves the pointer behind it.
func (j *jitterBuffer) pop() {
	head := j.queue[0]
	j.next = head.ts + j.span(head.payload)
	j.spare = append(j.spare, head.payload)
	copy(j.queue, j.queue[1:])
	j.queue = j.queue[:len(j.queue)-1]
}

func (j *jitterBuffer) decode(dst []int16, q queued) []int16 {
	if j.rs == nil {
		return j.dec.Decode(dst, q.payload)
	}
	j.pcm = j.dec.Decode(j.pcm[:0], q.payload)
	return j.rs.Process(dst, j.pcm)
}

// dropTo shortens the delay to about want: holes first, then whole packets.
// They are decoded all the same: G.722 remembers.
func (j *jitterBuffer) dropTo(want time.Duration) {
	j.fifo = j.fifo[:0]
	for len(j.queue) > 0 && j.delay() > want {
		if hole := int32(j.queue[0].ts - j.next); hole > 0 {
			j.next += min(uint32(hole), max(1, j.units(j.delay()-want)))
			continue
		}
		j.pcm = j.dec.Decode(j.pcm[:0], j.queue[0].payload)
		j.pop()
	}
}

// watch looks at the delay before each frame is taken and drops what lasted
// too long.
func (j *jitterBuffer) watch(frame time.Duration) {
	if d := j.delay() - frame; j.least < 0 || d < j.least {
		j.least = max(d, 0)
	}
	if j.pops++; j.pops < slackPops {
		return
	}
	if j.least+frame > j.target()+minDelay {
		j.dropTo(j.target())
	}
	j.boost -= j.boost / 4
	j.pops, j.least = 0, -1
}

// takenLate gives and clears the number of packets that came too late.
func (j *jitterBuffer) takenLate() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.late
	j.late = 0
	return n
}
