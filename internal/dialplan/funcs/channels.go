package funcs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// channels lists the functions of this channel and of others.
func channels() []run.Func {
	return []run.Func{
		{Name: "CHANNEL", Read: readChannel, Write: writeChannel},
		{Name: "CHANNELS", Read: readChannels},
		{Name: "CHANNEL_EXISTS", Read: readChannelExists},
		{Name: "IMPORT", Read: readImport},
		{Name: "TIMEOUT", Read: readTimeout, Write: writeTimeout},
		{Name: "VOLUME", Write: func(context.Context, *run.Exec, string, string) error { return errNoGain }},
		{Name: "REALTIME", Read: noRealtimeRead("REALTIME"), Write: noRealtimeWrite("REALTIME")},
		{Name: "REALTIME_STORE", Write: noRealtimeWrite("REALTIME_STORE")},
		{Name: "REALTIME_DESTROY", Read: noRealtimeRead("REALTIME_DESTROY"), Write: noRealtimeWrite("REALTIME_DESTROY")},
		{Name: "REALTIME_FIELD", Read: noRealtimeRead("REALTIME_FIELD"), Write: noRealtimeWrite("REALTIME_FIELD")},
		{Name: "REALTIME_HASH", Read: noRealtimeRead("REALTIME_HASH")},
	}
}

// errNoGain says why VOLUME() does nothing: the media plane passes packets on
// as they are wherever it can.
var errNoGain = errors.New("the volume of a call cannot be changed on this server")

// findChannel finds a live channel by name or id.
func findChannel(x *run.Exec, name string) (*pbx.Channel, bool) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, false
	}
	if c, ok := x.Machine().Switch().Channel(name); ok {
		return c, true
	}
	return x.Machine().Switch().ChannelByName(name)
}

// readChannels is CHANNELS([regex]): the names of the live channels, separated
// by blanks (Asterisk: func_channel.c).
func readChannels(_ context.Context, x *run.Exec, args string) (string, error) {
	match, err := regexp.Compile("(?i:" + args + ")")
	if err != nil {
		return "", err
	}
	var out []string
	for _, sn := range x.Machine().Switch().Channels() {
		if args == "" || match.MatchString(sn.Name) {
			out = append(out, sn.Name)
		}
	}
	return strings.Join(out, " "), nil
}

func readChannelExists(_ context.Context, x *run.Exec, args string) (string, error) {
	_, ok := findChannel(x, args)
	return oneOrZero(ok), nil
}

// readImport is IMPORT(channel,variable): a variable or function of another channel.
func readImport(ctx context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) < 2 {
		return "", errors.New("IMPORT needs a channel and a variable")
	}
	c, ok := findChannel(x, a[0])
	if !ok {
		return "", fmt.Errorf("there is no channel %q", a[0])
	}
	return x.Machine().Exec(c).Expand(ctx, "${"+strings.Join(a[1:], ",")+"}"), nil
}

func noRealtimeRead(name string) func(context.Context, *run.Exec, string) (string, error) {
	return func(context.Context, *run.Exec, string) (string, error) { return "", errNoRealtime(name) }
}

func noRealtimeWrite(name string) func(context.Context, *run.Exec, string, string) error {
	return func(context.Context, *run.Exec, string, string) error { return errNoRealtime(name) }
}

func errNoRealtime(name string) error {
	return fmt.Errorf("%s: this server has no realtime configuration; use DB()", name)
}
