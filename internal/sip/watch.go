package sip

import (
	"slices"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// The states of an endpoint and the words of its events (spec: ari 8; Asterisk:
// res_pjsip/location.c ast_sip_get_contact_status_label, pjsip_options.c).
const (
	stateOnline  = "online"
	stateOffline = "offline"

	statusReachable    = "Reachable"
	statusUnreachable  = "Unreachable"
	statusNonQualified = "NonQualified" // a contact that has not been asked, or has not answered yet
	statusRemoved      = "Removed"
	statusRegistered   = "Registered" // of a trunk at its provider
	statusUnregistered = "Unregistered"
	statusRejected     = "Rejected"
)

// shown is what Options.Watch was told of an endpoint last.
type shown struct {
	state        string   // "online", "offline"; "" = not told yet
	contacts     []string // URIs
	registration string   // word for that of a trunk; "" = none yet
}

// online says whether a call to the endpoint has a chance.
func (t *Technology) online(dir *directory, p *profile) string {
	if t.available(dir, p, t.lineOf(p.name)) {
		return stateOnline
	}
	return stateOffline
}

// tell hands an event about an endpoint on.
func (t *Technology) tell(typ pbx.EventType, e pbx.EndpointSnapshot) {
	e.Technology = techName
	t.watch(typ, e)
}

// firstStates notes what Endpoints tells at the start, so that only changes are
// told.
func (t *Technology) firstStates(dir *directory) {
	if t.watch == nil {
		return
	}
	for _, p := range dir.order {
		t.lineOf(p.name).shown.state = t.online(dir, p)
	}
}

// tellState tells when an endpoint has come or gone, as seen by those who want
// to call it. Whoever may have changed that calls it, without a lock.
func (t *Technology) tellState(name string) {
	if t.watch == nil {
		return
	}
	n := t.lineOf(name)
	n.telling.Lock()
	defer n.telling.Unlock()
	dir := t.dir.Load()
	p, ok := dir.byName[name]
	if !ok {
		return
	}
	state := t.online(dir, p)
	if state == n.shown.state {
		return
	}
	n.shown.state = state
	t.tell(pbx.EndpointStateChange, pbx.EndpointSnapshot{Resource: name, State: state})
	status := statusUnreachable
	if state == stateOnline {
		status = statusReachable
	}
	t.tell(pbx.PeerStatusChange, pbx.EndpointSnapshot{Resource: name, State: state, Status: status})
}

// tellContacts tells which contacts a phone has got and lost.
func (t *Technology) tellContacts(name string, bs []ua.Binding) {
	if t.watch == nil {
		return
	}
	n := t.lineOf(name)
	n.telling.Lock()
	defer n.telling.Unlock()
	now := make([]string, 0, len(bs))
	for _, b := range bs {
		uri := b.Contact.String()
		now = append(now, uri)
		if slices.Contains(n.shown.contacts, uri) {
			continue
		}
		e := pbx.EndpointSnapshot{Resource: name, State: n.shown.state, Contact: uri, Status: statusNonQualified}
		if b.Received.IsValid() {
			e.Address = unmap(b.Received).String()
		}
		t.tell(pbx.ContactStatusChange, e)
	}
	for _, uri := range n.shown.contacts {
		if !slices.Contains(now, uri) {
			t.tell(pbx.ContactStatusChange, pbx.EndpointSnapshot{Resource: name, State: n.shown.state, Contact: uri, Status: statusRemoved})
		}
	}
	n.shown.contacts = now
}

// tellQualified tells that a contact answers OPTIONS now, or does no more.
func (t *Technology) tellQualified(s subject, status string, v verdict) {
	if t.watch == nil {
		return
	}
	n := t.lineOf(s.name)
	n.telling.Lock()
	defer n.telling.Unlock()
	e := pbx.EndpointSnapshot{Resource: s.name, State: n.shown.state, Contact: s.uri.String(), Status: status, Cause: v.why}
	if status == statusReachable {
		e.RTT = v.rtt
	}
	if s.flow != nil {
		e.Address = unmap(s.flow.RemoteAddr()).String()
	}
	t.tell(pbx.ContactStatusChange, e)
}

// tellRegistration tells how the registration of a trunk at its provider goes.
// Asterisk tells that to AMI only (Registry); here it is a status of the peer.
func (t *Technology) tellRegistration(name string, s ua.RegState) {
	if t.watch == nil {
		return
	}
	word := statusUnregistered
	switch {
	case s.Registered:
		word = statusRegistered
	case s.Status >= 300:
		word = statusRejected
	}
	n := t.lineOf(name)
	n.telling.Lock()
	defer n.telling.Unlock()
	if word == n.shown.registration || word == statusUnregistered && n.shown.registration == "" && s.LastError == "" {
		return
	}
	n.shown.registration = word
	t.tell(pbx.PeerStatusChange, pbx.EndpointSnapshot{Resource: name, State: n.shown.state, Status: word, Cause: s.LastError})
}

// tellDirectory tells what a reload has brought, changed and taken away.
func (t *Technology) tellDirectory(old, dir *directory) {
	if t.watch == nil {
		return
	}
	for _, p := range old.order {
		if _, ok := dir.byName[p.name]; ok {
			continue
		}
		n := t.lineOf(p.name)
		n.telling.Lock()
		n.shown = shown{}
		t.tell(pbx.EndpointStateChange, pbx.EndpointSnapshot{Resource: p.name})
		n.telling.Unlock()
	}
	for _, p := range dir.order {
		t.tellState(p.name)
	}
}
