package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// What is played to a bridge and recorded of it.

// startBridgeMusic plays music until it is stopped. A class that there is not, or that
// cannot be played, is the default one (Asterisk: res_musiconhold.c
// local_ast_moh_start).
func (s *Server) startBridgeMusic(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	class := q.params.String("mohClass")
	if class == "default" {
		class = ""
	}
	err := b.StartMusic(class)
	if err != nil && class != "" && !errors.Is(err, pbx.ErrGone) && !errors.Is(err, pbx.ErrOverloaded) {
		s.log.Info("music on hold of the default class instead", "class", class, "bridge", b.ID(), "error", err)
		err = b.StartMusic("")
	}
	return noContent(), err
}

func stopBridgeMusic(_ context.Context, _ *request, b *pbx.Bridge) (response, error) {
	err := b.StopMusic()
	if errors.Is(err, pbx.ErrNoMusic) {
		err = wire.Errorf(http.StatusConflict, "Bridge isn't playing music")
	}
	return noContent(), err
}

// playToBridge plays media to all members. The announcer that Asterisk makes for it
// has no counterpart here, so its format only has to be one that there is.
func (s *Server) playToBridge(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	if err := knownFormat(&q.params, "announcer_format"); err != nil {
		return response{}, err
	}
	o, err := s.playOptions(q)
	if err != nil {
		return response{}, err
	}
	p, err := b.Play(o)
	if err != nil {
		return response{}, playError(err, o.ID)
	}
	return created(s.playback(p.Snapshot()), playbackLocation(p.ID())), nil
}

// recordBridge records what all members say together.
func (s *Server) recordBridge(_ context.Context, q *request, b *pbx.Bridge) (response, error) {
	if err := knownFormat(&q.params, "recorder_format"); err != nil {
		return response{}, err
	}
	o, err := recordOptions(&q.params)
	if err != nil {
		return response{}, err
	}
	r, err := b.Record(o)
	if err != nil {
		return response{}, recordError(err, o.Name)
	}
	return created(s.recording(r.Snapshot()), recordingLocation(o.Name)), nil
}

// knownFormat refuses a parameter that names a media format that there is not.
func knownFormat(p *wire.Params, param string) error {
	switch p.String(param) {
	case "", "ulaw", "alaw", "g722", "g726", "g729", "gsm", "ilbc", "opus", "speex", "speex16", "speex32", "siren7", "siren14",
		"slin", "slin12", "slin16", "slin24", "slin32", "slin44", "slin48", "slin96", "slin192":
		return nil
	}
	return wire.Errorf(http.StatusUnprocessableEntity, "specified %s is unknown on this system", param)
}
