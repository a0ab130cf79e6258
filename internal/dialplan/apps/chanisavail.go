package apps

import (
	"context"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// chanIsAvail is ChanIsAvail(Tech/dest[&Tech/dest…][,a|s|t]): finds the first
// destination that could be dialled. Option a lists all of them, s counts one in
// use as not available, t only looks at the device state. Nothing rings. It sets
// AVAILCHAN (name of the channel that was tried), AVAILORIGCHAN (the destination
// as written), AVAILSTATUS (device state as a number) and AVAILCAUSECODE
// (Asterisk: app_chanisavail.c).
func chanIsAvail(ctx context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	if len(parts) == 0 {
		x.Warn("ChanIsAvail needs a destination")
		parts = []string{""} // nobody is available, and the call goes on
	}
	var o letters
	if len(parts) > 1 {
		var err error
		if o, err = parseLetters(parts[1]); err != nil {
			x.Warn("ChanIsAvail: %v", err)
		}
	}
	o.only("ast", "", x.Warn)
	var names, targets []string
	status, code := pbx.DeviceInvalid, cause.Unknown
	for target := range strings.SplitSeq(parts[0], "&") {
		if target = strings.TrimSpace(target); target == "" {
			continue
		}
		var name string
		var ok bool
		if name, status, code, ok = available(ctx, x, target, o); !ok {
			continue
		}
		names, targets = append(names, name), append(targets, target)
		if !o.has('a') {
			break
		}
	}
	x.Set(ctx, "AVAILCHAN", strings.Join(names, "&"))
	x.Set(ctx, "AVAILORIGCHAN", strings.Join(targets, "&"))
	x.Set(ctx, "AVAILSTATUS", strconv.Itoa(deviceNumber(status)))
	x.Set(ctx, "AVAILCAUSECODE", strconv.Itoa(int(code)))
	return nil
}

// available tries one destination.
func available(ctx context.Context, x *run.Exec, target string, o letters) (name string, st pbx.DeviceState, code cause.Code, ok bool) {
	s := x.Machine().Switch()
	endpoint, err := x.Machine().Resolve(ctx, x.Channel(), target)
	if err != nil {
		return "", pbx.DeviceInvalid, requestCause(err, x, target), false
	}
	st = s.DeviceState(endpoint)
	if o.has('s') || o.has('t') {
		if st != pbx.DeviceNotInUse && st != pbx.DeviceUnknown {
			return "", st, cause.Unknown, false
		}
		if o.has('t') {
			return target, st, cause.Unknown, true
		}
	}
	c, err := s.Create(ctx, pbx.CreateOptions{Endpoint: call.Endpoint(endpoint), Originator: x.Channel(), Account: x.Channel().Snapshot().Account})
	if err != nil {
		return "", st, requestCause(err, x, target), false
	}
	name = c.Name()
	pbx.HangupAndWait(ctx, cause.NormalClearing, c)
	return name, st, cause.Unknown, true
}

// deviceNumber is a device state as AVAILSTATUS shows it (Asterisk:
// devicestate.h, ast_device_state).
func deviceNumber(s pbx.DeviceState) int {
	for i, o := range [...]pbx.DeviceState{
		pbx.DeviceUnknown, pbx.DeviceNotInUse, pbx.DeviceInUse, pbx.DeviceBusy, pbx.DeviceInvalid,
		pbx.DeviceUnavailable, pbx.DeviceRinging, pbx.DeviceRingInUse, pbx.DeviceOnHold,
	} {
		if o == s {
			return i
		}
	}
	return 0
}
