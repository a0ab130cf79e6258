package ari

import (
	"net/http"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// describe answers a request for /ari/api-docs/<name> (spec: ari 2.6).
func describe(q *ask, name string) answered {
	a := answered{operation: "api-docs"}
	if q.method != http.MethodGet {
		a.err = wire.Errorf(http.StatusMethodNotAllowed, "Unsupported method")
		return a
	}
	resource, ok := strings.CutSuffix(wire.Unescape(name), ".json")
	if ok && resource == "resources" {
		a.response = response{status: http.StatusOK, body: wire.Resources(q.base)}
		return a
	}
	d, found := wire.Description(resource, q.base)
	if !ok || !found {
		a.err = errNoResource
		return a
	}
	a.response = response{status: http.StatusOK, body: d}
	return a
}

// basePath gives the address of the API as the client sees it.
func (x *exchange) basePath() string {
	https := x.r.TLS != nil || strings.EqualFold(x.r.Header.Get("X-Forwarded-Proto"), "https")
	return wire.BasePath(x.r.Host, x.c.Prefix, https)
}
