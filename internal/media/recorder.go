package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// maxBacklog is how much a recording may wait for the disk: about a minute of
// wav. What comes after is left out and makes Close fail.
const maxBacklog = 1 << 20

// Recorder is a Sink that writes a file. Frames are encoded as they come and
// written by the recorder's own goroutine, so that a slow disk stops no audio.
type Recorder struct {
	rate   int
	enc    codec.Encoder // nil = linear, little endian
	wav    uint16        // format of the header; 0 = no header
	perSec int           // octets

	written int64 // octets of audio in the file; the writing goroutine's

	mu      sync.Mutex // guards what follows
	rs      *dsp.Resampler
	rsFrom  int
	pcm     []int16
	pending []byte
	taken   int64 // octets accepted
	lost    int64
	drop    time.Duration // at the end, when it is closed
	closed  bool
	wake    chan struct{}
	done    chan struct{}
	err     error // of the disk; valid after done
}

// NewRecorder writes to w in one of the formats "wav" (16 bit), "wav16" (the
// same at 16 kHz), "wav-ulaw", "wav-alaw", "wav49" (GSM in WAV; Asterisk also
// writes it WAV), "ulaw", "alaw", "sln", "sln16", "g722", "gsm", and as Asterisk
// also writes them "ul", "mu", "pcm", "al", "raw". rate is the wav's rate in Hz, 8000 or 16000; 0 = as the format says.
// Close the recorder before w; until then w is the recorder's alone. An unknown
// format gives ErrFormat.
func NewRecorder(w io.WriteSeeker, format string, rate int) (*Recorder, error) {
	r := &Recorder{wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := r.setFormat(format, rate); err != nil {
		return nil, err
	}
	if err := r.begin(w); err != nil {
		return nil, err
	}
	go r.write(w) // ends with Close
	return r, nil
}

// AppendRecorder is NewRecorder that goes on behind what w holds. A WAV must
// have been made by a Recorder in the same format and rate, else it gives
// ErrFormat; an empty file is begun.
func AppendRecorder(w io.ReadWriteSeeker, format string, rate int) (*Recorder, error) {
	r := &Recorder{wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := r.setFormat(format, rate); err != nil {
		return nil, err
	}
	size, err := w.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("media: recording: %w", err)
	}
	if size == 0 {
		err = r.begin(w)
	} else {
		err = r.resume(w, size)
	}
	if err != nil {
		return nil, err
	}
	go r.write(w) // ends with Close
	return r, nil
}

// header is the file's header for that much audio, empty if it has none.
func (r *Recorder) header(size int64) []byte {
	if r.wav == 0 {
		return nil
	}
	return wavHeader(r.wav, r.rate, r.perSec/r.rate, uint32(min(size, 0xfffffff0-44)))
}

func (r *Recorder) begin(w io.Writer) error {
	if h := r.header(0); h != nil {
		if _, err := w.Write(h); err != nil {
			return fmt.Errorf("media: recording: %w", err)
		}
	}
	return nil
}

// resume checks that a file of that size is one of ours and goes to its end.
func (r *Recorder) resume(w io.ReadWriteSeeker, size int64) error {
	want := r.header(0)
	if want == nil {
		return nil
	}
	got := make([]byte, len(want))
	if _, err := w.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("media: recording: %w", err)
	}
	if _, err := io.ReadFull(w, got); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("media: recording: %w", err)
	}
	if !sameWAV(got, want) {
		return fmt.Errorf("%w: the file to append to is another kind of WAV", ErrFormat)
	}
	r.written = size - int64(len(want))
	if _, err := w.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("media: recording: %w", err)
	}
	return nil
}

// CanRecord reports whether NewRecorder knows a format.
func CanRecord(format string) bool { return new(Recorder).setFormat(format, 0) == nil }

