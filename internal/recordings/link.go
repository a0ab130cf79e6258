package recordings

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
)

// joined links the files of a bridge with the call of a channel that came into it.
func (t *Table) joined(ctx context.Context, s switchboard, n news) error {
	t.mu.Lock()
	var files []*file
	for _, id := range t.bridges[n.bridge] {
		files = append(files, t.files[id])
	}
	t.mu.Unlock()
	id, _ := owner(s, n.came)
	var errs []error
	for _, f := range files {
		errs = append(errs, t.link(ctx, f, id, "", f.channel, time.Now()))
	}
	return errors.Join(errs...)
}

// owner gives the call that a channel is of: its own, or that of the channel it is linked
// with. leg is that of the call's own channels.
func owner(s switchboard, sn *pbx.Snapshot) (id call.ID, leg string) {
	if sn.Call != "" {
		return sn.Call, sn.CallLeg
	}
	if c, ok := s.Channel(sn.LinkedID); ok {
		return c.Snapshot().Call, ""
	}
	return "", ""
}

// link makes the row of a file for a call, once.
func (t *Table) link(ctx context.Context, f *file, id call.ID, leg, channel string, at time.Time) error {
	if id == "" || f.rows[id] != "" {
		return nil
	}
	row := rand.Text()
	err := t.o.Store.BeginRecording(ctx, originate.Recording{ID: row, Call: id, Leg: leg, Channel: channel, Root: f.root, Path: f.path, StartedAt: at})
	if errors.Is(err, originate.ErrNotFound) { // deleted in the meantime, or another server's
		return nil
	}
	if err != nil {
		return err
	}
	f.rows[id] = row
	t.mu.Lock()
	t.live[row] = at
	t.mu.Unlock()
	return nil
}

// place gives the root that a file is below, and its path from there.
func (t *Table) place(full string) (root, path string, ok bool) {
	for _, r := range t.o.Roots {
		if rel, err := filepath.Rel(r.Dir, full); err == nil && filepath.IsLocal(rel) && rel != "." {
			return r.Name, filepath.ToSlash(rel), true
		}
	}
	return "", "", false
}
