package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// seekBuffer is a file in memory.
type seekBuffer struct {
	b   []byte
	at  int
	err error
}

func (s *seekBuffer) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if n := s.at + len(p); n > len(s.b) {
		s.b = append(s.b, make([]byte, n-len(s.b))...)
	}
	copy(s.b[s.at:], p)
	s.at += len(p)
	return len(p), nil
}

func (s *seekBuffer) Read(p []byte) (int, error) {
	n := copy(p, s.b[min(s.at, len(s.b)):])
	s.at += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *seekBuffer) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		s.at = int(off)
	case io.SeekEnd:
		s.at = len(s.b) + int(off)
	}
	return int64(s.at), nil
}

// readAll gives all of a source.
func readAll(t *testing.T, s Source) (pcm []int16) {
	t.Helper()
	frame := make([]int16, s.Rate()/50)
	for {
		n, err := s.ReadFrame(frame)
		pcm = append(pcm, frame[:n]...)
		if err == io.EOF {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(pcm) > 1<<20 {
			t.Fatal("the source does not end")
		}
	}
}

// energy is the mean absolute amplitude.
func energy(pcm []int16) int {
	sum := 0
	for _, s := range pcm {
		sum += max(int(s), -int(s))
	}
	return sum / max(len(pcm), 1)
}

func TestM7_RecordAndPlayEveryFormat(t *testing.T) {
	tests := []struct {
		format, ext string
		rate        int // wanted
		fileRate    int
		perSecond   int
	}{
		{"wav", ".wav", 0, 8000, 16000},
		{"wav", ".wav", 16000, 16000, 32000},
		{"wav16", ".wav", 0, 16000, 32000},
		{"wav-ulaw", ".wav", 0, 8000, 8000},
		{"wav-alaw", ".wav", 0, 8000, 8000},
		{"ulaw", ".ulaw", 0, 8000, 8000},
		{"alaw", ".alaw", 0, 8000, 8000},
		{"sln", ".sln", 0, 8000, 16000},
		{".sln16", ".sln16", 0, 16000, 32000},
		{"g722", ".g722", 0, 16000, 8000},
		{"gsm", ".gsm", 0, 8000, 1650},
		{"wav49", ".wav49", 0, 8000, 1625},
		{"WAV", ".wav", 0, 8000, 1625},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			var f seekBuffer
			r, err := NewRecorder(&f, tt.format, tt.rate)
			if err != nil {
				t.Fatal(err)
			}
			tone, err := Tone("440+480")
			if err != nil {
				t.Fatal(err)
			}
			pcm := make([]int16, 160)
			for range 50 {
				tone.ReadFrame(pcm)
				r.WriteFrame(pcm, 8000)
			}
			if d := r.Duration(); d < 990*time.Millisecond || d > 1010*time.Millisecond {
				t.Errorf("duration %v", d)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r.WriteFrame(pcm, 8000) // too late, harmless
			size := len(f.b)
			if head := bytes.Index(f.b, []byte("data")) + 8; head > 8 {
				if got := int(binary.LittleEndian.Uint32(f.b[head-4:])); got != size-head {
					t.Errorf("header says %d octets of %d", got, size-head)
				}
				size -= head
			}
			if size < tt.perSecond*98/100 || size > tt.perSecond*101/100 {
				t.Errorf("%d octets for a second", size)
			}
			s, err := OpenFile(fstest.MapFS{"x" + tt.ext: {Data: f.b}}, "x")
			if err != nil {
				t.Fatal(err)
			}
			if s.Rate() != tt.fileRate {
				t.Errorf("rate %d", s.Rate())
			}
			back := readAll(t, s)
			if n := len(back); n < tt.fileRate*98/100 || n > tt.fileRate*101/100 {
				t.Errorf("%d samples for a second", n)
			}
			if e := energy(back); e < 500 {
				t.Errorf("mean amplitude %d: the tone is not in the file", e)
			}
			if err := s.(Seeker).SeekTo(500 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if n := len(readAll(t, s)); n < tt.fileRate*48/100 || n > tt.fileRate*52/100 {
				t.Errorf("%d samples after the middle", n)
			}
		})
	}
}

func TestRecorderFails(t *testing.T) {
	if _, err := NewRecorder(&seekBuffer{}, "mp3", 0); !errors.Is(err, ErrFormat) {
		t.Errorf("mp3: %v", err)
	}
	if _, err := NewRecorder(&seekBuffer{}, "wav", 44100); !errors.Is(err, ErrFormat) {
		t.Errorf("44.1 kHz: %v", err)
	}
	full := errors.New("disk full")
	f := &seekBuffer{}
	r, err := NewRecorder(f, "sln", 0)
	if err != nil {
		t.Fatal(err)
	}
	f.err = full
	r.WriteFrame(make([]int16, 160), 8000)
	if err := r.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	wav := func(format uint16, channels, bits uint16, rate uint32, extra string, data []byte) []byte {
		b := wavHeader(format, int(rate), int(bits/8), uint32(len(data)))
		binary.LittleEndian.PutUint16(b[22:], channels)
		binary.LittleEndian.PutUint16(b[34:], bits)
		head := append(bytes.Clone(b[:36]), extra...)
		return append(append(head, b[36:]...), data...)
	}
	pcm := bytesOf(1, 320)
	fsys := fstest.MapFS{
		"short.wav":    {Data: []byte("RIFF")},
		"notwav.wav":   {Data: bytesOf('x', 100)},
		"empty.wav":    {},
		"mp3.wav":      {Data: wav(0x55, 1, 16, 8000, "", pcm)},
		"cd.wav":       {Data: wav(wavPCM, 2, 16, 44100, "", pcm)},
		"stereo.wav":   {Data: wav(wavPCM, 2, 16, 8000, "", pcm)},
		"list.wav":     {Data: wav(wavPCM, 1, 16, 8000, "LIST\x05\x00\x00\x00abcde\x00", pcm)},
		"lying.wav":    {Data: wav(wavPCM, 1, 16, 8000, "LIST\xff\xff\xff\x7f", pcm)},
		"nofmt.wav":    {Data: append([]byte("RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00"), pcm...)},
		"unclosed.wav": {Data: wavHeader(wavPCM, 8000, 2, 0)},
		"odd.sln":      {Data: pcm[:319]},
		"song.mp3":     {Data: pcm},
		"both.ulaw":    {Data: pcm},
		"both.sln16":   {Data: pcm},
	}
	fsys["unclosed.wav"].Data = append(fsys["unclosed.wav"].Data, pcm...)
	tests := []struct {
		name    string
		want    error
		samples int
	}{
		{"short.wav", ErrFormat, 0},
		{"notwav.wav", ErrFormat, 0},
		{"empty.wav", ErrFormat, 0},
		{"mp3.wav", ErrFormat, 0},
		{"cd.wav", ErrFormat, 0},
		{"lying.wav", ErrFormat, 0},
		{"nofmt.wav", ErrFormat, 0},
		{"song.mp3", ErrFormat, 0},
		{"nothing", fs.ErrNotExist, 0},
		{"nothing.wav", fs.ErrNotExist, 0},
		{"../etc/passwd.wav", fs.ErrNotExist, 0},
		{"stereo.wav", nil, 80},
		{"list.wav", nil, 160},
		{"unclosed.wav", nil, 160},
		{"odd.sln", nil, 159},
		{"both", nil, 160}, // the wideband file is taken
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := OpenFile(fsys, tt.name)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err == nil {
				if n := len(readAll(t, s)); n != tt.samples {
					t.Errorf("%d samples, want %d", n, tt.samples)
				}
			}
		})
	}
}

