package ari

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// answerChannel answers a channel that came in; one that is up stays as it is.
func (s *Server) answerChannel(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	if err := c.Answer(); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// What a channel hears in the background, as StartTone names it.
const (
	ringTone  = "tone:ring"
	stillness = "silence:0"
	musicTone = "music:"
)

// ring tells a party that calls us that it is ringing; one that is up hears the tone.
func (s *Server) ring(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	if c.State() == pbx.Up {
		return s.told(c, "ringing", c.StartTone(ringTone))
	}
	return s.told(c, "ringing", c.Ring())
}

// ringStop ends the tone.
func (s *Server) ringStop(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "no ringing", c.StopToneIf(ringTone))
}

// progress opens early media towards a party that calls us (183).
func (s *Server) progress(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "progress", c.Progress())
}

// sendDTMF presses keys for the party. It does not wait until they are all sent.
func (s *Server) sendDTMF(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	keys := q.params.String("dtmf")
	if keys == "" {
		return response{}, wire.Errorf(http.StatusBadRequest, "DTMF is required")
	}
	// What is no key is left out (Asterisk: main/app.c ast_dtmf_stream).
	keys = strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789*#abcdABCDwW", r) {
			return r
		}
		return -1
	}, keys)
	err := c.SendDTMF(keys, pbx.DTMFOptions{
		Before: max(0, q.params.Milliseconds("before", 0)), Between: max(0, q.params.Milliseconds("between", 100)),
		Duration: max(0, q.params.Milliseconds("duration", 100)), After: max(0, q.params.Milliseconds("after", 0)),
	})
	return s.told(c, "digits", err)
}

// mute stops the media of a party in one direction or both; the other stays as it is.
func (s *Server) mute(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	return s.changeMute(q, c, true)
}

// unmute is the opposite.
func (s *Server) unmute(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	return s.changeMute(q, c, false)
}

// changeMute reads the direction; both if none is given (spec: ari 10 D11).
func (s *Server) changeMute(q *request, c *pbx.Channel, on bool) (response, error) {
	var in, out bool
	switch cmp.Or(q.params.String("direction"), "both") {
	case "both":
		in, out = true, true
	case "in":
		in = true
	case "out":
		out = true
	default:
		return response{}, wire.Errorf(http.StatusBadRequest, "Invalid direction specified")
	}
	if err := c.ChangeMute(on, in, out); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// hold puts the party on hold by signalling; no event tells (spec: ari 5.9).
func (s *Server) hold(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "hold", c.Hold(true))
}

// unhold takes it back.
func (s *Server) unhold(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "unhold", c.Hold(false))
}

// startMoh plays music until it is stopped; playbacks interrupt it. Without a class it
// is that of CHANNEL(musicclass); one that is unknown plays nothing.
func (s *Server) startMoh(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
	class := q.params.String("mohClass")
	if class == "" {
		class, _ = c.ReadVariable(ctx, "CHANNEL(musicclass)")
	}
	if class == "default" { // what it is called when no class has been set
		class = ""
	}
	return s.told(c, "music on hold", c.StartTone(musicTone+class))
}

// stopMoh stops the music.
func (s *Server) stopMoh(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "no music on hold", c.StopToneIf(musicTone))
}

// startSilence lets the party hear silence instead of whatever was in the background.
func (s *Server) startSilence(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "silence", c.StartTone(stillness))
}

// stopSilence ends it.
func (s *Server) stopSilence(_ context.Context, _ *request, c *pbx.Channel) (response, error) {
	return s.told(c, "no silence", c.StopToneIf(stillness))
}
