package stasis

// count changes how often an application is subscribed to something, and what
// follows from that for the bridge that a channel is in. It never goes below
// zero. h.mu is held, and h.tidyUp follows.
func (h *Hub) count(t *topic, a *application, by int) {
	i := t.of(a)
	if i == nil {
		if by <= 0 {
			return
		}
		t.interests = append(t.interests, interest{app: a})
		a.topics[t] = struct{}{}
		i = t.of(a)
	}
	held, had := i.holds(), i.count > 0
	i.count = max(i.count+by, 0)
	if has := i.count > 0; t.in != nil && has != had {
		h.member(t.in, a, step(has))
	}
	h.changed(t, a, held)
}

// member changes how many channels of interest to an application are in a bridge
// (spec: ari 3.3 rule 4).
func (h *Hub) member(bridge *topic, a *application, by int) {
	i := bridge.of(a)
	if i == nil {
		if by <= 0 {
			return
		}
		bridge.interests = append(bridge.interests, interest{app: a})
		a.topics[bridge] = struct{}{}
		i = bridge.of(a)
	}
	held := i.holds()
	i.members = max(i.members+by, 0)
	i.ever = true
	h.changed(bridge, a, held)
}

// changed counts what an application holds, and forgets interest that is none.
func (h *Hub) changed(t *topic, a *application, held bool) {
	i := t.of(a)
	if now := i.holds(); now != held {
		h.hold(t, a, step(now))
	}
	if !i.holds() && !i.ever {
		t.drop(a)
		delete(a.topics, t)
		h.topics.tidy(t)
	}
}

// hold counts what keeps an application: live objects, or subscriptions to what
// may come (spec: ari 3.4 rules 3 and 6).
func (h *Hub) hold(t *topic, a *application, by int) {
	if !t.all && (t.kind == channels || t.kind == bridges) {
		a.objects += by
	} else {
		a.lasting += by
	}
	h.unsettled = append(h.unsettled, a)
}

// end forgets everybody's interest in a thing that is no more.
func (h *Hub) end(t *topic) {
	for _, i := range t.interests {
		if i.count > 0 && t.in != nil {
			h.member(t.in, i.app, -1)
		}
		if i.holds() {
			h.hold(t, i.app, -1)
		}
		delete(i.app.topics, t)
	}
	t.interests, t.in, t.last = nil, nil, nil
	h.topics.tidy(t)
}

func step(up bool) int {
	if up {
		return 1
	}
	return -1
}

// Interest makes an application hear of a channel from now on, one count, as
// originate and create do, until the channel is destroyed. Whoever makes a channel
// calls it when ChannelCreated is out, from a watcher or after Create: interest in
// one that is not there (any more) is nothing, and so is that of an application that
// is not there. ChannelCreated itself is only for those who hear of all channels
// (spec: ari 3.3 rule 6).
func (h *Hub) Interest(app, channelID string) { h.InterestAhead(app, channelID)() }

// InterestAhead is Interest in a channel that is about to be made by somebody else, as
// the second half of a Local channel is: nothing of it is missed. settle must be
// called when it has been made, or will not be.
func (h *Hub) InterestAhead(app, channelID string) (settle func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[app]
	if !ok {
		return func() {}
	}
	h.count(h.channel(channelID), a, 1)
	h.tidyUp()
	return func() { h.confirm(a, channelID) }
}

// confirm takes back an interest in a channel that is not there. The switch forgets a
// channel before ChannelDestroyed: if it is known now, the end of the interest is
// still to come.
func (h *Hub) confirm(a *application, channelID string) {
	if h.sw.HasChannel(channelID) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics.find(channels, source{id: channelID}); t != nil {
		h.count(t, a, -1)
	}
	h.tidyUp()
}

// channel gives the topic of a channel; h.mu is held.
func (h *Hub) channel(id string) *topic { return h.topics.get(channels, source{id: id}, id) }

// BridgeInterest makes an application hear of a bridge's end, without being counted:
// it has created it or put a channel into it (spec: ari 3.3 rule 7, 10 D6).
func (h *Hub) BridgeInterest(app, bridgeID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[app]
	t := h.topics.find(bridges, source{id: bridgeID})
	if !ok || t == nil {
		return
	}
	if i := t.of(a); i != nil {
		i.ever = true
		return
	}
	t.interests = append(t.interests, interest{app: a, ever: true})
	a.topics[t] = struct{}{}
}

// tidyUp does what is left after something has changed: sessions that did not keep
// up end, and applications that nothing keeps any more go. h.mu is held.
func (h *Hub) tidyUp() {
	for len(h.slow) > 0 || len(h.unsettled) > 0 {
		for _, s := range h.slow {
			h.endSession(s, ErrTooSlow)
		}
		clear(h.slow)
		h.slow = h.slow[:0]
		for _, a := range h.unsettled {
			if h.apps[a.name] == a {
				h.settle(a)
			}
		}
		clear(h.unsettled)
		h.unsettled = h.unsettled[:0]
	}
}
