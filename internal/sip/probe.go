package sip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Probe is what one address answered to OPTIONS.
type Probe struct {
	Contact   string        // URI of a phone's contact; address of a trunk
	Status    int           // of the answer, 200-699; 0 = there was none
	Reason    string        // its phrase, for people
	RoundTrip time.Duration // until the answer
	Err       error         // why there was none
}

// OK says whether the peer itself is there: any answer proves it but those by which a proxy
// on the way says that it cannot reach the peer.
func (p Probe) OK() bool { return p.Err == nil && p.Status != 408 && p.Status != 503 }

// ErrUnknownEndpoint is Probe's error for a name that no phone or trunk has.
var ErrUnknownEndpoint = errors.New("there is no such phone or trunk")

// Probe asks every contact of a phone, or a trunk, with OPTIONS now, all at the same time, and
// waits for the answers: some seconds if there is none. A phone that is not registered has
// nothing to be asked at. An answer makes a contact good for calls again that was not.
func (t *Technology) Probe(ctx context.Context, name string) ([]Probe, error) {
	p, ok := t.dir.Load().byName[name]
	if !ok {
		return nil, ErrUnknownEndpoint
	}
	n := t.lineOf(name)
	subjects := []subject{{name: name}}
	if p.kind == kindTrunk {
		subjects[0].uri = p.trunk.uri("")
	} else {
		subjects = subjects[:0]
		for _, b := range t.bindings(name) {
			subjects = append(subjects, subject{name: name, contact: b.Contact.String(), uri: b.Contact, flow: t.flowTo(ctx, b)})
		}
	}
	out := make([]Probe, len(subjects))
	var wg sync.WaitGroup
	for i, s := range subjects {
		wg.Go(func() { out[i] = t.probe(ctx, n, s) })
	}
	wg.Wait()
	if p.kind == kindTrunk {
		out[0].Contact = p.trunk.address()
	}
	return out, ctx.Err()
}

// probe asks once.
func (t *Technology) probe(ctx context.Context, n *line, s subject) Probe {
	patient, cancel := context.WithTimeoutCause(ctx, qualifyPatience, errNoAnswer)
	defer cancel()
	out := Probe{Contact: s.contact}
	out.Status, out.Reason, out.RoundTrip, out.Err = t.agent.Ask(patient, s.uri, s.flow)
	if ctx.Err() != nil {
		return out
	}
	if out.OK() {
		n.found(s.contact, out.RoundTrip)
		t.tellState(s.name)
	}
	if errors.Is(out.Err, errNoAnswer) {
		out.Err = fmt.Errorf("no answer within %v", qualifyPatience)
	}
	return out
}

// found notes that a contact has answered, so that it may be called again at once.
func (n *line) found(contact string, rtt time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.reach[contact]; r != nil {
		r.answered, r.failures, r.rtt = true, 0, rtt
	}
}
