package originate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Submit admits one request: normalise, route, guard, store. When it returns
// without an error the call is durable. A repeat (same idempotency key of the
// same principal, same request) gives the earlier call and repeated. The error
// is a *Refusal, or the cause of ctx.
func (o *Originator) Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error) {
	list, err := o.SubmitBatch(ctx, []call.Request{r})
	if err != nil {
		return call.Call{}, false, err
	}
	return list[0].Call, list[0].Repeated, list[0].Err
}

// SubmitBatch admits many requests. The results are parallel to the argument.
// It is one submission for the rate limits of the first request's account and
// address. The error is about the batch as a whole; a refusal of single
// requests is in their results.
func (o *Originator) SubmitBatch(ctx context.Context, requests []call.Request) ([]Submitted, error) {
	return o.submitAll(ctx, requests, map[string]bool{})
}

// SubmitMore admits a further part of a submission that SubmitBatch has begun: a list too long
// to be admitted at once takes from the rates of its account and address like one request.
// Everything else is as in SubmitBatch.
func (o *Originator) SubmitMore(ctx context.Context, requests []call.Request) ([]Submitted, error) {
	return o.submitAll(ctx, requests, nil)
}

// submitAll admits requests. taken holds the accounts and addresses whose bucket has given its
// token; nil = none is asked.
func (o *Originator) submitAll(ctx context.Context, requests []call.Request, taken map[string]bool) ([]Submitted, error) {
	if !o.accepting() {
		r := &Refusal{Code: RefusedStopping, Text: "The server takes no new calls at the moment. Try again later."}
		o.count.denied(r.Code, len(requests))
		return nil, r
	}
	p := o.o.Policy()
	limit := p.MaxBatch
	if limit <= 0 {
		limit = 100_000
	}
	if len(requests) > limit {
		return nil, &Refusal{Code: RefusedInvalid, Text: fmt.Sprintf("The batch has %d calls; at most %d are taken at once.", len(requests), limit)}
	}
	out := make([]Submitted, len(requests))
	var admissions []Admission
	var places []int
	for i := range requests {
		a, done, err := o.prepare(ctx, p, &requests[i], taken)
		switch {
		case err != nil:
			out[i].Err = err
		case done != nil:
			out[i] = Submitted{Call: done.Call, Repeated: true}
		default:
			admissions, places = append(admissions, *a), append(places, i)
		}
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
	}
	// A failure as a whole is in every result too: part of a long batch may be
	// stored already, and its submitter must learn which.
	results, err := o.o.Store.Admit(ctx, admissions)
	if err != nil {
		o.storeFailed("admit", err)
	}
	for j, i := range places {
		out[i] = o.admitted(ctx, &requests[i], results[j])
	}
	if len(admissions) > 0 {
		o.wake()
	}
	return out, nil
}

// prepare takes a request up to the point where it would be stored. done is
// not nil if it is a repeat.
func (o *Originator) prepare(ctx context.Context, p *Policy, r *call.Request, taken map[string]bool) (a *Admission, done *Admitted, err error) {
	now := time.Now().UTC()
	fingerprint := ""
	if r.Key != "" {
		fingerprint = fingerprintOf(*r)
	}
	q := &asked{policy: p, request: new(*r)}
	// The address comes first: guessing accounts and numbers is bounded too.
	if refusal := once(taken, "address "+r.Origin.Remote, func() *Refusal { return o.guard.address(p, r.Origin.Remote) }); refusal != nil {
		return nil, nil, o.deny(ctx, r, refusal)
	}
	if refusal := q.identify(now); refusal != nil {
		return nil, nil, o.deny(ctx, r, refusal)
	}
	// Recognised before it is routed or counted: a repeat must find its call
	// whatever the configuration has become.
	if r.Key != "" {
		found, err := o.o.Store.FindKey(ctx, KeyOf(r))
		switch {
		case err == nil && found.Fingerprint == fingerprint:
			o.count.repeated.Add(1)
			return nil, &found, nil
		case err == nil:
			return nil, nil, o.deny(ctx, r, keyReused())
		case !errors.Is(err, ErrNotFound):
			return nil, nil, o.refuseStore(ctx, err)
		}
	}
	refusal := o.examine(q)
	if refusal == nil {
		refusal = once(taken, "account "+string(r.Account), func() *Refusal { return o.guard.rate(q) })
	}
	if refusal != nil {
		return nil, nil, o.deny(ctx, r, refusal)
	}
	return o.admission(q, fingerprint, now), nil, nil
}

