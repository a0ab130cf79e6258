package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Who comes into a bridge and leaves it.

// member is a channel that an application has, for a bridge.
type member struct {
	*pbx.Channel
	app string
}

// members finds the channels of the request, all of them, before anything is done
// with one: 400 for one that there is not, 422 for one that no application has.
func (s *Server) members(ids []string) ([]member, error) {
	if len(ids) == 0 {
		return nil, missingParameter("channel")
	}
	list := make([]member, len(ids))
	for i, id := range ids {
		m, err := s.member(id)
		if err != nil {
			return nil, err
		}
		list[i] = m
	}
	return list, nil
}

var errNotMember = wire.Errorf(http.StatusUnprocessableEntity, "Channel not in this bridge")

func (s *Server) member(id string) (member, error) {
	c, found := s.sw.Channel(id)
	if !found {
		return member{}, errUnknownMember
	}
	app, in := s.hub.In(id)
	if !in {
		return member{}, wire.Errorf(http.StatusUnprocessableEntity, "Channel not in Stasis application")
	}
	return member{c, app}, nil
}

// errUnknownMember is a 400 here, and a 404 where the channel is what the path names.
var errUnknownMember = wire.Errorf(http.StatusBadRequest, "Channel not found")

// addToBridge puts channels into a bridge, one after the other; one that is in
// another leaves that. When the answer comes they are in. Their applications hear of
// the bridge's end from now on, whoever is in it then (D6).
func (s *Server) addToBridge(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	list, err := s.members(q.params.List("channel"))
	if err != nil {
		return response{}, err
	}
	o := pbx.AddOptions{
		Role: q.params.String("role"), Mute: q.params.Bool("mute"), AbsorbDTMF: q.params.Bool("absorbDTMF"),
		InhibitConnected: q.params.Bool("inhibitConnectedLineUpdates"),
	}
	for _, m := range list {
		s.hub.BridgeInterest(m.app, b.ID())
		if err := b.Add(m.Channel, o); err != nil {
			return response{}, s.memberError(err, b, m)
		}
	}
	return noContent(), nil
}

// removeFromBridge takes channels out of a bridge. When the answer comes they are out.
func (s *Server) removeFromBridge(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	list, err := s.members(q.params.List("channel"))
	if err != nil {
		return response{}, err
	}
	for _, m := range list {
		if m.Snapshot().Bridge != b.ID() {
			return response{}, errNotMember
		}
	}
	for _, m := range list {
		if err := b.Remove(m.Channel); err != nil {
			return response{}, s.memberError(err, b, m)
		}
	}
	return noContent(), nil
}

// memberError is the refusal that a failure to add or remove a channel means.
func (s *Server) memberError(err error, b *pbx.Bridge, m member) error {
	switch {
	case errors.Is(err, pbx.ErrRecording):
		return wire.Errorf(http.StatusConflict, "Channel %s currently recording", m.ID())
	case errors.Is(err, pbx.ErrNotMember):
		return errNotMember
	case errors.Is(err, pbx.ErrGone):
		if now, found := s.sw.Bridge(b.ID()); found && now == b {
			return errUnknownMember // it is the channel that has gone
		}
	case errors.Is(err, pbx.ErrOverloaded):
		return wire.Errorf(http.StatusServiceUnavailable, "The channel has too many commands waiting")
	}
	return err
}

// setVideoSource chooses whose video is shown.
func (s *Server) setVideoSource(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	m, err := s.member(q.path["channelId"])
	if err != nil {
		return response{}, err
	}
	switch err := b.SetVideoSource(m.Channel); {
	case errors.Is(err, pbx.ErrNotMember):
		return response{}, errNotMember
	case err != nil:
		return response{}, err
	}
	return noContent(), nil
}

func clearVideoSource(_ context.Context, _ *request, b *pbx.Bridge) (response, error) {
	return noContent(), b.ClearVideoSource()
}
