package pbx

import (
	"context"
	"slices"

	"github.com/dialwright/dialwright/internal/cause"
)

// Queue carries events of channels out of their actors into the one goroutine
// that controls them: pushed without waiting, taken in order. It takes the few
// kinds that its maker names and so stays short; it is what an application of
// the dialplan has in the place of Subscribe, and loses nothing.
type Queue struct {
	in    *inbox
	types []EventType
}

// NewQueue makes a queue for events of some types.
func NewQueue(types ...EventType) *Queue { return &Queue{in: newInbox(), types: types} }

// Watcher gives a function for Channel.Watch or CreateOptions.Watch.
func (q *Queue) Watcher() func(*Event) {
	return func(e *Event) {
		if slices.Contains(q.types, e.Type) {
			q.in.push(signal{e: *e})
		}
	}
}

// C has an element while Take may give something.
func (q *Queue) C() <-chan struct{} { return q.in.c }

// Take gives the oldest event, false if there is none.
func (q *Queue) Take() (Event, bool) {
	sig, ok := q.in.take()
	return sig.e, ok
}

// Introduce tells the two members of a bridge of each other when one of them,
// which came in before its answer, has answered: BRIDGEPEER, the linked id and,
// with lines, the connected line of each. It returns at once.
func (b *Bridge) Introduce(c *Channel, lines bool) {
	c.box.post(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !c.hungUp && c.bridge == b {
			b.acquaint(c, lines)
		}
	})
}

// BlindTransfer sends other where by wants it, by the built-in routing and with
// by's rights, and hangs up by: what a phone's REFER does where no dialplan knows
// the target.
func (s *Switch) BlindTransfer(by, other *Channel, target string) {
	s.blindTransfer(by, other, target)
}

// HangupAndWait hangs channels up with a cause and returns when all are gone. It
// must not be called from an actor.
func HangupAndWait(ctx context.Context, code cause.Code, all ...*Channel) {
	for _, c := range all {
		c.Hangup(code)
	}
	for _, c := range all {
		select {
		case <-c.gone:
		case <-ctx.Done():
			return
		}
	}
}
