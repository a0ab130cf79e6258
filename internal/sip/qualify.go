package sip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// Pace of the qualify loop.
const (
	qualifyTick     = time.Second     // how often it looks for contacts that are due
	qualifyParallel = 32              // OPTIONS on the way at the same time
	qualifyPatience = 4 * time.Second // for an answer: the request and three repetitions (Asterisk: qualify_timeout, 3 s)
	resolveEvery    = 5 * time.Minute // how often the trunks' host names are resolved again
)

var errNoAnswer = fmt.Errorf("none within %v", qualifyPatience)

// subject is one thing that is asked with OPTIONS: a contact of a phone
// (contact is its URI) or a trunk (contact is "").
type subject struct {
	name     string
	contact  string
	uri      sip.Uri
	flow     *sipnet.Flow
	interval time.Duration
}

// qualifyLoop asks contacts and trunks with OPTIONS until ctx ends. A contact
// is asked for the first time within a tick after it has registered, then at
// its interval.
func (t *Technology) qualifyLoop(ctx context.Context) {
	tick := time.NewTicker(qualifyTick)
	defer tick.Stop()
	places := make(chan struct{}, qualifyParallel)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for _, s := range t.subjects() {
			n := t.lineOf(s.name)
			if !n.due(s.contact, s.interval, time.Now()) {
				continue
			}
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer func() { <-places }()
				t.qualify(ctx, n, s)
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// subjects lists whom to ask.
func (t *Technology) subjects() []subject {
	dir := t.dir.Load()
	var out []subject
	for _, p := range dir.order {
		interval := dir.config.Qualify
		if p.kind == kindTrunk {
			if p.trunk.Qualify != 0 {
				interval = p.trunk.Qualify
			}
			if interval > 0 {
				out = append(out, subject{name: p.name, uri: p.trunk.uri(""), interval: interval})
			}
			continue
		}
		if interval <= 0 {
			continue
		}
		for _, b := range t.bindings(p.name) {
			out = append(out, subject{name: p.name, contact: b.Contact.String(), uri: b.Contact, flow: t.flowTo(t.base, b), interval: interval})
		}
	}
	return out
}

// qualify asks once. Any answer at all counts as life, as in Asterisk
// (Asterisk: res_pjsip/pjsip_options.c qualify_contact_cb), except that
// of a proxy on the way that cannot reach the peer: 408 and 503.
func (t *Technology) qualify(ctx context.Context, n *line, s subject) {
	patient, cancel := context.WithTimeoutCause(ctx, qualifyPatience, errNoAnswer)
	defer cancel()
	status, rtt, err := t.agent.Options(patient, s.uri, s.flow)
	if ctx.Err() != nil {
		return
	}
	ok := err == nil && status != 408 && status != 503
	v := n.asked(s.contact, ok, rtt, t.dir.Load().config.QualifyFailures)
	switch {
	case v.was == v.is && !v.first:
		return
	case v.first:
		t.tellQualified(s, statusReachable, v)
	case v.is:
		n.fail("")
		t.log.Info("reachable again", "endpoint", s.name, "contact", s.contact, "rtt", rtt)
		t.tellQualified(s, statusReachable, v)
	default:
		v.why = fmt.Sprintf("no answer to OPTIONS (status %d)", status)
		if err != nil {
			v.why = fmt.Sprintf("no answer to OPTIONS: %v", err)
		}
		n.fail(v.why)
		t.log.Warn("unreachable", "endpoint", s.name, "contact", s.contact, "status", status, "err", err)
		t.tellQualified(s, statusUnreachable, v)
	}
	t.tellState(s.name)
}

// verdict is what one OPTIONS has shown of a contact.
type verdict struct {
	was, is bool          // it counted as reachable before, and does now
	first   bool          // its first answer ever
	rtt     time.Duration // of the answer
	why     string        // it counts as unreachable
}

// due reports whether a contact is to be asked now, and then notes that it is.
func (n *line) due(contact string, interval time.Duration, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.reach[contact]
	if r == nil {
		r = &reach{}
		n.reach[contact] = r
	}
	if r.asking || now.Before(r.nextAt) {
		return false
	}
	r.asking, r.nextAt = true, now.Add(interval)
	return true
}

// asked notes the result of one OPTIONS.
func (n *line) asked(contact string, ok bool, rtt time.Duration, limit int) verdict {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.reach[contact]
	if r == nil { // it has unregistered meanwhile
		return verdict{was: true, is: true}
	}
	r.asking = false
	v := verdict{was: !r.lost(limit), first: ok && !r.answered, rtt: rtt}
	if ok {
		r.answered, r.failures, r.rtt = true, 0, rtt
	} else {
		r.failures++
	}
	v.is = !r.lost(limit)
	return v
}

// keepReach forgets contacts that are no longer registered. One that has
// registered again (its expiry has moved) has shown that it is there.
func (n *line) keepReach(contacts map[string]time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, r := range n.reach {
		expires, ok := contacts[c]
		switch {
		case c == "":
		case !ok:
			delete(n.reach, c)
		case !expires.Equal(r.expiresAt):
			r.failures, r.expiresAt = 0, expires
		}
	}
}

// resolveLoop keeps the addresses of the trunks' host names, by which their
// calls are known, up to date.
func (t *Technology) resolveLoop(ctx context.Context) {
	tick := time.NewTicker(resolveEvery)
	defer tick.Stop()
	for {
		t.resolveTrunks(ctx, t.dir.Load())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// resolveTrunks looks up every host name of a trunk: by SRV, as calls to it
// do, and by address. A name that cannot be resolved now keeps its old addresses.
func (t *Technology) resolveTrunks(ctx context.Context, dir *directory) {
	old := t.known.resolved()
	hosts := map[string][]netip.Addr{}
	for _, p := range dir.trunks {
		host := p.trunk.Host
		if _, err := netip.ParseAddr(host); err == nil {
			continue
		}
		targets, err := t.net.Resolve(ctx, p.trunk.uri(""))
		if err != nil {
			t.log.Warn("trunk's host not resolved", "trunk", p.name, "host", host, "err", err)
			hosts[host] = old[host]
			continue
		}
		for _, target := range targets {
			if a := target.Addr.Addr().Unmap(); !slices.Contains(hosts[host], a) {
				hosts[host] = append(hosts[host], a)
			}
		}
	}
	t.known.setHosts(hosts)
}
