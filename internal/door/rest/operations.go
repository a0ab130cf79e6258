package rest

//go:generate go run ./gen

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// operation registers one typed operation with its scope. Errors of h become
// problems in problemOf, and nowhere else.
func operation[I, O any](s *Server, op huma.Operation, scope auth.Scope, h func(context.Context, *I) (*O, error)) {
	op.Description = "Scope: `" + string(scope) + "`."
	op.Middlewares = huma.Middlewares{s.may(scope)}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	handle(s, op, h)
}

// handle registers one that needs no scope.
func handle[I, O any](s *Server, op huma.Operation, h func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = s.o.MaxBody
	op.BodyReadTimeout = -1 // the HTTP server has one for the whole request
	if op.Security == nil {
		op.Security = []map[string][]string{{"key": {}}, {"session": {}}}
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			p := problemOf(ctx, s.log, err)
			s.metrics.refused.WithLabelValues(p.Code).Inc()
			return nil, p
		}
		return out, nil
	})
}

// register lists every operation of the API.
func (s *Server) register() {
	op := func(method, path, id, tag, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary}
	}
	create := op("POST", "/v1/calls", "create-call", "calls", "Submit a call")
	create.DefaultStatus = http.StatusCreated
	create.Errors = []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	operation(s, create, auth.CallsWrite, s.createCall)
	operation(s, op("GET", "/v1/calls", "list-calls", "calls", "List calls, newest first"), auth.CallsRead, s.listCalls)
	operation(s, op("GET", "/v1/calls/{id}", "get-call", "calls", "One call"), auth.CallsRead, s.getCall)
	operation(s, op("GET", "/v1/calls/{id}/attempts", "list-attempts", "calls", "Its attempts with legs and SIP ladders"), auth.CallsRead, s.listAttempts)
	operation(s, op("GET", "/v1/calls/{id}/explain", "explain-call", "calls", "Why it ended as it did"), auth.CallsRead, s.explainCall)
	operation(s, op("POST", "/v1/calls/{id}/cancel", "cancel-call", "calls", "Withdraw it, in any state"), auth.CallsWrite, s.cancelCall)
	operation(s, op("POST", "/v1/calls/{id}/hangup", "hangup-call", "calls", "Hang up its running attempt"), auth.CallsWrite, s.hangupCall)
	operation(s, op("POST", "/v1/check", "check-call", "calls", "Dry run: what would become of a call"), auth.CallsWrite, s.checkCall)

	batch := op("POST", "/v1/batches", "create-batch", "batches", "Submit many calls; each has its own result")
	batch.Errors = []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	operation(s, batch, auth.CallsWrite, s.createBatch)
	s.describeBatch()
	operation(s, op("POST", "/v1/batches/{batch}/pause", "pause-batch", "batches", "Start no further attempts of it"), auth.CallsWrite, s.pauseBatch)
	operation(s, op("POST", "/v1/batches/{batch}/resume", "resume-batch", "batches", "Go on with it"), auth.CallsWrite, s.resumeBatch)
	operation(s, op("POST", "/v1/batches/{batch}/cancel", "cancel-batch", "batches", "Withdraw all its calls"), auth.CallsWrite, s.cancelBatch)

	operation(s, op("GET", "/v1/records", "list-records", "calls", "Call detail records, newest first: of every attempt, and of what applications have dialled"), auth.CallsRead, s.listRecords)
	operation(s, op("GET", "/v1/bridges", "list-bridges", "live", "Bridges that there are now"), auth.Admin, s.listBridges)
	operation(s, op("DELETE", "/v1/bridges", "destroy-bridges", "live", "Destroy all bridges of applications at once"), auth.Admin, s.destroyBridges)

	operation(s, op("GET", "/v1/phones", "list-phones", "endpoints", "Phones and their states"), auth.EndpointsRead, s.listPhones)
	operation(s, op("GET", "/v1/trunks", "list-trunks", "endpoints", "Trunks and their states"), auth.EndpointsRead, s.listTrunks)
	operation(s, op("GET", "/v1/route", "route-number", "endpoints", "Dry run: where a number leads, step by step"), auth.EndpointsRead, s.routeNumber)
	operation(s, op("GET", "/v1/database", "list-entries", "database", "Entries of AstDB, in the order of their paths"), auth.Admin, s.listEntries)
	operation(s, op("DELETE", "/v1/database", "delete-entries", "database", "Delete an entry, or a tree of them"), auth.Admin, s.deleteEntries)
	operation(s, op("GET", "/v1/database/entry", "get-entry", "database", "One entry"), auth.Admin, s.getEntry)
	operation(s, op("PUT", "/v1/database/entry", "put-entry", "database", "Make or replace an entry"), auth.Admin, s.putEntry)
	operation(s, op("POST", "/v1/database/import", "import-entries", "database", "Take many entries over"), auth.Admin, s.importEntries)
	s.registerLinks(op)
	s.registerImports(op)
	s.registerHistory(op)
	s.registerUsers(op)
	s.registerKeys(op)
	s.registerPlans(op)
	s.registerDoors(op)
	s.registerTests(op)
	s.registerSession(op)
	s.registerWebphone(op)
	operation(s, op("GET", "/v1/stats", "stats", "server", "Counts and caps"), auth.CallsRead, s.stats)
	operation(s, op("GET", "/v1/audit", "audit", "server", "The audit trail: accepted and denied requests, newest first"), auth.Admin, s.audit)
	operation(s, op("POST", "/v1/config/reload", "reload-config", "server", "Load the configuration files"), auth.Admin, s.reload)
	operation(s, op("POST", "/v1/rx", "run-command", "server", "Carry out a command of Asterisk's CLI"), auth.Admin, s.rx)
	operation(s, op("POST", "/v1/rx/complete", "complete-command", "server", "How a command of Asterisk's CLI may go on"), auth.Admin, s.completeRx)
}

