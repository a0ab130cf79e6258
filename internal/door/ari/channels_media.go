package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// play plays media to a channel; what plays already ends first (spec: ari 5.5).
func (s *Server) play(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	o, err := s.playOptions(q)
	if err != nil {
		return response{}, err
	}
	p, err := c.Play(o)
	if err != nil {
		return response{}, playError(err, o.ID)
	}
	return created(s.playback(p.Snapshot()), playbackLocation(p.ID())), nil
}

// recordChannel records what a channel says, in any state, bridged ones excepted (spec: ari
// 5.6, 7; 10 D9, D16). Asterisk says 201 and then RecordingFailed for those; the 409
// is what its description promises.
func (s *Server) recordChannel(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	o, err := recordOptions(&q.params)
	if err != nil {
		return response{}, err
	}
	r, err := c.Record(o)
	switch {
	case errors.Is(err, pbx.ErrBridged):
		return response{}, wire.Errorf(http.StatusConflict, "Cannot record channel while in bridge")
	case err != nil:
		return response{}, recordError(err, o.Name)
	}
	return created(s.recording(r.Snapshot()), recordingLocation(o.Name)), nil
}
