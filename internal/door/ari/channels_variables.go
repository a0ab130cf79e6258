package ari

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Refusals about variables (observed: Asterisk 22.10, vectors 17).
var (
	errNoVariableName = wire.Errorf(http.StatusBadRequest, "Variable name is required")
	errNoVariable     = wire.Errorf(http.StatusNotFound, "Provided variable was not found")
	errFunction       = wire.Errorf(http.StatusInternalServerError, "Unable to read provided function")
)

// getChannelVar reads a variable or function of any channel, in an application or not.
func (s *Server) getChannelVar(ctx context.Context, q *request) (response, error) {
	name := q.params.String("variable")
	if name == "" {
		return response{}, errNoVariableName
	}
	c, found := s.anyChannel(q.path["channelId"])
	if !found {
		return response{}, wire.ErrProvidedChannel
	}
	value, err := s.readVariable(ctx, c, name)
	if err != nil {
		return response{}, err
	}
	return ok(wire.Variable{Value: value}), nil
}

// getChannelVars reads several: all or none.
func (s *Server) getChannelVars(ctx context.Context, q *request) (response, error) {
	names := q.params.List("variables")
	if len(names) == 0 {
		return response{}, wire.Errorf(http.StatusBadRequest, "At least one variable name is required")
	}
	c, found := s.anyChannel(q.path["channelId"])
	if !found {
		return response{}, wire.ErrProvidedChannel
	}
	values := make(map[string]string, len(names))
	for _, name := range names {
		value, err := s.readVariable(ctx, c, name)
		if err != nil {
			return response{}, err
		}
		values[name] = value
	}
	return ok(wire.Variables{Variables: values}), nil
}

// setChannelVar sets a variable or writes a function. Without a value a variable is
// unset, and a function gets an empty one. A function that does not exist, or may
// not be used from here, is written without effect (spec: ari 8.1 rules 1, 5).
func (s *Server) setChannelVar(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
	name := q.params.String("variable")
	if name == "" {
		return response{}, errNoVariableName
	}
	value, given := q.params.Lookup("value")
	if !given && !pbx.IsFunction(name) {
		if err := c.UnsetVariable(name); err != nil {
			return response{}, err
		}
		return noContent(), nil
	}
	v := wire.NameValue{Name: name, Value: value, ReportEvents: q.params.Bool("report_events")}
	if err := s.writeVariable(ctx, c, v); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// setChannelVars sets several, in the order of the body.
func (s *Server) setChannelVars(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
	if q.params.Body == nil {
		return response{}, wire.Errorf(http.StatusBadRequest, "The 'variables' field is required")
	}
	if _, object := q.params.Body["variables"].(map[string]any); !object {
		return response{}, wire.Errorf(http.StatusBadRequest, "The 'variables' field must be a JSON object")
	}
	vars, err := q.params.Variables()
	if err != nil {
		return response{}, err
	}
	if err := s.writeVariables(ctx, c, vars); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// writeVariables writes in order. The only errors are those of a channel that has gone
// or is overloaded.
func (s *Server) writeVariables(ctx context.Context, c *pbx.Channel, vars []wire.NameValue) error {
	for _, v := range vars {
		if err := s.writeVariable(ctx, c, v); err != nil {
			return err
		}
	}
	return nil
}

// allowed gives the variables that a channel is made with, without the functions that
// may not be used from here, and the names of those to be shown in events.
func (s *Server) allowed(vars []wire.NameValue) (list []call.Variable, report []string) {
	for _, v := range vars {
		if pbx.IsFunction(v.Name) && pbx.ReachesOut(v.Name, true) {
			s.log.Warn("function not written: it reaches out of the server", "function", v.Name)
			continue
		}
		list = append(list, call.Variable{Name: v.Name, Value: v.Value})
		if v.ReportEvents && !pbx.IsFunction(v.Name) {
			report = append(report, plainName(v.Name))
		}
	}
	return list, report
}

// plainName takes the prefix of inheritance from a variable's name.
func plainName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "_"), "_")
}

func (s *Server) writeVariable(ctx context.Context, c *pbx.Channel, v wire.NameValue) error {
	switch {
	case pbx.IsFunction(v.Name):
	case v.ReportEvents:
		return c.SetReported(v.Name, v.Value)
	default:
		return c.SetVariable(v.Name, v.Value)
	}
	if pbx.ReachesOut(v.Name, true) {
		s.log.Warn("function not written: it reaches out of the server", "channel", c.ID(), "function", v.Name)
		return nil
	}
	err := c.WriteVariable(ctx, v.Name, v.Value)
	if err == nil || errors.Is(err, pbx.ErrGone) || errors.Is(err, pbx.ErrOverloaded) {
		return err
	}
	s.log.Info("function not written", "channel", c.ID(), "function", v.Name, "error", err)
	return nil
}

// readVariable reads what a name stands for: a function, a channel variable, what
// every channel has without setting it, a global variable (Asterisk:
// pbx_variables.c pbx_retrieve_variable).
func (s *Server) readVariable(ctx context.Context, c *pbx.Channel, name string) (string, error) {
	if pbx.IsFunction(name) {
		if pbx.ReachesOut(name, false) {
			return "", errFunction
		}
		value, read := c.ReadVariable(ctx, name)
		if !read {
			return "", errFunction
		}
		return value, nil
	}
	if value, own := ownVariable(c.Snapshot(), name); own {
		return value, nil
	}
	if value, set := c.PlainVariable(name); set {
		return value, nil
	}
	if s.o.Globals != nil {
		if value := s.o.Globals.Global(ctx, name); value != "" {
			return value, nil
		}
	}
	return "", errNoVariable
}

// ownVariable gives the variables that every channel has.
func ownVariable(sn *pbx.Snapshot, name string) (string, bool) {
	switch name {
	case "CHANNEL":
		return sn.Name, true
	case "UNIQUEID":
		return sn.ID, true
	case "CONTEXT":
		return sn.Context, true
	case "EXTEN":
		return sn.Extension, true
	case "PRIORITY":
		return strconv.Itoa(sn.Priority), true
	case "EPOCH":
		return strconv.FormatInt(time.Now().Unix(), 10), true
	}
	return "", false
}
