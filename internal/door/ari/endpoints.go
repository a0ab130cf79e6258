package ari

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// endpointOperations are those of the resource endpoints (spec: ari 4).
func (s *Server) endpointOperations() map[string]operation {
	return map[string]operation{
		"endpoints.list":                  s.listEndpoints,
		"endpoints.listByTech":            s.listEndpointsByTech,
		"endpoints.get":                   s.getEndpoint,
		"endpoints.sendMessage":           s.sendMessage,
		"endpoints.sendMessageToEndpoint": s.sendMessage,
		"endpoints.refer":                 s.refer,
		"endpoints.referToEndpoint":       s.refer,
	}
}

var errNoEndpoint = &wire.Error{Status: http.StatusNotFound, Message: "Endpoint not found"}

// endpoints lists the endpoints of a technology, in any case; of all if it is "".
func (s *Server) endpoints(tech string) []wire.Endpoint {
	list := []wire.Endpoint{}
	if s.o.Devices == nil {
		return list
	}
	for _, e := range s.o.Devices.Endpoints() {
		if tech == "" || strings.EqualFold(e.Technology, tech) {
			list = append(list, endpointModel(e))
		}
	}
	return list
}

// endpointModel writes an endpoint as ARI does.
func endpointModel(e pbx.EndpointSnapshot) wire.Endpoint {
	return wire.Endpoint{Technology: e.Technology, Resource: e.Resource, State: e.State, ChannelIDs: e.Channels}
}

func (s *Server) listEndpoints(context.Context, *request) (response, error) {
	return ok(s.endpoints("")), nil
}

// listEndpointsByTech lists those of a technology. One that the switch has, without
// endpoints, gives an empty list.
func (s *Server) listEndpointsByTech(_ context.Context, q *request) (response, error) {
	tech := q.path["tech"]
	list := s.endpoints(tech)
	if len(list) == 0 && !s.hasTechnology(tech) {
		return response{}, wire.Errorf(http.StatusNotFound, "No Endpoints found - invalid tech %s", tech)
	}
	return ok(list), nil
}

func (s *Server) hasTechnology(name string) bool {
	return slices.ContainsFunc(s.sw.Technologies(), func(t pbx.Technology) bool { return strings.EqualFold(t.Name(), name) })
}

func (s *Server) getEndpoint(_ context.Context, q *request) (response, error) {
	e, err := s.endpoint(q)
	if err != nil {
		return response{}, err
	}
	return ok(endpointModel(e)), nil
}

// endpoint finds the endpoint of the path; the technology in any case, the resource
// exactly.
func (s *Server) endpoint(q *request) (pbx.EndpointSnapshot, error) {
	if s.o.Devices != nil {
		if e, found := s.o.Devices.Find(q.path["tech"], q.path["resource"]); found {
			return e, nil
		}
	}
	return pbx.EndpointSnapshot{}, errNoEndpoint
}

// addressee gives whom a text or a REFER goes to: what the request says, or the
// endpoint of the path ("pjsip:101"). Asterisk: ari/resource_endpoints.c.
func (s *Server) addressee(q *request) (string, error) {
	if _, given := q.path["tech"]; given {
		e, err := s.endpoint(q)
		if err != nil {
			return "", err
		}
		return strings.ToLower(e.Technology) + ":" + e.Resource, nil
	}
	to := q.params.String("to")
	if to == "" {
		return "", wire.Errorf(http.StatusBadRequest, "To must be specified")
	}
	return to, nil
}

// sendMessage sends a text (SIP MESSAGE).
func (s *Server) sendMessage(ctx context.Context, q *request) (response, error) {
	to, from, vars, err := s.letter(q)
	if err != nil {
		return response{}, err
	}
	return s.accepted(to, s.o.Phones.Message(ctx, from, to, q.params.String("body"), vars))
}

// refer asks a phone to call somebody (REFER outside a call).
func (s *Server) refer(ctx context.Context, q *request) (response, error) {
	to, from, vars, err := s.letter(q)
	if err != nil {
		return response{}, err
	}
	target := q.params.String("refer_to")
	if target == "" {
		return response{}, wire.Errorf(http.StatusBadRequest, "Refer-To must be specified")
	}
	return s.accepted(to, s.o.Phones.Refer(ctx, from, to, target, q.params.Bool("to_self"), vars))
}

// letter reads what messages and references have in common.
func (s *Server) letter(q *request) (to, from string, vars map[string]string, err error) {
	if to, err = s.addressee(q); err != nil {
		return "", "", nil, err
	}
	if from = q.params.String("from"); from == "" {
		return "", "", nil, wire.Errorf(http.StatusBadRequest, "From must be specified")
	}
	list, err := q.params.Variables()
	if err != nil {
		return "", "", nil, err
	}
	if s.o.Phones == nil {
		return "", "", nil, wire.Errorf(http.StatusNotImplemented, "This server has no phones that take messages")
	}
	vars = make(map[string]string, len(list))
	for _, v := range list {
		vars[v.Name] = v.Value
	}
	return to, from, vars, nil
}

// accepted answers what has been sent: 202 says that it is on its way and not that it
// has arrived. Nobody to send it to is a 404, what can never be sent a 400; a phone
// that cannot be reached now is told to nobody but the log, as in Asterisk.
func (s *Server) accepted(to string, err error) (response, error) {
	f, ok := errors.AsType[*call.Failure](err)
	switch {
	case ok && f.Permanent && (f.Cause == int(cause.NoRoute) || f.Cause == int(cause.Unallocated)):
		return response{}, errNoEndpoint
	case ok && f.Permanent:
		return response{}, wire.Errorf(http.StatusBadRequest, "%s", cmp.Or(f.Text, "The message cannot be sent"))
	case ok:
		s.log.Info("message or reference not delivered", "to", to, "error", err)
	case err != nil:
		return response{}, err
	}
	return response{status: http.StatusAccepted}, nil
}
