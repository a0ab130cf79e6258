package apps

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// noOp is NoOp(text): nothing, for whoever reads the trace.
func noOp(context.Context, *run.Exec, string) error { return nil }

// verbose is Verbose([level,]text): an entry of the log; the level is not
// looked at.
func verbose(_ context.Context, x *run.Exec, args string) error {
	if level, text, ok := strings.Cut(args, ","); ok {
		if _, err := strconv.Atoi(strings.TrimSpace(level)); err == nil {
			args = text
		}
	}
	x.Logger().Info("dialplan says", "text", args)
	return nil
}

// logLine is Log(level,text): NOTICE, WARNING, ERROR, DEBUG, VERBOSE or DTMF, in
// any case and without blanks (spec: dialplan 5.1 Log).
func logLine(ctx context.Context, x *run.Exec, args string) error {
	name, text, _ := strings.Cut(args, ",")
	level, ok := map[string]slog.Level{
		"NOTICE": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError,
		"DEBUG": slog.LevelDebug, "VERBOSE": slog.LevelInfo, "DTMF": slog.LevelInfo,
	}[strings.ToUpper(name)]
	if !ok {
		x.Warn("Log: there is no level %q; nothing was logged", name)
		return nil
	}
	x.Logger().Log(ctx, level, "dialplan says", "text", text)
	if notice := x.Machine().Options().Notice; notice != nil {
		notice(x, strings.ToUpper(name), text)
	}
	return nil
}

// dumpChan is DumpChan([level]): what is known of the channel, into the log.
func dumpChan(_ context.Context, x *run.Exec, _ string) error {
	c := x.Channel()
	sn := c.Snapshot()
	attrs := []any{
		"name", sn.Name, "id", sn.ID, "linkedid", sn.LinkedID, "state", sn.State.String(), "caller", sn.Caller,
		"connected", sn.Connected, "language", sn.Language, "account", sn.Account, "bridge", sn.Bridge,
		"elapsed", time.Since(sn.CreatedAt).Round(time.Second), "subroutines", x.Depth(),
	}
	vars := make([]any, 0, 8)
	for _, v := range c.Variables() {
		vars = append(vars, slog.String(v.Name, v.Value))
	}
	x.Logger().Info("channel as it is", append(attrs, slog.Group("variables", vars...))...)
	return nil
}

// userEvent is UserEvent(name[,Key: value…]): an event of the channel whose
// value has one "Key: value" on each line. Without a name the call ends (spec:
// dialplan 5.1 UserEvent).
func userEvent(_ context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	if len(parts) == 0 || strings.TrimSpace(parts[0]) == "" {
		x.Warn("UserEvent: a name is needed; the call is ended")
		return run.ErrEnd
	}
	var lines []string
	for _, p := range parts[1:] {
		if p = strings.TrimSpace(p); p != "" {
			lines = append(lines, p)
		}
	}
	return x.Channel().UserEvent(strings.TrimSpace(parts[0]), strings.Join(lines, "\n"))
}

// resetCDR is ResetCDR([v][e]): what was said about the record is forgotten,
// except with v; e takes back that no record is wanted. Times are those of the
// attempt and stay (Asterisk: app_cdr.c).
func resetCDR(_ context.Context, x *run.Exec, args string) error {
	r := x.CDR()
	r.Lock()
	defer r.Unlock()
	if !strings.Contains(args, "v") {
		r.UserField, r.Own = "", nil
	}
	if strings.Contains(args, "e") {
		r.Disabled = false
	}
	return nil
}

// forkCDR is ForkCDR(): an attempt has one record here, which says so once.
func forkCDR(_ context.Context, x *run.Exec, _ string) error {
	x.Machine().WarnOnce("ForkCDR does nothing here: a call has one record for each attempt")
	return nil
}

// noCDR is NoCDR(): no record of the call is wanted.
func noCDR(_ context.Context, x *run.Exec, _ string) error {
	r := x.CDR()
	r.Lock()
	defer r.Unlock()
	r.Disabled = true
	return nil
}
