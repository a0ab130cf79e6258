package mixmonitor

import "github.com/dialwright/dialwright/internal/pbx"

// The events about recordings, for AMI (spec: ami 5.5; Asterisk: app_mixmonitor.c).
const (
	Started pbx.EventType = "MixMonitorStart"
	Stopped pbx.EventType = "MixMonitorStop"
	Muted   pbx.EventType = "MixMonitorMute" // Data: *Mute
)

// Mute says what of a recording is silent from now on.
type Mute struct {
	Direction string // "read", "write" or "both"
	On        bool
}
