package ari

import (
	"net/http"
	"slices"
)

// cors lets scripts of allowed origins read the answer (spec: ari 2.5), and says whether
// the request comes from one. Names of headers are matched without regard to case.
func (x *exchange) cors() bool {
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	if !slices.Contains(x.c.AllowedOrigins, "*") && !slices.Contains(x.c.AllowedOrigins, origin) {
		return false
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Add("Vary", "Origin")
	return true
}

// preflight says whether a browser asks if its script may ask. It sends no credentials,
// so none are demanded, other than by Asterisk (spec: ari 2.5 rule 4).
func (x *exchange) preflight() bool {
	return x.r.Method == http.MethodOptions && x.r.Header.Get("Access-Control-Request-Method") != ""
}

// allowMethods answers a preflight, if the path has the method asked for.
func (x *exchange) allowMethods(methods []string, joined string) {
	h := x.w.Header()
	if h.Get("Access-Control-Allow-Origin") == "" || !x.preflight() ||
		!slices.Contains(methods, x.r.Header.Get("Access-Control-Request-Method")) {
		return
	}
	h.Set("Access-Control-Allow-Methods", joined)
	if asked := x.r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
}
