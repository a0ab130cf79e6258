// Package codec turns linear audio into the payload of an RTP packet and back.
//
// A Codec is a value without state that says how an encoding is named and
// clocked, and makes the two halves that do hold state: an Encoder and a
// Decoder, one of each per stream and direction. Both append to a buffer of
// the caller, so that a stream that reuses its buffers allocates nothing per
// packet:
//
//	c, _ := codec.Lookup("PCMU")
//	enc := c.NewEncoder()
//	payload = enc.Encode(payload[:0], pcm) // 160 samples in, 160 bytes out
//
// Linear audio is mono, signed 16 bit, in the codec's SampleRate. Frames may be
// of any length; G.722 needs an even number of samples and GSM 160, what is
// left over is kept for the next call.
//
// Nothing here fails: every byte string is valid input to every decoder (L16
// ignores an odd last byte). Packets that were lost are the caller's business.
// Opus is not here: its packets are passed through untouched.
package codec

import "strings"

// Codec describes an encoding. Its methods may be called concurrently.
type Codec interface {
	Name() string            // as in SDP's rtpmap: "PCMU"
	ClockRate() int          // RTP clock in Hz: 8000 for G722 although it carries 16 kHz (RFC 3551 §4.5.2)
	SampleRate() int         // of the linear audio in Hz
	StaticPT() (uint8, bool) // payload type number of RFC 3551 table 4, if it has one
	NewEncoder() Encoder
	NewDecoder() Decoder
}

// Encoder is the sending half of one stream. One goroutine at a time.
type Encoder interface {
	// Encode appends the encoding of pcm to dst and returns it.
	Encode(dst []byte, pcm []int16) []byte
}

// Decoder is the receiving half of one stream. One goroutine at a time.
type Decoder interface {
	// Decode appends the audio in payload to dst and returns it.
	Decode(dst []int16, payload []byte) []int16
}

// Lookup gives the codec of that name in any case: "PCMU", "PCMA", "G722",
// "GSM", "GSM-MS" (Microsoft's packing, for files only), "L16" (8 kHz) or
// "L16/16000".
func Lookup(name string) (Codec, bool) {
	switch strings.ToUpper(name) {
	case "PCMU":
		return pcmu, true
	case "PCMA":
		return pcma, true
	case "G722":
		return wideband{}, true
	case "GSM":
		return gsm{}, true
	case "GSM-MS":
		return gsm{ms: true}, true
	case "L16", "L16/8000":
		return linear{rate: 8000}, true
	case "L16/16000":
		return linear{rate: 16000}, true
	}
	return nil, false
}

// Names lists what Lookup knows, best known first.
func Names() []string {
	return []string{"PCMU", "PCMA", "G722", "GSM", "GSM-MS", "L16", "L16/16000"}
}
