package sqlite

import (
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// move applies an event to h and records it: the one way in which states move
// here. fill adds to the event. The row itself is updated by the caller.
func (t *tx) move(h *head, typ call.EventType, when time.Time, fill func(*call.Event)) error {
	state, err := call.Next(h.state, typ)
	if err != nil {
		return fmt.Errorf("%w: %w", originate.ErrState, err)
	}
	h.state = state
	e := call.Event{At: when, Type: typ}
	if fill != nil {
		fill(&e)
	}
	t.record(h, e)
	return nil
}

// record numbers an event of h. It is stored with the transaction's other
// events just before the commit, and published after it.
func (t *tx) record(h *head, e call.Event) call.Event {
	t.seq++
	e.Seq, e.At, e.DueAt = t.seq, e.At.UTC().Truncate(time.Millisecond), trunc(e.DueAt)
	e.Call, e.State, e.Account, e.Batch, e.Reference = h.id, h.state, h.account, h.batch, h.reference
	t.wrote = true
	t.events = append(t.events, e)
	return e
}

// audit adds an entry to the trail; it is stored with the transaction's others
// just before the commit. origin is e.Origin in JSON.
func (t *tx) audit(e *originate.AuditEntry, origin string) {
	t.wrote = true
	t.trail = append(t.trail, ms(e.At), e.Accepted, origin, string(e.Account), e.First, e.Second, string(e.Call), string(e.Code), e.Rule, e.Text)
}

// flush stores the events, audit entries and sums of the transaction.
func (t *tx) flush() error {
	flat := t.flat[:0]
	for i := range t.events {
		e := &t.events[i]
		body, err := toJSON(e)
		if err != nil {
			return err
		}
		flat = append(flat, e.Seq, ms(e.At), string(e.Type), string(e.Call), string(e.Account), string(e.Batch), body)
	}
	t.flat = flat
	if err := t.insert(&t.intoEvent, flat); err != nil {
		return err
	}
	if err := t.insert(&t.intoAudit, t.trail); err != nil {
		return err
	}
	return t.flushMinutes()
}
