package stasis

// Listening says whether any application is interested in an endpoint: a text from it
// would be heard.
func (h *Hub) Listening(tech, resource string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	tech = h.topics.tech(tech)
	for _, s := range []source{{tech: tech, id: resource}, {tech: tech}} {
		if t := h.topics.find(endpoints, s); t != nil && len(t.interests) > 0 {
			return true
		}
	}
	return len(h.topics.all[endpoints].interests) > 0
}
