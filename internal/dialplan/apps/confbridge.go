package apps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/conference"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// conferences lists the applications that join more than two.
func conferences() []run.App {
	return []run.App{
		{Name: "ConfBridge", Run: confBridge},
		{Name: "ConfKick", Run: confKick},
		{Name: "MeetMe", Run: meetMe, Old: "ConfBridge"},
		{Name: "BridgeWait", Run: bridgeWait},
	}
}

// rooms gives the machine's conferences.
func rooms(m *run.Machine) *conference.Rooms {
	return m.Value(conference.Key, func() any {
		o := m.Options()
		return conference.New(conference.Options{Switch: o.Switch, Log: o.Log, Dir: o.Dirs.Monitor, Outside: o.Allow&run.Files != 0})
	}).(*conference.Rooms)
}

// confBridge takes the channel into a conference until it leaves:
// ConfBridge(name[,bridge[,user[,menu]]]) with the profiles of confbridge.conf,
// by default those that CONFBRIDGE() has made, else default_bridge, default_user
// and default_menu. It answers. CONFBRIDGE_RESULT says how it left: FAILED (the
// call ends), HANGUP, KICKED, ENDMARKED, DTMF, TIMEOUT (spec: dialplan 5.4;
// Asterisk: app_confbridge.c confbridge_exec).
func confBridge(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "", "")
	name := strings.TrimSpace(parts[0])
	entry, err := confEntry(ctx, x, parts[1:4])
	if err == nil && name == "" {
		err = errors.New("a conference needs a name")
	}
	if err != nil {
		x.Warn("ConfBridge: %v", err)
		x.Set(ctx, "CONFBRIDGE_RESULT", string(conference.Failed))
		return run.ErrEnd
	}
	return enterRoom(ctx, x, name, entry)
}

// enterRoom answers, enters and sets CONFBRIDGE_RESULT.
func enterRoom(ctx context.Context, x *run.Exec, name string, e conference.Entry) error {
	if !e.User.NoAnswer {
		if err := x.Channel().Answer(); err != nil {
			return err
		}
	}
	x.Flush()
	digits, err := x.Digits()
	if err != nil {
		return err
	}
	e.Digits = digits
	result, err := rooms(x.Machine()).Enter(ctx, x.Channel(), name, e)
	x.Set(ctx, "CONFBRIDGE_RESULT", string(result))
	if err == nil && result == conference.Failed {
		return run.ErrEnd
	}
	return err
}

// confEntry puts the profiles together. names are those of bridge, user and
// menu; an empty one is the channel's own by CONFBRIDGE(), else the default.
func confEntry(ctx context.Context, x *run.Exec, names []string) (conference.Entry, error) {
	config, own := conference.LoadDir(x.Machine().Options().ConfDir, x.Warn), conference.OverridesOf(x)
	e := conference.Entry{
		Exec: func(ctx context.Context, place string) error { return confExec(ctx, x, place) },
		Music: func(class string, on bool) error {
			if on {
				musicOn(ctx, x, class)
			} else {
				musicOff(ctx, x)
			}
			return nil
		},
	}
	var ok bool
	pick := func(name, fallback string) string {
		if name = strings.TrimSpace(name); name == "" {
			return fallback
		}
		return name
	}
	bridge, user, menu := pick(names[0], conference.DefaultBridgeName), pick(names[1], conference.DefaultUserName), pick(names[2], conference.DefaultMenuName)
	if e.Bridge, ok = config.Bridges[bridge]; !ok {
		return e, fmt.Errorf("there is no bridge profile %q", bridge)
	}
	if e.User, ok = config.Users[user]; !ok {
		return e, fmt.Errorf("there is no user profile %q", user)
	}
	if e.Menu, ok = config.Menus[menu]; !ok {
		return e, fmt.Errorf("there is no menu %q", menu)
	}
	if own.Bridge != nil && strings.TrimSpace(names[0]) == "" {
		e.Bridge = *own.Bridge
	}
	if own.User != nil && strings.TrimSpace(names[1]) == "" {
		e.User = *own.User
	}
	if own.Menu != nil && strings.TrimSpace(names[2]) == "" {
		e.Menu = *own.Menu
	}
	return e, nil
}

// confExec is the menu's dialplan_exec: a piece of dialplan, up to its Return
// or end; the caller stays in the conference.
func confExec(ctx context.Context, x *run.Exec, place string) error {
	to, err := x.Target(run.Settled(ctx), place)
	if err != nil {
		return err
	}
	if err := x.Sub(ctx, to, nil); err != nil && !errors.Is(err, run.ErrEnd) {
		return err
	}
	return nil
}

// confKick takes somebody out of a conference: ConfKick(name[,channel]), by
// default all; "admins" and "participants" are groups. CONFKICKSTATUS: SUCCESS,
// FAILURE (Asterisk: app_confbridge.c confkick_exec).
func confKick(ctx context.Context, x *run.Exec, args string) error {
	name, who, _ := strings.Cut(args, ",")
	who = strings.TrimSpace(who)
	if who == "" {
		who = "all"
	}
	if c, ok := x.Machine().Switch().ChannelByName(who); ok {
		who = c.ID()
	}
	status := "FAILURE"
	if rooms(x.Machine()).Kick(strings.TrimSpace(name), who) {
		status = "SUCCESS"
	}
	x.Set(ctx, "CONFKICKSTATUS", status)
	return nil
}

// meetMe is MeetMe(conf[,options[,pin]]) as a conference: the options that have
// a meaning here are A (marked), a (admin), w (wait for marked), x (end with
// the last marked), m (muted), l (listen only), M (music when alone), q (quiet),
// i and I (names), c (count), s and p (menu: # leaves with p), 1 (no message
// for the first). Others are not looked at (Asterisk: app_meetme.c).
func meetMe(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	name := strings.TrimSpace(parts[0])
	if name == "" {
		x.Warn("MeetMe needs the name of a conference here")
		return run.ErrEnd
	}
	o, err := parseLetters(parts[1])
	if err != nil {
		x.Warn("MeetMe: %v", err)
	}
	e, err := confEntry(ctx, x, []string{"", "", ""})
	if err != nil {
		return err
	}
	u := &e.User
	u.Marked, u.Admin = u.Marked || o.has('A'), u.Admin || o.has('a')
	u.WaitMarked, u.EndMarked = u.WaitMarked || o.has('w'), u.EndMarked || o.has('x')
	u.StartMuted = u.StartMuted || o.has('m') || o.has('l')
	u.MusicWhenEmpty, u.Quiet = u.MusicWhenEmpty || o.has('M'), u.Quiet || o.has('q')
	u.MusicClass = o['M']
	u.AnnounceJoinLeave = u.AnnounceJoinLeave || o.has('i') || o.has('I')
	u.AnnounceCount = u.AnnounceCount || o.has('c')
	u.AnnounceOnlyUser = u.AnnounceOnlyUser && !o.has('1')
	if pin := strings.TrimSpace(parts[2]); pin != "" {
		u.PIN = pin
	}
	if o.has('p') {
		if err := e.Menu.Set("#", "leave_conference"); err != nil {
			return err
		}
	}
	return enterRoom(ctx, x, name, e)
}
