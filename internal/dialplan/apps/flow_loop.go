package apps

import (
	"context"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// Loops and branches find their other ends in the dialplan itself, by counting
// those that nest, and keep nothing on the channel: jumping out of one with Goto
// leaves nothing behind that the next could stumble over (Asterisk: app_while.c
// keeps variables, and does stumble).

// maxGap is how many missing priorities in a row end the search for a
// partner: "n+20" leaves holes.
const maxGap = 200

// forward finds the first of the applications named in ends that belongs to
// the block of the present step: further down in the same extension, not inside
// another block that begins with open and ends with the last of ends.
func forward(x *run.Exec, open string, ends ...string) (at run.Position, app string, ok bool) {
	depth, gap := 0, 0
	at = x.Position()
	for gap < maxGap {
		at.Priority++
		s := x.Step(at)
		if s == nil {
			gap++
			continue
		}
		gap = 0
		name := strings.TrimSpace(s.App)
		if strings.EqualFold(name, open) {
			depth++
			continue
		}
		for _, e := range ends {
			if depth == 0 && strings.EqualFold(name, e) {
				return at, e, true
			}
		}
		if depth > 0 && strings.EqualFold(name, ends[len(ends)-1]) {
			depth--
		}
	}
	return at, "", false
}

// backward finds the beginning of the block in which the present step stands.
func backward(x *run.Exec, open, end string) (at run.Position, ok bool) {
	depth := 0
	at = x.Position()
	for at.Priority--; at.Priority > 0; at.Priority-- {
		s := x.Step(at)
		if s == nil {
			continue
		}
		switch name := strings.TrimSpace(s.App); {
		case strings.EqualFold(name, end):
			depth++
		case strings.EqualFold(name, open) && depth == 0:
			return at, true
		case strings.EqualFold(name, open):
			depth--
		}
	}
	return at, false
}

// behind goes to the priority after the end of the present block.
func behind(x *run.Exec, what, open, end string) error {
	at, _, ok := forward(x, open, end)
	if !ok {
		x.Warn("%s: there is no %s behind it in this extension", what, end)
		return nil
	}
	at.Priority++
	x.Goto(at)
	return nil
}

// while is While(condition): goes behind EndWhile if it is false.
func while(_ context.Context, x *run.Exec, args string) error {
	if dialplan.True(args) {
		return nil
	}
	return behind(x, "While", "While", "EndWhile")
}

// endWhile is EndWhile(): back to the While, which looks again.
func endWhile(_ context.Context, x *run.Exec, _ string) error { return again(x, "EndWhile") }

// continueWhile is ContinueWhile(): as EndWhile, from inside the loop.
func continueWhile(_ context.Context, x *run.Exec, _ string) error { return again(x, "ContinueWhile") }

func again(x *run.Exec, what string) error {
	at, ok := backward(x, "While", "EndWhile")
	if !ok {
		x.Warn("%s: there is no While before it in this extension", what)
		return nil
	}
	x.Goto(at)
	return nil
}

// exitWhile is ExitWhile(): behind the EndWhile.
func exitWhile(_ context.Context, x *run.Exec, _ string) error {
	return behind(x, "ExitWhile", "While", "EndWhile")
}

// branchKey is what a false If leaves behind: the ElseIf that is to decide next.
const branchKey = "if"

// ifThen is If(condition): goes on if it is true, else to the next ElseIf, Else
// or EndIf of its block (spec: dialplan 5.1 If).
func ifThen(_ context.Context, x *run.Exec, args string) error {
	if dialplan.True(args) {
		return nil
	}
	at, app, ok := forward(x, "If", "ElseIf", "Else", "EndIf")
	switch {
	case !ok:
		x.Warn("If: there is no EndIf behind it in this extension")
		return nil
	case app == "ElseIf":
		x.SetValue(branchKey, at)
	default:
		at.Priority++
	}
	x.Goto(at)
	return nil
}

// elseIf is ElseIf(condition): an If whose block so far was not taken decides
// again; who comes from the lines above has been in the branch that was taken.
func elseIf(ctx context.Context, x *run.Exec, args string) error {
	asked, _ := x.Value(branchKey, nil).(run.Position)
	x.SetValue(branchKey, nil)
	if asked != x.Position() {
		return behind(x, "ElseIf", "If", "EndIf")
	}
	return ifThen(ctx, x, args)
}

// elseThen is Else(): who comes to it has been in the branch that was taken.
func elseThen(_ context.Context, x *run.Exec, _ string) error {
	return behind(x, "Else", "If", "EndIf")
}

// endIf is EndIf(): the end of the block, where all branches meet.
func endIf(context.Context, *run.Exec, string) error { return nil }

// exitIf is ExitIf(): behind the EndIf.
func exitIf(_ context.Context, x *run.Exec, _ string) error {
	return behind(x, "ExitIf", "If", "EndIf")
}
