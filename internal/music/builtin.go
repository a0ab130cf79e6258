package music

import (
	"io"
	"math"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// The built-in piece: four chords of eight notes each, a soft bell over a low
// fifth, quiet enough to talk over. It is made when it is heard for the first
// time, and lasts 16 s before it begins again.
const (
	rate     = 8000
	note     = rate / 2      // samples from one note to the next
	ring     = rate * 9 / 10 // samples that a note takes to fade
	melodyHz = 261.63        // middle C
	loudest  = 3600          // of 32767: about -19 dB
)

// chords are the notes of each bar in semitones above middle C, lowest first.
var chords = [...][8]int{
	{0, 7, 12, 16, 19, 16, 12, 7},  // C
	{-3, 4, 9, 12, 16, 12, 9, 4},   // A minor
	{-7, 0, 5, 9, 12, 9, 5, 0},     // F
	{-5, 2, 7, 11, 14, 17, 14, 11}, // G seventh
}

// piece is the built-in music; computed once, never changed.
var piece = sync.OnceValue(compose)

// compose writes the piece down.
func compose() []int16 {
	n := len(chords) * len(chords[0]) * note
	mix := make([]float64, n)
	for bar, chord := range chords {
		at := bar * len(chord) * note
		for i, semitone := range chord {
			strike(mix, at+i*note, semitone, 1)
		}
		for _, i := range []int{0, 4} { // the fifth below, twice a bar
			strike(mix, at+i*note, chord[0]-12, 0.9)
			strike(mix, at+i*note, chord[0]-5, 0.5)
		}
	}
	top := 0.0
	for _, v := range mix {
		top = max(top, math.Abs(v))
	}
	pcm := make([]int16, n)
	for i, v := range mix {
		pcm[i] = int16(math.Round(v / top * loudest))
	}
	return pcm
}

// strike adds one note that begins softly and fades; what goes beyond the end
// of the piece is heard at its beginning, so that it has no seam.
func strike(mix []float64, at, semitone int, level float64) {
	hz := melodyHz * math.Pow(2, float64(semitone)/12)
	for i := range 2 * ring {
		t := float64(i) / rate
		attack := min(1, t/0.012)
		fade := math.Exp(-3.2 * float64(i) / ring)
		v := math.Sin(2*math.Pi*hz*t) + 0.25*math.Sin(4*math.Pi*hz*t)*math.Exp(-5*t)
		mix[(at+i)%len(mix)] += level * attack * fade * v
	}
}

// Builtin gives the built-in piece from its beginning, for ever.
func Builtin() media.Source { return &player{pcm: piece()} }

// player plays the piece round and round.
type player struct {
	pcm []int16
	at  int
}

func (p *player) Rate() int { return rate }

func (p *player) ReadFrame(pcm []int16) (int, error) {
	for n := 0; n < len(pcm); {
		k := copy(pcm[n:], p.pcm[p.at:])
		n += k
		p.at = (p.at + k) % len(p.pcm)
	}
	return len(pcm), nil
}

// SeekTo implements media.Seeker.
func (p *player) SeekTo(d time.Duration) error {
	if d < 0 {
		return io.ErrUnexpectedEOF
	}
	p.at = int(int64(d/time.Millisecond)*rate/1000) % len(p.pcm)
	return nil
}
