package rest

import (
	"context"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dialwright/dialwright/internal/call"
)

// RecordingView is a recording as the API shows it.
type RecordingView struct {
	ID        string     `json:"id"`
	Leg       string     `json:"leg,omitempty" enum:"a,b" doc:"Whose channel was recorded; absent for other channels and for bridges"`
	Channel   string     `json:"channel,omitempty" doc:"Name of the channel or bridge"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty" doc:"Absent while it runs, and if the server died meanwhile"`
	Duration  Seconds    `json:"duration"`
	Bytes     int64      `json:"bytes"`
	Format    string     `json:"format" doc:"The file's suffix: wav, gsm, ulaw, …"`
	Live      bool       `json:"live,omitempty" doc:"It is being recorded"`
	Gone      bool       `json:"gone,omitempty" doc:"The file was deleted or moved since"`
	URL       string     `json:"url,omitempty" doc:"Where to get the audio; absent when it is gone"`
}

func viewRecording(r Recorded) RecordingView {
	v := RecordingView{
		ID: r.ID, Leg: r.Leg, Channel: r.Channel, StartedAt: r.StartedAt, EndedAt: timeOrNil(r.EndedAt),
		Duration: Seconds(r.Duration), Bytes: r.Bytes, Format: strings.TrimPrefix(path.Ext(r.Path), "."), Live: r.Live, Gone: r.Gone,
	}
	if !r.Gone {
		v.URL = "/v1/recordings/" + r.ID
	}
	return v
}

type recordingsOutput struct {
	Body struct {
		Recordings []RecordingView `json:"recordings" nullable:"false"`
	}
}

func (s *Server) callRecordings(ctx context.Context, in *idInput) (*recordingsOutput, error) {
	c, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.o.History.Recordings(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	out := &recordingsOutput{}
	out.Body.Recordings = make([]RecordingView, 0, len(list))
	for _, r := range list {
		out.Body.Recordings = append(out.Body.Recordings, viewRecording(r))
	}
	return out, nil
}

type recordingInput struct {
	ID       string `path:"id" maxLength:"64" doc:"ID of the recording"`
	Download bool   `query:"download" doc:"To be kept as a file, not played"`
	Range    string `header:"Range" doc:"Bytes of it only (RFC 9110 §14)"`
}

// serveRecording gives the audio to who may see its call.
func (s *Server) serveRecording(ctx context.Context, in *recordingInput) (*huma.StreamResponse, error) {
	r, err := s.o.History.Recording(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.own(ctx, string(r.Call)); err != nil {
		if refused, ok := errors.AsType[*Refusal](err); ok && refused.Code == "not-found" {
			return nil, &Refusal{Code: "not-found", Text: "There is no recording " + in.ID + "."}
		}
		return nil, err
	}
	f, err := s.o.History.OpenRecording(r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newProblem(http.StatusGone, "gone", "The file of the recording was deleted or moved; it was "+r.Path+".")
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		info, err := f.Stat()
		req, w := humago.Unwrap(hc)
		if err != nil || !info.Mode().IsRegular() {
			writeProblem(w, newProblem(http.StatusGone, "gone", "There is no file in the recording's place any more."))
			return
		}
		kind := audioType(r.Path)
		how := "inline"
		if in.Download || kind == "application/octet-stream" {
			how = "attachment"
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": recordingName(r)}))
		h.Set("Cache-Control", "private, no-cache")
		http.ServeContent(&slowWriter{ResponseWriter: w, rc: http.NewResponseController(w)}, req, "", info.ModTime(), f)
	}}, nil
}

// audioType gives the media type by the suffix: a recorder made the file, but it is told
// as audio only if browsers know it.
func audioType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".wav", ".wav16":
		return "audio/wav"
	case ".gsm":
		return "audio/gsm"
	}
	return "application/octet-stream"
}

// recordingName is the file's name for who keeps it.
func recordingName(r Recorded) string {
	return "recording-" + r.StartedAt.UTC().Format("20060102-150405") + "-" + string(shortID(r.Call)) + path.Ext(r.Path)
}

// shortID is the end of a call's id: its begin is the time.
func shortID(id call.ID) call.ID { return id[max(0, len(id)-12):] }

// patience is how long a client may take to accept one piece of a file.
const patience = time.Minute

// slowWriter lets a client be slow, but not stand still: each piece has its own time.
type slowWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

// Write passes a piece on.
func (w *slowWriter) Write(p []byte) (int, error) {
	if err := w.rc.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