// CheckKeys refuses a list of which one key was used before with another
// request, so that a batch with one key for all is repeated as a whole or not at
// all. It looks no further than the first that was used: where one belongs to the
// same body (call.Request.Digest), all do. The error is a *Refusal, audited, or the
// cause of ctx.
func (o *Originator) CheckKeys(ctx context.Context, requests []call.Request) error {
	for i := range requests {
		r := &requests[i]
		if r.Key == "" || r.Digest == "" {
			continue
		}
		found, err := o.o.Store.FindKey(ctx, KeyOf(r))
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return o.refuseStore(ctx, err)
		case found.Fingerprint != fingerprintOf(*r):
			return o.deny(ctx, r, keyReused())
		default:
			return nil
		}
	}
	return nil
}

// once asks a bucket for the first request of a batch only. A refusal stands for all.
func once(taken map[string]bool, bucket string, take func() *Refusal) *Refusal {
	if taken == nil || taken[bucket] {
		return nil
	}
	r := take()
	taken[bucket] = r == nil
	return r
}

// examine routes a request and asks the guard's rules.
func (o *Originator) examine(q *asked) *Refusal {
	for _, rule := range []func() *Refusal{
		func() *Refusal { return o.o.Known.refuse(q.request) },
		func() *Refusal { return o.route(q) },
		q.callerID, q.contexts, q.destinations, q.capacity,
	} {
		if r := rule(); r != nil {
			return r
		}
	}
	return nil
}

// route resolves the legs.
func (o *Originator) route(q *asked) *Refusal {
	var err error
	if q.a, err = o.o.Router.Route(q.request.Account, q.request.First); err != nil {
		refusal := routeRefusal(err, "first")
		if !q.request.Late || refusal.Code != RefusedDestination {
			return refusal
		}
		q.a = call.Route{Typed: string(q.request.First), Endpoint: q.request.First, Unknown: refusal.Text}
	}
	if q.request.Then.Kind == call.ThenConnect {
		if q.b, err = o.o.Router.Route(q.request.Account, q.request.Then.Second); err != nil {
			return routeRefusal(err, "then.second")
		}
	}
	return nil
}

func routeRefusal(err error, field string) *Refusal {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		r = &Refusal{Code: RefusedDestination, Text: err.Error()}
	}
	out := *r
	if out.Field == "" {
		out.Field = field
	}
	return &out
}

// admission makes what is stored of an accepted request.
func (o *Originator) admission(q *asked, fingerprint string, now time.Time) *Admission {
	now = now.Truncate(time.Millisecond)
	c := call.Call{
		ID: o.o.NewID(), Request: *q.request, State: call.Queued,
		RouteA: q.a, RouteB: q.b, CreatedAt: now, DueAt: now,
	}
	if nb := q.request.NotBefore; nb.After(now) {
		c.State, c.DueAt = call.Scheduled, nb
	}
	zone := q.policy.DayIn
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	return &Admission{
		Call: c, Fingerprint: fingerprint, Rule: strings.Join(q.rules, "; "),
		Daily: q.account.Daily, Day: time.Date(y, m, d, 0, 0, 0, 0, zone),
	}
}

// admitted turns the store's result into the submitter's.
func (o *Originator) admitted(ctx context.Context, r *call.Request, got Admitted) Submitted {
	switch {
	case got.Err == nil && got.Repeated:
		o.count.repeated.Add(1)
		return Submitted{Call: got.Call, Repeated: true}
	case got.Err == nil:
		o.count.accepted.Add(1)
		o.storeFailedAt.Store(0)
		o.o.Log.Info("call accepted", "call", got.Call.ID, "door", r.Origin.Door, "principal", r.Origin.Principal,
			"remote", r.Origin.Remote, "account", r.Account)
		return Submitted{Call: got.Call}
	case errors.Is(got.Err, ErrKeyReused):
		return Submitted{Err: o.deny(ctx, r, keyReused())}
	case errors.Is(got.Err, ErrDailyCap):
		return Submitted{Err: o.deny(ctx, r, &Refusal{Code: RefusedRate, Rule: "account " + string(r.Account) + ": daily cap",
			Text: "The account has reached its calls for today. Raise its daily cap or wait for tomorrow."})}
	}
	return Submitted{Err: o.refuseStore(ctx, got.Err)}
}

