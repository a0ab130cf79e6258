package ari

import (
	"context"
	"net/http"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// controlled is what the names of devices begin with that ARI may set.
const controlled = "Stasis:"

// deviceStateOperations are those of the resource deviceStates (spec: ari 4).
func (s *Server) deviceStateOperations() map[string]operation {
	return map[string]operation{
		"deviceStates.list":   s.listDeviceStates,
		"deviceStates.get":    s.getDeviceState,
		"deviceStates.update": s.updateDeviceState,
		"deviceStates.delete": s.deleteDeviceState,
	}
}

// listDeviceStates lists the devices that ARI controls, and no others.
func (s *Server) listDeviceStates(context.Context, *request) (response, error) {
	list := []wire.DeviceState{}
	if s.o.Devices == nil {
		return ok(list), nil
	}
	for _, d := range s.o.Devices.List() {
		if strings.HasPrefix(d.Name, controlled) {
			list = append(list, wire.DeviceState{Name: d.Name, State: string(d.State)})
		}
	}
	return ok(list), nil
}

// getDeviceState gives the state of any device; one that nobody knows is UNKNOWN or
// INVALID and no error.
func (s *Server) getDeviceState(_ context.Context, q *request) (response, error) {
	name, state := q.path["deviceName"], pbx.DeviceUnknown
	if s.o.Devices != nil {
		state = s.o.Devices.State(name)
	}
	return ok(wire.DeviceState{Name: name, State: string(state)}), nil
}

// updateDeviceState sets the state of a device of ARI's own.
func (s *Server) updateDeviceState(ctx context.Context, q *request) (response, error) {
	name, err := s.controlledDevice(q)
	if err != nil {
		return response{}, err
	}
	if !q.params.Has("deviceState") {
		return response{}, missingParameter("deviceState")
	}
	if err := s.o.Devices.Set(ctx, name, deviceState(q.params.String("deviceState"))); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

func (s *Server) deleteDeviceState(ctx context.Context, q *request) (response, error) {
	name, err := s.controlledDevice(q)
	if err != nil {
		return response{}, err
	}
	if err := s.o.Devices.Delete(ctx, name); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// controlledDevice gives the device of the path if it may be set.
func (s *Server) controlledDevice(q *request) (string, error) {
	name := q.path["deviceName"]
	rest, ours := strings.CutPrefix(name, controlled)
	switch {
	case !ours:
		return "", wire.Errorf(http.StatusConflict, "Uncontrolled device specified")
	case rest == "":
		return "", wire.Errorf(http.StatusNotFound, "Device name is missing")
	case s.o.Devices == nil:
		return "", wire.Errorf(http.StatusNotImplemented, "This server keeps no device states")
	}
	return name, nil
}

// deviceState reads a state. What is none counts as UNKNOWN (Asterisk:
// main/devicestate.c ast_devstate_val).
func deviceState(text string) pbx.DeviceState {
	switch d := pbx.DeviceState(strings.ToUpper(text)); d {
	case pbx.DeviceNotInUse, pbx.DeviceInUse, pbx.DeviceBusy, pbx.DeviceInvalid, pbx.DeviceUnavailable,
		pbx.DeviceRinging, pbx.DeviceRingInUse, pbx.DeviceOnHold:
		return d
	}
	return pbx.DeviceUnknown
}
