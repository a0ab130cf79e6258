package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// channelCommands are those about live channels.
func (s *Shell) channelCommands() []command {
	return []command{
		{
			words: "channel originate", summary: "Call somebody, then go on in an application or the dialplan",
			usage: originateUsage, there: s.o.Originate != nil, changes: true, run: originate, complete: completeOriginate,
		},
		{
			words: "channel request hangup", summary: "Hang up channels",
			usage: "Usage: channel request hangup <all>|<channel> [<channel> ...]\n" +
				"       Hangs up every channel that is named. A name may also be a regular\n" +
				"       expression between slashes, which matches anywhere in a name\n" +
				"       (/^PJSIP.*/), or a glob whose wildcards match no slash (Local/*).\n" +
				"       all stands for every channel that there is.\n",
			there: true, changes: true, run: requestHangup,
			complete: func(_ context.Context, q *ask, n int) []string {
				if n == 0 {
					return append(channelNames(q), "all")
				}
				return channelNames(q)
			},
		},
		{
			words: "channel redirect", summary: "Send a channel elsewhere in the dialplan",
			usage: "Usage: channel redirect <channel> <[[context,]exten,]priority>\n" +
				"       Takes a channel from what it does and goes on with it there.\n",
			there: true, changes: true, run: redirect, complete: first(channelNames),
		},
		{
			words: "core show channels", summary: "List channels",
			usage: "Usage: core show channels [concise|verbose|count]\n" +
				"       Lists the live channels and counts them. concise is for programs:\n" +
				"       fields between exclamation marks. verbose shows more columns, count\n" +
				"       the counts alone.\n",
			there: true, run: showChannels, complete: fixed("concise", "verbose", "count"),
		},
		{
			words: "core show channel", summary: "Tell everything about a channel",
			usage: "Usage: core show channel <channel>\n       Tells what is known about a channel, its variables among it.\n",
			there: true, run: showChannel, complete: first(channelNames),
		},
		{
			words: "core show calls", summary: "Count calls",
			usage: "Usage: core show calls [uptime [seconds]]\n" +
				"       Tells how many channels run a dialplan now, and how many have begun to\n" +
				"       since the start; uptime tells for how long the server has been running.\n",
			there: true, run: showCalls, complete: fixed("uptime"),
		},
	}
}

// showChannels lists channels (spec: cli 4.1; Asterisk: main/cli.c handle_chanlist).
func showChannels(_ context.Context, q *ask) Outcome {
	form := ""
	switch len(q.args) {
	case 0:
	case 1:
		form = strings.ToLower(q.args[0])
	default:
		return Usage
	}
	list := q.s.o.Switch.Channels()
	switch form {
	case "":
		q.print(plainRow("Channel", "Location", "State", "Application(Data)"))
		for _, c := range list {
			q.print(plainRow(c.Name, location(c), c.State.String(), running(c)))
		}
	case "concise":
		peers := peerAccounts(list)
		for _, c := range list {
			q.print(conciseRow(c, peers[c.ID]))
		}
		return Done
	case "verbose":
		peers := peerAccounts(list)
		q.print(verboseRow("Channel", "Context", "Extension", "Prio", "State", "Application", "Data", "CallerID", "Duration", "Accountcode", "PeerAccount", "BridgeID"))
		for _, c := range list {
			q.print(verboseRow(c.Name, c.Context, c.Extension, fmt.Sprint(c.Priority), c.State.String(), orNone(c.App), orEmpty(c.AppData),
				c.Caller.Number, wire.Clock(time.Since(c.CreatedAt)), c.AccountCode, peers[c.ID], c.Bridge))
		}
	case "count":
	default:
		return Usage
	}
	q.printf("%s\n", wire.Plural(len(list), "active channel"))
	q.printCalls()
	return Done
}

