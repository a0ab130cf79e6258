// Package hint keeps the states of extensions: what the devices of their hints are doing
// together, and tells when that changes (spec: ami 5.5 ExtensionStatus).
//
//	dialplan ──Reload──► Table ◄──Watch── device states (package devstate)
//	                       │
//	                       └─ a state that is another one ──► Switch.Tell(ExtensionStatus)
//
// A change is told once, right after that of the device. A hint of a pattern has no state
// of its own: the first one who asks for an extension that it matches makes the table
// follow that one (Asterisk: pbx.c ast_extension_state_add). What the table knows lives in
// memory and is found anew when the dialplan is loaded.
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

// String gives the name that AMI and the command line show: "InUse&Ringing" (Asterisk:
// pbx.c extension_states).
func (s Status) String() string {
	switch s {
	case Idle:
		return "Idle"
	case InUse:
		return "InUse"
	case Busy:
		return "Busy"
	case Unavailable:
		return "Unavailable"
	case Ringing:
		return "Ringing"
	case InUseRinging:
		return "InUse&Ringing"
	case Hold:
		return "Hold"
	case InUseHold:
		return "InUse&Hold"
	}
	return "Unknown"
}

// Word gives the name that the dialplan's EXTENSION_STATE has: "RINGINUSE" (Asterisk:
// func_extstate.c).
func (s Status) Word() string {
	switch s {
	case Idle:
		return "NOT_INUSE"
	case InUse:
		return "INUSE"
	case Busy:
		return "BUSY"
	case Unavailable:
		return "UNAVAILABLE"
	case Ringing:
		return "RINGING"
	case InUseRinging:
		return "RINGINUSE"
	case Hold:
		return "ONHOLD"
	case InUseHold:
		return "HOLDINUSE"
	}
	return "UNKNOWN"
}

// Aggregate makes one state of what several devices are doing. The strongest counts, but
// one that rings beside one in use is both; no device at all cannot be reached, and nobody
// knows better of an unknown one than that it is idle (Asterisk: devicestate.c
// ast_devstate_aggregate_add, pbx.c ast_devstate_to_extenstate).
func Aggregate(devices []pbx.DeviceState) Status {
	sum := pbx.DeviceInvalid
	ringing, used := false, false
	for _, d := range devices {
		switch d {
		case pbx.DeviceRinging:
			ringing = true
		case pbx.DeviceInUse, pbx.DeviceOnHold, pbx.DeviceBusy:
			used = true
		}
		if strength(d) > strength(sum) {
			sum = d
		}
	}
	if ringing && used {
		sum = pbx.DeviceRingInUse
	}
	return statusOf(sum)
}

func strength(d pbx.DeviceState) int {
	switch d {
	case pbx.DeviceUnknown:
		return 1
	case pbx.DeviceUnavailable:
		return 2
	case pbx.DeviceNotInUse:
		return 3
	case pbx.DeviceOnHold:
		return 4
	case pbx.DeviceRinging:
		return 5
	case pbx.DeviceInUse:
		return 6
	case pbx.DeviceBusy:
		return 7
	case pbx.DeviceRingInUse:
		return 8
	}
	return 0
}

func statusOf(d pbx.DeviceState) Status {
	switch d {
	case pbx.DeviceOnHold:
		return Hold
	case pbx.DeviceBusy:
		return Busy
	case pbx.DeviceUnavailable, pbx.DeviceInvalid:
		return Unavailable
	case pbx.DeviceRingInUse:
		return InUseRinging
	case pbx.DeviceRinging:
		return Ringing
	case pbx.DeviceInUse:
		return InUse
	}
	return Idle
}

// ExtensionStatus is the event that tells a change; its Data is *State.
const ExtensionStatus pbx.EventType = "ExtensionStatus"

// State is an extension's state at one moment.
type State struct {
	Exten, Context string // Exten is a pattern ("_1XX") in lists of hints
	Hint           string // devices as written: "PJSIP/alice"
	Status         Status
}