// What sox wrote is read: the same signal as .gsm and as GSM in WAV.
func TestOpenGSMOfSox(t *testing.T) {
	fsys := os.DirFS("testdata")
	var pcm [2][]int16
	for i, name := range []string{"speechlike", "speechlike-wav49"} {
		s, err := OpenFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		pcm[i] = readAll(t, s)
		closeSource(s)
	}
	if n, m := len(pcm[0]), len(pcm[1]); n != 8000 || m != 8000 {
		t.Fatalf("%d and %d samples, want 8000", n, m)
	}
	if !slices.Equal(pcm[0], pcm[1]) || energy(pcm[0]) < 500 {
		t.Errorf("the two files differ, or are silent: %d, %d", energy(pcm[0]), energy(pcm[1]))
	}
}

func TestAppendRecorder(t *testing.T) {
	for _, format := range []string{"wav", "wav49", "gsm", "ulaw", "sln16"} {
		t.Run(format, func(t *testing.T) {
			f := &seekBuffer{}
			for round := range 3 { // the first finds an empty file
				r, err := AppendRecorder(f, format, 0)
				if err != nil {
					t.Fatal(err)
				}
				for range 25 {
					r.WriteFrame(make([]int16, 160), 8000)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				ext := "." + format
				s, err := OpenFile(fstest.MapFS{"x" + ext: {Data: f.b}}, "x"+ext)
				if err != nil {
					t.Fatal(err)
				}
				want := (round + 1) * s.Rate() / 2
				if n := len(readAll(t, s)); n < want*97/100 || n > want*105/100 {
					t.Errorf("round %d: %d samples, want %d", round, n, want)
				}
			}
		})
	}
	f := &seekBuffer{b: bytesOf('x', 100)}
	for _, format := range []string{"wav", "wav49"} {
		if _, err := AppendRecorder(f, format, 0); !errors.Is(err, ErrFormat) {
			t.Errorf("%s behind what is none: %v", format, err)
		}
	}
}

// FuzzGSMFile reads any file as frames of GSM.
func FuzzGSMFile(f *testing.F) {
	f.Add([]byte("\xd0 and then nothing of the kind"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := OpenFile(fstest.MapFS{"a.gsm": {Data: b}}, "a")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(readAll(t, s)); n != len(b)/gsmBlock*160 {
			t.Fatalf("%d samples of %d octets", n, len(b))
		}
		if err := s.(Seeker).SeekTo(time.Second); err != nil {
			t.Fatal(err)
		}
		readAll(t, s)
	})
}

// FuzzWAV opens any file as WAV and reads it to its end.
func FuzzWAV(f *testing.F) {
	f.Add(append(wavHeader(wavGSM, 8000, 0, 130), bytesOf(1, 130)...))
	f.Add(append(wavHeader(wavPCM, 8000, 2, 320), bytesOf(1, 320)...))
	f.Add(append(wavHeader(wavULaw, 16000, 1, 0), bytesOf(1, 33)...))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := OpenFile(fstest.MapFS{"a.wav": {Data: b}}, "a.wav")
		if err != nil {
			return
		}
		if n := len(readAll(t, s)); n > 5*len(b) { // GSM makes 320 samples of 65 octets
			t.Fatalf("%d samples of %d octets", n, len(b))
		}
		if err := s.(Seeker).SeekTo(time.Second); err != nil {
			t.Fatal(err)
		}
		readAll(t, s)
	})
}

