package funcs

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/conference"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// conferenceFuncs lists the functions about conferences.
func conferenceFuncs() []run.Func {
	return []run.Func{
		{Name: "CONFBRIDGE", Write: writeConfBridge},
		{Name: "CONFBRIDGE_INFO", Read: readConfBridgeInfo},
	}
}

// writeConfBridge is Set(CONFBRIDGE(bridge|user|menu,option)=value): how this
// channel will enter a conference, in place of the profiles of confbridge.conf.
// The options "template" and "clear" take a profile of the file and forget what
// was set (Asterisk: conf_config_parser.c func_confbridge_helper).
func writeConfBridge(_ context.Context, x *run.Exec, args, value string) error {
	kind, option, ok := strings.Cut(args, ",")
	if !ok {
		return fmt.Errorf("CONFBRIDGE(%s): a kind and an option are needed", args)
	}
	config := conference.LoadDir(x.Machine().Options().ConfDir, x.Warn)
	return conference.OverridesOf(x).Set(config, strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(option), value)
}

// readConfBridgeInfo is CONFBRIDGE_INFO(what,conference): how many parties,
// admins or marked are there, whether it is locked or muted (1, 0). A conference
// that does not exist has none of them.
func readConfBridgeInfo(_ context.Context, x *run.Exec, args string) (string, error) {
	what, name, ok := strings.Cut(args, ",")
	if !ok {
		return "", fmt.Errorf("CONFBRIDGE_INFO(%s): the name of a conference is needed", args)
	}
	var i conference.Info
	if rooms := conference.RoomsOf(x.Machine()); rooms != nil {
		i, _ = rooms.Info(name)
	}
	switch strings.ToLower(strings.TrimSpace(what)) {
	case "parties":
		return strconv.Itoa(i.Parties), nil
	case "admins":
		return strconv.Itoa(i.Admins), nil
	case "marked":
		return strconv.Itoa(i.Marked), nil
	case "locked":
		return digitOf(i.Locked), nil
	case "muted":
		return digitOf(i.Muted), nil
	}
	return "", fmt.Errorf("CONFBRIDGE_INFO knows parties, admins, marked, locked and muted, not %q", what)
}

func digitOf(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