// printCalls counts channels that run a dialplan now, and those that have begun to (spec:
// cli 4.1). Nothing bounds these here, as in an Asterisk without maxcalls.
func (q *ask) printCalls() {
	st := q.s.o.Switch.Stats()
	q.printf("%s\n%s processed\n", wire.Plural(st.Calls, "active call"), wire.Plural(int(st.CallsBegun), "call"))
}

// showCalls counts calls (Asterisk: main/cli.c handle_showcalls).
func showCalls(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 && !strings.EqualFold(q.args[0], "uptime") || len(q.args) > 2 ||
		len(q.args) == 2 && !strings.EqualFold(q.args[1], "seconds") {
		return Usage
	}
	q.printCalls()
	if len(q.args) > 0 {
		q.printUptime("System uptime", q.s.o.Started, len(q.args) == 2)
	}
	return Done
}

func plainRow(channel, location, state, app string) string {
	return wire.Left(channel, 64) + " " + wire.Left(location, 32) + " " + wire.Left(state, 7) + " " + wire.Left(app, 30) + "\n"
}

// conciseRow has no escapes: a value with an exclamation mark shifts the fields behind
// it, as in Asterisk.
func conciseRow(c *pbx.Snapshot, peerAccount string) string {
	return strings.Join([]string{
		c.Name, c.Context, c.Extension, fmt.Sprint(c.Priority), c.State.String(), orNone(c.App), c.AppData, c.Caller.Number,
		c.AccountCode, peerAccount, amaDocumentation, fmt.Sprint(int(time.Since(c.CreatedAt).Seconds())), c.Bridge, c.ID,
	}, "!") + "\n"
}

// amaDocumentation is the AMA flag of every channel (Asterisk: channel.h AST_AMA_DOCUMENTATION).
const amaDocumentation = "3"

func verboseRow(channel, context, exten, prio, state, app, data, caller, duration, account, peer, bridge string) string {
	return strings.Join([]string{
		wire.Left(channel, 80), wire.Left(context, 24), wire.Left(exten, 24), wire.Right(prio, 4), wire.Left(state, 7), wire.Left(app, 12),
		wire.Left(data, 25), wire.Left(caller, 15), wire.Right(duration, 8), wire.Left(account, 11), wire.Left(peer, 11), wire.Left(bridge, 20),
	}, " ") + "\n"
}

func location(c *pbx.Snapshot) string {
	if c.Context == "" || c.Extension == "" {
		return none
	}
	return fmt.Sprintf("%s@%s:%d", c.Extension, c.Context, c.Priority)
}

// running is the application with its data, cut to 39 bytes (Asterisk: appdata[40]).
func running(c *pbx.Snapshot) string {
	if c.App == "" {
		return none
	}
	return wire.Cut(c.App+"("+c.AppData+")", 39)
}

// none is written where nothing is.
const none = "(None)"

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func orEmpty(s string) string {
	if s == "" {
		return "(Empty)"
	}
	return s
}

func orNA(s string) string {
	if s == "" {
		return "(N/A)"
	}
	return s
}

// peerAccounts gives the account code of the other party of each channel that talks to
// one alone, by the channel's id.
func peerAccounts(list []*pbx.Snapshot) map[string]string {
	members := map[string][]*pbx.Snapshot{}
	for _, c := range list {
		if c.Bridge != "" {
			members[c.Bridge] = append(members[c.Bridge], c)
		}
	}
	out := map[string]string{}
	for _, m := range members {
		if len(m) == 2 {
			out[m[0].ID], out[m[1].ID] = m[1].AccountCode, m[0].AccountCode
		}
	}
	return out
}

// findChannel finds a channel by its name, without regard to case, or else by its id
// (Asterisk: channel.c ast_channel_get_by_name).
func (s *Shell) findChannel(name string) (*pbx.Channel, bool) {
	if c, ok := s.o.Switch.ChannelByName(name); ok {
		return c, true
	}
	for _, c := range s.o.Switch.Channels() {
		if strings.EqualFold(c.Name, name) {
			return s.o.Switch.Channel(c.ID)
		}
	}
	return s.o.Switch.Channel(name)
}
