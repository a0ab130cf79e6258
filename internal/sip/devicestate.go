package sip

import (
	"maps"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// phase is what a leg makes of its phone or trunk.
type phase int

const (
	phaseDialling phase = iota + 1 // asked, does not ring yet
	phaseRinging                   // rings
	phaseUp                        // talks, or calls us
	phaseHeld                      // has put us on hold
)

// line is the living side of a phone or trunk: what its legs do, whether it
// answers OPTIONS, whether its registration stands. It outlives reloads; its
// configuration (profile) does not. All methods are safe concurrently.
type line struct {
	name string

	mu        sync.Mutex
	legs      map[*leg]phase
	reach     map[string]*reach // by contact URI; a trunk has the one ""
	lastError string
	failedAt  time.Time // lastError came up
	trunkReg  registration

	telling sync.Mutex // orders what Options.Watch is told; taken before mu
	shown   shown      // what it was told; guarded by telling
}

// registration is what is known of a trunk's registration with its provider.
type registration struct {
	registered bool
	expiresAt  time.Time
}

// reach is what OPTIONS say about one contact.
type reach struct {
	answered  bool          // ever
	failures  int           // unanswered in a row
	rtt       time.Duration // of the last answer
	nextAt    time.Time     // when to ask again
	asking    bool
	expiresAt time.Time // of the registration that was seen last
}

func newLine(name string) *line {
	return &line{name: name, legs: map[*leg]phase{}, reach: map[string]*reach{}}
}

// set notes what a leg does; 0 removes it.
func (n *line) set(l *leg, p phase) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p == 0 {
		delete(n.legs, l)
		return
	}
	n.legs[l] = p
}

// fail keeps the text of the newest failure for people ("" clears it).
func (n *line) fail(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lastError != text {
		n.failedAt = time.Now()
	}
	n.lastError = text
}

func (n *line) channels() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.legs)
}

// activity sums up the legs. Follows Asterisk: main/devicestate.c
// ast_devstate_aggregate_add. A leg that only dials is a channel that is Down,
// which says nothing (Asterisk: main/channel.c ast_state_chan2dev).
func (n *line) activity() pbx.DeviceState {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ringing, up, held int
	for _, p := range n.legs {
		switch p {
		case phaseRinging:
			ringing++
		case phaseHeld:
			held++
		case phaseUp:
			up++
		}
	}
	switch {
	case ringing > 0 && up+held > 0:
		return pbx.DeviceRingInUse
	case ringing > 0:
		return pbx.DeviceRinging
	case up > 0:
		return pbx.DeviceInUse
	case held > 0:
		return pbx.DeviceOnHold
	}
	return pbx.DeviceNotInUse
}

// reachable reports whether a contact may be called, as far as OPTIONS tell.
func (n *line) reachable(contact string, limit int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.reach[contact]
	return r == nil || !r.lost(limit)
}

// lost reports whether a contact that used to answer OPTIONS does so no more.
// One that has never answered is not judged by it: some providers and simple
// phones ignore OPTIONS and take calls all the same.
func (r *reach) lost(limit int) bool { return r.answered && r.failures >= limit }

// DeviceState says what a phone or trunk is doing: "101", or any dial string
// of the technology. INVALID for a name that does not exist.
func (t *Technology) DeviceState(res string) pbx.DeviceState {
	r, err := parseResource(res)
	if err != nil {
		return pbx.DeviceInvalid
	}
	dir := t.dir.Load()
	p, ok := dir.byName[r.name]
	if !ok {
		return pbx.DeviceInvalid
	}
	n := t.lineOf(p.name)
	if s := n.activity(); s != pbx.DeviceNotInUse {
		return s
	}
	if !t.available(dir, p, n) {
		return pbx.DeviceUnavailable
	}
	return pbx.DeviceNotInUse
}

