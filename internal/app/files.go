package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// fileRoots opens the directories whose files a dialplan may name by their path:
// the spool and the sounds, to play and to record; the data, to play; with
// dialplan.allow_files all there are. No link leads out of the first three.
func (a *App) fileRoots() ([]pbx.FileRoot, error) {
	c := a.Config()
	if c.Dialplan.AllowFiles {
		return []pbx.FileRoot{{Path: "/", Write: true}}, nil
	}
	spool := a.spoolDir()
	if err := os.MkdirAll(spool, 0o750); err != nil {
		return nil, fmt.Errorf("dialplan.spool_dir: %w", err)
	}
	var out []pbx.FileRoot
	for _, d := range []pbx.FileRoot{{Path: spool, Write: true}, {Path: a.soundsDir(), Write: true}, {Path: c.Server.DataDir}} {
		if d.Path == "" {
			continue
		}
		var err error
		if d.Path, err = filepath.Abs(d.Path); err != nil {
			return nil, err
		}
		if d.Root, err = os.OpenRoot(d.Path); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("files of the dialplan: %w", err)
		}
		a.stack.push("files of the dialplan", func(context.Context) error { return d.Root.Close() })
		out = append(out, d)
	}
	return out, nil
}

// music opens a class of music on hold for whoever waits outside the dialplan,
// such as a party that the other one holds.
func (a *App) music(class string) (media.Source, error) {
	c, _, err := apps.MusicLibrary(a.machine.Options()).Class(class)
	if err != nil {
		return nil, err
	}
	return c.Open()
}
