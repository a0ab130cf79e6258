package dsp

import (
	"maps"
	"slices"
	"strings"
)

// DefaultCountry is whose tones are used when none is named.
const DefaultCountry = "us"

// cadences are the tones of one country as ParseTone reads them.
type cadences struct{ dial, ringback, busy, congestion, sit string }

// The special information tone: three rising tones, then a pause (ITU-T E.180
// §6: 950, 1400 and 1800 Hz, 330 ms each, then 1 s).
const (
	sitForEver = "950/330,1400/330,1800/330,0/1000"
	sitOnce    = "!950/330,!1400/330,!1800/330"
	sitUS      = "!950/330,!1400/330,!1800/330,0"
)

// countries are the tones by ISO 3166 code. Figures from ITU-T E.180
// Supplement 2, "Various tones used in national networks"; where a network has
// several, the one that Asterisk plays (Asterisk: indications.conf.sample),
// since users know it. Where a country defines no special information tone
// the one of E.180 is given. Durations in ms.
//
//	dial tone                              ringback                                   busy             congestion                                  special information
var countries = map[string]cadences{
	"at": {"420", "420/1000,0/5000", "420/400,0/400", "420/200,0/200", "950/330,1450/330,1850/330,0/1000"},
	"au": {"413+438", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375", "425/375,0/375,420/375,0/375", "425/2500,0/500"},
	"be": {"425", "425/1000,0/3000", "425/500,0/500", "425/167,0/167", "900/330,1400/330,1800/330,0/1000"},
	"br": {"425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250,425/750,0/250", sitForEver},
	"ch": {"425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", sitForEver},
	"cn": {"450", "450/1000,0/4000", "450/350,0/350", "450/700,0/700", sitForEver},
	"cz": {"425/330,0/330,425/660,0/660", "425/1000,0/4000", "425/330,0/330", "425/165,0/165", "950/330,0/30,1400/330,0/30,1800/330,0/1000"},
	"de": {"425", "425/1000,0/4000", "425/480,0/480", "425/240,0/240", sitForEver},
	"dk": {"425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", sitForEver},
	"es": {"425", "425/1500,0/3000", "425/200,0/200", "425/200,0/200,425/200,0/200,425/200,0/600", sitForEver},
	"fi": {"425", "425/1000,0/4000", "425/300,0/300", "425/200,0/200", "950/650,0/325,950/325,0/30,1400/1300,0/2600"},
	"fr": {"440", "440/1500,0/3500", "440/500,0/500", "440/250,0/250", sitOnce},
	"in": {"400*25", "400*25/400,0/200,400*25/400,0/2000", "400/750,0/750", "400/250,0/250", sitForEver},
	"it": {"425/200,0/200,425/600,0/1000", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", sitForEver},
	"jp": {"400", "400*15/1000,0/2000", "400/500,0/500", "400/500,0/500", sitUS},
	"mx": {"425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250", "950/330,0/30,1400/330,0/30,1800/330,0/1000"},
	"nl": {"425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", sitForEver},
	"no": {"425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", sitForEver},
	"nz": {"400", "400+450/400,0/200,400+450/400,0/2000", "400/500,0/500", "400/250,0/250", "400/750,0/100,400/750,0/100,400/750,0/100,400/750,0/400"},
	"se": {"425", "425/1000,0/5000", "425/250,0/250", "425/250,0/750", "950/332,0/24,1400/332,0/24,1800/332,0/2024"},
	"uk": {"350+440", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525", "950/330,0/15,1400/330,0/15,1800/330,0/1000"},
	"us": {"350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250", sitUS},
}

// CountryTone gives a tone by country code ("us"; "gb" is "uk"; any case) and
// kind: "dial", "ringback" (or "ring"), "busy", "congestion", "sit" (or "info").
// "milliwatt" is the same everywhere: 1004 Hz at 0 dBm0 for ever (Asterisk:
// app_milliwatt.c). ok is false for a country or kind that is not known.
func CountryTone(country, kind string) (t Tone, ok bool) {
	if strings.EqualFold(kind, "milliwatt") {
		return Tone{Segments: []Segment{{Freqs: []float64{1004}}}, Gain: -UsualLevel}, true
	}
	country = strings.ToLower(country)
	if country == "gb" {
		country = "uk"
	}
	c, ok := countries[country]
	if !ok {
		return Tone{}, false
	}
	spec := ""
	switch strings.ToLower(kind) {
	case "dial":
		spec = c.dial
	case "ringback", "ring":
		spec = c.ringback
	case "busy":
		spec = c.busy
	case "congestion":
		spec = c.congestion
	case "sit", "info":
		spec = c.sit
	default:
		return Tone{}, false
	}
	t, err := ParseTone(spec)
	return t, err == nil // a test reads them all
}

// Countries lists the codes that CountryTone knows, sorted.
func Countries() []string { return slices.Sorted(maps.Keys(countries)) }
