package ami

import (
	"context"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

const noVariable = "No variable specified"

// forbiddenVariable says whether a user may not read a variable, since it would run
// something (spec: ami 3.2).
func forbiddenVariable(q *request, name string) bool {
	return q.rights()&wire.System == 0 && (strings.Contains(name, "SHELL") || strings.Contains(name, "EVAL"))
}

// readable says whether a variable may be read from here at all: nobody reads files or
// runs commands by one, as by ARI (spec: ami 10.4).
func (s *Server) readable(q *request, name string) bool {
	if !pbx.ReachesOut(name, false) {
		return true
	}
	s.log.Warn("function not read: it reaches out of the server", "door", "ami", "remote", q.remote, "function", name)
	return false
}

// getvar is the action Getvar (Asterisk: manager.c action_getvar).
func (s *Server) getvar(ctx context.Context, q *request) answer {
	name := q.get("Variable")
	switch {
	case name == "":
		return q.fail(noVariable)
	case forbiddenVariable(q, name):
		return q.fail("GetVar Access Forbidden: Variable")
	}
	value := ""
	switch {
	case q.get("Channel") != "":
		c, bad := s.channelOf(q)
		if bad != nil {
			return bad
		}
		if s.readable(q, name) {
			value, _ = s.readVariable(ctx, c, name)
		}
	case s.o.Globals != nil && s.readable(q, name):
		value = s.o.Globals.Global(ctx, name)
	}
	return answer{wire.Response("Success", q.id).Add("Variable", name).Add("Value", value)}
}

// readVariable reads what a name stands for on a channel: a function, a variable of its
// own or that every channel has, a global one (Asterisk: pbx_variables.c
// pbx_retrieve_variable).
func (s *Server) readVariable(ctx context.Context, c *pbx.Channel, name string) (string, bool) {
	if v, ok := c.ReadVariable(ctx, name); ok || pbx.IsFunction(name) || s.o.Globals == nil {
		return v, ok
	}
	v := s.o.Globals.Global(ctx, name)
	return v, v != ""
}

// setvar is the action Setvar (Asterisk: manager.c action_setvar).
func (s *Server) setvar(ctx context.Context, q *request) answer {
	name, value := q.get("Variable"), q.packet.Get("Value")
	switch {
	case name == "":
		return q.fail(noVariable)
	case forbiddenVariable(q, name), pbx.IsFunction(name) && pbx.ReachesOut(name, true):
		s.log.Warn("function not written: it reaches out of the server", "door", "ami", "remote", q.remote, "function", name)
		return q.fail("Variable not set")
	}
	if q.get("Channel") == "" {
		if s.o.Globals == nil || s.o.Globals.SetGlobal(ctx, name, value) != nil {
			return q.fail("Variable not set")
		}
		return q.done("Variable Set")
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	if err := c.WriteVariable(ctx, name, value); err != nil {
		s.log.Info("variable not set", "door", "ami", "channel", c.Name(), "variable", name, "error", err)
		return q.fail("Variable not set")
	}
	return q.done("Variable Set")
}