// registerPlain adds what is not JSON in, JSON out.
func (s *Server) registerPlain(mux *http.ServeMux) {
	need := func(scope auth.Scope, h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if p := principal(r.Context()); !p.Can(scope) {
				s.metrics.refused.WithLabelValues("forbidden").Inc()
				writeProblem(w, newProblem(http.StatusForbidden, "forbidden", scopeAdvice(p, scope)))
				return
			}
			h(w, r)
		}
	}
	mux.HandleFunc("GET /v1/events", need(auth.EventsRead, s.serveSSE))
	mux.HandleFunc("GET /v1/events/ws", need(auth.EventsRead, s.serveWebSocket))
	mux.HandleFunc("POST "+uploadPath, need(auth.CallsWrite, s.serveUpload))
	mux.HandleFunc("GET /v1/imports/{id}/refused", need(auth.CallsWrite, s.serveRefused))
	mux.HandleFunc("GET /v1/batches/{batch}/results", need(auth.CallsRead, s.serveResults))
	mux.HandleFunc("GET "+sourcePath, need(auth.Admin, s.servePlanSource))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { serveNothing(mux, w, r) })
	s.describeStreams()
}

// serveNothing answers where mux has nothing for the method (405 with Allow,
// RFC 9110 §15.5.6) or the path.
func serveNothing(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.WithContext(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		writeProblem(w, newProblem(http.StatusNotFound, "not-found", "There is nothing at "+r.Method+" "+r.URL.Path+"; /v1/openapi.json lists what there is."))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, newProblem(http.StatusMethodNotAllowed, "method-not-allowed", r.URL.Path+" knows "+strings.Join(allowed, " and ")+" only."))
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Control.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client has gone if this fails
}

// describeStreams puts the streams into the API document.
func (s *Server) describeStreams() {
	params := []*huma.Param{
		{Name: "after", In: "query", Description: "Number of the last event seen; the stream goes on after it. Absent: only new events; 0: all that are kept.", Schema: &huma.Schema{Type: huma.TypeInteger}},
		{Name: "call", In: "query", Description: "Events of one call only", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "batch", In: "query", Description: "Events of one batch only", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "type", In: "query", Description: "Events of these types only; may be repeated", Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: eventEnum()}}},
	}
	sse := append([]*huma.Param{{Name: "Last-Event-ID", In: "header", Description: "As after", Schema: &huma.Schema{Type: huma.TypeString}}}, params...)
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: "GET", Path: "/v1/events", OperationID: "events", Tags: []string{"events"}, Summary: "Follow events (server-sent events)",
		Description: "Scope: `events:read`. The id of each event is its number. The event `lost` says that events were deleted before they were read, or that the last one seen is not in the journal, and from which number the stream goes on.",
		Parameters:  sse, Security: []map[string][]string{{"key": {}}},
		Responses: map[string]*huma.Response{"200": {Description: "Events", Content: map[string]*huma.MediaType{"text/event-stream": {}}}},
	})
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: "GET", Path: "/v1/events/ws", OperationID: "events-ws", Tags: []string{"events"}, Summary: "Follow events (WebSocket)",
		Description: "Scope: `events:read`. Each message is {\"event\": …}, {\"lost\": {\"after\", \"oldest\"}} or {\"bye\": true} before the server closes.",
		Parameters:  params, Security: []map[string][]string{{"key": {}}},
		Responses: map[string]*huma.Response{"101": {Description: "WebSocket"}},
	})
}

func eventEnum() []any {
	var names []any
	for _, name := range eventNames() {
		names = append(names, name)
	}
	return names
}

func indent(b []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
