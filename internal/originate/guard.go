package originate

import (
	"cmp"
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

func (q *asked) pass(rule string) {
	if !slices.Contains(q.rules, rule) {
		q.rules = append(q.rules, rule)
	}
}

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
	if q.account.FixedCallerID && q.a.Trunk != "" { // a party outside: what it is shown is a caller ID too
		q.request.Callee = call.CallerID{}
	}
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
		if r := q.destination(leg.route); r != nil {
			r.Field = leg.field
			return r
		}
	}
	return nil
}

// destination checks the number of one leg in every way in which an exchange
// may read it: all of them must be allowed.
func (q *asked) destination(r call.Route) *Refusal {
	if r.Number == "" && r.Trunk == "" {
		return nil
	}
	for _, info := range number.Readings(r.Number, q.home()) {
		if refusal := q.reading(r, info); refusal != nil {
			return refusal
		}
	}
	return nil
}

// Destination tells whether an account may call where a route leads, as the dry
// run of a number shows it: nil, or the rule that forbids it. Rates, caps and who
// asks are not looked at.
func Destination(p *Policy, account call.AccountID, r call.Route) *Refusal {
	a, ok := p.Accounts[account]
	if !ok {
		return &Refusal{Code: RefusedAccount, Rule: "accounts", Field: "account",
			Text: fmt.Sprintf("There is no account %q. Name one of the configuration.", account)}
	}
	q := &asked{policy: p, request: &call.Request{Account: account}, account: a, a: r}
	if a.Disabled {
		return q.refuse(RefusedAccount, "disabled", "The account is switched off. Enable it in the configuration.")
	}
	return q.destination(r)
}

// home is the country from which the account dials.
func (q *asked) home() string { return cmp.Or(q.account.Country, q.policy.Country) }

// reading checks a number as one exchange would read it: emergency, prefixes,
// then the class of what leaves by a public trunk. It fails closed: what
// cannot be placed in a numbering plan needs a prefix of Allow or a trusted account.
func (q *asked) reading(r call.Route, info number.Info) *Refusal {
	phone := r.Phone != "" && r.Number == r.Phone // our own, whatever its name looks like
	if info.Class == number.Emergency && !phone {
		return q.emergency()
	}
	show := cmp.Or(info.E164, r.Number)
	allow, deny := longest(q.account.Allow, show, r.Number), longest(q.account.Deny, show, r.Number)
	switch {
	case deny != "" && len(deny) >= len(allow):
		return q.refuse(RefusedGuard, "deny "+deny, fmt.Sprintf("Numbers that begin with %s are denied. Remove the prefix from the account's deny list if they are wanted.", deny))
	case phone:
		q.pass("account " + string(q.request.Account) + ": phone")
		return nil
	}
	public := r.Trunk != "" && !r.Private || r.Phone != "" // an address beside the phone's own leads anywhere
	if allow == "" && len(q.account.Allow) > 0 && (public || info.Class != number.Internal) {
		return q.refuse(RefusedGuard, "allow list", "The number matches none of the allowed prefixes. Add its prefix to the account's allow list if it is wanted.")
	}
	if refusal := q.class(info, public, allow != "", r.Private); refusal != nil {
		return refusal
	}
	switch {
	case allow != "":
		q.pass("account " + string(q.request.Account) + ": allow " + allow)
	case r.Private:
		q.pass("trunk " + r.Trunk + ": private")
	default:
		q.pass("account " + string(q.request.Account) + ": " + string(info.Class))
	}
	return nil
}

func (q *asked) emergency() *Refusal {
	if !q.account.Emergency {
		return q.refuse(RefusedGuard, "emergency", "Emergency numbers are not dialled by request. Allow them for the account if they must be.")
	}
	q.pass("account " + string(q.request.Account) + ": emergency allowed")
	return nil
}

// class checks what kind of number it is. public: it leaves to where calls
// cost money. allowed: a prefix of Allow covers it.
func (q *asked) class(info number.Info, public, allowed, private bool) *Refusal {
	a := q.account
	switch {
	case private:
		return nil
	case public && info.Class == number.Invalid:
		return q.refuse(RefusedGuard, "invalid number", "No country code begins with 0. Write the number as +, country code, number.")
	case info.Class == number.Premium && !a.Premium:
		return q.refuse(RefusedGuard, "premium", "Premium-rate numbers are off. Allow premium for the account if they are wanted.")
	case info.International && info.E164 != "" && !allowed && !a.International:
		return q.refuse(RefusedGuard, "international", "Numbers of other countries are off. Allow international for the account, or the single prefix. Which country is home says numbers.country.")
	case public && !allowed && (info.Class == number.Unknown || info.Class == number.Internal) && !(a.International && a.Premium):
		return q.unplaced()
	}
	return nil
}

// unplaced refuses a number that is in no public numbering plan: nobody knows what
// it costs.
func (q *asked) unplaced() *Refusal {
	text := "The number is in no public numbering plan, so that nobody knows what it costs. Write it with + and country code, or add its prefix to the account's allow list; mark the trunk private if it is an own exchange."
	if q.home() == "" {
		text = "Without numbers.country nobody knows what this number costs. Set numbers.country, or add the number's prefix to the account's allow list; mark the trunk private if it is an own exchange."
	}
	return q.refuse(RefusedGuard, "unknown number", text)
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

// attempts takes a token of the account's attempts per second, for calls that do not
// wait in the queue until there is one.
func (g *guard) attempts(q *asked) *Refusal {
	perSecond := q.policy.Limit("account:" + string(q.request.Account)).CPS
	wait, ok := g.accounts.take("attempts "+string(q.request.Account), Rate{PerSecond: perSecond, Burst: max(int(perSecond), 1)}, time.Now())
	if ok {
		return nil
	}
	r := q.refuse(RefusedRate, "attempts per second", "The account has begun too many calls in this second. Wait and try again, or raise its cps.")
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
