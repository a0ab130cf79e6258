package app

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip"
)

// calls gives the originator the shape that the REST door declares.
type calls struct {
	o       *originate.Originator
	media   *media.Engine
	sip     *sip.Technology
	node    string
	version string
	started time.Time
	maxLive int
}

// refusal translates the originator's errors.
func refusal(err error) error {
	if r, ok := errors.AsType[*originate.Refusal](err); ok {
		return toRefusal(r)
	}
	if lost, ok := errors.AsType[*originate.LostError](err); ok {
		return &rest.LostError{After: lost.After, Oldest: lost.Oldest}
	}
	if errors.Is(err, originate.ErrCursor) {
		return &rest.Refusal{Code: "invalid", Field: "cursor", Text: "The cursor is not valid; begin without one."}
	}
	return err
}

func toRefusal(r *originate.Refusal) *rest.Refusal {
	return &rest.Refusal{Code: string(r.Code), Rule: r.Rule, Text: r.Text, RetryAfter: r.RetryAfter, Field: apiField(r.Field)}
}

// apiField writes a field of call.Request as the API's bodies name it.
func apiField(field string) string {
	switch rest, then := strings.CutPrefix(field, "then."); {
	case !then:
		return field
	case rest == "wait_time":
		return "second_wait"
	default:
		return rest
	}
}

// Submit is rest.Calls.
func (c *calls) Submit(ctx context.Context, r call.Request) (call.Call, bool, error) {
	out, repeated, err := c.o.Submit(ctx, r)
	return out, repeated, refusal(err)
}

// SubmitBatch is rest.Calls.
func (c *calls) SubmitBatch(ctx context.Context, list []call.Request) ([]rest.Submitted, error) {
	subs, err := c.o.SubmitBatch(ctx, list)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]rest.Submitted, len(subs))
	for i, s := range subs {
		out[i] = rest.Submitted{Call: s.Call, Repeated: s.Repeated, Err: refusal(s.Err)}
	}
	return out, nil
}

// CheckKeys is rest.Calls.
func (c *calls) CheckKeys(ctx context.Context, list []call.Request) error {
	return refusal(c.o.CheckKeys(ctx, list))
}

// Check is rest.Calls.
func (c *calls) Check(ctx context.Context, r call.Request) (rest.Decision, error) {
	d, err := c.o.Check(ctx, r)
	if err != nil {
		return rest.Decision{}, refusal(err)
	}
	out := rest.Decision{RouteA: d.RouteA, RouteB: d.RouteB, Rules: d.Rules}
	if d.Refusal != nil {
		out.Refusal = toRefusal(d.Refusal)
	}
	return out, nil
}

// Get is rest.Calls.
func (c *calls) Get(ctx context.Context, id call.ID) (call.Call, error) {
	out, err := c.o.Get(ctx, id)
	return out, refusal(err)
}

// List is rest.Calls.
func (c *calls) List(ctx context.Context, f rest.Filter) ([]call.Call, string, error) {
	out, next, err := c.o.List(ctx, originate.Filter{
		States: f.States, Account: f.Account, Batch: f.Batch, Door: f.Door, Principal: f.Principal, Disposition: f.Disposition, Number: f.Number, Reference: f.Reference,
		From: f.From, To: f.To, Cursor: f.Cursor, Limit: f.Limit, Oldest: f.Oldest,
	})
	return out, next, refusal(err)
}

// Records is rest.Calls.
func (c *calls) Records(ctx context.Context, f rest.Filter) ([]call.CDR, string, error) {
	out, next, err := c.o.CDRs(ctx, originate.Filter{
		Account: f.Account, Batch: f.Batch, Door: f.Door, Disposition: f.Disposition, Number: f.Number,
		From: f.From, To: f.To, Cursor: f.Cursor, Limit: f.Limit, Oldest: f.Oldest,
	})
	return out, next, refusal(err)
}

// Attempts is rest.Calls.
func (c *calls) Attempts(ctx context.Context, id call.ID) ([]rest.Attempt, error) {
	recs, err := c.o.Attempts(ctx, id)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]rest.Attempt, len(recs))
	for i, r := range recs {
		out[i] = rest.Attempt{Attempt: r.Attempt, Outcome: r.Outcome, CDR: r.CDR}
	}
	return out, nil
}

// Cancel is rest.Calls.
func (c *calls) Cancel(ctx context.Context, id call.ID, by string) error {
	return refusal(c.o.Cancel(ctx, id, by))
}

// Hangup is rest.Calls.
func (c *calls) Hangup(ctx context.Context, id call.ID, by string) error {
	return refusal(c.o.Hangup(ctx, id, by))
}

// PauseBatch is rest.Calls.
func (c *calls) PauseBatch(ctx context.Context, b call.BatchID) error {
	return refusal(c.o.PauseBatch(ctx, b))
}

// ResumeBatch is rest.Calls.
func (c *calls) ResumeBatch(ctx context.Context, b call.BatchID) error {
	return refusal(c.o.ResumeBatch(ctx, b))
}

