package apps

import (
	"context"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// old lists the applications that dialplans of ten and twenty years ago call
// and that Asterisk 22 has no more. Each does what its successor does and says
// once what that is (spec: dialplan 5.6, D5).
func old() []run.App {
	return []run.App{
		{Name: "SetVar", Old: "Set(name=value)", Instant: true, Run: set},
		{Name: "SetGlobalVar", Old: "Set(GLOBAL(name)=value)", Instant: true, Run: setGlobalVar},
		{Name: "SetCDRUserField", Old: "Set(CDR(userfield)=value)", Instant: true, Run: writes("CDR(userfield)")},
		{Name: "AppendCDRUserField", Old: "Set(CDR(userfield)=${CDR(userfield)}value)", Instant: true, Run: appendUserField},
		{Name: "DBGet", Old: "Set(var=${DB(family/key)})", Instant: true, Run: dbGet},
		{Name: "DBPut", Old: "Set(DB(family/key)=value)", Instant: true, Run: dbPut},
		{Name: "ResponseTimeout", Old: "Set(TIMEOUT(response)=seconds)", Instant: true, Run: writes("TIMEOUT(response)")},
		{Name: "DigitTimeout", Old: "Set(TIMEOUT(digit)=seconds)", Instant: true, Run: writes("TIMEOUT(digit)")},
		{Name: "AbsoluteTimeout", Old: "Set(TIMEOUT(absolute)=seconds)", Instant: true, Run: writes("TIMEOUT(absolute)")},
		{Name: "SetCIDNum", Old: "Set(CALLERID(num)=number)", Instant: true, Run: writes("CALLERID(num)")},
		{Name: "SetCIDName", Old: "Set(CALLERID(name)=name)", Instant: true, Run: writes("CALLERID(name)")},
		{Name: "SetCallerID", Old: "Set(CALLERID(all)=\"name\" <number>)", Instant: true, Run: writes("CALLERID(all)")},
		{Name: "SetCallerPres", Old: "Set(CALLERID(pres)=value)", Instant: true, Run: writes("CALLERID(pres)")},
		{Name: "SetAccount", Old: "Set(CHANNEL(accountcode)=code)", Instant: true, Run: writes("CHANNEL(accountcode)")},
		{Name: "SetLanguage", Old: "Set(CHANNEL(language)=code)", Instant: true, Run: writes("CHANNEL(language)")},
		{Name: "ImportVar", Old: "Set(var=${IMPORT(channel,var)})", Instant: true, Run: importVar},
		{Name: "SIPAddHeader", Old: "Set(PJSIP_HEADER(add,name)=value)", Instant: true, Run: sipAddHeader},
		{Name: "Monitor", Old: "MixMonitor", Run: monitorApart},
		{Name: "StopMonitor", Old: "StopMixMonitor", Run: passes("StopMixMonitor")},
		{Name: "WaitMusicOnHold", Old: "MusicOnHold(,seconds)", Run: waitMusicOnHold},
	}
}

// writes gives an application that writes its argument by a function. The
// option "a" behind it, once for the ANI as well, is not looked at.
func writes(function string) func(context.Context, *run.Exec, string) error {
	return func(ctx context.Context, x *run.Exec, args string) error {
		for _, option := range [...]string{",a", "|a"} {
			args = strings.TrimSuffix(args, option)
		}
		x.Set(ctx, function, args)
		return nil
	}
}

// passes gives an application that is another one by name.
func passes(to string) func(context.Context, *run.Exec, string) error {
	return func(ctx context.Context, x *run.Exec, args string) error { return x.RunApp(ctx, to, args) }
}

// setGlobalVar is SetGlobalVar(a=b).
func setGlobalVar(_ context.Context, x *run.Exec, args string) error {
	name, value, ok := strings.Cut(args, "=")
	if !ok {
		x.Warn("SetGlobalVar(%s): there is no \"=\"; nothing was set", args)
		return nil
	}
	x.Machine().SetGlobal(name, value)
	return nil
}

// appendUserField is AppendCDRUserField(x).
func appendUserField(_ context.Context, x *run.Exec, args string) error {
	r := x.CDR()
	r.Lock()
	defer r.Unlock()
	r.UserField += args
	return nil
}

// dbGet is DBGet(var=family/key). A key that is not there leaves the variable
// as it is (Asterisk 1.2: app_db.c).
func dbGet(ctx context.Context, x *run.Exec, args string) error {
	name, path, _ := strings.Cut(args, "=")
	family, key, ok := strings.Cut(strings.TrimSpace(path), "/")
	if !ok || name == "" {
		x.Warn("DBGet(%s): var=family/key is needed", args)
		return nil
	}
	return database(x, "DBGet", func(db run.Database) error {
		value, ok, err := db.DBGet(ctx, family, key)
		if ok {
			x.Set(ctx, strings.TrimSpace(name), value)
		}
		return err
	})
}

// dbPut is DBPut(family/key=value).
func dbPut(ctx context.Context, x *run.Exec, args string) error {
	path, value, ok := strings.Cut(args, "=")
	family, key, slash := strings.Cut(strings.TrimSpace(path), "/")
	if !ok || !slash {
		x.Warn("DBPut(%s): family/key=value is needed", args)
		return nil
	}
	return database(x, "DBPut", func(db run.Database) error { return db.DBPut(ctx, family, key, value) })
}

// importVar is ImportVar(var=channel,name).
func importVar(_ context.Context, x *run.Exec, args string) error {
	name, from, ok := strings.Cut(args, "=")
	channel, variable, comma := strings.Cut(from, ",")
	if !ok || !comma {
		x.Warn("ImportVar(%s): var=channel,variable is needed", args)
		return nil
	}
	value := ""
	if c, ok := x.Machine().Switch().ChannelByName(strings.TrimSpace(channel)); ok {
		value = x.Machine().Exec(c).Get(strings.TrimSpace(variable))
	}
	return x.Channel().SetVariable(strings.TrimSpace(name), value)
}

// sipAddHeader is SIPAddHeader(Name: value).
func sipAddHeader(ctx context.Context, x *run.Exec, args string) error {
	name, value, ok := strings.Cut(strings.Trim(args, `"`), ":")
	if !ok {
		x.Warn("SIPAddHeader(%s): \"Name: value\" is needed", args)
		return nil
	}
	x.Set(ctx, "PJSIP_HEADER(add,"+strings.TrimSpace(name)+")", strings.TrimSpace(value))
	return nil
}

// waitMusicOnHold is WaitMusicOnHold(seconds).
func waitMusicOnHold(ctx context.Context, x *run.Exec, args string) error {
	return x.RunApp(ctx, "MusicOnHold", ","+strings.TrimSpace(args))
}
