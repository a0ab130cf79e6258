package config

// WebRTC holds the settings of phones in browsers. Their signalling is SIP over WebSocket at /sip on
// the HTTP listener; their media has one UDP port for all.
type WebRTC struct {
	// Let browsers be phones. Reload: restart.
	Enabled bool `toml:"enabled"`
	// UDP port of their media, on media.bind; 0 takes the highest one of media.port_min to
	// media.port_max that is free, so that a firewall that is open for telephones is open for
	// browsers too. Reload: restart.
	Port int `toml:"port"`
	// Address at which browsers reach that port, for a server behind NAT; empty means
	// media.advertise. Reload: restart.
	Advertise string `toml:"advertise"`
	// Most legs to browsers at once; each costs about 60 KB. Reload: restart.
	MaxLegs int `toml:"max_legs"`
}

func (v *validator) webrtc() {
	o := v.c.WebRTC
	v.within("webrtc.port", o.Port, 0, 65535)
	v.within("webrtc.max_legs", o.MaxLegs, 1, 10_000)
	v.address("webrtc.advertise", o.Advertise)
}
