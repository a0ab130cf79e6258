package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// fileFormats are the extensions in the order in which a name without one is
// tried: best sound first.
var fileFormats = [...]string{".sln16", ".g722", ".wav", ".sln", ".ulaw", ".alaw", ".gsm", ".wav49"}

// OpenFile opens a prompt. Known are .wav (16 bit, PCMU, PCMA; 8 or 16 kHz; GSM;
// also .wav49), and without header .ulaw (also .ul, .pcm), .alaw (.al), .sln
// (signed 16 bit little endian, 8 kHz), .sln16 (16 kHz), .g722 and .gsm, as
// Asterisk names them. A name without extension takes the first file that
// exists. The source is a Seeker and a Closer; its Playout closes it. Errors:
// those of fsys, and ErrFormat.
func OpenFile(fsys fs.FS, name string) (Source, error) {
	if ext := path.Ext(name); ext != "" && newFileSource(ext) != nil {
		return openFile(fsys, name, ext)
	} else if ext != "" {
		if _, err := fs.Stat(fsys, name); err == nil {
			return nil, fmt.Errorf("%w: %s", ErrFormat, name)
		}
	}
	for _, ext := range fileFormats {
		s, err := openFile(fsys, name+ext, ext)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
	return nil, fmt.Errorf("media: sound %s: %w", name, fs.ErrNotExist)
}

// IsSound reports whether a file's name ends as one that OpenFile can play.
func IsSound(name string) bool { return newFileSource(path.Ext(name)) != nil }

// newFileSource gives an unopened source by extension; nil if it is unknown.
func newFileSource(ext string) *fileSource {
	switch strings.ToLower(ext) {
	case ".ulaw", ".ul", ".pcm", ".mu":
		return newCodecSource("PCMU")
	case ".alaw", ".al":
		return newCodecSource("PCMA")
	case ".g722":
		return newCodecSource("G722")
	case ".sln", ".raw":
		return &fileSource{rate: 8000, perSecond: 16000, align: 2, end: -1}
	case ".sln16":
		return &fileSource{rate: 16000, perSecond: 32000, align: 2, end: -1}
	case ".gsm":
		s := newCodecSource("GSM")
		s.perSecond, s.align = gsmPerSecond, gsmBlock
		return s
	case ".wav", ".wav49":
		return &fileSource{end: -1}
	}
	return nil
}

// GSM comes in blocks of 20 ms, in WAV files in blocks of 40 ms.
const (
	gsmBlock, gsmPerSecond     = 33, 1650
	wav49Block, wav49PerSecond = 65, 1625
)

func newCodecSource(name string) *fileSource {
	c, ok := codec.Lookup(name)
	if !ok {
		return nil
	}
	return &fileSource{codec: c, rate: c.SampleRate(), perSecond: 8000, align: 1, end: -1}
}

func openFile(fsys fs.FS, name, ext string) (Source, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("media: sound: %w", err)
	}
	s := newFileSource(ext)
	s.f, s.r = f, bufio.NewReaderSize(f, 4096)
	if ext = strings.ToLower(ext); ext == ".wav" || ext == ".wav49" {
		if err := s.readWAV(); err != nil {
			f.Close()
			return nil, fmt.Errorf("media: sound %s: %w", name, err)
		}
	}
	s.resetDecoder()
	return s, nil
}

// fileSource reads audio from a file as it is needed.
type fileSource struct {
	f         fs.File
	r         *bufio.Reader
	codec     codec.Codec // nil = linear, little endian
	dec       codec.Decoder
	rate      int
	perSecond int   // octets
	align     int   // octets that belong together
	stereo    bool  // two channels, averaged
	start     int64 // of the audio in the file
	end       int64 // behind it; -1 = end of file
	at        int64 // octets read since start
	buf       []byte
	pcm       []int16 // decoded and not yet given
}

func (s *fileSource) Rate() int { return s.rate }

func (s *fileSource) Close() error { return s.f.Close() }

func (s *fileSource) resetDecoder() {
	s.pcm = s.pcm[:0]
	if s.codec != nil {
		s.dec = s.codec.NewDecoder()
	}
}

func (s *fileSource) ReadFrame(pcm []int16) (int, error) {
	for len(s.pcm) < len(pcm) {
		if err := s.fill(len(pcm) - len(s.pcm)); err != nil {
			n := copy(pcm, s.pcm)
			s.pcm = s.pcm[:0]
			return n, err
		}
	}
	n := copy(pcm, s.pcm)
	s.pcm = append(s.pcm[:0], s.pcm[n:]...)
	return n, nil
}

// encoding is the codec of a mono file at the codec's own pace.
func (s *fileSource) encoding() string {
	if s.codec == nil || s.stereo || s.perSecond != 8000 {
		return ""
	}
	return s.codec.Name()
}

// readEncoded gives the file's octets as they are. What ReadFrame had decoded
// and not given, a few samples at most, is left out.
func (s *fileSource) readEncoded(dst []byte, n int) ([]byte, error) {
	s.pcm = s.pcm[:0]
	b, err := s.octets(n)
	return append(dst, b...), err
}

// octets reads the next want octets; fewer only with an error.
func (s *fileSource) octets(want int) ([]byte, error) {
	full := want
	if s.end >= 0 {
		want = int(min(int64(want), s.end-s.start-s.at))
	}
	if want <= 0 {
		return nil, io.EOF
	}
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	n, err := io.ReadFull(s.r, s.buf[:want])
	s.at += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && want < full {
		err = io.EOF
	}
	return s.buf[:n], err
}

// fill decodes about that many samples more.
func (s *fileSource) fill(samples int) error {
	want := (samples*s.perSecond/s.rate + s.align) / s.align * s.align
	b, err := s.octets(want)
	if len(b) == 0 {
		return err
	}
	before := len(s.pcm)
	if s.dec != nil {
		s.pcm = s.dec.Decode(s.pcm, b)
	} else {
		s.pcm = appendLinear(s.pcm, b)
	}
	if s.stereo {
		s.pcm = append(s.pcm[:before], downmix(s.pcm[before:])...)
	}
	return nil
}

func appendLinear(dst []int16, b []byte) []int16 {
	for ; len(b) >= 2; b = b[2:] {
		dst = append(dst, int16(binary.LittleEndian.Uint16(b)))
	}
	return dst
}

// downmix averages pairs in place.
func downmix(pcm []int16) []int16 {
	for i := range len(pcm) / 2 {
		pcm[i] = int16((int(pcm[2*i]) + int(pcm[2*i+1])) / 2)
	}
	return pcm[:len(pcm)/2]
}

// SeekTo jumps to d from the beginning.
func (s *fileSource) SeekTo(d time.Duration) error {
	k, ok := s.f.(io.Seeker)
	if !ok {
		return fmt.Errorf("%w: this file cannot be rewound", ErrFormat)
	}
	at := int64(d) * int64(s.perSecond) / int64(time.Second)
	if i, err := s.f.Stat(); err == nil {
		at = min(at, max(i.Size()-s.start, 0)) // not every Seeker goes beyond the end
	}
	at -= at % int64(s.align)
	if _, err := k.Seek(s.start+at, io.SeekStart); err != nil {
		return err
	}
	s.at = at
	s.r.Reset(s.f)
	s.resetDecoder()
	return nil
}
