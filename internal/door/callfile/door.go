package callfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Door watches one folder. Start and Stop may be called once each; Stop also
// before Start.
type Door struct {
	o   Options
	log *slog.Logger
	pid int // shown in the files; nothing goes by it (spec: callfile 9, W4)

	changes *inbox[change]     // of the folder
	news    *inbox[call.Event] // of calls
	unwant  *inbox[call.ID]    // calls whose files were removed
	stats   counters

	begun  time.Time
	cancel context.CancelFunc
	loops  sync.WaitGroup
	once   sync.Once

	// What follows belongs to the goroutine of run.
	folder   *folder
	watcher  watcher // nil: only re-scans
	names    map[string]*entry
	inodes   map[identity]*entry
	calls    map[call.ID]*entry
	heap     heapOf
	leaving  []leaving // in the order of their times
	arrivals uint64
	told     bool      // that the folder is missing, or cannot be watched, was said
	absent   time.Time // since when there is no folder; zero = there is one
}

// New makes a door. Nothing is opened before Start. The error says what is wrong
// with o.
func New(o Options) (*Door, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	return &Door{
		o: o, log: o.Log, pid: os.Getpid(),
		changes: newInbox[change](maxChanges), news: newInbox[call.Event](maxNews), unwant: newInbox[call.ID](maxNews),
		names: map[string]*entry{}, inodes: map[identity]*entry{}, calls: map[call.ID]*entry{},
	}, nil
}

// Start opens the folder, making it if it is missing, and begins to take files.
// The originator must be running. ctx bounds the start only.
func (d *Door) Start(ctx context.Context) error {
	seq, err := d.o.Calls.LastSeq(ctx)
	if err != nil {
		return fmt.Errorf("call files: %w", err)
	}
	d.begun = time.Now()
	if d.folder, err = openFolder(d.o.Dir); err != nil {
		return fmt.Errorf("call files: %w; set callfile.dir to a folder that can be read", err)
	}
	loopCtx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the loops outlive Start; Stop ends them
	d.cancel = cancel
	d.loops.Go(func() { d.hear(loopCtx, seq) })
	d.loops.Go(func() { d.withdraw(loopCtx) })
	d.loops.Go(func() { d.run(loopCtx) })
	return nil
}

// Stop takes no more files and returns when all is quiet. Calls go on; their
// files are finished by the next Start. It is to be called before the originator's.
func (d *Door) Stop(context.Context) error {
	var err error
	d.once.Do(func() {
		if d.cancel == nil {
			return
		}
		d.cancel()
		d.loops.Wait()
		if d.watcher != nil {
			d.watcher.close()
		}
		err = d.folder.close()
	})
	return err
}

// run is the goroutine that owns all files.
func (d *Door) run(ctx context.Context) {
	ticker := time.NewTicker(d.o.Rescan)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	d.rescan(true)
	for ctx.Err() == nil {
		d.left()
		d.work(ctx)
		d.stats.files.Store(int64(len(d.names)))
		timer.Reset(d.next())
		select {
		case <-ctx.Done():
		case <-d.changes.bell:
			list, missed := d.changes.take()
			d.changed(list)
			if missed {
				d.rescan(false)
			}
		case <-d.news.bell:
			d.follow(ctx)
		case <-timer.C:
		case <-ticker.C:
			d.rescan(false)
		}
	}
}

// idle is how long the loop sleeps when nothing is due.
const idle = time.Hour

// next gives how long nothing is due.
func (d *Door) next() time.Duration {
	wait := idle
	if len(d.heap) > 0 {
		wait = time.Until(d.heap[0].due)
	}
	if len(d.leaving) > 0 {
		wait = min(wait, time.Until(d.leaving[0].till))
	}
	return max(wait, 0)
}

// watch begins to watch the folder, if it is to be watched and can be.
func (d *Door) watch() {
	if d.o.Poll || d.watcher != nil {
		return
	}
	w, err := d.folder.watch(d.changes)
	if err != nil {
		d.complain("the call-file folder is not watched, only read again and again", err)
		return
	}
	d.watcher, d.told = w, false
}

// reopen opens the folder again when its path means another one now, or had
// none (spec: callfile 9, W8). false: there is no folder at the moment.
func (d *Door) reopen() bool {
	d.abandon()
	if d.missing() {
		return false
	}
	f, err := openFolder(d.o.Dir)
	if err != nil {
		d.complain("the call-file folder cannot be opened; it is tried again", err)
		return false
	}
	d.log.Warn("the call-file folder is another one now", "folder", d.o.Dir)
	if err := d.folder.close(); err != nil {
		d.log.Info("old call-file folder not closed", "error", err)
	}
	d.folder, d.told, d.absent = f, false, time.Time{}
	return true
}

// abandon turns away from a folder that the path does not mean any more: what
// waits in it is not dialled, what is dialled goes on without its file.
func (d *Door) abandon() {
	if d.watcher != nil {
		d.watcher.close()
		d.watcher = nil
	}
	for name, e := range d.names {
		if e.stage != placed {
			d.drop(e)
			continue
		}
		delete(d.names, name)
		e.lost = true // until the file is seen again
	}
}

// missing reports whether there is no folder and whoever took it away may be about
// to put another one in its place: made at once, ours would be in the way, and
// "mv new outgoing" would end inside it.
func (d *Door) missing() bool {
	if _, err := os.Stat(d.o.Dir); !errors.Is(err, fs.ErrNotExist) {
		d.absent = time.Time{}
		return false
	}
	if d.absent.IsZero() {
		d.absent = time.Now()
		d.log.Warn("the call-file folder is gone; it is made again if it does not come back", "folder", d.o.Dir, "after", d.o.Rescan)
	}
	return time.Since(d.absent) < d.o.Rescan
}

// complain says once what is wrong with the folder.
func (d *Door) complain(text string, err error) {
	if !d.told {
		d.log.Error(text, "folder", d.o.Dir, "again", d.o.Rescan, "error", err)
	}
	d.told = true
}

// counters count files.
type counters struct {
	files                                        atomic.Int64
	taken, completed, expired, failed, withdrawn atomic.Uint64
}

// Stats is a snapshot for people and metrics.
type Stats struct {
	Files     int    // in the folder, taken notice of
	Taken     uint64 // became calls, since the start of the server, as the next ones
	Completed uint64
	Expired   uint64
	Failed    uint64 // could not be carried out
	Withdrawn uint64 // removed by somebody before their call had ended
}

// Stats sums up. It is safe concurrently.
func (d *Door) Stats() Stats {
	return Stats{
		Files: int(d.stats.files.Load()), Taken: d.stats.taken.Load(), Completed: d.stats.completed.Load(),
		Expired: d.stats.expired.Load(), Failed: d.stats.failed.Load(), Withdrawn: d.stats.withdrawn.Load(),
	}
}
