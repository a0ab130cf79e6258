package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// stasisClass is the class of bridges that applications have made. Only these may be
// changed here: those of Dial and conferences belong to others.
const stasisClass = "stasis"

// bridgeOperations are those of the resource bridges (spec: ari 4 bridges).
func (s *Server) bridgeOperations() map[string]operation {
	return map[string]operation{
		"bridges.list":         s.listBridges,
		"bridges.create":       s.createBridge,
		"bridges.createWithId": s.createBridge,
		"bridges.get":          s.getBridge,
		"bridges.destroy":      s.withBridge(destroyBridge),

		"bridges.getBridgeVar":  s.withBridge(getBridgeVar),
		"bridges.setBridgeVar":  s.withBridge(setBridgeVar),
		"bridges.getBridgeVars": s.withBridge(getBridgeVars),
		"bridges.setBridgeVars": s.withBridge(setBridgeVars),

		"bridges.addChannel":       s.withBridge(s.addToBridge),
		"bridges.removeChannel":    s.withBridge(s.removeFromBridge),
		"bridges.setVideoSource":   s.withBridge(s.setVideoSource),
		"bridges.clearVideoSource": s.withBridge(clearVideoSource),

		"bridges.startMoh":   s.withBridge(s.startBridgeMusic),
		"bridges.stopMoh":    s.withBridge(stopBridgeMusic),
		"bridges.play":       s.withBridge(s.playToBridge),
		"bridges.playWithId": s.withBridge(s.playToBridge),
		"bridges.record":     s.withBridge(s.recordBridge),
	}
}

// bridgeOperation is an operation on a bridge that has been found.
type bridgeOperation func(ctx context.Context, q *request, b *pbx.Bridge) (response, error)

// withBridge finds the bridge of the path, which must be an application's: 404, 409.
// A bridge that goes away meanwhile is a 404 as well.
func (s *Server) withBridge(f bridgeOperation) operation {
	return func(ctx context.Context, q *request) (response, error) {
		b, found := s.sw.Bridge(q.path["bridgeId"])
		switch {
		case !found:
			return response{}, wire.ErrBridgeNotFound
		case b.Snapshot().Class != stasisClass:
			return response{}, wire.Errorf(http.StatusConflict, "Bridge not in Stasis application")
		}
		r, err := f(ctx, q, b)
		switch {
		case errors.Is(err, pbx.ErrGone):
			err = wire.ErrBridgeNotFound
		case errors.Is(err, pbx.ErrOverloaded):
			err = wire.Errorf(http.StatusServiceUnavailable, "The bridge has too many commands waiting")
		}
		return r, err
	}
}

// listBridges lists every bridge, an application's or not.
func (s *Server) listBridges(context.Context, *request) (response, error) {
	all := s.sw.Bridges()
	list := make([]wire.Bridge, len(all))
	for i, b := range all {
		list[i] = s.bridge(b)
	}
	return ok(list), nil
}

func (s *Server) getBridge(_ context.Context, q *request) (response, error) {
	b, found := s.sw.Bridge(q.path["bridgeId"])
	if !found {
		return response{}, wire.ErrBridgeNotFound
	}
	return ok(s.bridge(b.Snapshot())), nil
}

// createBridge makes a bridge. Everything is read before it is made, so that a
// refusal leaves nothing behind (D3). The application that has asked for it over its
// WebSocket hears of its end, and not of its beginning (spec: ari 3.3 rule 7, 10 D6).
func (s *Server) createBridge(_ context.Context, q *request) (response, error) {
	id, given := q.path["bridgeId"]
	if !given {
		id = q.params.String("bridgeId")
	}
	inUse := wire.Errorf(http.StatusConflict, "Bridge with id '%s' already exists", id)
	if _, used := s.sw.Bridge(id); used {
		return response{}, inUse
	}
	vars, err := q.params.Variables()
	if err != nil {
		return response{}, err
	}
	kind, flags, err := pbx.ParseBridgeType(q.params.String("type"))
	if err != nil { // 500 and this text in Asterisk (spec: ari 4, 8)
		return response{}, wire.Errorf(http.StatusInternalServerError, "Unable to create bridge. Possible duplicate bridge id '%s'", id)
	}
	o := pbx.BridgeOptions{
		ID: id, Name: q.params.String("name"), Type: kind, Flags: flags, Creator: "Stasis", Class: stasisClass,
	}
	for _, v := range vars {
		o.Variables = append(o.Variables, pbx.BridgeVariable{Name: v.Name, Value: v.Value, Report: v.ReportEvents})
	}
	b, err := s.sw.NewBridge(o)
	switch {
	case errors.Is(err, pbx.ErrBridgeInUse):
		return response{}, inUse
	case err != nil:
		return response{}, err
	}
	if q.app != "" { // who it is over HTTP nobody knows
		s.hub.BridgeInterest(q.app, b.ID())
	}
	return ok(s.bridge(b.Snapshot())), nil
}

// destroyBridge ends a bridge; its members stay in their applications.
func destroyBridge(_ context.Context, _ *request, b *pbx.Bridge) (response, error) {
	b.Destroy()
	return noContent(), nil
}

// errNoVariableNames is the refusal of asking for several variables without naming one.
var errNoVariableNames = wire.Errorf(http.StatusBadRequest, "At least one variable name is required")

// getBridgeVar gives a variable of a bridge. It is never a function.
func getBridgeVar(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	name := q.params.String("variable")
	if name == "" {
		return response{}, errNoVariableName
	}
	value, set := b.Variable(name)
	if !set {
		return response{}, errNoVariable
	}
	return ok(wire.Variable{Value: value}), nil
}

// getBridgeVars gives several variables, all or none.
func getBridgeVars(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	names := q.params.List("variables")
	if len(names) == 0 {
		return response{}, errNoVariableNames
	}
	vars := make(map[string]string, len(names))
	for _, n := range names {
		value, set := b.Variable(n)
		if !set {
			return response{}, errNoVariable
		}
		vars[n] = value
	}
	return ok(wire.Variables{Variables: vars}), nil
}

// setBridgeVar sets a variable; without a value it is unset.
func setBridgeVar(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	name := q.params.String("variable")
	if name == "" {
		return response{}, errNoVariableName
	}
	value, given := q.params.Lookup("value")
	if !given {
		b.UnsetVariable(name)
		return noContent(), nil
	}
	setOnBridge(b, wire.NameValue{Name: name, Value: value, ReportEvents: q.params.Bool("report_events")})
	return noContent(), nil
}

func setBridgeVars(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	vars, err := q.params.Variables()
	switch {
	case err != nil:
		return response{}, err
	case vars == nil:
		return response{}, wire.Errorf(http.StatusBadRequest, "The 'variables' field is required")
	}
	for _, v := range vars {
		setOnBridge(b, v)
	}
	return noContent(), nil
}

func setOnBridge(b *pbx.Bridge, v wire.NameValue) {
	b.SetVariable(v.Name, v.Value)
	if v.ReportEvents {
		b.ReportVariable(v.Name)
	}
}
