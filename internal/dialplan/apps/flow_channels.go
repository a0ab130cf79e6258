package apps

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// softHangup is SoftHangup(channel[,a]): hangs up another channel by its name,
// with a all those of its phone or trunk: "PJSIP/101".
func softHangup(_ context.Context, x *run.Exec, args string) error {
	name, opts, _ := strings.Cut(args, ",")
	if name = strings.TrimSpace(name); name == "" {
		x.Warn("SoftHangup: a channel is needed")
		return nil
	}
	s := x.Machine().Switch()
	if !strings.Contains(opts, "a") {
		if c, ok := s.ChannelByName(name); ok {
			c.Hangup(cause.NormalClearing)
		}
		return nil
	}
	for _, sn := range s.Channels() {
		i := strings.LastIndexByte(sn.Name, '-') // "PJSIP/101-0000001a"
		if i < 0 || !strings.EqualFold(sn.Name[:i], name) && !strings.EqualFold(sn.Name, name) {
			continue
		}
		if c, ok := s.Channel(sn.ID); ok {
			c.Hangup(cause.NormalClearing)
		}
	}
	return nil
}

// channelRedirect is ChannelRedirect(channel,[[context,]exten,]priority): sends
// another channel elsewhere. CHANNELREDIRECT_STATUS is SUCCESS or NOCHANNEL; a
// place that is not there ends the call (Asterisk: app_channelredirect.c).
func channelRedirect(ctx context.Context, x *run.Exec, args string) error {
	name, place, _ := strings.Cut(args, ",")
	m := x.Machine()
	c, ok := m.Switch().ChannelByName(strings.TrimSpace(name))
	if !ok {
		x.Warn("ChannelRedirect: there is no channel %q", name)
		x.Set(ctx, "CHANNELREDIRECT_STATUS", "NOCHANNEL")
		return nil
	}
	to, err := m.Exec(c).Target(ctx, place)
	if err != nil {
		return err
	}
	if err := c.Run(m.Handler(to)); err != nil {
		x.Set(ctx, "CHANNELREDIRECT_STATUS", "NOCHANNEL")
		return nil
	}
	x.Set(ctx, "CHANNELREDIRECT_STATUS", "SUCCESS")
	return nil
}

// transfer is Transfer([TECH/]destination): asks the party to call elsewhere,
// by 302 before the answer and REFER after it. TRANSFERSTATUS is SUCCESS,
// FAILURE or UNSUPPORTED; TRANSFERSTATUSPROTOCOL is 0, as no status is waited
// for (Asterisk: app_transfer.c).
func transfer(ctx context.Context, x *run.Exec, args string) error {
	status := func(s string) error {
		x.Set(ctx, "TRANSFERSTATUS", s)
		x.Set(ctx, "TRANSFERSTATUSPROTOCOL", "0")
		return nil
	}
	parts := dialplan.SplitArgs(args)
	if len(parts) == 0 || strings.TrimSpace(parts[0]) == "" {
		x.Warn("Transfer: a destination is needed")
		return status("FAILURE")
	}
	c := x.Channel()
	dest := strings.TrimSpace(parts[0])
	if tech, rest, ok := strings.Cut(dest, "/"); ok {
		if !sameTechnology(tech, c.Snapshot().Technology) {
			return status("UNSUPPORTED")
		}
		dest = rest
	}
	switch err := c.Redirect(dest); {
	case err == nil:
		return status("SUCCESS")
	case errors.Is(err, pbx.ErrNotSupported), errors.Is(err, pbx.ErrState):
		return status("UNSUPPORTED")
	case errors.Is(err, pbx.ErrGone):
		_ = status("FAILURE")
		return err
	default:
		x.Warn("Transfer(%s): %v", args, err)
		return status("FAILURE")
	}
}

// sameTechnology says whether a dial string's technology is a channel's: SIP is
// the old name of PJSIP.
func sameTechnology(a, b string) bool {
	if strings.EqualFold(a, "SIP") {
		a = "PJSIP"
	}
	return strings.EqualFold(a, b)
}

// stasis is Stasis(app[,args…]): a remote-control application gets the channel, and the
// arguments without their quotes and backslashes (observed: Asterisk 22.10),
// until it gives it back. STASISSTATUS is "" meanwhile and then SUCCESS, or FAILED if
// it is not connected; the call goes on (spec: dialplan 5.1 Stasis). The handler sets
// it: what an application hears of the variable depends on whether it has the channel.
func stasis(ctx context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	for i, p := range parts {
		parts[i] = dialplan.Plain(p)
	}
	app := ""
	if len(parts) > 0 {
		app = strings.TrimSpace(parts[0])
	}
	var h pbx.Handler
	ok := false
	if find := x.Machine().Options().Stasis; find != nil && app != "" {
		h, ok = find(app, parts[1:])
	}
	if ok {
		h.Handle(ctx, x.Channel())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	if app == "" {
		x.Warn("Stasis: an application is needed")
	} else {
		x.Warn("Stasis: application %s is not connected", app)
	}
	x.Set(ctx, "STASISSTATUS", "")
	x.Set(ctx, "STASISSTATUS", "FAILED")
	return nil
}
