package stasis

import (
	"cmp"

	"github.com/dialwright/dialwright/internal/pbx"
)

// observe sees every event of the switch in order, with the bus locked. What an
// event begins counts for it already, what it ends counts for it still.
func (h *Hub) observe(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelHandlerStarted, pbx.ChannelHandlerEnded:
		return // ours alone
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	h.begin(e)
	h.route(e)
	h.finish(e)
	h.tidyUp()
}

// begin notes what an event begins.
func (h *Hub) begin(e *pbx.Event) {
	if e.Bridge != nil {
		h.beginBridge(e)
	}
	switch e.Type {
	case Start:
		h.started(e)
	case pbx.ChannelDestroyed:
		h.lost(e)
	}
}

// beginBridge keeps the bridge as it is now, and lets those who are interested in
// a channel hear of the bridge that it enters.
func (h *Hub) beginBridge(e *pbx.Event) {
	at := source{id: e.Bridge.ID}
	t := h.topics.find(bridges, at)
	if e.Type == pbx.BridgeCreated {
		t = h.topics.get(bridges, at, e.Bridge.ID)
	}
	if t == nil { // it is over; its playbacks still have a word
		return
	}
	t.last = e.Bridge
	if e.Type != pbx.ChannelEnteredBridge || e.Channel == nil {
		return
	}
	c := h.channel(e.Channel.ID)
	c.in = t // it has left its former one
	for _, i := range c.interests {
		h.member(t, i.app, 1)
	}
}

// exit takes a channel out of its bridge.
func (h *Hub) exit(c *topic) {
	for _, i := range c.interests {
		h.member(c.in, i.app, -1)
	}
	c.in = nil
	h.topics.tidy(c)
}

// finish notes what an event has ended.
func (h *Hub) finish(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelLeftBridge:
		if c := h.topics.find(channels, source{id: e.Channel.ID}); c != nil && c.in != nil {
			h.exit(c)
		}
	case End:
		h.ended(e)
	case pbx.ChannelDestroyed:
		delete(h.offers, e.Channel.ID)
		if c := h.topics.find(channels, source{id: e.Channel.ID}); c != nil {
			h.end(c)
		}
	case pbx.BridgeDestroyed:
		if b := h.topics.find(bridges, source{id: e.Bridge.ID}); b != nil {
			h.end(b)
		}
	}
}

// route gives an event to those that it concerns, each once (spec: ari 3.3).
func (h *Hub) route(e *pbx.Event) {
	h.round++
	switch d := e.Data.(type) {
	case *Entry: // others are not told who has a channel (observed: Asterisk 22.10, vectors 10c)
		h.give(h.apps[d.App], e)
		return
	case *User:
		if d.App != "" {
			h.give(h.apps[d.App], e)
			return
		}
	case *Message:
		h.toEndpoint(e, d.Technology, d.Resource)
		return
	}
	if e.Channel != nil {
		h.toChannel(e, e.Channel)
	}
	if e.Peer != nil {
		h.toChannel(e, e.Peer)
	}
	if e.Bridge != nil {
		h.toBridge(e)
	}
	if e.Endpoint != nil {
		h.toEndpoint(e, e.Endpoint.Technology, e.Endpoint.Resource)
	}
	if e.Device != nil {
		h.toAll(e, h.topics.find(devices, source{id: e.Device.Name}))
		h.toAll(e, &h.topics.all[devices])
	}
	if e.Channel == nil && e.Type == pbx.ChannelVarset { // a global variable
		h.toAll(e, &h.topics.all[channels])
	}
}

// toChannel gives an event of a channel to those interested in it, in its endpoint,
// or in all of these. ChannelCreated is not for the first (spec: ari 3.3 rule 6).
func (h *Hub) toChannel(e *pbx.Event, sn *pbx.Snapshot) {
	if e.Type != pbx.ChannelCreated {
		h.toAll(e, h.topics.find(channels, source{id: sn.ID}))
	}
	h.toAll(e, &h.topics.all[channels])
	if name := cmp.Or(sn.Phone, sn.Trunk); name != "" {
		h.toEndpoint(e, sn.Technology, name)
	}
}

// toEndpoint gives an event to those interested in an endpoint, in its technology,
// or in all endpoints.
func (h *Hub) toEndpoint(e *pbx.Event, tech, resource string) {
	h.toAll(e, &h.topics.all[endpoints])
	if len(h.topics.by[endpoints]) == 0 {
		return
	}
	tech = h.topics.tech(tech)
	h.toAll(e, h.topics.find(endpoints, source{tech, resource}))
	h.toAll(e, h.topics.find(endpoints, source{tech, ""}))
}

// toBridge gives an event of a bridge to those interested in it. Its end is also for
// those who once had a part in it (spec: ari 10 D6).
func (h *Hub) toBridge(e *pbx.Event) {
	h.toAll(e, &h.topics.all[bridges])
	t := h.topics.find(bridges, source{id: e.Bridge.ID})
	if t == nil {
		return
	}
	for i := range t.interests {
		if in := &t.interests[i]; in.holds() || e.Type == pbx.BridgeDestroyed {
			h.give(in.app, e)
		}
	}
}

// toAll gives an event to everybody who is interested in something; nil is nobody.
func (h *Hub) toAll(e *pbx.Event, t *topic) {
	if t == nil {
		return
	}
	for i := range t.interests {
		h.give(t.interests[i].app, e)
	}
}

// give hands an event to an application, once in each round, if its filter lets it
// pass. Without a session and a journal it is dropped (spec: ari 3.4 rule 3).
func (h *Hub) give(a *application, e *pbx.Event) {
	if a == nil || a.round == h.round || !a.filter.passes(e.Type) {
		return
	}
	a.round = h.round
	if a.session == nil && a.journal == nil {
		return
	}
	h.seq++
	if a.journal != nil {
		a.journal.add(h.seq, e)
	}
	if a.session != nil {
		h.push(a.session, Item{Seq: h.seq, App: a.name, Event: e})
	}
}
