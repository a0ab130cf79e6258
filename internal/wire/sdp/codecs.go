package sdp

import "strings"

// encoding is what a codec name of our configuration means on the wire.
type encoding struct {
	name           string // as printed in rtpmap
	rate, channels int
	pt             uint8 // the number that we offer first
}

// encodings are the codecs that we can name, with the payload type that we
// like for each: the static one of RFC 3551 §6, else the number that most of
// the field uses (Asterisk: main/rtp_engine.c ast_rtp_engine_init).
var encodings = map[string]encoding{
	"pcmu":      {"PCMU", 8000, 1, 0},
	"gsm":       {"GSM", 8000, 1, 3},
	"pcma":      {"PCMA", 8000, 1, 8},
	"g722":      {"G722", 8000, 1, 9}, // 8000 although it carries 16 kHz: RFC 3551 §4.5.2
	"g729":      {"G729", 8000, 1, 18},
	"ilbc":      {"iLBC", 8000, 1, 97},
	"opus":      {"opus", 48000, 2, 107}, // always 48000/2: RFC 7587 §7
	"l16":       {"L16", 8000, 1, 122},
	"l16/8000":  {"L16", 8000, 1, 122},
	"l16/16000": {"L16", 16000, 1, 118},
}

// telephoneEvent is the name under which Local.Codecs allows RFC 4733.
const telephoneEvent = "telephone-event"

// eventPTs are the numbers that we like for telephone-event, by clock rate.
var eventPTs = map[int]uint8{8000: 101, 16000: 102, 48000: 103}

// eventCodes are the events that we send and take: the sixteen DTMF digits and
// flash (RFC 4733 §3.2).
const eventCodes = "0-16"

// Known says whether name can stand in Local.Codecs.
func Known(name string) bool {
	_, ok := encodings[strings.ToLower(name)]
	return ok || equalFold(name, telephoneEvent)
}

// staticFormats are the payload types that need no rtpmap (RFC 3551 §6 table 4).
var staticFormats = map[uint8]Format{
	0:  {Name: "PCMU", Rate: 8000, Channels: 1},
	3:  {Name: "GSM", Rate: 8000, Channels: 1},
	4:  {Name: "G723", Rate: 8000, Channels: 1},
	5:  {Name: "DVI4", Rate: 8000, Channels: 1},
	6:  {Name: "DVI4", Rate: 16000, Channels: 1},
	7:  {Name: "LPC", Rate: 8000, Channels: 1},
	8:  {Name: "PCMA", Rate: 8000, Channels: 1},
	9:  {Name: "G722", Rate: 8000, Channels: 1},
	10: {Name: "L16", Rate: 44100, Channels: 2},
	11: {Name: "L16", Rate: 44100, Channels: 1},
	12: {Name: "QCELP", Rate: 8000, Channels: 1},
	13: {Name: "CN", Rate: 8000, Channels: 1},
	14: {Name: "MPA", Rate: 90000, Channels: 1},
	15: {Name: "G728", Rate: 8000, Channels: 1},
	16: {Name: "DVI4", Rate: 11025, Channels: 1},
	17: {Name: "DVI4", Rate: 22050, Channels: 1},
	18: {Name: "G729", Rate: 8000, Channels: 1},
	25: {Name: "CelB", Rate: 90000, Channels: 1},
	26: {Name: "JPEG", Rate: 90000, Channels: 1},
	28: {Name: "nv", Rate: 90000, Channels: 1},
	31: {Name: "H261", Rate: 90000, Channels: 1},
	32: {Name: "MPV", Rate: 90000, Channels: 1},
	33: {Name: "MP2T", Rate: 90000, Channels: 1},
	34: {Name: "H263", Rate: 90000, Channels: 1},
}

// staticFormat describes a payload type that has no rtpmap; for a dynamic one
// there is nothing to say but its number.
func staticFormat(pt uint8) Format {
	f, ok := staticFormats[pt]
	if !ok {
		f = Format{Rate: 8000, Channels: 1}
	}
	f.PT = pt
	return f
}

// numbers are the payload types under which we receive, for the life of the
// dialog: once given, a number keeps its meaning (RFC 3264 §8.3.2).
type numbers map[encodingKey]uint8

// encodingKey says what a number means, without the number.
type encodingKey struct {
	name           string // lower case
	rate, channels int
}

func keyOf(f Format) encodingKey {
	return encodingKey{strings.ToLower(f.Name), f.Rate, f.Channels}
}

// give gives the number for what f describes: the one it has, else f.PT if
// that is free, else the first free dynamic one. ok is false when all 32 are
// taken.
func (n numbers) give(f Format) (pt uint8, ok bool) {
	k := keyOf(f)
	if pt, ok := n[k]; ok {
		return pt, true
	}
	if n.free(f.PT) {
		n[k] = f.PT
		return f.PT, true
	}
	for pt := uint8(96); pt < 128; pt++ {
		if n.free(pt) {
			n[k] = pt
			return pt, true
		}
	}
	return 0, false
}

func (n numbers) free(pt uint8) bool {
	for _, used := range n {
		if used == pt {
			return false
		}
	}
	return true
}