// available reports whether a call to the endpoint has a chance: a phone needs
// a reachable contact; a trunk must answer OPTIONS, if it is asked at all, and
// must be registered, if it registers.
func (t *Technology) available(dir *directory, p *profile, n *line) bool {
	if p.kind == kindPhone {
		return len(t.contacts(dir, p)) > 0
	}
	if !n.reachable("", dir.config.QualifyFailures) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return !p.trunk.Register || n.trunkReg.registered
}

// Endpoints lists phones and trunks in the order of the configuration, with
// state, contacts and last error.
func (t *Technology) Endpoints() []call.EndpointState {
	dir := t.dir.Load()
	out := make([]call.EndpointState, 0, len(dir.order))
	for _, p := range dir.order {
		out = append(out, t.endpointState(dir, p))
	}
	return out
}

func (t *Technology) endpointState(dir *directory, p *profile) call.EndpointState {
	n := t.lineOf(p.name)
	s := call.EndpointState{Name: p.name, Kind: string(p.kind), State: stateText(t.DeviceState(p.name)), Channels: n.channels()}
	if p.kind == kindPhone {
		for _, b := range t.bindings(p.name) {
			s.Registered = true
			s.Contacts = append(s.Contacts, b.Contact.String())
			s.Bindings = append(s.Bindings, n.contactState(b, dir.config.QualifyFailures))
			if b.ExpiresAt.After(s.ExpiresAt) {
				s.ExpiresAt = b.ExpiresAt
			}
		}
	} else {
		s.Contacts = []string{p.trunk.address()}
		s.Bindings = []call.ContactState{n.answers(call.ContactState{URI: s.Contacts[0]}, "", dir.config.QualifyFailures)}
	}
	s.Account = p.account
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.LastError = n.lastError; s.LastError != "" {
		s.Since = n.failedAt.UTC()
	}
	if p.kind == kindTrunk {
		s.Registered, s.ExpiresAt = n.trunkReg.registered, n.trunkReg.expiresAt
	}
	return s
}

// contactState says what is known of a phone's contact.
func (n *line) contactState(b ua.Binding, limit int) call.ContactState {
	c := call.ContactState{URI: b.Contact.String(), UserAgent: b.UserAgent, RegisteredAt: b.RegisteredAt().UTC(), ExpiresAt: b.ExpiresAt}
	if b.Received.IsValid() {
		c.Address = unmap(b.Received).String()
	}
	return n.answers(c, c.URI, limit)
}

// answers adds what OPTIONS have shown of a contact; a trunk's is "".
func (n *line) answers(c call.ContactState, contact string, limit int) call.ContactState {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.Answers = "unknown"
	r := n.reach[contact]
	switch {
	case r == nil || !r.answered:
	case r.lost(limit):
		c.Answers = "no"
	default:
		c.Answers, c.RoundTrip = "yes", r.rtt.Seconds()
	}
	return c
}

// stateText gives the words of call.EndpointState.
func stateText(s pbx.DeviceState) string {
	switch s {
	case pbx.DeviceNotInUse:
		return "not in use"
	case pbx.DeviceInUse, pbx.DeviceBusy:
		return "in use"
	case pbx.DeviceRinging, pbx.DeviceRingInUse:
		return "ringing"
	case pbx.DeviceOnHold:
		return "on hold"
	}
	return "unavailable"
}

// lines keeps the line of each name.
type lines struct {
	mu sync.Mutex
	m  map[string]*line
}

func (t *Technology) lineOf(name string) *line {
	t.lines.mu.Lock()
	defer t.lines.mu.Unlock()
	n, ok := t.lines.m[name]
	if !ok {
		n = newLine(name)
		t.lines.m[name] = n
	}
	return n
}

// forgetLines drops the lines of names that no longer exist and have no leg.
func (t *Technology) forgetLines(dir *directory) {
	t.lines.mu.Lock()
	defer t.lines.mu.Unlock()
	maps.DeleteFunc(t.lines.m, func(name string, n *line) bool {
		_, exists := dir.byName[name]
		return !exists && n.channels() == 0
	})
}
