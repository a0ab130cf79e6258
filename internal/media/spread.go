package media

import (
	"math"
	"time"
)

// Spread is what became of one measure during a session. The zero value has
// measured nothing.
type Spread struct {
	Count                        uint64
	Min, Max, Mean, StdDev, Last float64

	squares float64 // sum of squared differences from the mean (Welford)
}

// add takes one more value.
func (s *Spread) add(x float64) {
	if s.Count == 0 {
		s.Min, s.Max = x, x
	}
	s.Count++
	s.Last, s.Min, s.Max = x, min(s.Min, x), max(s.Max, x)
	before := x - s.Mean
	s.Mean += before / float64(s.Count)
	s.squares += before * (x - s.Mean)
}

// summed gives the spread with its standard deviation.
func (s Spread) summed() Spread {
	if s.Count > 0 {
		s.StdDev = math.Sqrt(s.squares / float64(s.Count))
	}
	return s
}

// merge keeps the one that has measured something, the later one first.
func (s *Spread) merge(o Spread) {
	if o.Count > 0 {
		*s = o
	}
}

// inSpread is how what we measure ourselves spreads.
type inSpread struct{ jitter, lost, score Spread }

func (i *inSpread) fill(s *Stats) {
	s.JitterSpread, s.LostSpread, s.MES = i.jitter.summed(), i.lost.summed(), i.score.summed()
}

func (p *peerReport) fill(s *Stats) {
	s.RemoteJitterSpread, s.RemoteLostSpread = p.jitters.summed(), p.losts.summed()
	s.RTTSpread, s.RemoteMES = p.rtts.summed(), p.scores.summed()
}

// score is the media experience of one report's time, 0-100; fraction is what
// was lost, 0-1.
func score(fraction float64, jitter, rtt time.Duration) float64 {
	return max(0, min(100, rFactor(100*fraction, jitter, rtt)))
}