func (r *Recorder) setFormat(format string, rate int) error {
	if rate != 0 && rate != 8000 && rate != 16000 {
		return fmt.Errorf("%w: recording at %d Hz", ErrFormat, rate)
	}
	format = strings.TrimPrefix(format, ".")
	if format == "WAV" { // Asterisk: formats/format_wav_gsm.c
		format = "wav49"
	}
	encoded := ""
	switch strings.ToLower(format) {
	case "wav":
		r.rate, r.wav = max(rate, 8000), wavPCM
	case "wav16":
		r.rate, r.wav = 16000, wavPCM
	case "sln", "raw":
		r.rate = 8000
	case "sln16":
		r.rate = 16000
	case "wav-ulaw":
		encoded, r.wav = "PCMU", wavULaw
	case "wav-alaw":
		encoded, r.wav = "PCMA", wavALaw
	case "ulaw", "ul", "pcm", "mu":
		encoded = "PCMU"
	case "alaw", "al":
		encoded = "PCMA"
	case "g722":
		encoded = "G722"
	case "gsm":
		encoded = "GSM"
	case "wav49":
		encoded, r.wav = "GSM-MS", wavGSM
	default:
		return fmt.Errorf("%w: recording as %q", ErrFormat, format)
	}
	r.perSec = 2 * r.rate
	if encoded != "" {
		c, ok := codec.Lookup(encoded)
		if !ok {
			return fmt.Errorf("%w: recording as %q", ErrFormat, format)
		}
		r.enc, r.rate, r.perSec = c.NewEncoder(), c.SampleRate(), 8000
	}
	switch encoded {
	case "GSM":
		r.perSec = gsmPerSecond
	case "GSM-MS":
		r.perSec = wav49PerSecond
	}
	return nil
}

// WriteFrame appends audio. After Close, and when the disk is a minute behind,
// it is left out.
func (r *Recorder) WriteFrame(pcm []int16, rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if rate != r.rate {
		if r.rs == nil || r.rsFrom != rate {
			rs, err := dsp.NewResampler(rate, r.rate)
			if err != nil {
				r.lost++
				return
			}
			r.rs, r.rsFrom = rs, rate
		}
		r.pcm = r.rs.Process(r.pcm[:0], pcm)
		pcm = r.pcm
	}
	if len(r.pending) > maxBacklog {
		r.lost += int64(len(pcm))
		return
	}
	before := len(r.pending)
	if r.enc != nil {
		r.pending = r.enc.Encode(r.pending, pcm)
	} else {
		for _, s := range pcm {
			r.pending = binary.LittleEndian.AppendUint16(r.pending, uint16(s))
		}
	}
	r.taken += int64(len(r.pending) - before)
	if len(r.pending) >= 4096 {
		r.poke()
	}
}

func (r *Recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// write is the recorder's goroutine.
func (r *Recorder) write(w io.WriteSeeker) {
	defer close(r.done)
	var buf []byte
	for range r.wake {
		r.mu.Lock()
		buf, r.pending = r.pending, buf[:0]
		last := r.closed
		r.mu.Unlock()
		if r.err == nil {
			n, err := w.Write(buf)
			r.written += int64(n)
			r.err = err
		}
		if last {
			break
		}
	}
	if r.err == nil && r.drop > 0 {
		r.err = r.shorten(w)
	}
	if r.err == nil && r.wav != 0 {
		r.err = r.patch(w)
	}
}

// shorten takes r.drop off the end of the file.
func (r *Recorder) shorten(w io.WriteSeeker) error {
	t, ok := w.(interface{ Truncate(size int64) error })
	if !ok {
		return nil
	}
	block := int64(1)
	switch {
	case r.wav == wavGSM:
		block = wav49Block
	case r.perSec == gsmPerSecond:
		block = gsmBlock
	case r.enc == nil:
		block = 2
	}
	n := min(int64(r.drop)*int64(r.perSec)/int64(time.Second), r.written)
	n -= n % block
	r.written -= n
	if err := t.Truncate(int64(len(r.header(0))) + r.written); err != nil {
		return err
	}
	_, err := w.Seek(0, io.SeekEnd)
	return err
}

// patch writes the sizes into the header.
func (r *Recorder) patch(w io.WriteSeeker) error {
	if _, err := w.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := w.Write(r.header(r.written)); err != nil {
		return err
	}
	_, err := w.Seek(0, io.SeekEnd)
	return err
}

// Duration is how much was recorded.
func (r *Recorder) Duration() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(r.taken) * time.Second / time.Duration(r.perSec)
}

// DropEnd lets Close take the last d of the recording off again, such as the
// silence that ended it. The file must have a Truncate, as *os.File has.
func (r *Recorder) DropEnd(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop = d
}

// flusher is an encoder of frames that may have a part of one left over.
type flusher interface{ Flush(dst []byte) []byte }

// Close writes what is pending and completes the header; w stays open. It
// gives the error of the disk, or says how much audio had to be left out.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if e, ok := r.enc.(flusher); ok && !r.closed {
		r.pending = e.Flush(r.pending)
	}
	r.closed = true
	lost := r.lost
	r.mu.Unlock()
	r.poke()
	<-r.done
	if r.err != nil {
		return fmt.Errorf("media: recording: %w", r.err)
	}
	if lost > 0 {
		return fmt.Errorf("media: recording: %d samples left out, the disk was too slow", lost)
	}
	return nil
}
