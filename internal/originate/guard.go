package originate

import (
	"container/list"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
)

// guard decides whether a request may cause a call (design §6). Its rules are
// functions that either let a request pass or refuse it and name the rule.
// The buckets are its only state.
type guard struct {
	accounts  *buckets
	addresses *buckets
}

func newGuard() *guard {
	return &guard{accounts: newBuckets(maxBuckets), addresses: newBuckets(maxBuckets)}
}

// asked is a request under examination.
type asked struct {
	policy  *Policy
	request *call.Request
	account Account
	a, b    call.Route
	rules   []string // that let it pass
}

func (q *asked) pass(rule string) { q.rules = append(q.rules, rule) }

// refuse makes a refusal by a rule of the account.
func (q *asked) refuse(code RefusalCode, rule, text string) *Refusal {
	return &Refusal{Code: code, Rule: "account " + string(q.request.Account) + ": " + rule, Text: text}
}

// who checks that the request comes from somebody who may use the account.
func (q *asked) who() *Refusal {
	r := q.request
	if r.Origin.Principal == "" {
		return &Refusal{Code: RefusedGuard, Rule: "no anonymous origination", Text: "The request names nobody who asks. Log in or use an API key."}
	}
	a, ok := q.policy.Accounts[r.Account]
	if !ok {
		return &Refusal{Code: RefusedAccount, Rule: "accounts", Field: "account",
			Text: fmt.Sprintf("There is no account %q. Name one of the configuration.", r.Account)}
	}
	q.account = a
	if a.Disabled {
		return q.refuse(RefusedAccount, "disabled", "The account is switched off. Enable it in the configuration.")
	}
	if len(a.Principals) > 0 && !slices.Contains(a.Principals, "*") && !slices.Contains(a.Principals, r.Origin.Principal) {
		return q.refuse(RefusedAccount, "principals", fmt.Sprintf("%s may not use this account. Add it to the account's principals.", r.Origin.Principal))
	}
	q.pass("account " + string(r.Account) + ": principals")
	return nil
}

// callerID applies the account's caller ID.
func (q *asked) callerID() *Refusal {
	c := &q.request.CallerID
	if c.Name == "" && c.Number == "" {
		private := c.Private
		*c = q.account.CallerID
		c.Private = c.Private || private
		return nil
	}
	if q.account.FixedCallerID && (c.Name != q.account.CallerID.Name || c.Number != q.account.CallerID.Number) {
		r := q.refuse(RefusedGuard, "fixed caller ID", "The account's caller ID may not be changed. Leave the caller ID out of the request.")
		r.Field = "caller_id"
		return r
	}
	return nil
}

// contexts checks which dialplan contexts the request enters.
func (q *asked) contexts() *Refusal {
	if len(q.account.Contexts) == 0 {
		return nil
	}
	check := func(context, field string) *Refusal {
		if slices.Contains(q.account.Contexts, context) {
			return nil
		}
		r := q.refuse(RefusedGuard, "contexts", fmt.Sprintf("The dialplan context %q is not allowed. Add it to the account's contexts.", context))
		r.Field = field
		return r
	}
	for _, leg := range []struct {
		route call.Route
		field string
	}{{q.a, "first"}, {q.b, "then.second"}} {
		if leg.route.Endpoint.Tech() == "LOCAL" {
			if r := check(localContext(leg.route.Endpoint), leg.field); r != nil {
				return r
			}
		}
	}
	if q.request.Then.Kind == call.ThenDialplan {
		return check(q.request.Then.Context, "then.context")
	}
	return nil
}

// localContext gives the context of Local/exten@context[/options].
func localContext(e call.Endpoint) string {
	_, context, _ := strings.Cut(e.Resource(), "@")
	context, _, _ = strings.Cut(context, "/")
	if context == "" {
		return "default"
	}
	return context
}

// destinations checks the numbers of both legs.
func (q *asked) destinations() *Refusal {
	for _, leg := range []struct {
		route call.Route
		field string
	}{{q.a, "first"}, {q.b, "then.second"}} {
		if leg.route.Number == "" {
			continue
		}
		if r := q.destination(leg.route.Number); r != nil {
			r.Field = leg.field
			return r
		}
	}
	return nil
}

