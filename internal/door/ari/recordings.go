package ari

import (
	"context"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// recordingOperations are those of the resource recordings (spec: ari 4, 5.6).
func (s *Server) recordingOperations() map[string]operation {
	return map[string]operation{
		"recordings.listStored":    s.listStored,
		"recordings.getStored":     s.getStored,
		"recordings.deleteStored":  s.deleteStored,
		"recordings.getStoredFile": s.getStoredFile,
		"recordings.copyStored":    s.copyStored,
		"recordings.getLive": s.withLive(func(_ context.Context, r *pbx.Recording) (response, error) {
			return ok(s.recording(r.Snapshot())), nil
		}),
		"recordings.cancel": s.withLive(cancelRecording),
		"recordings.stop":   s.withLive(stopRecording),
		"recordings.pause":  s.withLive(inSession(func(r *pbx.Recording) { r.Pause(true) })),
		"recordings.unpause": s.withLive(inSession(func(r *pbx.Recording) {
			r.Pause(false)
		})),
		"recordings.mute":   s.withLive(inSession(func(r *pbx.Recording) { r.Mute(true) })),
		"recordings.unmute": s.withLive(inSession(func(r *pbx.Recording) { r.Mute(false) })),
	}
}

// withLive finds the live recording of the path.
func (s *Server) withLive(f func(context.Context, *pbx.Recording) (response, error)) operation {
	return func(ctx context.Context, q *request) (response, error) {
		r, found := s.sw.Recording(q.path["recordingName"])
		if !found {
			return response{}, wire.ErrNoSuchRecording
		}
		return f(ctx, r)
	}
}

// stopRecording ends a recording. Its file is complete when the answer comes.
func stopRecording(ctx context.Context, r *pbx.Recording) (response, error) {
	r.Stop()
	return noContent(), ended(ctx, r)
}

// cancelRecording ends a recording and removes its file.
func cancelRecording(ctx context.Context, r *pbx.Recording) (response, error) {
	r.Cancel()
	return noContent(), ended(ctx, r)
}

// ended waits until a recording is over. A client that has gone does not wait.
func ended(ctx context.Context, r *pbx.Recording) error {
	select {
	case <-r.Done():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// inSession does f to a recording that runs or pauses.
func inSession(f func(*pbx.Recording)) func(context.Context, *pbx.Recording) (response, error) {
	return func(_ context.Context, r *pbx.Recording) (response, error) {
		switch r.Snapshot().State {
		case pbx.RecordingRunning, pbx.RecordingPaused:
			f(r)
			return noContent(), nil
		}
		return response{}, wire.Errorf(http.StatusConflict, "Recording not in session")
	}
}
