package ari

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// storedFormats are the endings of files that count as recordings, in the order in
// which a name is looked for. They are what media.NewRecorder writes and
// media.OpenFile reads.
var storedFormats = [...]string{
	"wav", "sln16", "sln", "g722", "ulaw", "alaw", "gsm", "wav49", "WAV",
	"wav16", "wav-ulaw", "wav-alaw", "ul", "pcm", "mu", "al", "raw",
}

// listStored lists all recordings below the directory, by name. One of several
// formats is there several times (Asterisk: res_stasis_recording/stored.c). Only the
// directories are read, not the files: many thousands cost milliseconds.
func (s *Server) listStored(ctx context.Context, _ *request) (response, error) {
	list := []wire.StoredRecording{}
	if s.o.Recordings == nil {
		return ok(list), nil
	}
	err := fs.WalkDir(s.o.Recordings.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && name == ".":
			return err
		case err != nil: // unreadable, or gone in the meantime
			s.log.Info("recordings not listed", "path", name, "error", err)
			return nil
		case e.Type().IsRegular() || e.Type() == fs.ModeSymlink && s.isFile(name):
			if r, ok := storedRecording(name); ok {
				list = append(list, r)
			}
		}
		return nil
	})
	if err != nil {
		return response{}, err
	}
	slices.SortFunc(list, func(a, b wire.StoredRecording) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Format, b.Format))
	})
	return ok(list), nil
}

// storedRecording makes "a/b.wav" the recording "a/b" of format "wav".
func storedRecording(file string) (wire.StoredRecording, bool) {
	ext := path.Ext(file)
	name := strings.TrimSuffix(file, ext)
	if ext == "" || path.Base(name) == "" || strings.HasSuffix(name, "/") || !slices.Contains(storedFormats[:], ext[1:]) {
		return wire.StoredRecording{}, false
	}
	return wire.StoredRecording{Name: name, Format: ext[1:]}, name != ""
}

func (s *Server) isFile(name string) bool {
	info, err := s.o.Recordings.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// stored finds a stored recording by its name; a name that leads out of the
// directory finds none.
func (s *Server) stored(name string) (wire.StoredRecording, error) {
	if s.o.Recordings != nil && fs.ValidPath(name) && name != "." {
		for _, f := range storedFormats {
			if s.isFile(name + "." + f) {
				return wire.StoredRecording{Name: name, Format: f}, nil
			}
		}
	}
	return wire.StoredRecording{}, wire.ErrNoSuchRecording
}

func fileName(r wire.StoredRecording) string { return r.Name + "." + r.Format }

func (s *Server) getStored(_ context.Context, q *request) (response, error) {
	r, err := s.stored(q.path["recordingName"])
	if err != nil {
		return response{}, err
	}
	return ok(r), nil
}

func (s *Server) deleteStored(_ context.Context, q *request) (response, error) {
	r, err := s.stored(q.path["recordingName"])
	if err != nil {
		return response{}, err
	}
	switch err := s.o.Recordings.Remove(fileName(r)); {
	case errors.Is(err, fs.ErrNotExist):
		return response{}, wire.ErrNoSuchRecording
	case err != nil:
		return response{}, err
	}
	return noContent(), nil
}

// getStoredFile sends the file itself. Over a WebSocket there is no way to: 406
// (spec: ari 3.5 rule 5).
func (s *Server) getStoredFile(_ context.Context, q *request) (response, error) {
	if q.overWS {
		return response{}, wire.Errorf(http.StatusNotAcceptable, "A recording file cannot be sent over a WebSocket")
	}
	r, err := s.stored(q.path["recordingName"])
	if err != nil {
		return response{}, err
	}
	f, err := s.o.Recordings.Open(fileName(r))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return response{}, wire.ErrNoSuchRecording
	case err != nil:
		return response{}, wire.Errorf(http.StatusForbidden, "The recording file could not be opened")
	}
	return response{status: http.StatusOK, file: f, fileType: "audio/" + r.Format}, nil
}

// copyStored copies a recording under another name, in the same format.
func (s *Server) copyStored(ctx context.Context, q *request) (response, error) {
	from, err := s.stored(q.path["recordingName"])
	if err != nil {
		return response{}, err
	}
	to := wire.StoredRecording{Name: q.params.String("destinationRecordingName"), Format: from.Format}
	switch {
	case to.Name == "":
		return response{}, missingParameter("destinationRecordingName")
	case !fs.ValidPath(to.Name) || to.Name == ".":
		return response{}, wire.Errorf(http.StatusBadRequest, "destinationRecordingName must be a path below the recordings directory")
	}
	if _, err := s.stored(to.Name); err == nil {
		return response{}, errStoredExists
	}
	if err := copyFile(ctx, s.o.Recordings, fileName(from), fileName(to)); err != nil {
		return response{}, err
	}
	return ok(to), nil
}

var errStoredExists = &wire.Error{Status: http.StatusConflict, Message: "A recording with the same name already exists on the system"}

// copyFile copies a file to one that does not exist. A copy that fails, or whose
// client goes away, leaves none.
func copyFile(ctx context.Context, root *os.Root, from, to string) (err error) {
	src, err := root.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.ErrNoSuchRecording
	} else if err != nil {
		return wire.Errorf(http.StatusForbidden, "The recording file could not be opened")
	}
	defer src.Close()
	if dir := path.Dir(to); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	dst, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return errStoredExists
	} else if err != nil {
		return err
	}
	_, err = io.Copy(dst, contextReader{ctx, src})
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(err, root.Remove(to))
	}
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
