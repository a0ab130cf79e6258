package devstate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// The states of an endpoint (spec: ari 8, Endpoint).
const (
	online  = "online"
	offline = "offline"
)

// seeds lists the endpoints of all technologies as they are now.
func (t *Table) seeds() []pbx.EndpointSnapshot {
	var out []pbx.EndpointSnapshot
	for _, tech := range t.sw.Technologies() {
		for _, e := range tech.Endpoints() {
			state := online
			if e.State == "unavailable" {
				state = offline
			}
			out = append(out, pbx.EndpointSnapshot{Technology: tech.Name(), Resource: e.Name, State: state})
		}
	}
	return out
}

// Endpoint is told by a technology what has happened to one of its endpoints:
// EndpointStateChange (State is the new one, "" = the endpoint is no more),
// PeerStatusChange or ContactStatusChange. It has the shape of
// sip.Options.Watch, never blocks, and tells it on in order, together with the
// change of the device's state that follows from it.
func (t *Table) Endpoint(typ pbx.EventType, e pbx.EndpointSnapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if typ == pbx.EndpointStateChange && e.State == "" {
		t.forget(e)
		return
	}
	d := t.device(e.Technology, e.Resource)
	known := d.endpoint
	t.enlist(d)
	if typ == pbx.EndpointStateChange || !known {
		d.online = cmp.Or(e.State, "unknown")
	}
	e.Technology, e.Resource, e.State, e.Channels = d.tech, d.resource, d.online, d.ids()
	t.queue.push(notice{about: string(typ) + " " + d.key + " " + e.Contact, event: typ, endpoint: &e})
	if typ == pbx.EndpointStateChange {
		t.settle(d)
	}
}

// forget takes an endpoint out. What is left of it are its channels. t.mu is held.
func (t *Table) forget(e pbx.EndpointSnapshot) {
	d := t.devices[key(e.Technology+"/"+e.Resource)]
	if d == nil || !d.endpoint {
		return
	}
	d.endpoint = false
	t.order = slices.DeleteFunc(slices.Clone(t.order), func(x *device) bool { return x == d })
	t.settle(d)
}

// ids lists the channels, oldest first; never nil. t.mu is held.
func (d *device) ids() []string {
	all := make([]*channel, 0, len(d.channels))
	for c := range d.channels {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *channel) int { return cmp.Compare(a.seq, b.seq) })
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.id
	}
	return out
}

// Endpoints lists phones and trunks with their channels, in the order of the
// configuration; those that a reload has brought come last.
func (t *Table) Endpoints() []pbx.EndpointSnapshot {
	t.mu.Lock()
	order := t.order
	t.mu.Unlock()
	out := make([]pbx.EndpointSnapshot, 0, len(order))
	for _, d := range order {
		t.mu.Lock() // for each anew: the bus may be waiting
		if d.endpoint {
			out = append(out, d.snapshot())
		}
		t.mu.Unlock()
	}
	return out
}

// Find gives one endpoint; the technology is matched without regard to case
// (observed: Asterisk 22.10, spec vectors 19).
func (t *Table) Find(tech, resource string) (pbx.EndpointSnapshot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.devices[strings.ToUpper(tech)+"/"+resource]
	if d == nil || !d.endpoint {
		return pbx.EndpointSnapshot{}, false
	}
	return d.snapshot(), true
}

// snapshot needs t.mu.
func (d *device) snapshot() pbx.EndpointSnapshot {
	return pbx.EndpointSnapshot{Technology: d.tech, Resource: d.resource, State: d.online, Channels: d.ids()}
}
