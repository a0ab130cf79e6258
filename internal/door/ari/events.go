package ari

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// eventOperations are those of the resource events but the WebSocket itself (spec: ari 4).
func (s *Server) eventOperations() map[string]operation {
	return map[string]operation{"events.userEvent": s.userEvent, "events.claimChannel": s.claimChannel}
}

// userEvent sends an event of the client's own to an application. What the container
// "variables" says is passed on as it is, numbers and objects too.
func (s *Server) userEvent(_ context.Context, q *request) (response, error) {
	app, name := q.params.String("application"), q.path["eventName"]
	if app == "" {
		return response{}, missingParameter("application")
	}
	body, err := userEventBody(name, q.params.Raw("variables"))
	if err != nil {
		return response{}, err
	}
	if err := s.hub.TellUser(app, name, q.params.List("source"), body); err != nil {
		return response{}, sourceError(err, "Event source was not found")
	}
	return noContent(), nil
}

// userEventBody gives the object userevent: the variables and the event's name
// (observed: Asterisk 22.10, vectors 16).
func userEventBody(name string, variables json.RawMessage) ([]byte, error) {
	members := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(variables)) > 0 {
		if err := json.Unmarshal(variables, &members); err != nil || members == nil {
			return nil, wire.Errorf(http.StatusBadRequest, "Field 'variables' must be an object")
		}
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	members["eventname"] = quoted
	return json.Marshal(members)
}

// claimChannel gives a channel that was offered to several applications
// (StasisBroadcast) to one of them.
func (s *Server) claimChannel(_ context.Context, q *request) (response, error) {
	channel, app := q.params.String("channelId"), q.params.String("application")
	switch {
	case channel == "":
		return response{}, missingParameter("channelId")
	case app == "":
		return response{}, missingParameter("application")
	}
	switch err := s.hub.Claim(channel, app); {
	case err == nil:
		return noContent(), nil
	case errors.Is(err, stasis.ErrNoApp):
		return response{}, wire.ErrNoSuchApp
	case errors.Is(err, stasis.ErrNotIn):
		return response{}, wire.Errorf(http.StatusNotFound, "Channel not found or not in broadcast state")
	case errors.Is(err, stasis.ErrClaimed):
		return response{}, wire.Errorf(http.StatusConflict, "Channel has already been claimed by another application")
	default:
		return response{}, err
	}
}
