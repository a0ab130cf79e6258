package pbx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// What a person wants of the own phone's channel: whom it talks to, the asking of the phone,
// the joining of two others.

// Opposite gives the other member of a bridge of two, nil if there is none.
func (c *Channel) Opposite() *Channel {
	b, ok := c.sw.Bridge(c.Snapshot().Bridge)
	if !ok || b.kind != Mixing {
		return nil
	}
	if others := b.others(c); len(others) == 1 {
		return others[0]
	}
	return nil
}

// TransferContext is where the targets of the party's transfers are looked for: its variable
// TRANSFER_CONTEXT, else the context that calls of its endpoint start in (Asterisk:
// bridge_basic.c get_transfer_context).
func (c *Channel) TransferContext() string {
	v, _ := c.Variable("TRANSFER_CONTEXT")
	return cmp.Or(v, c.leg.Describe().Context, c.Snapshot().Context)
}

// Event packages of Notifier, as snom, Yealink and Polycom phones know them.
const (
	EventTalk = "talk" // answer the call that rings, or go on with the one on hold
	EventHold = "hold" // put the call on hold
)

// Notifier is a Leg whose party can be asked to press a key: NOTIFY in the dialog, without
// a subscription.
type Notifier interface {
	// Notify asks, at once or when the party begins to ring, and returns before that. done
	// gets the final SIP status, once, or an error: ErrNotSupported if the party does not say
	// that it allows the event, ErrState if it has left or never will ring.
	Notify(event string, done func(status int, err error))
}

// NotifyParty asks the party for an event and waits for its answer; a party that does not
// ring yet is waited for. Errors: ErrGone; ErrState if it cannot be asked, as one that calls;
// ErrNotSupported if the technology or the phone cannot, or the phone declines; the cause of
// ctx.
func (c *Channel) NotifyParty(ctx context.Context, event string) error {
	n, ok := c.leg.(Notifier)
	if !ok {
		return ErrNotSupported
	}
	type answer struct {
		status int
		err    error
	}
	got := make(chan answer, 1)
	n.Notify(event, func(status int, err error) { got <- answer{status, err} })
	select {
	case a := <-got:
		switch {
		case a.err != nil:
			return fmt.Errorf("ask the phone to %s: %w", event, a.err)
		case a.status >= 300:
			return fmt.Errorf("ask the phone to %s: it says %d: %w", event, a.status, ErrNotSupported)
		}
		return nil
	case <-c.ctx.Done():
		return ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// joinPatience is how long a channel may take to leave what it does.
const joinPatience = 10 * time.Second

// errElsewhere says that somebody else has taken a channel that was to be joined.
var errElsewhere = errors.New("the channel is taken by something else")

// Join takes two channels out of what they do and lets them talk with each other until one
// leaves; the other is hung up then. It returns when both are in. Who they talked to before is
// not touched. Errors: ErrGone, ErrStopping, the cause of ctx; a channel that was taken
// before the other one failed is hung up.
func (s *Switch) Join(ctx context.Context, x, y *Channel) error {
	b, err := s.NewBridge(BridgeOptions{Creator: CreatorBridge, Class: "basic"})
	if err != nil {
		return err
	}
	j := &joint{b: b, over: make(chan struct{})}
	for _, c := range [...]*Channel{x, y} {
		if err := j.take(ctx, c); err != nil {
			j.leave()
			b.Destroy() // a channel that comes late finds it gone
			return err
		}
	}
	return nil
}

// joint is the bridge of Join. Who leaves last ends it.
type joint struct {
	b    *Bridge
	in   atomic.Int32 // members
	once sync.Once
	over chan struct{} // closed when somebody leaves
}

func (j *joint) leave() { j.once.Do(func() { close(j.over) }) }

// take brings a channel into the bridge.
func (j *joint) take(ctx context.Context, c *Channel) error {
	added := make(chan error, 1)
	err := c.Run(HandlerFunc(func(ctx context.Context, c *Channel) {
		defer c.Watch(j.watch)()
		j.in.Add(1)
		err := j.b.Add(c, AddOptions{})
		added <- err
		if err == nil {
			select {
			case <-j.over:
			case <-ctx.Done():
			}
		}
		j.leave()
		if j.in.Add(-1) == 0 {
			j.b.Destroy()
		}
	}))
	if err != nil {
		return err
	}
	patience := time.NewTimer(joinPatience)
	defer patience.Stop()
	select {
	case err := <-added:
		return err
	case <-c.ctx.Done():
		return ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-patience.C:
		return errElsewhere
	}
}

// watch sees a member leave.
func (j *joint) watch(e *Event) {
	if e.Type == ChannelLeftBridge && e.Bridge.ID == j.b.id {
		j.leave()
	}
}
