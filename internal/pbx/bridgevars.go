package pbx

import (
	"fmt"
	"slices"

	"github.com/dialwright/dialwright/internal/call"
)

// BridgeVariable is a variable with which a bridge is made.
type BridgeVariable struct {
	Name, Value string
	Report      bool // shown in every snapshot of the bridge
}

// SetVariable sets a variable of the bridge. No event tells of it (spec: ari 4,
// setBridgeVar). Names have no prefixes and are no functions.
func (b *Bridge) SetVariable(name, value string) {
	b.vars.setAs(name, value)
	b.reported.Store(b.vars.reported())
}

// UnsetVariable removes a variable of the bridge.
func (b *Bridge) UnsetVariable(name string) {
	b.vars.unset(name)
	b.reported.Store(b.vars.reported())
}

// ReportVariable makes a variable appear in every later snapshot of the bridge
// (spec: ari 8.1, report_events).
func (b *Bridge) ReportVariable(name string) {
	b.vars.report(name)
	b.reported.Store(b.vars.reported())
}

// Variable reads a variable of the bridge, false if it is unset.
func (b *Bridge) Variable(name string) (string, bool) { return b.vars.get(name) }

// Variables gives every variable of the bridge, in the order of their names.
func (b *Bridge) Variables() []call.Variable { return b.vars.all() }

// VideoSource is Event.Data of BridgeVideoSourceChanged.
type VideoSource struct {
	Old string // id of the channel whose video was shown before, "" = none
}

// SetVideoSource shows the video of one member to all: VideoMode becomes
// "single". Video is not carried; this is what clients see of it. Errors:
// ErrNotMember, ErrGone.
func (b *Bridge) SetVideoSource(c *Channel) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.destroyed:
		return ErrGone
	case !slices.ContainsFunc(b.members, func(m *member) bool { return m.c == c }):
		return fmt.Errorf("video of channel %s: %w", c.id, ErrNotMember)
	}
	b.showVideo("single", c.id)
	return nil
}

// ClearVideoSource ends SetVideoSource: VideoMode is then "none" (Asterisk:
// bridge.c ast_bridge_remove_video_src). Errors: ErrGone.
func (b *Bridge) ClearVideoSource() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.destroyed {
		return ErrGone
	}
	b.showVideo("none", "")
	return nil
}

// showVideo changes the source and tells of it; b.mu is held.
func (b *Bridge) showVideo(mode, source string) {
	old := b.videoSource
	b.videoMode, b.videoSource = mode, source
	if old != source {
		b.publish(Event{Type: BridgeVideoSourceChanged, Data: VideoSource{Old: old}})
	}
}
