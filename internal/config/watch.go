package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher tells when the files of a configuration have changed.
//
//	idle ──file event, or poll──► settling (200 ms without another) ──► hash differs? ──► changed()
//
// Editors write a file in several steps and replace it rather than write it, so
// the directory is watched, and what counts is the content: changed is called
// when the texts differ from those of the last call. Where events do not come
// (network file systems, no inotify watches left), the files are looked at every
// Poll.
type Watcher struct {
	path    string
	poll    time.Duration
	changed func()
	also    func() []string // further files, nil = none
	log     *slog.Logger

	mu     sync.Mutex // guards cancel and done
	cancel context.CancelFunc
	done   chan struct{}
}

const (
	settle      = 200 * time.Millisecond
	defaultPoll = 5 * time.Second
)

// NewWatcher watches the file at path and its conf.d; "" is none. changed is called from
// one goroutine, never twice at once. poll is the interval of looking; 0 = 5 s.
func NewWatcher(path string, poll time.Duration, changed func(), log *slog.Logger) *Watcher {
	if poll == 0 {
		poll = defaultPoll
	}
	return &Watcher{path: path, poll: poll, changed: changed, log: log}
}

// Also makes the watcher look at further files, such as those of the dialplan, each
// time that it looks. They are polled. It is called before Start.
func (w *Watcher) Also(files func() []string) { w.also = files }

// Start begins to watch. An error means that not even looking is possible.
func (w *Watcher) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		return errors.New("config: the watcher runs already")
	}
	if w.path == "" && w.also == nil {
		return nil
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.done = make(chan struct{})
	last := w.digest() // now: whatever changes after Start is noticed
	go func(done chan struct{}) {
		defer close(done)
		w.run(ctx, last)
	}(w.done)
	return nil
}

// Stop ends watching and returns when changed will not be called any more. It
// may be called twice, and before Start.
func (w *Watcher) Stop() {
	w.mu.Lock()
	cancel, done := w.cancel, w.done
	w.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

func (w *Watcher) run(ctx context.Context, last [sha256.Size]byte) {
	events, closeEvents := w.events()
	defer closeEvents()
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	settled := time.NewTimer(settle)
	settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			settled.Reset(settle)
			continue
		case <-settled.C:
		case <-poll.C:
		}
		if now := w.digest(); now != last {
			last = now
			w.changed()
		}
	}
}

// events gives a channel that is nil when the kernel cannot tell.
func (w *Watcher) events() (<-chan fsnotify.Event, func()) {
	if w.path == "" {
		return nil, func() {}
	}
	fw, err := fsnotify.NewWatcher()
	if err == nil {
		err = fw.Add(filepath.Dir(w.path))
		if err == nil {
			if dir := confDir(w.path); isDir(dir) {
				err = fw.Add(dir)
			}
		}
	}
	if err != nil {
		w.log.Info("configuration files are polled", "every", w.poll, "err", err)
		if fw != nil {
			_ = fw.Close() // nothing was watched
		}
		return nil, func() {}
	}
	return fw.Events, func() { _ = fw.Close() }
}

// digest is a hash of the names and texts of all files; files that cannot be
// read count as empty.
func (w *Watcher) digest() [sha256.Size]byte {
	var names []string
	if w.path != "" {
		names = append(names, w.path)
		if more, err := filepath.Glob(filepath.Join(confDir(w.path), "*.toml")); err == nil {
			names = append(names, more...)
		}
	}
	if w.also != nil {
		names = append(names, w.also()...)
	}
	h := sha256.New()
	for _, n := range names {
		text, err := readFile(n)
		if err != nil {
			text = []byte(err.Error())
		}
		h.Write([]byte(n + "\x00"))
		h.Write(text)
		h.Write([]byte{0})
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}
