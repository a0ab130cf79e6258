package originate

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Policy is what the guard and the queue go by. It is immutable: a reload
// swaps the whole value behind Options.Policy. The zero value has no account
// and therefore refuses every request.
type Policy struct {
	Accounts map[call.AccountID]Account

	// Limits holds the caps by resource: "phone:101", "trunk:carrier",
	// "account:sales", "batch:b1", and ServerResource, of which every attempt holds
	// one. The name * stands for all of a kind that have no entry
	// of their own ("batch:*"). A phone without any entry may be in one call at
	// a time; everything else without an entry is unlimited.
	Limits map[string]Limits

	Defaults Defaults

	// Country is the home region of accounts that name none (ISO 3166, "DE").
	// Without any, numbers are classed only when they begin with +; others leave by
	// a public trunk only if Allow covers them or the account is trusted with everything.
	Country string
	// AddressRate bounds submissions per remote address; zero = unlimited.
	AddressRate Rate
	// DayIn is the zone in which a day begins for Account.Daily; nil = UTC.
	DayIn *time.Location
	// MaxBatch is the largest number of calls in one SubmitBatch; 0 = 100,000.
	MaxBatch int
}

// Defaults fill what a request leaves open. Zero fields stand for the values
// in the comments.
type Defaults struct {
	WaitTime   time.Duration // leg A rings, 45 s
	SecondWait time.Duration // leg B rings, 45 s
	RetryWait  time.Duration // from the end of an attempt to the next, 5 min
}

// Rate is a token bucket. PerSecond 0 = unlimited. Burst below 1 means 1.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Account says on whose behalf calls are made and what they may do.
type Account struct {
	Disabled bool
	// Principals lists who may use the account; empty or "*" = every
	// authenticated principal. A request without a principal is refused always.
	Principals []string
	// CallerID is shown when the request names none. With FixedCallerID a
	// request may not name another.
	CallerID      call.CallerID
	FixedCallerID bool

	Country string // home region, "" = Policy.Country
	// Allow and Deny hold prefixes in E.164 with + ("+4930"), or of internal
	// numbers without ("1"). The longest match decides, Deny wins a tie. A
	// non-empty Allow refuses every public number it does not match. An entry
	// of Allow also allows what it matches although it is international.
	Allow, Deny []string
	// Public numbers outside the home country, premium-rate and emergency
	// numbers are refused unless switched on here. Numbers that are in no public
	// plan (short ones, service codes, names) leave by a trunk that is not
	// private only if Allow covers them, or if both International and Premium are on.
	International, Premium, Emergency bool
	// Contexts lists the dialplan contexts that requests may enter, by
	// Then or by a Local/ endpoint; empty = all. What a dialplan dials there is
	// not seen by the guard.
	Contexts []string

	Rate  Rate // submissions; a batch is one submission
	Daily int  // calls accepted per day, 0 = unlimited
}

// Limit gives the caps of a resource such as "trunk:carrier".
func (p *Policy) Limit(resource string) Limits {
	if l, ok := p.Limits[resource]; ok {
		return l
	}
	kind, _, _ := strings.Cut(resource, ":")
	if l, ok := p.Limits[kind+":*"]; ok {
		return l
	}
	if kind == "phone" {
		return Limits{Channels: 1}
	}
	return Limits{}
}

// ServerResource is the resource that every attempt holds once, whatever else
// it holds: its limits are those of the whole server (of all nodes, where they
// share a store).
const ServerResource = "server"

// Resources lists the capped resources that one attempt of c holds, each as
// often as it holds it, sorted: the server, its account, its batch, each phone
// once, and each trunk once per leg.
func Resources(c *call.Call) []string {
	out := []string{ServerResource, "account:" + string(c.Request.Account)}
	if c.Request.Batch != "" {
		out = append(out, "batch:"+string(c.Request.Batch))
	}
	for _, r := range []call.Route{c.RouteA, c.RouteB} {
		for _, res := range r.Resources() {
			if strings.HasPrefix(res, "phone:") && slices.Contains(out, res) {
				continue
			}
			out = append(out, res)
		}
	}
	slices.Sort(out)
	return out
}

// Need counts a list made by Resources.
func Need(resources []string) map[string]int {
	need := make(map[string]int, len(resources))
	for _, r := range resources {
		need[r]++
	}
	return need
}

// orDefault fills the zero fields of d.
func (d Defaults) orDefault() Defaults {
	or := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	or(&d.WaitTime, 45*time.Second)
	or(&d.SecondWait, 45*time.Second)
	or(&d.RetryWait, 5*time.Minute)
	return d
}

// named lists the resources that have caps of their own, sorted.
func (p *Policy) named() []string {
	out := slices.Sorted(maps.Keys(p.Limits))
	return slices.DeleteFunc(out, func(r string) bool { return strings.HasSuffix(r, ":*") })
}
