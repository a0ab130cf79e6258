package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Plans is what the door needs to show the dialplan. Errors are *Refusal.
type Plans interface {
	Plan() Plan
	// Source gives the text of one of Plan's Files.
	Source(name string) ([]byte, error)
	// Trace runs an extension with pretended phones, for who asks: one at a time for each.
	Trace(ctx context.Context, who string, t PlanTrace) (PlanTraced, error)
}

// Plan is the dialplan in force.
type Plan struct {
	File     string        `json:"file" doc:"As the configuration names it; empty: there is none"`
	Files    []string      `json:"files" nullable:"false" doc:"What was read, below the directory of file"`
	Contexts []PlanContext `json:"contexts" nullable:"false" doc:"By name"`
	Problems []PlanProblem `json:"problems" nullable:"false" doc:"What is wrong with it"`
}

// PlanContext is a context.
type PlanContext struct {
	Name       string          `json:"name"`
	Includes   []string        `json:"includes" nullable:"false" doc:"As written, with their times"`
	Extensions []PlanExtension `json:"extensions" nullable:"false" doc:"In the order in which they are tried"`
}

// PlanExtension is an extension, or a pattern.
type PlanExtension struct {
	Exten      string     `json:"exten" doc:"As written, with its condition on the caller behind a slash"`
	File       string     `json:"file"`
	Line       int        `json:"line"`
	Priorities []PlanStep `json:"priorities" nullable:"false"`
}

// PlanStep is a priority.
type PlanStep struct {
	Priority int    `json:"priority"`
	Label    string `json:"label,omitempty"`
	App      string `json:"app"`
	Data     string `json:"data" doc:"Arguments, as written"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// PlanProblem is a mistake in a dialplan.
type PlanProblem struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity" enum:"warning,error" doc:"error: calls that come here end"`
	Text     string `json:"text"`
	Context  string `json:"context,omitempty"`
	Exten    string `json:"exten,omitempty"`
}

// PlanTrace says what is run, and with whom.
type PlanTrace struct {
	Context string `json:"context" minLength:"1" maxLength:"80"`
	Exten   string `json:"exten" minLength:"1" maxLength:"80" example:"100"`
	Caller  string `json:"caller,omitempty" maxLength:"256" example:"\"Ada\" <101>" doc:"Caller ID"`
	Digits  string `json:"digits,omitempty" maxLength:"64" doc:"What the caller presses once the call is answered; w waits half a second"`
	Dials   string `json:"dials,omitempty" maxLength:"256" example:"486" doc:"How phones that are dialled behave, as a Pretend number: 180 rings and answers, 486 is busy, timeout does nothing"`
}

// PlanTraced is what a trace has shown.
type PlanTraced struct {
	Lines []string `json:"lines" nullable:"false" doc:"Steps with their places, and what they did, as dialwright dialplan trace prints them"`
	Ended string   `json:"ended" doc:"How it came to its end"`
}

// plans gives the dialplan, or says that there is none.
func (s *Server) plans() (Plans, error) {
	if s.o.Plans == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server runs no dialplan."}
	}
	return s.o.Plans, nil
}

type planOutput struct{ Body Plan }

func (s *Server) getPlan(context.Context, *struct{}) (*planOutput, error) {
	plans, err := s.plans()
	if err != nil {
		return nil, err
	}
	return &planOutput{plans.Plan()}, nil
}

type planTraceInput struct{ Body PlanTrace }

type planTraceOutput struct{ Body PlanTraced }

func (s *Server) tracePlan(ctx context.Context, in *planTraceInput) (*planTraceOutput, error) {
	plans, err := s.plans()
	if err != nil {
		return nil, err
	}
	t := in.Body
	switch {
	case badPlace(t.Context):
		return nil, &Refusal{Code: "invalid", Field: "context", Text: "This cannot be the name of a context."}
	case badPlace(t.Exten):
		return nil, &Refusal{Code: "invalid", Field: "exten", Text: "This cannot be an extension."}
	case strings.Trim(t.Digits, "0123456789ABCDabcd*#wW") != "":
		return nil, &Refusal{Code: "invalid", Field: "digits", Text: "Use 0-9, A-D, *, # and w in digits."}
	case strings.ContainsFunc(t.Caller+t.Dials, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, &Refusal{Code: "invalid", Text: "Control characters cannot be used here."}
	}
	out, err := plans.Trace(ctx, principal(ctx).Name, t)
	if err != nil {
		return nil, err
	}
	return &planTraceOutput{out}, nil
}

// badPlace says whether a context or an extension of this name cannot be called: it would be
// read as something else on the way.
func badPlace(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/@,;&|\\", r) })
}

// sourcePath is where the text of files is.
const sourcePath = "/v1/dialplan/source"

// servePlanSource gives a file as it is written. It is never taken for a web page.
func (s *Server) servePlanSource(w http.ResponseWriter, r *http.Request) {
	plans, err := s.plans()
	var text []byte
	if err == nil {
		text, err = plans.Source(r.URL.Query().Get("file"))
	}
	if err != nil {
		p := problemOf(r.Context(), s.log, err)
		s.metrics.refused.WithLabelValues(p.Code).Inc()
		writeProblem(w, p)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text) // the client has gone if this fails
}

// registerPlans lists the operations of the dialplan.
func (s *Server) registerPlans(op func(method, path, id, tag, summary string) huma.Operation) {
	operation(s, op("GET", "/v1/dialplan", "get-dialplan", "dialplan", "The dialplan in force, and what is wrong with it"), auth.Admin, s.getPlan)
	trace := op("POST", "/v1/dialplan/trace", "trace-dialplan", "dialplan", "Run an extension with pretended phones, and tell each step")
	trace.DefaultStatus = http.StatusOK
	trace.Errors = []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests}
	operation(s, trace, auth.Admin, s.tracePlan)
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: "GET", Path: sourcePath, OperationID: "dialplan-source", Tags: []string{"dialplan"}, Summary: "A file of the dialplan, as it is written",
		Description: "Scope: `admin`. Only files that the dialplan in force was read from.", Security: []map[string][]string{{"key": {}}, {"session": {}}},
		Parameters: []*huma.Param{{Name: "file", In: "query", Required: true, Description: "One of files of /v1/dialplan", Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses:  map[string]*huma.Response{"200": {Description: "The text", Content: map[string]*huma.MediaType{"text/plain": {}}}},
	})
}