func TestSources(t *testing.T) {
	file := func(n int) Source {
		s, err := OpenFile(fstest.MapFS{"a.sln16": {Data: bytesOf(1, n)}}, "a.sln16")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if n := len(readAll(t, Sequence(Silence(time.Second), Silence(500*time.Millisecond)))); n != 12000 {
		t.Errorf("sequence of 1.5 s has %d samples", n)
	}
	if n := len(readAll(t, Sequence(Silence(time.Second), file(32000)))); n < 15900 || n > 16000 {
		t.Errorf("8 and 16 kHz in sequence have %d samples", n)
	}
	if n := len(readAll(t, Sequence())); n != 0 {
		t.Errorf("empty sequence has %d samples", n)
	}
	if n := len(readAll(t, Loop(file(0)))); n != 0 {
		t.Errorf("empty loop has %d samples", n)
	}
	frame := make([]int16, 1000)
	if n, err := Loop(file(64)).ReadFrame(frame); n != 1000 || err != nil {
		t.Errorf("loop gave %d samples, %v", n, err)
	}
	if n := len(readAll(t, Loop(Silence(time.Second)))); n != 8000 {
		t.Errorf("a loop of what cannot go back has %d samples", n)
	}
}

func TestM10_Tones(t *testing.T) {
	for _, spec := range []string{"ringback", "de:busy", "us:congestion", "dial", "440+480/2000,0/4000"} {
		s, err := Tone(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		pcm := make([]int16, 800)
		if n, err := s.ReadFrame(pcm); n != 800 || err != nil || energy(pcm) < 300 {
			t.Errorf("%s: %d samples of mean amplitude %d, %v", spec, n, energy(pcm), err)
		}
	}
	if _, err := Tone("noise of the sea"); !errors.Is(err, ErrFormat) {
		t.Errorf("nonsense: %v", err)
	}
}
