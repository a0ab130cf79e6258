package funcs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/pbx"
)

// devices lists the functions that tell what phones are doing.
func devices() []run.Func {
	return []run.Func{
		{Name: "DEVICE_STATE", Common: true, Read: readDeviceState, Write: writeDeviceState},
		{Name: "EXTENSION_STATE", Read: readExtensionState},
		{Name: "HINT", Read: readHint},
	}
}

// customFamily is where AstDB keeps the states of Custom: devices, as Asterisk
// does, so that they survive a restart (Asterisk: func_devstate.c).
const customFamily = "CustomDevstate"

func readDeviceState(ctx context.Context, x *run.Exec, args string) (string, error) {
	if args == "" {
		return "", errors.New("DEVICE_STATE needs a device")
	}
	s, err := deviceState(ctx, x, args)
	return string(s), err
}

// customDevice gives the name of a "Custom:lamp".
func customDevice(device string) (string, bool) {
	if len(device) > 7 && strings.EqualFold(device[:7], "custom:") {
		return device[7:], true
	}
	return "", false
}

// deviceState says what one device is doing. A Custom device that was never
// set is UNKNOWN, a technology that does not exist INVALID.
func deviceState(ctx context.Context, x *run.Exec, device string) (pbx.DeviceState, error) {
	device = strings.TrimSpace(device)
	if table := x.Machine().Options().Devices; table != nil {
		return table.State(device), nil
	}
	name, ok := customDevice(device)
	if !ok {
		return x.Machine().Switch().DeviceState(call.Endpoint(device)), nil
	}
	db := x.Machine().Options().DB
	if db == nil {
		return pbx.DeviceUnknown, errNoDatabase
	}
	v, _, err := db.DBGet(ctx, customFamily, name)
	return parseDeviceState(v), err
}

// deviceStates are the states that can be written.
var deviceStates = [...]pbx.DeviceState{
	pbx.DeviceUnknown, pbx.DeviceNotInUse, pbx.DeviceInUse, pbx.DeviceBusy, pbx.DeviceInvalid,
	pbx.DeviceUnavailable, pbx.DeviceRinging, pbx.DeviceRingInUse, pbx.DeviceOnHold,
}

func parseDeviceState(s string) pbx.DeviceState {
	for _, d := range deviceStates {
		if strings.EqualFold(string(d), s) {
			return d
		}
	}
	return pbx.DeviceUnknown
}

// writeDeviceState is DEVICE_STATE(Custom:name)=state. An unknown state is
// UNKNOWN (Asterisk: devicestate.c ast_devstate_val).
func writeDeviceState(ctx context.Context, x *run.Exec, args, value string) error {
	name, ok := customDevice(strings.TrimSpace(args))
	if !ok {
		return fmt.Errorf("the state of %q cannot be set, only that of Custom: devices", args)
	}
	state := parseDeviceState(strings.TrimSpace(value))
	if table := x.Machine().Options().Devices; table != nil {
		return table.SetCustom(ctx, name, state)
	}
	db := x.Machine().Options().DB
	if db == nil {
		return errNoDatabase
	}
	return db.DBPut(ctx, customFamily, name, string(state))
}

// hintPlace reads "exten[@context]"; without a context it is default.
func hintPlace(args string) (exten, where string) {
	exten, where, _ = cutLast(strings.TrimSpace(args), "@")
	if where == "" {
		where = "default"
	}
	return exten, where
}

// readExtensionState is EXTENSION_STATE(exten[@context]): the devices of its
// hint taken together; UNKNOWN without a hint (Asterisk: func_extstate.c).
func readExtensionState(ctx context.Context, x *run.Exec, args string) (string, error) {
	exten, where := hintPlace(args)
	devices, _, ok := x.Plan().Hint(where, exten, x.Caller())
	if !ok {
		return string(pbx.DeviceUnknown), nil
	}
	var all []pbx.DeviceState
	var errs []error
	for device := range strings.SplitSeq(devices, "&") {
		if device = strings.TrimSpace(device); device == "" {
			continue
		}
		s, err := deviceState(ctx, x, device)
		all, errs = append(all, s), append(errs, err)
	}
	return hint.Aggregate(all).Word(), errors.Join(errs...)
}

// readHint is HINT(exten[@context][,n]): its devices, or with n its name.
func readHint(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("HINT needs an extension")
	}
	exten, where := hintPlace(a[0])
	devices, name, _ := x.Plan().Hint(where, exten, x.Caller())
	if len(a) > 1 && strings.Contains(a[1], "n") {
		return name, nil
	}
	return devices, nil
}
