package apps

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// gosub is Gosub([[context,]exten,]priority[(a1,a2,…)]). A target that is not
// there ends the call (spec: dialplan 5.1 Gosub).
func gosub(ctx context.Context, x *run.Exec, args string) error {
	place, given := run.CutArgs(args)
	to, err := x.Target(ctx, place)
	if err != nil {
		return err
	}
	return x.Gosub(ctx, to, subArgs(given))
}

// subArgs are the arguments of a subroutine. Unlike elsewhere, an empty one behind
// the last comma counts (observed: Asterisk 22.10).
func subArgs(given string) []string {
	out := dialplan.SplitArgs(given)
	if strings.HasSuffix(given, ",") {
		out = append(out, "")
	}
	return out
}

// gosubIf is GosubIf(condition?dest[(args)][:dest[(args)]]).
func gosubIf(ctx context.Context, x *run.Exec, args string) error {
	dest := branches(args)
	if strings.TrimSpace(dest) == "" {
		return nil
	}
	return gosub(ctx, x, dest)
}

// giveBack is Return([value]): GOSUB_RETVAL, emptied without a value.
func giveBack(ctx context.Context, x *run.Exec, args string) error { return x.Return(ctx, args) }

// stackPop is StackPop(): the newest Gosub is forgotten, and the call goes on
// where it is.
func stackPop(_ context.Context, x *run.Exec, _ string) error {
	if _, _, ok := x.Pop(); !ok {
		x.Warn("StackPop: no subroutine is open")
	}
	return nil
}

// macro is Macro(name[,a1,…]), which Asterisk 21 has no more. A macro that is not
// there is skipped (spec: dialplan 5.4; Asterisk: app_macro.c of 20).
func macro(ctx context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	if len(parts) == 0 || strings.TrimSpace(parts[0]) == "" {
		x.Warn("Macro: a name is needed")
		return nil
	}
	err := x.Macro(ctx, strings.TrimSpace(parts[0]), parts[1:])
	if errors.Is(err, run.ErrTarget) {
		x.Warn("Macro(%s): %v; it was skipped", args, err)
		return nil
	}
	return err
}

// macroIf is MacroIf(condition?name[,a1,…][:name[,a1,…]]).
func macroIf(ctx context.Context, x *run.Exec, args string) error {
	chosen := branches(args)
	if strings.TrimSpace(chosen) == "" {
		return nil
	}
	return macro(ctx, x, chosen)
}

// macroExit is MacroExit(): the call goes on behind the Macro.
func macroExit(_ context.Context, x *run.Exec, _ string) error {
	if !x.MacroExit() {
		x.Warn("MacroExit: no macro runs")
	}
	return nil
}
