// Package dsp is the arithmetic of telephone audio: it makes tones, hears
// them, changes sampling rates, and judges whether somebody talks.
//
// Audio is mono linear PCM, signed 16 bit, in slices of any length. Everything
// here is a stream of its own: made once, fed or read piece by piece in one
// goroutine, giving the same result however the stream is cut into pieces.
// After the first pieces nothing allocates. Nothing fails on input; only
// constructors and parsers return errors.
//
//	makes:   ToneGen (tones, cadences, DTMF; table by country)
//	changes: Resampler (8, 16, 48 kHz)
//	hears:   DTMFDetector, TalkDetector, AMD, SpectrumPeak
//
// Durations are counted in samples, never by the clock. Levels are in dBm0:
// 0 dBm0 is a sine 3.17 dB below the largest that G.711 µ-law can carry
// (ITU-T G.711 table 5).
package dsp

import "math"

// peak0dBm0 is the amplitude of a sine of 0 dBm0 in 16-bit samples: the
// largest µ-law value (8031, 14 bits) is a peak of +3.17 dBm0.
const peak0dBm0 = 8159 * 4 / 1.4404

// amplitude gives the peak of a sine of that many dBm0.
func amplitude(dBm0 float64) float64 { return peak0dBm0 * math.Pow(10, dBm0/20) }

// level gives the dBm0 of a sine of that peak.
func level(peak float64) float64 { return 20 * math.Log10(peak/peak0dBm0) }

// sample rounds x to a sample and clips it.
func sample(x float64) int16 { return int16(min(max(math.Round(x), -32768), 32767)) }
