package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
)

// WriteVariable is SetVariable for somebody who runs no dialplan but wants its
// functions: a name "CDR(userfield)" or "HASH(h,k)" is written by
// Options.Functions, one that those do not know by the channel itself, as
// SetVariable does. A function that nobody knows is an error, and nothing is
// written (spec: callfile 6.5). It must not be called from an actor.
func (c *Channel) WriteVariable(ctx context.Context, name, value string) error {
	f, args, ok := splitFunction(name)
	if !ok || c.sw.o.Functions == nil {
		return c.SetVariable(name, value)
	}
	known, err := c.sw.o.Functions.WriteFunction(ctx, c, f, args, value)
	if known {
		return err
	}
	err = c.do(func() error {
		known = c.writeFunction(name, value)
		return nil
	})
	if err == nil && !known {
		err = fmt.Errorf("there is no function %s", f)
	}
	return err
}

// ReadVariable is Variable that knows the functions of the dialplan too. It
// must not be called from an actor.
func (c *Channel) ReadVariable(ctx context.Context, name string) (string, bool) {
	if f, args, ok := splitFunction(name); ok && c.sw.o.Functions != nil {
		v, known, err := c.sw.o.Functions.ReadFunction(ctx, c, f, args)
		if err != nil {
			c.sw.log.Info("function not read", "channel", c.id, "function", name, "error", err)
		}
		if known {
			return v, err == nil
		}
	}
	return c.Variable(name)
}

// writeAll writes variables in order; what cannot be written is logged and
// skipped (spec: callfile 6.5).
func (c *Channel) writeAll(ctx context.Context, vars []call.Variable) {
	if len(vars) > 0 { // a function reads what was set before, without the actor
		_ = c.do(func() error { return nil })
	}
	for _, v := range vars {
		if err := c.WriteVariable(ctx, v.Name, v.Value); err != nil {
			c.sw.log.Warn("variable not set", "channel", c.id, "variable", v.Name, "error", err)
		}
	}
}

// splitAtFunction separates the variables that an actor can set by itself from
// the first function on: functions wait for the actor, and order counts.
func (s *Switch) splitAtFunction(vars []call.Variable) (plain, rest []call.Variable) {
	i := slices.IndexFunc(vars, func(v call.Variable) bool { return strings.HasSuffix(v.Name, ")") })
	if i < 0 || s.o.Functions == nil {
		return vars, nil
	}
	return vars[:i], vars[i:]
}

// splitFunction separates "CDR(userfield)" into name and arguments.
func splitFunction(name string) (f, args string, ok bool) {
	if !strings.HasSuffix(name, ")") {
		return "", "", false
	}
	f, args, ok = strings.Cut(name[:len(name)-1], "(")
	return strings.TrimSpace(f), args, ok
}