func keyReused() *Refusal {
	return &Refusal{Code: RefusedKeyReused, Rule: "idempotency key", Field: "key",
		Text: "This idempotency key was used before with another request. Use a new key for a new request."}
}

// refuseStore is the refusal for a store that failed.
func (o *Originator) refuseStore(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.count.denied(RefusedStore, 1)
	return &Refusal{Code: RefusedStore, Text: "The server cannot store the call now. Try again later; its log says why.", RetryAfter: storeRetry}
}

// deny logs, counts and audits a denial, and returns it.
func (o *Originator) deny(ctx context.Context, r *call.Request, refusal *Refusal) error {
	o.count.denied(refusal.Code, 1)
	o.o.Log.Warn("call denied", "code", refusal.Code, "rule", refusal.Rule, "door", r.Origin.Door, "principal", r.Origin.Principal,
		"remote", r.Origin.Remote, "account", r.Account)
	err := o.o.Store.Deny(ctx, AuditEntry{
		At: time.Now(), Origin: r.Origin, Account: r.Account, First: clip(string(r.First)), Second: clip(string(r.Then.Second)),
		Code: refusal.Code, Rule: refusal.Rule, Text: refusal.Text,
	})
	if err != nil && ctx.Err() == nil {
		o.storeFailed("audit", err)
	}
	return refusal
}

// clip bounds what a denied request writes into the audit trail.
func clip(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// Check says what Submit would decide, without storing or counting anything.
// The error is the cause of ctx only.
func (o *Originator) Check(ctx context.Context, r call.Request) (Decision, error) {
	if ctx.Err() != nil {
		return Decision{}, context.Cause(ctx)
	}
	q := &asked{policy: o.o.Policy(), request: &r}
	refusal := q.identify(time.Now().UTC())
	if refusal == nil {
		refusal = o.examine(q)
	}
	return Decision{Request: r, RouteA: q.a, RouteB: q.b, Rules: q.rules, Refusal: refusal}, nil
}

// Judge decides as Check about a call that does not go through the queue (a
// phone dials, a phone forwards). A denial is logged, counted and audited as one
// of Submit, and returned as a *Refusal; other errors are the cause of ctx.
func (o *Originator) Judge(ctx context.Context, r call.Request) error {
	d, err := o.Check(ctx, r)
	if err != nil || d.Refusal == nil {
		return err
	}
	return o.deny(ctx, &r, d.Refusal)
}

// JudgeRequest is Judge for a door whose clients ask for calls as those of Submit do:
// each takes from the rates of its account, requests and attempts, as well.
func (o *Originator) JudgeRequest(ctx context.Context, r call.Request) error {
	if err := o.Judge(ctx, r); err != nil {
		return err
	}
	p := o.o.Policy()
	q := &asked{policy: p, request: &r, account: p.Accounts[r.Account]}
	refusal := o.guard.rate(q)
	if refusal == nil {
		refusal = o.guard.attempts(q)
	}
	if refusal == nil {
		return nil
	}
	return o.deny(ctx, &r, refusal)
}

// JudgeEntry decides about somebody who gives a call that there is already to a
// context of the dialplan, "" = none: what is made of it dials nobody by itself.
// Denials and errors are those of Judge.
func (o *Originator) JudgeEntry(ctx context.Context, origin call.Origin, account call.AccountID, context string) error {
	r := call.Request{Origin: origin, Account: account, Then: call.Then{Kind: call.ThenDialplan, Context: context}}
	q := &asked{policy: o.o.Policy(), request: &r}
	refusal := q.who()
	if refusal == nil && context != "" {
		refusal = q.contexts()
	}
	if refusal == nil {
		return nil
	}
	return o.deny(ctx, &r, refusal)
}

// fingerprintOf tells requests apart that use the same key. The remote address does
// not matter: a repeat may come over another connection.
func fingerprintOf(r call.Request) string {
	r.Origin.Remote = ""
	b, err := json.Marshal(r)
	if err != nil { // a year beyond 9999: identify refuses it
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
