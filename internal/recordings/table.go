package recordings

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Store is what the table needs of the store.
type Store interface {
	BeginRecording(ctx context.Context, r originate.Recording) error
	EndRecording(ctx context.Context, r originate.Recording) error
}

// Root is a directory below which recordings lie.
type Root struct {
	Name string // in the store: it must stay the same
	Dir  string // absolute
}

// Options are what a table is made of. Store is required.
type Options struct {
	Store Store
	Roots []Root       // the first that a file is below counts
	Log   *slog.Logger // nil = discard
}

// Table links files with calls. It is safe for concurrent use.
type Table struct {
	o   Options
	log *slog.Logger

	mu      sync.Mutex           // guards what follows; nothing is called under it
	queue   []news               // not yet looked at
	files   map[string]*file     // being recorded, by RecordedFile.ID
	bridges map[string][]string  // files of each bridge
	live    map[string]time.Time // rows of files being recorded, by their ID
	closing bool

	bell   chan struct{}
	done   chan struct{}
	finish sync.Once
	remove func()
}

// news is a file that began or ended, or a channel that came into a bridge.
type news struct {
	file   pbx.RecordedFile
	bridge string
	came   *pbx.Snapshot
}

// file is one that is being recorded.
type file struct {
	root, path, bridge string
	channel            string
	full               string
	rows               map[call.ID]string // IDs of its rows
}

// switchboard is what the table needs of the switch.
type switchboard interface {
	Channel(id string) (*pbx.Channel, bool)
	Observe(f func(*pbx.Event)) (remove func())
}

// New makes a table.
func New(o Options) *Table {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Table{
		o: o, log: o.Log, files: map[string]*file{}, bridges: map[string][]string{}, live: map[string]time.Time{},
		bell: make(chan struct{}, 1), done: make(chan struct{}), remove: func() {},
	}
}

// Recorded takes what pbx.Options.Recorded tells; it never waits.
func (t *Table) Recorded(f pbx.RecordedFile) {
	t.put(news{file: f})
}

func (t *Table) put(n news) {
	t.mu.Lock()
	if !t.closing {
		t.queue = append(t.queue, n)
	}
	t.mu.Unlock()
	t.ring()
}

func (t *Table) ring() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// Start begins to write to the store.
func (t *Table) Start(s switchboard) {
	t.remove = s.Observe(t.observe)
	go t.run(s)
}

// Stop writes what is still to be written and returns. It may be called twice, but not
// before Start.
func (t *Table) Stop(ctx context.Context) error {
	t.finish.Do(func() {
		t.remove()
		t.mu.Lock()
		t.closing = true
		t.mu.Unlock()
		t.ring()
	})
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// observe sees who comes into a bridge that is being recorded. It is called with the
// switch's bus locked.
func (t *Table) observe(e *pbx.Event) {
	if e.Type != pbx.ChannelEnteredBridge || e.Bridge == nil || e.Channel == nil {
		return
	}
	t.mu.Lock()
	known := len(t.bridges[e.Bridge.ID]) > 0
	t.mu.Unlock()
	if known {
		t.put(news{bridge: e.Bridge.ID, came: e.Channel})
	}
}

// run is the table's goroutine. It ends after Stop, when the queue is empty.
func (t *Table) run(s switchboard) {
	defer close(t.done)
	for range t.bell {
		for {
			t.mu.Lock()
			list, closing := t.queue, t.closing
			t.queue = nil
			t.mu.Unlock()
			for _, n := range list {
				t.take(s, n)
			}
			if len(list) > 0 {
				continue
			}
			if closing {
				return
			}
			break
		}
	}
}

// patience bounds one operation of the store: recordings wait for it, calls do not.
const patience = 30 * time.Second

func (t *Table) take(s switchboard, n news) {
	ctx, cancel := context.WithTimeout(context.Background(), patience) // outlives whoever recorded
	defer cancel()
	var err error
	switch {
	case n.came != nil:
		err = t.joined(ctx, s, n)
	case n.file.Ended:
		err = t.ended(ctx, n.file)
	default:
		err = t.began(ctx, s, n.file)
	}
	if err != nil {
		t.log.Warn("recording is not linked with its call", "file", n.file.Path, "error", err)
	}
}

// began makes the rows of a file.
func (t *Table) began(ctx context.Context, s switchboard, rf pbx.RecordedFile) error {
	root, path, ok := t.place(rf.Path)
	if !ok {
		t.log.Debug("recording is below no directory of recordings", "file", rf.Path)
		return nil
	}
	f := &file{root: root, path: path, full: rf.Path, rows: map[call.ID]string{}}
	t.mu.Lock()
	t.files[rf.ID] = f
	if rf.Bridge != nil {
		f.bridge, f.channel = rf.Bridge.ID, rf.Bridge.Name
		t.bridges[f.bridge] = append(t.bridges[f.bridge], rf.ID)
	}
	t.mu.Unlock()
	if rf.Bridge == nil {
		id, leg := owner(s, rf.Channel)
		return t.link(ctx, f, id, leg, rf.Channel.Name, rf.At)
	}
	var errs []error
	for _, channel := range rf.Bridge.Channels {
		if c, ok := s.Channel(channel); ok {
			id, _ := owner(s, c.Snapshot())
			errs = append(errs, t.link(ctx, f, id, "", f.channel, rf.At))
		}
	}
	return errors.Join(errs...)
}

// ended completes the rows of a file.
func (t *Table) ended(ctx context.Context, rf pbx.RecordedFile) error {
	t.mu.Lock()
	f := t.files[rf.ID]
	delete(t.files, rf.ID)
	if f != nil && f.bridge != "" {
		if left := slices.DeleteFunc(t.bridges[f.bridge], func(id string) bool { return id == rf.ID }); len(left) > 0 {
			t.bridges[f.bridge] = left
		} else {
			delete(t.bridges, f.bridge)
		}
	}
	t.mu.Unlock()
	if f == nil {
		return nil
	}
	var bytes int64
	if info, err := os.Stat(f.full); err == nil {
		bytes = info.Size()
	}
	var errs []error
	for _, row := range f.rows {
		errs = append(errs, t.o.Store.EndRecording(ctx, originate.Recording{ID: row, EndedAt: rf.At, Duration: rf.Duration, Bytes: bytes}))
		t.mu.Lock()
		delete(t.live, row)
		t.mu.Unlock()
	}
	return errors.Join(errs...)
}
