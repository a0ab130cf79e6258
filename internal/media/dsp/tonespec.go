package dsp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxSegments bounds what one tone specification may hold.
const maxSegments = 64

// ParseTone reads a tone as people write it in Asterisk's indications.conf:
// segments with a comma between them, each "[!]f1[+f2…][*m][/ms]". f is in Hz
// (0 is silence), m modulates f in amplitude, ms is the duration (none = for
// ever). Segments with a ! before them are played once, the others for ever
// after.
//
//	440+480/2000,0/4000               rings for ever
//	!950/330,!1400/330,!1800/330      plays once
func ParseTone(spec string) (Tone, error) {
	var t Tone
	for text := range strings.SplitSeq(spec, ",") {
		text, once := strings.CutPrefix(strings.TrimSpace(text), "!")
		s, err := parseSegment(text)
		if err != nil {
			return Tone{}, fmt.Errorf("tone %q: %w", spec, err)
		}
		if len(t.Segments) == maxSegments {
			return Tone{}, fmt.Errorf("tone: more than %d segments", maxSegments)
		}
		if !once && !t.Repeat {
			t.Repeat, t.From = true, len(t.Segments)
		}
		t.Segments = append(t.Segments, s)
	}
	return t, nil
}

func parseSegment(text string) (Segment, error) {
	var s Segment
	sound, ms, timed := strings.Cut(text, "/")
	if timed {
		n, err := strconv.ParseUint(strings.TrimSpace(ms), 10, 31)
		if err != nil || n == 0 {
			return s, fmt.Errorf("duration %q is not a number of milliseconds", ms)
		}
		s.For = time.Duration(n) * time.Millisecond
	}
	sound, by, modulated := strings.Cut(sound, "*")
	for f := range strings.SplitSeq(sound, "+") {
		hz, err := parseHz(f)
		if err != nil {
			return s, err
		}
		if hz != 0 {
			s.Freqs = append(s.Freqs, hz)
		}
	}
	if len(s.Freqs) > 8 {
		return s, fmt.Errorf("more than 8 frequencies at once")
	}
	if modulated {
		hz, err := parseHz(by)
		if err != nil {
			return s, err
		}
		s.Modulation = hz
	}
	return s, nil
}

func parseHz(text string) (float64, error) {
	hz, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(hz >= 0 && hz <= 24000) {
		return 0, fmt.Errorf("%q is not a frequency in Hz", text)
	}
	return hz, nil
}
