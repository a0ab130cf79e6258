package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// applicationOperations are those of the resource applications (spec: ari 3.3, 3.6).
func (s *Server) applicationOperations() map[string]operation {
	return map[string]operation{
		"applications.list":        s.listApplications,
		"applications.get":         s.getApplication,
		"applications.subscribe":   s.changeSubscription((*stasis.Hub).Subscribe),
		"applications.unsubscribe": s.changeSubscription((*stasis.Hub).Unsubscribe),
		"applications.filter":      s.setEventFilter,
	}
}

// applicationModel writes an application as ARI does.
func applicationModel(a stasis.App) wire.Application {
	return wire.Application{
		Name: a.Name, ChannelIDs: a.Channels, BridgeIDs: a.Bridges, EndpointIDs: a.Endpoints, DeviceNames: a.Devices,
		EventsAllowed: wire.Types(a.Allowed), EventsDisallowed: wire.Types(a.Disallowed),
	}
}

func (s *Server) listApplications(context.Context, *request) (response, error) {
	apps := s.hub.Apps()
	list := make([]wire.Application, len(apps))
	for i, a := range apps {
		list[i] = applicationModel(a)
	}
	return ok(list), nil
}

func (s *Server) getApplication(_ context.Context, q *request) (response, error) {
	a, found := s.hub.App(q.path["applicationName"])
	if !found {
		return response{}, wire.ErrNoSuchApp
	}
	return ok(applicationModel(a)), nil
}

// changeSubscription subscribes or unsubscribes. Sources are taken from left to
// right; those before a bad one stay changed, as in Asterisk (spec: ari 4).
func (s *Server) changeSubscription(f func(h *stasis.Hub, app string, sources []string) (stasis.App, error)) operation {
	return func(_ context.Context, q *request) (response, error) {
		app := q.path["applicationName"]
		sources := q.params.List("eventSource")
		if len(sources) == 0 {
			return response{}, missingParameter("eventSource")
		}
		a, err := f(s.hub, app, sources)
		if err != nil {
			return response{}, sourceError(err, "Event source does not exist")
		}
		return ok(applicationModel(a)), nil
	}
}

// sourceError is the refusal that a failure of the hub means; absent is the text for
// a source that there is not.
func sourceError(err error, absent string) error {
	switch {
	case errors.Is(err, stasis.ErrNoApp):
		return wire.ErrNoSuchApp
	case errors.Is(err, stasis.ErrSource):
		return wire.Errorf(http.StatusBadRequest, "Invalid event source URI scheme")
	case errors.Is(err, stasis.ErrNoSource):
		return wire.Errorf(http.StatusUnprocessableEntity, "%s", absent)
	case errors.Is(err, stasis.ErrNotSubscribed): // documented as 409 (D15)
		return wire.Errorf(http.StatusUnprocessableEntity, "%s", absent)
	}
	return err
}

// setEventFilter sets the filter of an application. A body with neither list clears
// both; one with one list leaves the other as it is (spec: ari 3.6).
func (s *Server) setEventFilter(_ context.Context, q *request) (response, error) {
	app := q.path["applicationName"]
	if _, found := s.hub.App(app); !found {
		return response{}, wire.ErrNoSuchApp
	}
	allowed, disallowed, err := q.params.Filter()
	if err != nil {
		return response{}, err
	}
	a, err := s.hub.SetFilter(app, allowed, disallowed)
	if err != nil {
		return response{}, sourceError(err, "")
	}
	return ok(applicationModel(a)), nil
}