// destination checks one number: emergency, prefixes, premium, international.
func (q *asked) destination(num string) *Refusal {
	home := q.account.Country
	if home == "" {
		home = q.policy.Country
	}
	info := number.Inspect(num, home)
	show := num
	if info.E164 != "" {
		show = info.E164
	}
	if info.Class == number.Emergency {
		if !q.account.Emergency {
			return q.refuse(RefusedGuard, "emergency", "Emergency numbers are not dialled by request. Allow them for the account if they must be.")
		}
		q.pass("account " + string(q.request.Account) + ": emergency allowed")
		return nil
	}
	allow, deny := longest(q.account.Allow, show, num), longest(q.account.Deny, show, num)
	switch {
	case deny != "" && len(deny) >= len(allow):
		return q.refuse(RefusedGuard, "deny "+deny, fmt.Sprintf("Numbers that begin with %s are denied. Remove the prefix from the account's deny list if they are wanted.", deny))
	case info.Class == number.Internal && allow == "":
		return nil
	case allow == "" && len(q.account.Allow) > 0:
		return q.refuse(RefusedGuard, "allow list", "The number matches none of the allowed prefixes. Add its prefix to the account's allow list if it is wanted.")
	}
	if info.Class == number.Premium && !q.account.Premium {
		return q.refuse(RefusedGuard, "premium", "Premium-rate numbers are off. Allow premium for the account if they are wanted.")
	}
	if info.International && info.E164 != "" && allow == "" && !q.account.International {
		return q.refuse(RefusedGuard, "international", "Numbers of other countries are off. Allow international for the account, or the single prefix.")
	}
	if allow != "" {
		q.pass("account " + string(q.request.Account) + ": allow " + allow)
	} else {
		q.pass("account " + string(q.request.Account) + ": " + string(info.Class))
	}
	return nil
}

// longest gives the longest prefix in list that e164 or the number as dialled begins with.
func longest(list []string, e164, dialled string) (best string) {
	for _, p := range list {
		if len(p) > len(best) && (strings.HasPrefix(e164, p) || strings.HasPrefix(dialled, p)) {
			best = p
		}
	}
	return best
}

// capacity refuses what could never start: more legs on a trunk than its cap.
func (q *asked) capacity() *Refusal {
	c := call.Call{Request: *q.request, RouteA: q.a, RouteB: q.b}
	for res, n := range Need(Resources(&c)) {
		if l := q.policy.Limit(res); l.Channels > 0 && n > l.Channels {
			return &Refusal{Code: RefusedGuard, Rule: res + ": channels",
				Text: fmt.Sprintf("The call needs %d channels of %s, which has %d. Raise its cap.", n, res, l.Channels)}
		}
	}
	return nil
}

// address takes a token of the remote address's bucket.
func (g *guard) address(p *Policy, remote string) *Refusal {
	host := remoteHost(remote)
	if host == "" {
		return nil
	}
	if wait, ok := g.addresses.take(host, p.AddressRate, time.Now()); !ok {
		return &Refusal{Code: RefusedRate, Rule: "rate per address", RetryAfter: wait,
			Text: "Too many requests from this address. Wait and try again."}
	}
	return nil
}

// rate takes a token of the account's bucket.
func (g *guard) rate(q *asked) *Refusal {
	wait, ok := g.accounts.take(string(q.request.Account), q.account.Rate, time.Now())
	if ok {
		return nil
	}
	r := q.refuse(RefusedRate, "rate", "Too many requests for this account. Wait and try again, or submit them as one batch.")
	r.RetryAfter = wait
	return r
}

// remoteHost gives the host of a remote address, with or without a port.
func remoteHost(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

// maxBuckets bounds the token buckets in memory; the least recently used one
// makes room. Whoever owns so many addresses is bounded by the account's rate.
const maxBuckets = 10_000

// buckets is a bounded set of token buckets.
type buckets struct {
	max int

	mu    sync.Mutex // guards what follows
	byKey map[string]*list.Element
	used  *list.List // of *bucket, most recently used first
}

type bucket struct {
	key  string
	rate Rate
	lim  *rate.Limiter
}

func newBuckets(maximum int) *buckets {
	return &buckets{max: maximum, byKey: map[string]*list.Element{}, used: list.New()}
}

// take takes a token of key's bucket. If there is none it says when there will be.
func (b *buckets) take(key string, r Rate, now time.Time) (wait time.Duration, ok bool) {
	if r.PerSecond <= 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	el, found := b.byKey[key]
	if !found {
		if b.used.Len() >= b.max {
			last := b.used.Back()
			delete(b.byKey, last.Value.(*bucket).key)
			b.used.Remove(last)
		}
		el = b.used.PushFront(&bucket{key: key})
		b.byKey[key] = el
	}
	b.used.MoveToFront(el)
	k := el.Value.(*bucket)
	if k.lim == nil || k.rate != r {
		k.rate, k.lim = r, rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
	}
	res := k.lim.ReserveN(now, 1)
	if wait = res.DelayFrom(now); wait > 0 {
		res.CancelAt(now)
		return wait, false
	}
	return 0, true
}