// CancelBatch is rest.Calls.
func (c *calls) CancelBatch(ctx context.Context, b call.BatchID, by string) (int, error) {
	n, err := c.o.CancelBatch(ctx, b, by)
	return n, refusal(err)
}

// Events is rest.Calls.
func (c *calls) Events(ctx context.Context, after int64, f rest.EventFilter) iter.Seq2[call.Event, error] {
	return func(yield func(call.Event, error) bool) {
		for e, err := range c.o.Events(ctx, after, originate.EventFilter{Call: f.Call, Account: f.Account, Batch: f.Batch, Types: f.Types}) {
			if !yield(e, refusal(err)) {
				return
			}
		}
	}
}

// Audit is rest.Calls.
func (c *calls) Audit(ctx context.Context, f rest.AuditFilter) ([]rest.AuditEntry, error) {
	list, err := c.o.Audit(ctx, originate.AuditFilter(f))
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]rest.AuditEntry, len(list))
	for i, e := range list {
		out[i] = viewAudit(e)
	}
	return out, nil
}

func viewAudit(e originate.AuditEntry) rest.AuditEntry {
	return rest.AuditEntry{
		Seq: e.Seq, At: e.At, Accepted: e.Accepted, Door: e.Origin.Door, Principal: e.Origin.Principal, Remote: e.Origin.Remote,
		Reference: e.Origin.Reference, Account: string(e.Account), First: e.First, Second: e.Second, Call: string(e.Call),
		Code: string(e.Code), Rule: e.Rule, Text: e.Text,
	}
}

// Stats is rest.Calls.
func (c *calls) Stats(ctx context.Context) (rest.Stats, error) {
	st, err := c.o.Stats(ctx)
	if err != nil {
		return rest.Stats{}, refusal(err)
	}
	out := rest.Stats{
		Node: c.node, Version: c.version, StartedAt: c.started,
		Queued: st.Queued, Scheduled: st.Scheduled, WaitingRetry: st.WaitingRetry, Live: st.Live, MaxLive: c.maxLive,
		Accepted: st.Accepted, Repeated: st.Repeated, Started: st.Started, Recovered: st.Recovered, StoreErrors: st.StoreErrors,
		LastSeq: st.LastSeq, Denied: map[string]uint64{}, Ended: map[string]uint64{}, Resources: []rest.Resource{}, Paused: []string{},
	}
	for k, n := range st.Denied {
		out.Denied[string(k)] = n
	}
	for k, n := range st.Ended {
		out.Ended[string(k)] = n
	}
	for _, r := range st.Resources {
		out.Resources = append(out.Resources, rest.Resource{Name: r.Resource, InUse: r.InUse, Channels: r.Limits.Channels, CPS: r.Limits.CPS})
	}
	for _, b := range st.Paused {
		out.Paused = append(out.Paused, string(b))
	}
	m := c.media.Stats()
	out.Media = rest.MediaStats{
		PortsUsed: m.PairsUsed, PortsFree: m.PairsFree, PacketsIn: m.PacketsIn, PacketsOut: m.PacketsOut,
		Invalid: m.Invalid, UnknownPT: m.UnknownPT, Foreign: m.Foreign, NoPorts: m.Refused, Panics: m.Panics,
	}
	s := c.sip.Stats()
	out.SIP = rest.SIPStats{
		Received: s.Net.Received, Sent: s.Net.Sent, SendErrors: s.Net.SendErrors, Unparseable: s.Net.Unparseable, Limited: s.Net.Limited,
		Keepalives: s.Net.Keepalives, ReadErrors: s.Net.ReadErrors, Connections: s.Net.Connections, Accepted: s.Net.Accepted, Turned: s.Net.TooMany,
		Transactions: s.Transactions, Legs: s.Legs, Registered: s.Registered, Panics: s.Panics + s.Net.Panics,
	}
	return out, nil
}

// live is rest.Live: the switch.
type live struct{ s *pbx.Switch }

// Bridges is rest.Live.
func (l live) Bridges(context.Context) ([]rest.Bridge, error) {
	all := l.s.Bridges()
	out := make([]rest.Bridge, len(all))
	for i, b := range all {
		out[i] = rest.Bridge{ID: b.ID, Name: b.Name, Type: string(b.Type), Creator: b.Creator, Channels: b.Channels, CreatedAt: b.CreatedAt}
	}
	return out, nil
}

// DestroyBridges is rest.Live.
func (l live) DestroyBridges(ctx context.Context, creator string, hangup bool) (int, error) {
	n := 0
	for _, sn := range l.s.Bridges() {
		b, ok := l.s.Bridge(sn.ID)
		if !ok || sn.Creator != creator {
			continue
		}
		members := b.Channels()
		b.Destroy()
		n++
		if hangup {
			for _, c := range members {
				c.Hangup(cause.NormalClearing)
			}
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
	}
	return n, nil
}
