package mixmonitor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
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
	id   string // for who keeps a list of files
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
	rec, err := recorder(f, format, o.Append)
	if err == nil {
		return &File{path: full, id: rand.Text(), rate: rate, f: f, rec: rec}, nil
	}
	err = errors.Join(fmt.Errorf("record %s: %w", name, err), f.Close())
	if !o.Append {
		err = errors.Join(err, os.Remove(full))
	}
	return nil, err
}

func recorder(f *os.File, format string, more bool) (*media.Recorder, error) {
	if more {
		return media.AppendRecorder(f, format, 0)
	}
	return media.NewRecorder(f, format, 0)
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
	format = strings.TrimPrefix(filepath.Ext(name), ".")
	if format == "WAV" { // Asterisk: formats/format_wav_gsm.c
		return "wav49", 8000
	}
	format = strings.ToLower(format)
	switch format {
	case "ul", "pcm", "mu":
		format = "ulaw"
	case "al":
		format = "alaw"
	case "raw":
		format = "sln"
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

// Begun is what Channel.Recorded and Bridge.Recorded are told of the file when it begins.
func (f *File) Begun() pbx.RecordedFile { return pbx.RecordedFile{ID: f.id, Path: f.path} }

// Done is what Channel.Recorded and Bridge.Recorded are told of the closed file.
func (f *File) Done() pbx.RecordedFile {
	return pbx.RecordedFile{ID: f.id, Path: f.path, Ended: true, Duration: f.Duration()}
}

// Close completes the file.
func (f *File) Close() error { return errors.Join(f.rec.Close(), f.f.Close()) }

// Remove deletes the closed file.
func (f *File) Remove() error { return os.Remove(f.path) }
