//go:build !linux

package callfile

import (
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// notify watches a folder by what this system has. It does not say when a
// writer is done: a file is judged when it parses, or has settled.
type notify struct {
	w    *fsnotify.Watcher
	done sync.WaitGroup
}

// watch begins to tell out of changes in f.
func (f *folder) watch(out *inbox[change]) (watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(f.path); err != nil {
		w.Close()
		return nil, err
	}
	n := &notify{w: w}
	n.done.Go(func() {
		for e := range w.Events {
			kind := touched
			switch {
			case e.Has(fsnotify.Create), e.Has(fsnotify.Write):
				kind = appeared
			case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
				kind = left
			}
			out.put(change{filepath.Base(e.Name), kind})
		}
	})
	n.done.Go(func() {
		for range w.Errors {
			out.lose()
		}
	})
	return n, nil
}

func (n *notify) close() {
	n.w.Close()
	n.done.Wait()
}
