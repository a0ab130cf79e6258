package monitor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// ErrOutside says that a name leads out of the directory of recordings.
var ErrOutside = errors.New("outside the directory of recordings")

// Path gives the full path of a recording: name as it is if it is absolute,
// else below dir. inside says whether it lies below dir; whoever wants to write
// elsewhere asks for permission first.
func Path(dir, name string) (full string, inside bool) {
	full = filepath.Clean(name)
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	rel, err := filepath.Rel(dir, full)
	return full, dir != "" && err == nil && filepath.IsLocal(rel)
}

// FileOptions say how a file is opened.
type FileOptions struct {
	Append  bool // go on at the end of an existing file of the same format; else it is overwritten
	Outside bool // the file may lie outside dir
}

// File is the file of a recording: a media.Sink. Its frames are those of one
// goroutine; Close may be called from any.
type File struct {
	path string
	rate int
	f    *os.File
	rec  *media.Recorder
}

// Create opens the file of a recording below dir and makes the directories on
// the way. The suffix says the format, as media.NewRecorder names them; "ul",
// "pcm", "al" and "raw" are what Asterisk calls ulaw, alaw and sln too. Errors:
// ErrOutside, media.ErrFormat, those of the file system.
func Create(dir, name string, o FileOptions) (*File, error) {
	full, inside := Path(dir, name)
	if !inside && !o.Outside {
		return nil, fmt.Errorf("record %s: %w", name, ErrOutside)
	}
	format, rate := formatOf(full)
	f, err := open(dir, full, inside, o.Append)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	w, err := writer(f, format, o.Append)
	if err == nil {
		var rec *media.Recorder
		if rec, err = media.NewRecorder(w, format, 0); err == nil {
			return &File{path: full, rate: rate, f: f, rec: rec}, nil
		}
	}
	err = errors.Join(fmt.Errorf("record %s: %w", name, err), f.Close())
	if !o.Append {
		err = errors.Join(err, os.Remove(full))
	}
	return nil, err
}

// open opens the file: below dir in a way that no link leads out of it.
func open(dir, full string, inside, more bool) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !more {
		flags |= os.O_TRUNC
	}
	if !inside {
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(full, flags, 0o640)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	rel, err := filepath.Rel(dir, full)
	if err != nil {
		return nil, err
	}
	if sub := filepath.Dir(rel); sub != "." {
		if err := root.MkdirAll(sub, 0o755); err != nil {
			return nil, err
		}
	}
	return root.OpenFile(rel, flags, 0o640)
}

// formatOf gives the recorder's name of a file's format and its rate in Hz.
func formatOf(name string) (format string, rate int) {
	format = strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
	switch format {
	case "ul", "pcm", "mu":
		format = "ulaw"
	case "al":
		format = "alaw"
	case "raw":
		format = "sln"
	case "wav49":
		format = "wav"
	}
	switch format {
	case "wav16", "sln16", "g722":
		return format, 16000
	}
	return format, 8000
}

// Path gives where the file is.
func (f *File) Path() string { return f.path }

// Rate gives the rate in Hz that needs no conversion: 8000 or 16000.
func (f *File) Rate() int { return f.rate }

// WriteFrame implements media.Sink.
func (f *File) WriteFrame(pcm []int16, rate int) { f.rec.WriteFrame(pcm, rate) }

// Duration is how much was recorded.
func (f *File) Duration() time.Duration { return f.rec.Duration() }

// Close completes the file.
func (f *File) Close() error { return errors.Join(f.rec.Close(), f.f.Close()) }

// headerSize is the length of the header that the recorder writes and that
// continued knows.
const headerSize = 44

// writer lets the recorder go on at the end of a file that is to be continued.
func writer(f *os.File, format string, more bool) (io.WriteSeeker, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || !more || size == 0 || !strings.HasPrefix(format, "wav") {
		return f, err
	}
	var head [headerSize]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if string(head[:4]) != "RIFF" || string(head[36:40]) != "data" {
		return nil, fmt.Errorf("%w: a wav file that this server did not write cannot be continued", media.ErrFormat)
	}
	return &continued{f: f, head: head, old: size - headerSize}, nil
}

// continued is a wav file to whose end more is written. The recorder thinks
// that it is a new one: its first header is compared, its last one corrected.
//
//	RIFF size WAVE fmt … data size | what was there | what is new
type continued struct {
	f      *os.File
	head   [headerSize]byte
	old    int64 // octets of audio that were there
	begun  bool
	atHead bool
}

func (c *continued) Write(p []byte) (int, error) {
	switch {
	case !c.begun:
		c.begun = true
		if len(p) != headerSize || string(p[20:36]) != string(c.head[20:36]) {
			return 0, fmt.Errorf("%w: the file to be continued has another format", media.ErrFormat)
		}
		return len(p), nil
	case c.atHead:
		c.atHead = false
		h := append([]byte(nil), p...)
		for _, at := range [...]int{4, 40} {
			binary.LittleEndian.PutUint32(h[at:], uint32(min(int64(binary.LittleEndian.Uint32(h[at:]))+c.old, 0xfffffff0)))
		}
		_, err := c.f.WriteAt(h, 0)
		return len(p), err
	}
	return c.f.Write(p)
}

func (c *continued) Seek(offset int64, whence int) (int64, error) {
	if offset == 0 && whence == io.SeekStart {
		c.atHead = true
		return 0, nil
	}
	return c.f.Seek(offset, whence)
}
