package devstate

import (
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Parse reads the name of a state in any case ("inuse", "NOT_INUSE"). ok is
// false, and the state UNKNOWN, for anything else (Asterisk: devicestate.c
// ast_devstate_val).
func Parse(s string) (state pbx.DeviceState, ok bool) {
	switch d := pbx.DeviceState(strings.ToUpper(strings.TrimSpace(s))); d {
	case pbx.DeviceUnknown, pbx.DeviceNotInUse, pbx.DeviceInUse, pbx.DeviceBusy, pbx.DeviceInvalid,
		pbx.DeviceUnavailable, pbx.DeviceRinging, pbx.DeviceRingInUse, pbx.DeviceOnHold:
		return d, true
	}
	return pbx.DeviceUnknown, false
}

// activity is what one channel makes of its device.
type activity uint8

const (
	idle    activity = iota // not dialled, or dialled and not yet ringing
	ringing                 // rings
	used                    // talks, or calls us
	held                    // has put us on hold
	busy                    // busy line
	activities
)

// activityOf follows Asterisk: channel.c ast_state_chan2dev, with the hold of
// chan_pjsip.c chan_pjsip_devicestate.
func activityOf(sn *pbx.Snapshot) activity {
	if sn.Held {
		return held
	}
	switch sn.State {
	case pbx.Down:
		return idle
	case pbx.Ringing, pbx.PreRing:
		return ringing
	case pbx.Busy:
		return busy
	}
	return used
}

// tally counts the channels of a device by what they do.
type tally [activities]int

// state sums up the channels, "" if none of them says anything. Follows
// Asterisk: devicestate.c ast_devstate_aggregate_add.
func (n *tally) state() pbx.DeviceState {
	taken := n[used] + n[held] + n[busy]
	switch {
	case n[ringing] > 0 && taken > 0:
		return pbx.DeviceRingInUse
	case n[busy] > 0:
		return pbx.DeviceBusy
	case n[used] > 0:
		return pbx.DeviceInUse
	case n[ringing] > 0:
		return pbx.DeviceRinging
	case n[held] > 0:
		return pbx.DeviceOnHold
	}
	return ""
}

// deviceOf gives the device that a channel belongs to, and whether it counts
// for it at all: phones and trunks, and of Local channels the half that runs in
// the dialplan (Asterisk: core_local.c local_devicestate; channel.c
// ast_channel_to_device_name).
func deviceOf(sn *pbx.Snapshot) (tech, resource string, ok bool) {
	switch {
	case sn.Phone != "":
		return sn.Technology, sn.Phone, true
	case sn.Trunk != "":
		return sn.Technology, sn.Trunk, true
	case sn.Technology == "Local":
		name, second := strings.CutSuffix(sn.Name, ";2")
		i := strings.LastIndexByte(name, '-')
		if !second || i < 0 {
			return "", "", false
		}
		return strings.Cut(name[:i], "/")
	}
	return "", "", false
}

// key is how a device is found: the technology without case, the rest exactly.
func key(device string) string {
	if h, name, ok := handmade(device); ok {
		return h.prefix + name
	}
	tech, res, ok := strings.Cut(device, "/")
	if !ok {
		return device
	}
	return strings.ToUpper(tech) + "/" + res
}
