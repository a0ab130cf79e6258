package rest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Options are what the door is made of. Calls, Endpoints, Live, Routes, Control and
// Keys are required.
type Options struct {
	Calls     Calls
	Endpoints Endpoints
	Live      Live
	Routes    Routes
	Control   Control
	Keys      *auth.Keys
	Commands  Commands     // nil = there are none
	DB        Database     // AstDB, nil = there is none
	Links     Links        // nil = there are none
	Imports   Imports      // lists and batches, nil = there are none
	Users     Users        // nil = there are none
	KeyBook   KeyBook      // nil = Keys cannot be changed
	Plans     Plans        // nil = no dialplan is shown
	Doors     Doors        // nil = none are told of
	Setup     Setup        // nil = nothing is advised
	Tester    Tester       // nil = phones and trunks cannot be tested
	Sessions  Sessions     // of browsers, nil = keys only
	History   History      // nil = none is kept
	Log       *slog.Logger // nil = discard

	Node           string    // shown to who has logged in
	Version        string    // shown in the API document
	Webphones      Webphones // nil: browsers are no phones here
	TrustedOrigins []string  // web origins that may change state
	MaxBody        int64     // bytes, 0 = 16 MiB
	MaxStreams     int       // event streams at once, 0 = 256
	MetricsAccess  string    // "loopback" (also ""), "key", "open"
	Heartbeat      time.Duration
	Metrics        *prometheus.Registry // nil = a new one
}

// Server is the door. It is safe for concurrent use.
type Server struct {
	o       Options
	log     *slog.Logger
	api     huma.API
	handler http.Handler
	metrics *metrics

	slots   chan struct{}  // one per open stream
	exports chan struct{}  // one per table that is being written
	tests   chan struct{}  // one per phone or trunk that is being tested
	stop    chan struct{}  // closed by Stop
	stopped sync.Once      // closes stop
	streams sync.WaitGroup // open streams

	personsMu sync.Mutex     // guards persons
	persons   map[string]int // open streams by who has them
}

// New makes the door. The error names what is wrong with the options.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = 256
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	s := &Server{o: o, log: o.Log, slots: make(chan struct{}, o.MaxStreams), exports: make(chan struct{}, maxExports), tests: make(chan struct{}, maxTests), stop: make(chan struct{}), persons: map[string]int{}}
	s.metrics = newMetrics(s)
	guard := http.NewCrossOriginProtection()
	for _, origin := range o.TrustedOrigins {
		if err := guard.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, newProblem(http.StatusForbidden, "cross-origin",
			"A web page of another origin may not change anything here; add its origin to http.trusted_origins."))
	}))
	mux := http.NewServeMux()
	s.api = humago.New(mux, apiConfig(o))
	s.register()
	s.registerPlain(mux)
	s.describeProblems()
	s.handler = private(s.limitBody(guard.Handler(s.identify(s.count(mux)))))
	return s, nil
}

// ServeHTTP serves the API. Requests whose context already has a principal
// (control socket) need no key.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Stop ends all event streams and returns when they have ended. Other requests
// are the HTTP server's to finish. It may be called twice.
func (s *Server) Stop(ctx context.Context) error {
	s.stopped.Do(func() { close(s.stop) })
	done := make(chan struct{})
	go func() { // ends with the last stream, whose writes have deadlines
		s.streams.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OpenAPI gives the API document as indented JSON.
func (s *Server) OpenAPI() ([]byte, error) {
	b, err := s.api.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, err
	}
	return indent(b)
}

func apiConfig(o Options) huma.Config {
	c := huma.DefaultConfig("Dialwright", o.Version)
	c.Info.Description = "Calls are submitted, followed and ended here. Errors are application/problem+json with a stable `code`. " +
		"Durations are seconds or text such as \"30s\". A POST with an Idempotency-Key that was used before gives the earlier result."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/v1/openapi", "", ""
	c.CreateHooks = nil // no $schema members in our bodies
	c.Transformers = []huma.Transformer{transformErrors}
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "bearer", BearerFormat: "dw_NAME_SECRET", Description: "An API key; `dialwright config key NAME` makes one"},
		"session": {Type: "apiKey", In: "cookie", Name: "dialwright_session", Description: "The session of a browser that has logged in; over HTTPS the cookie is __Host-dialwright_session. Other methods than GET and HEAD need the header X-CSRF-Token"},
	}
	return c
}

// describeProblems adds our members to the schema of errors.
func (s *Server) describeProblems() {
	m, ok := s.api.OpenAPI().Components.Schemas.Map()["ErrorModel"]
	if !ok {
		return
	}
	m.Properties["code"] = &huma.Schema{Type: huma.TypeString, Description: "Stable; for programs", Examples: []any{"guard"}}
	m.Properties["rule"] = &huma.Schema{Type: huma.TypeString, Description: "The guard rule that decided"}
	m.Properties["field"] = &huma.Schema{Type: huma.TypeString, Description: "The offending field of the body"}
}

// private keeps answers from caches, for the next one at a browser or behind a proxy is
// somebody else, and from being taken for another type than they are.
func private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (s *Server) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, s.maxBody(r))
		next.ServeHTTP(w, r)
	})
}

// identify finds out who asks. Health and the API document are open to all.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == sessionPath {
			r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, exchange{w, r}))
		}
		if _, ok := auth.FromContext(r.Context()); ok || open(r.URL.Path) || s.anyone(r) {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == "/metrics" && s.metricsOpenTo(r) {
			next.ServeHTTP(w, r)
			return
		}
		key, _ := strings.CutPrefix(authorization(r), "Bearer ")
		known, err := s.whoAsks(r, strings.TrimSpace(key))
		if err != nil {
			s.metrics.refused.WithLabelValues(problemOf(r.Context(), s.log, err).Code).Inc()
			s.log.InfoContext(r.Context(), "request refused", "door", "rest", "remote", r.RemoteAddr, "path", r.URL.Path, "reason", err.Error())
			writeProblem(w, problemOf(r.Context(), s.log, err))
			return
		}
		next.ServeHTTP(w, known)
	})
}

func open(path string) bool {
	switch path {
	case "/healthz", "/readyz", "/v1/openapi.json", "/v1/openapi.yaml":
		return true
	}
	return false
}

func (s *Server) metricsOpenTo(r *http.Request) bool {
	switch s.o.MetricsAccess {
	case "open":
		return true
	case "key":
		return false
	}
	a, err := netip.ParseAddr(remoteHost(r))
	return err == nil && a.Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == ""
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// principal gives who asks; identify has put it there.
func principal(ctx context.Context) auth.Principal {
	p, _ := auth.FromContext(ctx)
	return p
}

// may answers 403 unless the principal has the scope.
func (s *Server) may(scope auth.Scope) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if p := principal(ctx.Context()); !p.Can(scope) {
			s.metrics.refused.WithLabelValues("forbidden").Inc()
			_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, scopeAdvice(p, scope)) // the client has gone if this fails
			return
		}
		next(ctx)
	}
}

func scopeAdvice(p auth.Principal, scope auth.Scope) string {
	if p.Person {
		return "Your role may not do this: it needs the scope " + string(scope) + "."
	}
	return "The key " + p.Name + " has no scope " + string(scope) + "; add it to keys." + p.Name + ".scopes in the configuration."
}
