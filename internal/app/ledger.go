package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// ledger keeps the records of calls that were dialled on the switch without the
// queue: every channel that a remote-control application has dialled gets one when it
// has ended (spec: ari 1 C25), so that all doors show it.
//
//	channel's actor ──ChannelDestroyed──► waiting ──goroutine──► store
//
// Nothing in it waits for the store but its own goroutine. Records wait in memory until
// they are stored; a store that fails loses them with a line in the log each.
type ledger struct {
	record func(context.Context, call.CDR) error
	said   func(*pbx.Channel) (call.DialplanRecord, bool) // what the dialplan has said of a channel
	log    *slog.Logger

	mu      sync.Mutex // guards what follows
	waiting []call.CDR
	bell    chan struct{} // capacity 1
	closed  bool
	done    chan struct{}
}

func newLedger(record func(context.Context, call.CDR) error, said func(*pbx.Channel) (call.DialplanRecord, bool), log *slog.Logger) *ledger {
	return &ledger{record: record, said: said, log: log, bell: make(chan struct{}, 1), done: make(chan struct{})}
}

// run stores records until stop, and what is left then. A record is written even
// while the server stops: ctx bounds nothing but the store's own waiting.
func (l *ledger) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		list, closed := l.waiting, l.closed
		l.waiting = nil
		l.mu.Unlock()
		for i := range list {
			l.store(&list[i])
		}
		if len(list) == 0 {
			if closed {
				return
			}
			<-l.bell
		}
	}
}

// ledgerPatience bounds the writing of one record.
const ledgerPatience = 30 * time.Second

func (l *ledger) store(d *call.CDR) {
	// Records outlive whoever asked for the call.
	ctx, cancel := context.WithTimeout(context.Background(), ledgerPatience)
	defer cancel()
	if err := l.record(ctx, *d); err != nil {
		l.log.Error("call record not stored", "door", d.Door, "channel", d.Reference, "disposition", d.Disposition, "error", err)
	}
}

// stop returns when all records are stored. It may be called once.
func (l *ledger) stop(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.ring()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *ledger) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

// follow makes the record of a channel when it ends; it may have ended already. d has
// what is known of it now.
func (l *ledger) follow(c *pbx.Channel, d call.CDR) {
	f := &followed{l: l, c: c, d: d}
	c.Watch(f.see)
	if _, over := c.Result(); over {
		go func() { // ends with the channel; its last event may have been before the watch
			<-c.Gone()
			f.end()
		}()
	}
}

// followed is a channel whose record is to be made.
type followed struct {
	l    *ledger
	c    *pbx.Channel
	d    call.CDR
	once sync.Once
}

// see runs in the channel's actor.
func (f *followed) see(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelVarset:
		if e.Variable == "BRIDGEPEER" && e.Value != "" {
			f.d.DestChannel = e.Value
		}
	case pbx.ChannelDestroyed:
		f.end()
	}
}

// end makes the record of the channel, which is over, once.
func (f *followed) end() {
	f.once.Do(func() {
		r, _ := f.c.Result()
		d, sn := f.d, f.c.Snapshot()
		d.Channel = sn.Name
		d.StartedAt, d.AnsweredAt, d.EndedAt = r.StartedAt, r.AnsweredAt, r.EndedAt
		d.Duration = max(int(r.EndedAt.Sub(r.StartedAt)/time.Second), 0)
		d.Cause, d.SIPStatus, d.AccountCode = int(r.Cause), r.SIPStatus, sn.AccountCode
		d.Context, d.Extension, d.LastApp, d.LastData = sn.Context, sn.Extension, sn.App, sn.AppData
		switch {
		case !r.AnsweredAt.IsZero():
			d.Disposition, d.Billable = call.Answered, max(int(r.EndedAt.Sub(r.AnsweredAt)/time.Second), 0)
		case r.Failure != nil:
			d.Disposition = r.Failure.Disposition
		default:
			d.Disposition = call.Cancelled
		}
		if said, ok := f.l.said(f.c); ok {
			d.UserField = said.UserField
			if said.AccountCode != "" {
				d.AccountCode = said.AccountCode
			}
		}
		d.CauseText = cause.Code(d.Cause).String()
		f.l.mu.Lock()
		f.l.waiting = append(f.l.waiting, d)
		f.l.mu.Unlock()
		f.l.ring()
	})
}
