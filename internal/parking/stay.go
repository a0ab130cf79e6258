package parking

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Ending says how a stay has ended.
type Ending int

// The endings.
const (
	Taken    Ending = iota + 1 // somebody has it by Take
	TimedOut                   // nobody came in time
	Removed                    // it was taken out of the lot's bridge, and is in no other
)

// Stay is a channel in a space. Park, Wait, HandOver and Leave are for who
// controls the channel; Channel, Await and Release for who has taken it.
type Stay struct {
	Lot    string
	Space  int
	Parker string // dial string, "PJSIP/101"
	Since  time.Time

	limit   time.Duration
	lots    *Lots
	c       *pbx.Channel
	bridge  *pbx.Bridge // the lot's
	unwatch func()

	out   chan struct{} // has an element when the channel has left a bridge
	taken chan struct{} // closed by Take
	ready chan struct{} // closed by HandOver
	lost  chan struct{} // closed by Leave
	over  chan struct{} // closed by Release
	done  sync.Once     // of over

	// Of the goroutine that controls the channel.
	left, ended bool // the bridge is left, Leave was called
}

// watch is called with the channel's events.
func (s *Stay) watch(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelLeftBridge:
	case pbx.ChannelHangupRequest:
		s.giveUp() // before it leaves the bridge (observed: Asterisk 22.10, AMI trace t5)
		return
	default:
		return
	}
	select {
	case s.out <- struct{}{}:
	default:
	}
}

// Wait waits until the stay ends; the space is free then. A channel that
// another bridge has taken has no space any more, and the wait ends when that
// bridge lets it go. The error is the cause of ctx, or pbx.ErrGone.
func (s *Stay) Wait(ctx context.Context) (Ending, error) {
	defer s.lots.vacate(s)
	var limit <-chan time.Time
	if s.limit > 0 {
		t := time.NewTimer(time.Until(s.Since.Add(s.limit)))
		defer t.Stop()
		limit = t.C
	}
	for {
		select {
		case <-s.taken:
			return Taken, nil
		case <-limit:
			if !s.lots.vacate(s) { // taken in this moment, or in another bridge
				limit = nil
				continue
			}
			s.tell(WaitedTooLong, nil)
			return TimedOut, nil
		case <-s.out:
			// Leaving one bridge for another is one step of the channel, which this waits for.
			if err := s.c.StopTone(); err != nil && !errors.Is(err, pbx.ErrNoMedia) {
				return 0, err
			}
			if !s.giveUp() && s.isTaken() {
				continue
			}
			if s.c.Snapshot().Bridge == "" {
				return Removed, nil
			}
			limit = nil
		case <-s.c.Context().Done():
			s.giveUp()
			return 0, pbx.ErrGone
		case <-ctx.Done():
			s.giveUp()
			return 0, context.Cause(ctx)
		}
	}
}

// giveUp frees the space because the channel does not wait any more, and tells so; false
// if it had lost the space before.
func (s *Stay) giveUp() bool {
	vacated := s.lots.vacate(s)
	if vacated {
		s.tell(GaveUp, nil)
	}
	return vacated
}

// Fetched tells that by has fetched the channel. Who has taken it calls it, before it
// connects the two.
func (s *Stay) Fetched(by *pbx.Channel) { s.tell(Unparked, by) }

func (s *Stay) isTaken() bool {
	select {
	case <-s.taken:
		return true
	default:
		return false
	}
}

// HandOver gives the channel to who has taken it and waits until that one
// releases it. It leaves the lot's bridge first. It is called once, when the
// channel hears nothing any more. The error is the cause of ctx, or pbx.ErrGone.
func (s *Stay) HandOver(ctx context.Context) error {
	s.leave()
	close(s.ready)
	select {
	case <-s.over:
		if ctx.Err() != nil { // it was given to another handler
			return context.Cause(ctx)
		}
		return nil
	case <-s.c.Context().Done():
		return pbx.ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave ends the stay. The channel is out of the lot's bridge when it returns.
// It may be called twice.
func (s *Stay) Leave() {
	s.lots.vacate(s)
	s.leave()
	if !s.ended {
		s.ended = true
		close(s.lost)
	}
}

// leave takes the channel out of the lot's bridge.
func (s *Stay) leave() {
	if s.left {
		return
	}
	s.left = true
	if s.unwatch != nil {
		s.unwatch()
	}
	if s.c.Snapshot().Bridge == s.bridge.ID() {
		_ = s.bridge.Remove(s.c) // ErrGone, ErrNotMember: it is out
	}
	s.lots.leaveBridge(s)
}

// Channel gives the parked channel.
func (s *Stay) Channel() *pbx.Channel { return s.c }

// Await waits until the channel is in no bridge and hears nothing: who has taken
// it may connect it then. Errors: pbx.ErrGone when it has hung up, or something
// else has it; the cause of ctx.
func (s *Stay) Await(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-s.lost:
	case <-s.c.Context().Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return pbx.ErrGone
}

// Release lets the channel's own controller go on. It may be called twice.
func (s *Stay) Release() { s.done.Do(func() { close(s.over) }) }
