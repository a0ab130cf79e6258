package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
)

// write writes files into the folder, each in one step.
func (c spoolCmd) write(e *env, list []spooled) error {
	dir, err := c.folder(e)
	if err != nil {
		return err
	}
	for _, f := range list {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s is in the folder already; nothing was written", f.name), err)
		}
	}
	w, err := newSpooler(dir)
	if err != nil {
		return err
	}
	err = c.each(e, list, w.put)
	return errors.Join(err, w.close())
}

// each calls put for every file, at the wanted rate, and shows how far it is.
func (c spoolCmd) each(e *env, list []spooled, put func(spooled) error) error {
	pace := newPace(c.Rate)
	defer pace.stop()
	bar := progress{e: e, total: len(list), on: len(list) > 1 && isTerminal(e)}
	defer bar.end()
	for i, f := range list {
		if err := pace.wait(e.ctx); err != nil {
			return fmt.Errorf("stopped; %d of %d files are written: %w", i, len(list), err)
		}
		if err := put(f); err != nil {
			return fmt.Errorf("%s: %w; %d of %d files are written", f.name, err, i, len(list))
		}
		bar.at(i + 1)
	}
	if !bar.on {
		for _, f := range list {
			fmt.Fprintln(e.stdout, clean(f.name))
		}
	}
	return nil
}

// spooler moves files into a folder. They are written in a place of its own on
// the same file system: a temporary name in the folder itself would be taken for
// a call file (spec: callfile 1.1).
type spooler struct{ dir, tmp string }

func newSpooler(dir string) (*spooler, error) {
	// Beside the folder; or, where the folder is a file system of its own or its
	// parent is not ours, in a directory inside it: no server looks into those.
	for _, parent := range []string{filepath.Dir(filepath.Clean(dir)), dir} {
		tmp, err := os.MkdirTemp(parent, ".spool-")
		if err != nil {
			continue
		}
		if sameDevice(tmp, dir) {
			return &spooler{dir, tmp}, nil
		}
		_ = os.Remove(tmp) // it is empty
	}
	return nil, fmt.Errorf("no file can be written into %s or beside it; check who may write there", dir)
}

// put writes one file.
func (s *spooler) put(f spooled) error {
	tmp, to := filepath.Join(s.tmp, f.name), filepath.Join(s.dir, f.name)
	// The server must be able to write its lines back: the umask says who may.
	w, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = w.WriteString(f.text)
	if err == nil {
		err = w.Sync()
	}
	err = errors.Join(err, w.Close())
	if err == nil && !f.at.IsZero() {
		err = os.Chtimes(tmp, f.at, f.at)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err == nil && f.from != "" && !sameFile(f.from, to) {
		err = os.Remove(f.from)
	}
	return err
}

// close brings the names onto the disk and removes the temporary place.
func (s *spooler) close() error {
	d, err := os.Open(s.dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	return errors.Join(err, os.RemoveAll(s.tmp))
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// sameDevice reports whether a file in one directory could be moved to the other.
func sameDevice(tmp, dir string) bool {
	probe := filepath.Join(tmp, "probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return false
	}
	defer os.Remove(probe)
	x, err1 := os.Stat(tmp)
	y, err2 := os.Stat(dir)
	return err1 == nil && err2 == nil && device(x) == device(y)
}

// pace spaces out what is done.
type pace struct{ t *time.Ticker }

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{time.NewTicker(max(time.Duration(float64(time.Second)/perSecond), 1))}
}

func (p *pace) wait(ctx context.Context) error {
	if p.t == nil {
		return ctx.Err()
	}
	select {
	case <-p.t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) stop() {
	if p.t != nil {
		p.t.Stop()
	}
}

// progress shows on a terminal how far a long list is.
type progress struct {
	e     *env
	total int
	on    bool
	shown time.Time
}

const barWidth = 30

func (p *progress) at(n int) {
	if !p.on || n < p.total && time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	full := n * barWidth / p.total
	fmt.Fprintf(p.e.stderr, "\r[%-*s] %d of %d files", barWidth, string(bytesOf('#', full)), n, p.total)
}

func (p *progress) end() {
	if p.on {
		fmt.Fprintln(p.e.stderr)
	}
}

func bytesOf(c byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = c
	}
	return out
}

// isTerminal reports whether messages go to a terminal.
func isTerminal(e *env) bool {
	f, ok := e.stderr.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
