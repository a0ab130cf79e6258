package apps_test

import (
	"bytes"
	"log/slog"
	"sync"
)

// warnings keeps what was logged as a warning or worse.
type warnings struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (w *warnings) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *warnings) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
