// Package hint keeps the states of extensions: what the devices of their hints are doing
// together, and tells when that changes (spec: ami 5.5 ExtensionStatus).
package hint

import "github.com/dialwright/dialwright/internal/pbx"

// Status is the state of an extension with a hint, as Asterisk numbers it.
type Status int

// The states (spec: ami 8, ExtensionState).
const (
	Unknown      Status = -1 // no hint
	Idle         Status = 0
	InUse        Status = 1
	Busy         Status = 2
	Unavailable  Status = 4
	Ringing      Status = 8
	InUseRinging Status = 9
	Hold         Status = 16
	InUseHold    Status = 17
)

// ExtensionStatus is the event that tells a change; its Data is *State.
const ExtensionStatus pbx.EventType = "ExtensionStatus"

// State is an extension's state at one moment.
type State struct {
	Exten, Context string
	Hint           string // devices as written: "PJSIP/alice"
	Status         Status
}

// Table keeps the states of all hints of the dialplan in force.
type Table struct{}
