package app

import (
	"context"
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/recordings"
)

// newTapes makes the table of what is recorded of calls. Its roots have the names that the
// store keeps.
func (a *App) newTapes() error {
	var roots []recordings.Root
	for _, r := range []recordings.Root{
		{Name: "monitor", Dir: filepath.Join(a.spoolDir(), "monitor")},
		{Name: "recording", Dir: filepath.Join(a.spoolDir(), "recording")},
		{Name: "sounds", Dir: a.soundsDir()},
	} {
		full, err := filepath.Abs(r.Dir)
		if err != nil {
			return err
		}
		roots = append(roots, recordings.Root{Name: r.Name, Dir: full})
	}
	a.tapes = recordings.New(recordings.Options{Store: a.store, Roots: roots, Log: a.log})
	return nil
}

// history is rest.History.
type history struct {
	o     *originate.Originator
	tapes *recordings.Table
}

// Journal is rest.History.
func (h history) Journal(ctx context.Context, id call.ID, limit int) ([]call.Event, bool, error) {
	list, more, err := h.o.Journal(ctx, id, limit)
	return list, more, refusal(err)
}

// Series is rest.History.
func (h history) Series(ctx context.Context, f originate.SeriesFilter) ([]originate.Point, error) {
	list, err := h.o.Series(ctx, f)
	return list, refusal(err)
}

// Recordings is rest.History.
func (h history) Recordings(ctx context.Context, id call.ID) ([]rest.Recorded, error) {
	list, err := h.o.Recordings(ctx, id)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]rest.Recorded, len(list))
	for i, r := range list {
		out[i] = h.recorded(r)
	}
	return out, nil
}

// Recording is rest.History.
func (h history) Recording(ctx context.Context, id string) (rest.Recorded, error) {
	r, err := h.o.Recording(ctx, id)
	if err != nil {
		return rest.Recorded{}, refusal(err)
	}
	return h.recorded(r), nil
}

// recorded adds what is known of the file.
func (h history) recorded(r originate.Recording) rest.Recorded {
	s := h.tapes.Status(r)
	out := rest.Recorded{Recording: r, Gone: s.Gone, Live: s.Live}
	if r.EndedAt.IsZero() { // it runs, or the server died meanwhile
		out.Bytes, out.Duration = s.Size, h.tapes.Since(r)
	}
	return out
}

// OpenRecording is rest.History.
func (h history) OpenRecording(r rest.Recorded) (*os.File, error) { return h.tapes.Open(r.Recording) }
