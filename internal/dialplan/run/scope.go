package run

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// names lists and sorts.
func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = name(e)
	}
	slices.Sort(out)
	return out
}

// Expand replaces ${…} and $[…] in text.
func (x *Exec) Expand(ctx context.Context, text string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	return dialplan.Expand(text, execScope{ctx, x})
}

// Get reads a variable by its exact name: of the channel, built in, or
// global; "" if it is unset.
func (x *Exec) Get(name string) string {
	v, _ := x.Lookup(name)
	return v
}

// Lookup is Get that tells an unset variable from an empty one. The order is
// Asterisk's: built-ins of the channel, those of the system, channel
// variables, globals (spec: dialplan 3.1).
func (x *Exec) Lookup(name string) (string, bool) {
	if v, ok := x.builtin(name); ok {
		return v, true
	}
	if v, ok := x.m.builtin(name); ok {
		return v, true
	}
	if v, ok := x.c.PlainVariable(name); ok {
		return v, true
	}
	return x.m.Global(name)
}

// Set does what the application Set does: writes a variable, with its
// inheritance prefix, or a function if name has parentheses (spec: dialplan 5.1 Set).
func (x *Exec) Set(ctx context.Context, name, value string) {
	if fn, args, ok := splitFunction(name); ok {
		f, known := x.m.funcs[fn]
		if !known {
			x.Warn("there is no function %s; %s was not written", fn, name)
			return
		}
		if err := x.write(ctx, f, args, value); err != nil {
			x.Warn("%s was not written: %v", name, err)
		}
		return
	}
	if err := x.c.SetVariable(name, value); err != nil {
		x.c.SetDeadVariable(name, value) // in h
	}
}

func (x *Exec) read(ctx context.Context, f *Func, args string) (string, error) {
	if f.Read == nil {
		x.Warn("function %s can only be written", f.Name)
		return "", nil
	}
	if f.Danger != 0 && !x.Allowed(f.Danger, "function "+f.Name) {
		return "", nil
	}
	return f.Read(ctx, x, args)
}

func (x *Exec) write(ctx context.Context, f *Func, args, value string) error {
	if f.Write == nil {
		x.Warn("function %s can only be read", f.Name)
		return nil
	}
	if f.Danger != 0 && !x.Allowed(f.Danger, "function "+f.Name) {
		return nil
	}
	return f.Write(ctx, x, args, value)
}

// splitFunction separates "CDR(userfield)" into name and arguments.
func splitFunction(name string) (fn, args string, ok bool) {
	if !strings.HasSuffix(name, ")") {
		return "", "", false
	}
	fn, args, ok = strings.Cut(name[:len(name)-1], "(")
	return strings.TrimSpace(fn), args, ok
}

// builtin gives the channel's own variables (Asterisk: pbx_variables.c
// pbx_retrieve_variable).
func (x *Exec) builtin(name string) (string, bool) {
	sn := x.c.Snapshot()
	switch name {
	case "EXTEN":
		return x.Position().Exten, true
	case "CONTEXT":
		return x.Position().Context, true
	case "PRIORITY":
		return strconv.Itoa(x.Position().Priority), true
	case "CHANNEL":
		return sn.Name, true
	case "UNIQUEID":
		return sn.ID, true
	case "HANGUPCAUSE":
		if v, ok := x.c.PlainVariable(name); ok {
			return v, true
		}
		return strconv.Itoa(sn.HangupCause), true
	case "HINT", "HINTNAME":
		p := x.Position()
		dev, n, _ := x.Plan().Hint(p.Context, p.Exten, x.Caller())
		if name == "HINT" {
			return dev, true
		}
		return n, true
	case "CALLINGPRES":
		return strconv.Itoa(x.Presentation()), true
	case "CALLINGANI2", "CALLINGTON", "CALLINGTNS":
		return "0", true
	case "DNID":
		return sn.Dialled, true
	}
	return "", false
}

// builtin gives the variables of the system.
func (m *Machine) builtin(name string) (string, bool) {
	switch name {
	case "EPOCH":
		return strconv.FormatInt(time.Now().Unix(), 10), true
	case "SYSTEMNAME":
		return m.o.SystemName, true
	case "ASTETCDIR", "ASTCONFDIR":
		return m.o.Dirs.Etc, true
	case "ASTSPOOLDIR":
		return m.o.Dirs.Spool, true
	case "ASTDATADIR", "ASTVARLIBDIR":
		return m.o.Dirs.Data, true
	case "ASTLOGDIR":
		return m.o.Dirs.Log, true
	case "ASTRUNDIR":
		return m.o.Dirs.Run, true
	case "ASTAGIDIR":
		return m.o.Dirs.AGI, true
	}
	return "", false
}

// execScope is an Exec as dialplan.Scope.
type execScope struct {
	ctx context.Context
	x   *Exec
}

func (s execScope) Variable(name string) string { return s.x.Get(name) }

func (s execScope) Warn(format string, args ...any) { s.x.Warn(format, args...) }

func (s execScope) Function(name, args string) (string, bool) {
	f, ok := s.x.m.funcs[name]
	if !ok {
		s.x.Warn("there is no function %s; it reads empty", name)
		return "", false
	}
	v, err := s.x.read(s.ctx, f, args)
	if err != nil {
		s.x.Warn("%s(%s): %v", name, args, err)
	}
	return v, true
}

// globalScope is what [globals] can use: earlier globals, system variables, and
// functions that need no channel.
// The machine's lock is held.
type globalScope struct{ m *Machine }

func (s globalScope) Variable(name string) string {
	if v, ok := s.m.builtin(name); ok {
		return v
	}
	return s.m.globals[name]
}

func (s globalScope) Function(name, args string) (string, bool) {
	f, ok := s.m.funcs[name]
	if !ok {
		s.Warn("there is no function %s; it reads empty", name)
		return "", false
	}
	return f.readPlain(args, s.m.o.Allow, s.Warn)
}

func (s globalScope) Warn(format string, args ...any) {
	s.m.log.Warn("[globals] of the dialplan: " + fmt.Sprintf(format, args...))
}
