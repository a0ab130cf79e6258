package usercall

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/mixmonitor"
)

// Record begins (on) or ends a recording of both sides: a file below Options.Recordings,
// click/<ID of the call>-<time>.wav. There is one of a call at a time, and it ends with the
// call. Doing it twice changes nothing. Errors: ErrNoCall; ErrState unless they talk;
// ErrUnsupported without a directory or media; those of the file system.
func (t *Table) Record(_ context.Context, phone, id string, on bool) error {
	h, err := t.talking(phone, id)
	if err != nil {
		return err
	}
	if !on {
		return t.endTape(h.c.ID())
	}
	if t.o.Recordings == "" || h.c.Port() == nil {
		return ErrUnsupported
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.quit:
		return ErrNoCall
	default:
	}
	if t.tapes[h.c.ID()] != nil {
		return nil
	}
	f, err := mixmonitor.Create(t.o.Recordings, "click/"+fileName(id)+"-"+time.Now().UTC().Format("20060102-150405.000")+".wav", mixmonitor.FileOptions{})
	if err != nil {
		return err
	}
	own := h.c.ID()
	r, err := mixmonitor.Start(h.c, mixmonitor.Options{Mixed: f})
	if err != nil {
		return told(err)
	}
	t.tapes[own] = r
	t.awaiting.Go(func() { t.await(own, r) })
	return nil
}

// await forgets a recording that has ended, and tells what was wrong with it.
func (t *Table) await(channel string, r *mixmonitor.Recording) {
	<-r.Done()
	t.mu.Lock()
	if t.tapes[channel] == r {
		delete(t.tapes, channel)
	}
	t.mu.Unlock()
	if err := r.Err(); err != nil {
		t.log.Warn("recording is not complete", "channel", channel, "error", err)
	}
}

// endTape ends the recording of a channel, if there is one.
func (t *Table) endTape(channel string) error {
	t.mu.Lock()
	r := t.tapes[channel]
	delete(t.tapes, channel)
	t.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.Stop()
}

// stopTapes ends all recordings.
func (t *Table) stopTapes() error {
	t.mu.Lock()
	all := t.tapes
	t.tapes = map[string]*mixmonitor.Recording{}
	t.mu.Unlock()
	var errs []error
	for _, r := range all {
		errs = append(errs, r.Stop())
	}
	t.awaiting.Wait()
	return errors.Join(errs...)
}

// fileName makes the part of a file's name that says whose call it is: whoever makes a
// channel may choose its ID.
func fileName(id string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '.':
			return r
		}
		return '_'
	}, id)
	return strings.TrimLeft(clean[:min(len(clean), 100)], ".")
}
