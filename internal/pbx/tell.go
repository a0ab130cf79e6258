package pbx

import "time"

// Observe lets f see every event of the switch, in order, before any subscriber
// does. It is called with the bus locked: f must be quick, and must not call the
// switch, a channel or a bridge. It may keep what the event points at. The
// function returned ends it; f may be running then.
func (s *Switch) Observe(f func(*Event)) (remove func()) { return s.bus.observe(f) }

// Tell publishes an event of a door's own that is about no channel: its type may
// be one that the switch does not know, Data says more.
func (s *Switch) Tell(e Event) {
	if e.At.IsZero() {
		e.At = now()
	}
	s.bus.publish(&e)
}

// Tell publishes an event of a door's own about the channel, in the order of the
// channel's other events, and returns when it is out. It works until the channel
// is destroyed, for the handlers of one that has hung up. Errors: ErrGone.
func (c *Channel) Tell(e Event) error {
	return c.doUntilDestroyed(func() error {
		c.emit(e)
		return nil
	})
}

// DeviceSnapshot is the state of a device at one moment (spec: ari 8, DeviceState).
type DeviceSnapshot struct {
	Name  string      `json:"name"` // "PJSIP/101", "Stasis:lamp", "Custom:lamp"
	State DeviceState `json:"state"`
}

// EndpointSnapshot is a phone, trunk or other endpoint at one moment (spec: ari 8,
// Endpoint), and for the events about its contacts and registration what they say.
type EndpointSnapshot struct {
	Technology string   `json:"technology"` // "PJSIP"
	Resource   string   `json:"resource"`   // "101"
	State      string   `json:"state"`      // "online", "offline", "unknown"
	Channels   []string `json:"channel_ids"`

	// PeerStatusChange: Reachable, Unreachable, Registered, Unregistered, Rejected.
	// ContactStatusChange: Reachable, Unreachable, NonQualified, Created, Removed.
	Status  string        `json:"status,omitempty"`
	Contact string        `json:"contact,omitempty"` // its URI
	RTT     time.Duration `json:"rtt,omitempty"`     // of the last qualify, 0 = unknown
	Cause   string        `json:"cause,omitempty"`
	Address string        `json:"address,omitempty"` // host:port
}
