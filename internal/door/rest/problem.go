package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Problem is the body of every error (RFC 9457), with a code that programs can
// rely on.
type Problem struct {
	huma.ErrorModel
	Code  string `json:"code"`            // stable, see refusalStatus and statusCode
	Rule  string `json:"rule,omitempty"`  // the guard rule that decided
	Field string `json:"field,omitempty"` // offending field of the body

	retryAfter time.Duration
}

// GetHeaders gives Retry-After where a repeat makes sense later.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds())))}}
}

// refusalStatus gives the HTTP status of each refusal code.
func refusalStatus(code string) int {
	switch code {
	case "invalid", "destination":
		return http.StatusUnprocessableEntity
	case "account", "guard", "forbidden":
		return http.StatusForbidden
	case "rate":
		return http.StatusTooManyRequests
	case "key-reused":
		// draft-ietf-httpapi-idempotency-key-header §2.7: same key, other payload
		return http.StatusUnprocessableEntity
	case "not-found":
		return http.StatusNotFound
	case "state":
		return http.StatusConflict
	case "stopping", "store":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// statusCode gives the code of problems that the HTTP layer itself reports.
func statusCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "malformed"
	case http.StatusUnauthorized:
		return "unauthorized"
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusNotFound:
		return "not-found"
	case http.StatusMethodNotAllowed:
		return "method-not-allowed"
	case http.StatusNotAcceptable:
		return "not-acceptable"
	case http.StatusRequestTimeout:
		return "timeout"
	case http.StatusRequestEntityTooLarge:
		return "too-large"
	case http.StatusUnsupportedMediaType:
		return "media-type"
	case http.StatusUnprocessableEntity:
		return "invalid"
	case http.StatusTooManyRequests:
		return "rate"
	case http.StatusServiceUnavailable:
		return "unavailable"
	}
	return "internal"
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{
		ErrorModel: huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail},
		Code:       code,
	}
}

// problemOf turns any error into what the client sees. Errors that are not
// meant for clients become "internal"; their text goes to the log only.
func problemOf(ctx context.Context, log *slog.Logger, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		status := refusalStatus(r.Code)
		p := newProblem(status, r.Code, r.Text)
		p.Rule, p.Field, p.retryAfter = r.Rule, r.Field, r.RetryAfter
		if p.retryAfter == 0 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
			p.retryAfter = time.Second
		}
		if p.Field != "" {
			p.Errors = []*huma.ErrorDetail{{Message: r.Text, Location: "body." + r.Field}}
		}
		return p
	}
	if p := sessionProblem(err); p != nil {
		return p
	}
	switch {
	case errors.Is(err, auth.ErrThrottled):
		p := newProblem(http.StatusTooManyRequests, "rate", err.Error())
		p.retryAfter = time.Minute
		return p
	case errors.Is(err, auth.ErrNoKey), errors.Is(err, auth.ErrWrongKey):
		return newProblem(http.StatusUnauthorized, "unauthorized", err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "unavailable", "The request was cut short.")
	}
	log.ErrorContext(ctx, "request failed", "door", "rest", "err", err)
	return newProblem(http.StatusInternalServerError, "internal", "Something went wrong in the server; its log says what.")
}

// transformErrors gives the errors of the HTTP layer our shape.
func transformErrors(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{ErrorModel: *m, Code: statusCode(m.Status)}
	if m.Status >= http.StatusInternalServerError {
		p.Errors = nil // inside details never leave the door
	}
	shorten(p.Errors)
	return p, nil
}

// shorten bounds what errors echo of the body.
func shorten(details []*huma.ErrorDetail) {
	for _, e := range details {
		if s, ok := e.Value.(string); ok && len(s) > 256 && e.Location != "body" {
			e.Value = s[:256]
		} else if !ok || e.Location == "body" {
			e.Value = nil // a whole body echoed back helps nobody and may hold secrets
		}
	}
}

// writeProblem answers outside of typed operations.
func writeProblem(w http.ResponseWriter, p *Problem) {
	for k, vs := range p.GetHeaders() {
		w.Header()[k] = vs
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="dialwright"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone if this fails
}
