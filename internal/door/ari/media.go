package ari

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// What playing and recording have in common for channels and bridges (Asterisk:
// ari/resource_channels.c, ari/resource_bridges.c).

// playOptions reads the parameters of playing. Errors are 400 and, for an id in use,
// 409 (D8).
func (s *Server) playOptions(q *request) (pbx.PlayOptions, error) {
	p := &q.params
	o := pbx.PlayOptions{
		ID: cmp.Or(q.path["playbackId"], p.String("playbackId")), Media: p.List("media"), Language: p.String("lang"),
		Offset: p.Milliseconds("offsetms", 0), Skip: p.Milliseconds("skipms", 3000),
	}
	switch {
	case len(o.Media) == 0: // 500 in Asterisk (D14)
		return o, missingParameter("media")
	case o.Offset < 0:
		return o, wire.Errorf(http.StatusBadRequest, "offsetms cannot be negative")
	case o.Skip < 0:
		return o, wire.Errorf(http.StatusBadRequest, "skipms cannot be negative")
	}
	if _, used := s.sw.Playback(o.ID); used && o.ID != "" {
		return o, playError(pbx.ErrPlaybackInUse, o.ID)
	}
	return o, nil
}

// playError is the refusal that a failure to play means.
func playError(err error, id string) error {
	switch {
	case errors.Is(err, pbx.ErrPlaybackInUse):
		return wire.Errorf(http.StatusConflict, "Playback with id '%s' already exists", id)
	case errors.Is(err, pbx.ErrNoMedia):
		return wire.Errorf(http.StatusInternalServerError, "Failed to queue media for playback")
	}
	return err
}

// playbackLocation is where a playback is found.
func playbackLocation(id string) string { return "/ari/playbacks/" + url.PathEscape(id) }

// recordOptions reads the parameters of recording. Errors are 400 and 422.
func recordOptions(p *wire.Params) (pbx.RecordOptions, error) {
	o := pbx.RecordOptions{Name: p.String("name"), Format: p.String("format"), Beep: p.Bool("beep")}
	if err := recordLimits(p, &o); err != nil {
		return o, err
	}
	switch cmp.Or(p.String("ifExists"), "fail") {
	case "fail":
		o.IfExists = pbx.ExistsFail
	case "overwrite":
		o.IfExists = pbx.ExistsOverwrite
	case "append":
		o.Append = true
	default:
		return o, wire.Errorf(http.StatusBadRequest, "ifExists invalid")
	}
	switch end := cmp.Or(p.String("terminateOn"), "none"); end {
	case "none":
	case "any", "*", "#":
		o.TerminateOn = end
	default:
		return o, wire.Errorf(http.StatusBadRequest, "terminateOn invalid")
	}
	switch {
	case o.Name == "": // 500 in Asterisk (D14)
		return o, missingParameter("name")
	case o.Format == "":
		return o, missingParameter("format")
	case !fs.ValidPath(o.Name) || o.Name == ".": // 500 in Asterisk (D14)
		return o, errRecordName
	case !media.CanRecord(o.Format):
		return o, errRecordFormat
	}
	return o, nil
}

func recordLimits(p *wire.Params, o *pbx.RecordOptions) error {
	for _, limit := range []struct {
		param, name string
		d           *time.Duration
	}{
		{"maxDurationSeconds", "max_duration_seconds", &o.MaxDuration},
		{"maxSilenceSeconds", "max_silence_seconds", &o.MaxSilence},
	} {
		if *limit.d = p.Seconds(limit.param, 0); *limit.d < 0 {
			return wire.Errorf(http.StatusBadRequest, "%s cannot be negative", limit.name)
		}
	}
	return nil
}

var (
	errRecordName   = wire.Errorf(http.StatusBadRequest, "name must be a path below the recordings directory")
	errRecordFormat = wire.Errorf(http.StatusUnprocessableEntity, "specified format is unknown on this system")
)

// recordError is the refusal that a failure to record means.
func recordError(err error, name string) error {
	switch {
	case errors.Is(err, pbx.ErrFormat):
		return errRecordFormat
	case errors.Is(err, pbx.ErrRecording):
		return wire.Errorf(http.StatusConflict, "Recording '%s' already exists and can not be overwritten", name)
	case errors.Is(err, fs.ErrInvalid):
		return errRecordName
	case errors.Is(err, pbx.ErrNotSupported):
		return wire.Errorf(http.StatusNotImplemented, "This server has no recordings directory")
	}
	return err
}

// recordingLocation is where a live recording is found.
func recordingLocation(name string) string { return "/ari/recordings/live/" + url.PathEscape(name) }
