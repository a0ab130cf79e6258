package rest

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// History is what the door needs to look back. Errors are as those of Calls.
type History interface {
	// Journal gives the events of a call that are kept, oldest first, at most limit, and
	// whether there are more.
	Journal(ctx context.Context, id call.ID, limit int) (events []call.Event, more bool, err error)
	// Series sums up attempts. Steps in which nothing happened are left out.
	Series(ctx context.Context, f originate.SeriesFilter) ([]originate.Point, error)
	// Recordings gives what was recorded of a call, oldest first.
	Recordings(ctx context.Context, id call.ID) ([]Recorded, error)
	// Recording gives one, or a *Refusal not-found.
	Recording(ctx context.Context, id string) (Recorded, error)
	// OpenRecording opens the file of one for reading; fs.ErrNotExist if it is gone.
	OpenRecording(r Recorded) (*os.File, error)
}

// Recorded is a recording with what is known of its file.
type Recorded struct {
	originate.Recording
	Gone bool // the file is not where it was written to
	Live bool // it is being written; Duration and Bytes are as of now
}

// registerHistory lists the operations about calls that have been.
func (s *Server) registerHistory(op func(method, path, id, tag, summary string) huma.Operation) {
	if s.o.History == nil {
		s.o.History = noHistory{}
	}
	retry := op("POST", "/v1/calls/{id}/retry", "retry-call", "calls", "Ask for the same call again, now")
	retry.DefaultStatus = http.StatusCreated
	retry.Errors = []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	operation(s, op("GET", "/v1/calls/{id}/events", "list-call-events", "calls", "Its events, oldest first"), auth.CallsRead, s.callEvents)
	operation(s, retry, auth.CallsWrite, s.retryCall)
	operation(s, op("GET", "/v1/calls/{id}/recordings", "list-recordings", "calls", "What was recorded of it"), auth.CallsRead, s.callRecordings)
	audio := op("GET", "/v1/recordings/{id}", "get-recording", "calls", "The audio of a recording; ranges of it may be asked for")
	audio.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"audio/wav": {}, "application/octet-stream": {}}}}
	audio.Errors = []int{http.StatusNotFound, http.StatusGone}
	operation(s, audio, auth.CallsRead, s.serveRecording)
	operation(s, op("GET", "/v1/series", "series", "calls", "Attempts, answers and times to answer by steps of time, for plots"), auth.CallsRead, s.series)
	export := op("GET", "/v1/export/calls", "export-calls", "calls", "Calls as a table, newest first; a connection that is cut says that it is not whole")
	export.Responses = map[string]*huma.Response{"200": {Description: "The table", Content: map[string]*huma.MediaType{
		"text/csv": {}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {}, "application/jsonl": {},
	}}}
	export.Errors = []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	operation(s, export, auth.CallsRead, s.exportCalls)
}

// maxEvents of one call are given at once: a call with all its attempts has far fewer.
const maxEvents = 1000

type eventsOutput struct {
	Body struct {
		Events []call.Event `json:"events" nullable:"false"`
		More   bool         `json:"more,omitempty" doc:"There are more than these"`
	}
}

func (s *Server) callEvents(ctx context.Context, in *idInput) (*eventsOutput, error) {
	c, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	list, more, err := s.o.History.Journal(ctx, c.ID, maxEvents)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Events, out.Body.More = list, more
	if list == nil {
		out.Body.Events = []call.Event{}
	}
	return out, nil
}

type retryInput struct {
	ID  string `path:"id" maxLength:"64" doc:"Call ID"`
	Key string `header:"Idempotency-Key" maxLength:"256" doc:"Repeating a request with the same key makes no second call"`
}

// retryCall submits the request of a call again, as the wish of who asks now: it is due at
// once and does not expire, and is in no batch, whose numbers stay those of its own calls.
func (s *Server) retryCall(ctx context.Context, in *retryInput) (*callOutput, error) {
	c, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, p := c.Request, principal(ctx)
	r.Key, r.Digest = in.Key, ""
	r.NotBefore, r.NotAfter, r.Batch, r.AttemptBase = time.Time{}, time.Time{}, "", 0
	r.Origin = call.Origin{Door: doorOf(p), Principal: p.Name, Remote: remoteFrom(ctx), Reference: c.Request.Origin.Reference}
	return s.submit(ctx, r)
}

// noHistory is a server without one, for tests of other parts.
type noHistory struct{}

func (noHistory) none() error {
	return &Refusal{Code: "not-found", Text: "This server keeps no history."}
}

// Journal is History.
func (n noHistory) Journal(context.Context, call.ID, int) ([]call.Event, bool, error) {
	return nil, false, n.none()
}

// Series is History.
func (n noHistory) Series(context.Context, originate.SeriesFilter) ([]originate.Point, error) {
	return nil, n.none()
}

// Recordings is History.
func (n noHistory) Recordings(context.Context, call.ID) ([]Recorded, error) { return nil, n.none() }

// Recording is History.
func (n noHistory) Recording(context.Context, string) (Recorded, error) { return Recorded{}, n.none() }

// OpenRecording is History.
func (n noHistory) OpenRecording(Recorded) (*os.File, error) { return nil, n.none() }
