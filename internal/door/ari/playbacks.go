package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// playbackOperations are those of the resource playbacks (spec: ari 4). A playback
// that is over is gone.
func (s *Server) playbackOperations() map[string]operation {
	return map[string]operation{
		"playbacks.get": withPlayback(s, func(_ *request, p *pbx.Playback) (response, error) {
			return ok(s.playback(p.Snapshot())), nil
		}),
		"playbacks.stop": withPlayback(s, func(_ *request, p *pbx.Playback) (response, error) {
			p.Stop()
			return noContent(), nil
		}),
		"playbacks.control": withPlayback(s, controlPlayback),
	}
}

// withPlayback finds the playback of the path.
func withPlayback(s *Server, f func(*request, *pbx.Playback) (response, error)) operation {
	return func(_ context.Context, q *request) (response, error) {
		p, ok := s.sw.Playback(q.path["playbackId"])
		if !ok {
			return response{}, wire.ErrNoSuchPlayback
		}
		return f(q, p)
	}
}

// controlPlayback pauses, goes on, or moves about in what is played.
func controlPlayback(q *request, p *pbx.Playback) (response, error) {
	op := q.params.String("operation")
	switch pbx.PlaybackOp(op) {
	case pbx.PlaybackRestart, pbx.PlaybackPause, pbx.PlaybackUnpause, pbx.PlaybackReverse, pbx.PlaybackForward:
	case "":
		return response{}, wire.Errorf(http.StatusBadRequest, "Missing operation")
	default:
		return response{}, wire.Errorf(http.StatusBadRequest, "Invalid operation %s", op)
	}
	switch err := p.Control(pbx.PlaybackOp(op)); {
	case errors.Is(err, pbx.ErrNotPlaying):
		return response{}, wire.Errorf(http.StatusConflict, "Can only %s while media is playing", op)
	case err != nil:
		return response{}, err
	}
	return noContent(), nil
}
