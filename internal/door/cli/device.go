package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// deviceCommands are those about the states of devices that are set by hand.
func (s *Shell) deviceCommands() []command {
	return []command{
		{
			words: "devstate list", summary: "List devices that are set by hand", usage: "Usage: devstate list\n       Lists the Custom: devices and their states.\n",
			there: s.o.Devices != nil && s.o.DB != nil, run: listDevices,
		},
		{
			words: "devstate change", summary: "Set the state of a device", usage: "Usage: devstate change <device> <state>\n" +
				"       Sets the state of a Custom: device: UNKNOWN, NOT_INUSE, INUSE, BUSY,\n       INVALID, UNAVAILABLE, RINGING, RINGINUSE or ONHOLD.\n",
			there: s.o.Devices != nil, changes: true, run: changeDevice, complete: completeDevice,
		},
	}
}

// customFamily is where AstDB keeps such devices (Asterisk: func_devstate.c).
const customFamily = "CustomDevstate"

// custom is what the names of such devices begin with.
const custom = "Custom:"

// rule is the line above and below the list.
const rule = "---------------------------------------------------------------------\n"

// listDevices lists them (Asterisk: func_devstate.c handle_cli_devstate_list).
func listDevices(ctx context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("\n" + rule + "--- Custom Device States --------------------------------------------\n" + rule + "---\n")
	for _, name := range q.customDevices(ctx) {
		q.printf("--- Name: 'Custom:%s'  State: '%s'\n---\n", name, q.s.o.Devices.State("Custom:"+name))
	}
	q.print(rule + rule + "\n")
	return Done
}

// customDevices lists the names, without prefix. The database is not used while it lists.
func (q *ask) customDevices(ctx context.Context) []string {
	var out []string
	if q.s.o.DB == nil {
		return nil
	}
	q.databaseBroke(ctx, q.s.o.DB.DBTree(ctx, customFamily, func(path, _ string) {
		if name, ok := strings.CutPrefix(strings.TrimPrefix(path, "/"), customFamily+"/"); ok {
			out = append(out, name)
		}
	}))
	return out
}

// deviceStates are the states that a device can be given.
func deviceStates() []pbx.DeviceState {
	return []pbx.DeviceState{pbx.DeviceUnknown, pbx.DeviceNotInUse, pbx.DeviceInUse, pbx.DeviceBusy, pbx.DeviceInvalid,
		pbx.DeviceUnavailable, pbx.DeviceRinging, pbx.DeviceRingInUse, pbx.DeviceOnHold}
}

// changeDevice sets a state (Asterisk: func_devstate.c handle_cli_devstate_change).
func changeDevice(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	if !hasPrefixFold(q.args[0], custom) {
		q.print("Only devices whose names begin with Custom: have a state that can be set.\n")
		return Failed
	}
	for _, state := range deviceStates() {
		if strings.EqualFold(string(state), q.args[1]) {
			q.printf("Changing %s to %s\n", q.args[0][len(custom):], state)
			if err := q.s.o.Devices.SetCustom(ctx, q.args[0], state); err != nil {
				q.databaseBroke(ctx, err)
				return Failed
			}
			return Done
		}
	}
	return Usage
}

func completeDevice(ctx context.Context, q *ask, n int) []string {
	var out []string
	switch n {
	case 0:
		for _, name := range q.customDevices(ctx) {
			out = append(out, "Custom:"+name)
		}
	case 1:
		for _, s := range deviceStates() {
			out = append(out, string(s))
		}
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }
