package media

import (
	"math"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		in   []float64
		want Spread
	}{
		"nothing":   {nil, Spread{}},
		"one":       {[]float64{4}, Spread{Count: 1, Min: 4, Max: 4, Mean: 4, Last: 4}},
		"a handful": {[]float64{2, 4, 4, 4, 5, 5, 7, 9}, Spread{Count: 8, Min: 2, Max: 9, Mean: 5, StdDev: 2, Last: 9}},
		"negative":  {[]float64{-1, 1}, Spread{Count: 2, Min: -1, Max: 1, StdDev: 1, Last: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var s Spread
			for _, x := range c.in {
				s.add(x)
			}
			got := s.summed()
			got.squares = 0
			if math.Abs(got.StdDev-c.want.StdDev) > 1e-9 || math.Abs(got.Mean-c.want.Mean) > 1e-9 {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			got.StdDev, got.Mean = c.want.StdDev, c.want.Mean
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// A later session's measures take the place of those before, and one that has
// measured nothing leaves them.
func TestSpreadMerge(t *testing.T) {
	var before, after, empty Spread
	before.add(1)
	after.add(2)
	before.merge(empty)
	if before.Last != 1 {
		t.Errorf("an empty spread took the place: %+v", before)
	}
	before.merge(after)
	if before.Last != 2 || before.Count != 1 {
		t.Errorf("merged: %+v", before)
	}
}

// The score is the R of perfect audio without loss, and falls with loss, delay
// and jitter, never below 0.
func TestScore(t *testing.T) {
	best := score(0, 0, 0)
	if best < 90 || best > 94 {
		t.Errorf("perfect audio has %f", best)
	}
	for name, worse := range map[string]float64{
		"loss": score(0.05, 0, 0), "jitter": score(0, 50*time.Millisecond, 0), "delay": score(0, 0, time.Second),
	} {
		if worse >= best {
			t.Errorf("%s makes it no worse: %f", name, worse)
		}
	}
	if s := score(1, time.Second, 5*time.Second); s != 0 {
		t.Errorf("the worst has %f", s)
	}
}
