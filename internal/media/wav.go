package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The formats of a WAV file that we read and write (Microsoft's "Multiple
// Channel Audio Data and WAVE Files", and the format registry of RFC 2361).
const (
	wavPCM        = 0x0001
	wavALaw       = 0x0006
	wavULaw       = 0x0007
	wavGSM        = 0x0031 // two frames in 65 octets
	wavExtensible = 0xfffe
)

// maxChunks bounds what may stand before the audio.
const maxChunks = 64

// readWAV reads chunks up to the audio:
//
//	"RIFF" size "WAVE" { id size data… pad to even }…
//	fmt : format(2) channels(2) rate(4) octets/s(4) align(2) bits(2) …
func (s *fileSource) readWAV() error {
	var head [12]byte
	if err := s.header(head[:]); err != nil {
		return err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return fmt.Errorf("%w: no RIFF/WAVE header", ErrFormat)
	}
	known := false
	for range maxChunks {
		var chunk [8]byte
		if err := s.header(chunk[:]); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			if err := s.wavFormat(size); err != nil {
				return err
			}
			known = true
		case "data":
			if !known {
				return fmt.Errorf("%w: audio before its format", ErrFormat)
			}
			s.end = s.start + size
			if size == 0 || size == 0xffffffff { // a recorder that was never closed
				s.end = -1
			}
			return nil
		default:
			if err := s.skip(size + size&1); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("%w: no audio in the first %d chunks", ErrFormat, maxChunks)
}

// header reads b and moves start.
func (s *fileSource) header(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.start += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file ends in its header", ErrFormat)
	}
	return err
}

func (s *fileSource) skip(n int64) error {
	m, err := io.CopyN(io.Discard, s.r, n)
	s.start += m
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file ends in its header", ErrFormat)
	}
	return err
}

func (s *fileSource) wavFormat(size int64) error {
	var b [40]byte
	if size < 16 {
		return fmt.Errorf("%w: format chunk of %d octets", ErrFormat, size)
	}
	n := min(size, int64(len(b)))
	if err := s.header(b[:n]); err != nil {
		return err
	}
	if err := s.skip(size + size&1 - n); err != nil {
		return err
	}
	format := binary.LittleEndian.Uint16(b[0:])
	channels := int(binary.LittleEndian.Uint16(b[2:]))
	rate := binary.LittleEndian.Uint32(b[4:])
	bits := binary.LittleEndian.Uint16(b[14:])
	if format == wavExtensible && n >= 26 {
		format = binary.LittleEndian.Uint16(b[24:])
	}
	return s.setWAV(format, channels, int(rate), int(bits))
}

func (s *fileSource) setWAV(format uint16, channels, rate, bits int) error {
	if rate != 8000 && rate != 16000 && rate != 48000 || channels < 1 || channels > 2 {
		return fmt.Errorf("%w: WAV with %d channels at %d Hz", ErrFormat, channels, rate)
	}
	end, start, f, r := s.end, s.start, s.f, s.r
	switch {
	case format == wavPCM && bits == 16:
		*s = fileSource{align: 2}
	case format == wavULaw && bits == 8:
		*s = *newCodecSource("PCMU")
	case format == wavALaw && bits == 8:
		*s = *newCodecSource("PCMA")
	case format == wavGSM && channels == 1 && rate == 8000:
		*s = *newCodecSource("GSM-MS")
		s.align = wav49Block
	default:
		return fmt.Errorf("%w: WAV format %#x with %d bits", ErrFormat, format, bits)
	}
	s.end, s.start, s.f, s.r = end, start, f, r
	s.rate, s.stereo = rate, channels == 2
	s.align *= channels
	s.perSecond = rate * s.align
	if format == wavGSM {
		s.perSecond = wav49PerSecond
	}
	return nil
}

// wavHeader is the header of a file with that many octets of audio in it.
func wavHeader(format uint16, rate, width int, size uint32) []byte {
	le := binary.LittleEndian
	perSecond, bits, extra := rate*width, 8*width, 0
	if format == wavGSM {
		perSecond, width, bits, extra = wav49PerSecond, wav49Block, 0, 2
	}
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, uint32(16+2*extra))
	b = le.AppendUint16(b, format)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(perSecond))
	b = le.AppendUint16(b, uint16(width))
	b = le.AppendUint16(b, uint16(bits))
	if format == wavGSM { // what is compressed says how many samples there are
		b = le.AppendUint16(b, uint16(extra))
		b = le.AppendUint16(b, wav49Samples)
		b = append(b, "fact"...)
		b = le.AppendUint32(b, 4)
		b = le.AppendUint32(b, size/wav49Block*wav49Samples)
	}
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	le.PutUint32(b[4:], uint32(len(b))-8+size)
	return b
}

// wav49Samples are those of a block.
const wav49Samples = 320

// sameWAV reports whether two headers of wavHeader differ at most in the sizes.
func sameWAV(a, b []byte) bool {
	if len(a) != len(b) || string(a[:4]) != string(b[:4]) {
		return false
	}
	const sizes = 4 // octets of the size of RIFF and of the audio
	end := len(a) - sizes
	if len(a) == 60 { // and of fact, with "data" behind it
		const fact = 48
		return string(a[8:fact]) == string(b[8:fact]) && string(a[fact+sizes:end]) == string(b[fact+sizes:end])
	}
	return string(a[8:end]) == string(b[8:end])
}
