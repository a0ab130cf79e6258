package pbx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/dialwright/dialwright/internal/media"
)

// The files of recordings: their names, their making and their removal.

// openRecording checks the options, takes the name and makes the file.
func (s *Switch) openRecording(target string, o RecordOptions) (*Recording, error) {
	r := &Recording{sw: s, o: o, target: target, state: RecordingQueued, done: make(chan struct{})}
	if o.File == nil {
		if s.o.Recordings == nil {
			return nil, fmt.Errorf("record %q: no recordings directory: %w", o.Name, ErrNotSupported)
		}
		if o.Name == "" || !fs.ValidPath(o.Name) {
			return nil, fmt.Errorf("record %q: %w", o.Name, fs.ErrInvalid)
		}
		r.path = o.Name + "." + o.Format
	}
	if !s.register(r) {
		return nil, errors.Join(fmt.Errorf("record %q: %w", o.Name, ErrRecording), o.closeFile())
	}
	if err := r.create(); err != nil {
		r.forget()
		return nil, fmt.Errorf("record %q: %w", o.Name, err)
	}
	return r, nil
}

// register takes the recording's name, false if it is in use.
func (s *Switch) register(r *Recording) bool {
	if r.o.Name == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := s.recordings[r.o.Name]; used {
		return false
	}
	s.recordings[r.o.Name] = r
	return true
}

// create opens the file and makes its writer. A file that was made here for
// nothing is removed again.
func (r *Recording) create() error {
	f, fresh, err := r.open()
	if err != nil {
		return err
	}
	r.fresh = fresh
	var rec *media.Recorder
	if r.o.Append {
		rec, err = media.AppendRecorder(f, r.o.Format, 0)
	} else {
		rec, err = media.NewRecorder(f, r.o.Format, 0)
	}
	if err != nil {
		return errors.Join(ErrFormat, err, f.Close(), r.removeFresh())
	}
	r.file, r.rec = f, rec
	return nil
}

// open gives the file; fresh says that it did not exist.
func (r *Recording) open() (f *os.File, fresh bool, err error) {
	if r.o.File != nil {
		return r.o.File, false, nil
	}
	root := r.sw.o.Recordings
	if dir := path.Dir(r.path); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return nil, false, err
		}
	}
	f, err = root.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err == nil {
		return f, true, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, false, err
	}
	switch {
	case r.o.Append:
		f, err = root.OpenFile(r.path, os.O_RDWR, 0)
	case r.o.IfExists == ExistsOverwrite:
		f, err = root.OpenFile(r.path, os.O_RDWR|os.O_TRUNC, 0)
	default:
		err = ErrRecording
	}
	return f, false, err
}

// closeFile closes the caller's file when nothing came of the recording.
func (o *RecordOptions) closeFile() error {
	if o.File == nil {
		return nil
	}
	return o.File.Close()
}

// remove removes a file of ours.
func (r *Recording) remove() error {
	if r.path == "" {
		return nil
	}
	return r.sw.o.Recordings.Remove(r.path)
}

// removeFresh removes the file if it did not exist before.
func (r *Recording) removeFresh() error {
	if !r.fresh {
		return nil
	}
	return r.remove()
}

// discard undoes a recording that never began.
func (r *Recording) discard() {
	r.forget()
	if err := errors.Join(r.rec.Close(), r.file.Close(), r.removeFresh()); err != nil {
		r.sw.log.Warn("unused recording not removed", "recording", r.o.Name, "error", err)
	}
	close(r.done)
}

func (r *Recording) forget() {
	r.sw.mu.Lock()
	defer r.sw.mu.Unlock()
	if r.sw.recordings[r.o.Name] == r {
		delete(r.sw.recordings, r.o.Name)
	}
}

// Recording finds a live recording by its name.
func (s *Switch) Recording(name string) (*Recording, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.recordings[name]
	return r, ok
}
