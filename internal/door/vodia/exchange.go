package vodia

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// Bounds of one request.
const (
	maxBody  = 64 << 10         // bytes of a body
	bodyTime = 10 * time.Second // for a body to come in
)

// exchange is one request with its answer.
type exchange struct {
	d      *Door
	c      *Config // in force when it came
	w      http.ResponseWriter
	r      *http.Request
	client netip.Addr // who asks: the peer, or what a trusted proxy says of it
}

// failure is why a request gets nothing. Links tell its text, the rest its code too.
type failure struct {
	status int
	code   string // word of the spec (vodia 4.10), or ours
	text   string // one line, for a message box
	after  time.Duration
	rule   string // for the audit trail; "" = there is nothing to tell, or it was told
}

// fail makes a failure that the audit trail does not hear of: nobody was kept from anything.
func fail(status int, code, text string) *failure {
	return &failure{status: status, code: code, text: text}
}

// deny makes one that it hears of.
func deny(status int, code, text string) *failure {
	return &failure{status: status, code: code, text: text, rule: code}
}

// audit writes a denial into the audit trail and the log. by may be nil: nobody known.
func (x *exchange) audit(f *failure, by *asker, account call.AccountID) {
	if f.rule == "" {
		return
	}
	o := x.origin(by)
	x.d.log.Warn("click-to-dial refused", "door", DoorName, "principal", o.Principal, "remote", x.client, "reason", f.code)
	code := originate.RefusedGuard
	switch f.status {
	case http.StatusBadRequest, http.StatusConflict:
		code = originate.RefusedInvalid
	case http.StatusTooManyRequests:
		code = originate.RefusedRate
	}
	// The trail is written even if the client has gone.
	x.d.o.Deny(context.WithoutCancel(x.r.Context()), originate.AuditEntry{
		At: x.d.now(), Origin: o, Account: account, Code: code, Rule: DoorName + " " + f.rule, Text: f.text,
	})
}

// origin says who asks.
func (x *exchange) origin(by *asker) call.Origin {
	o := call.Origin{Door: DoorName, Principal: DoorName, Remote: x.client.String()}
	if by != nil {
		o.Principal = by.principal()
	}
	return o
}

// after tells a client when to come again.
func (x *exchange) after(d time.Duration) {
	if d > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
}

// challenge asks for a password, if the client could send one safely.
func (x *exchange) challenge() {
	x.w.Header().Set("WWW-Authenticate", `Basic realm="`+realm(x.c)+`", charset="UTF-8"`)
}

// realm is the one that browsers show; what would end the quoted text is left out.
func realm(c *Config) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r < ' ' || r > '~' {
			return -1
		}
		return r
	}, c.Realm)
}

// json answers with a value. For a failure see refuse. < and > stay as they are, as in the
// messages of sockets: no browser takes the answer for HTML (nosniff), and addresses of SIP
// are full of them.
func (x *exchange) json(status int, v any) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	b := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if err != nil { // ours, and of plain values
		x.d.log.Error("answer cannot be written", "door", DoorName, "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal","message":"The answer could not be written."}`)
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(b) // nobody is left to be told of an error
}

// refuse answers with a failure as JSON: {"error":"not_allowed","message":"…"}.
func (x *exchange) refuse(f *failure) {
	x.after(f.after)
	if f.status == http.StatusUnauthorized {
		x.challenge()
	}
	x.json(f.status, map[string]string{"error": f.code, "message": f.text})
}

// plain answers with one line of text.
func (x *exchange) plain(f *failure) {
	x.after(f.after)
	if f.status == http.StatusUnauthorized {
		x.challenge()
	}
	h := x.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(f.text)+1))
	x.w.WriteHeader(f.status)
	_, _ = io.WriteString(x.w, f.text+"\n") // as above
}

// noMethod answers a method that the resource does not know.
func (x *exchange) noMethod(allow string) {
	x.w.Header().Set("Allow", allow)
	x.refuse(fail(http.StatusMethodNotAllowed, "method", "Allowed here: "+allow+"."))
}

// body reads the body.
func (x *exchange) body() ([]byte, *failure) {
	rc := http.NewResponseController(x.w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTime)) // a writer of a test has none
	b, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return nil, fail(http.StatusRequestEntityTooLarge, "too_large", "The body is too long.")
	}
	if err != nil {
		return nil, fail(http.StatusBadRequest, "bad_request", "The body could not be read.")
	}
	return b, nil
}

// secure says whether the client came by TLS, to us or to a trusted proxy.
func (x *exchange) secure() bool {
	return x.r.TLS != nil || auth.Among(auth.Peer(x.r), x.c.TrustedProxies) && x.r.Header.Get("X-Forwarded-Proto") == "https"
}

// private says whether nobody on the way can read what the client sends: by TLS, or from
// this machine; or that the operator does not mind (spec: vodia 12).
func (x *exchange) private() bool {
	return x.secure() || x.c.AllowPlainHTTP || x.client.IsLoopback() && auth.Peer(x.r).IsLoopback() && !auth.PassedOn(x.r.Header)
}

// notPrivate refuses secrets over plain HTTP.
func notPrivate() *failure {
	return deny(http.StatusForbidden, "plain_http", "Passwords and sessions are not accepted over plain HTTP; use https://.")
}

// ours says whether an Origin is our own: of the address that was asked for, or of
// vodia.public_host.
//
// Over plain HTTP a stranger's name can be made to lead to our address (DNS rebinding), and
// its pages then look like ours. They gain nothing here: what they could misuse, sessions
// and remembered passwords, browsers keep for each name apart, and from what address a
// request comes proves nothing to this door.
func (x *exchange) ours(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || x.secure()) {
		return false
	}
	return sameHost(u.Host, x.r.Host) || x.c.PublicHost != "" && sameHost(u.Host, x.c.PublicHost)
}

// sameHost compares host[:port], leaving out the usual ports.
func sameHost(a, b string) bool {
	bare := func(s string) string {
		if h, port, err := net.SplitHostPort(s); err == nil && (port == "80" || port == "443") {
			return h
		}
		return s
	}
	return strings.EqualFold(bare(a), bare(b))
}

// listed says whether an Origin is that of a page that may log in, dial and read.
func (x *exchange) listed(origin string) bool {
	return origin != "*" && origin != "null" && slices.Contains(x.c.AllowedOrigins, origin)
}

// foreign says whether a page asks that may not (spec: vodia 5.1, 8.1). Programs send no Origin.
func (x *exchange) foreign() bool {
	origins := x.r.Header.Values("Origin")
	switch {
	case len(origins) == 0 || len(origins) == 1 && origins[0] == "":
		return false
	case len(origins) > 1:
		return true
	}
	return !x.ours(origins[0]) && !x.listed(origins[0])
}

// notOurs refuses a page.
func notOurs() *failure {
	return deny(http.StatusForbidden, "origin", "This page may not do that: its origin is not in vodia.allowed_origins.")
}

// cors lets scripts of listed origins read the answer (spec: vodia 11).
func (x *exchange) cors() {
	h, origin := x.w.Header(), x.r.Header.Get("Origin")
	h.Add("Vary", "Origin")
	if x.listed(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers a browser that asks whether its script may ask.
func (x *exchange) preflight() {
	if !x.listed(x.r.Header.Get("Origin")) {
		x.refuse(fail(http.StatusForbidden, "origin", "This origin is not in vodia.allowed_origins."))
		return
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "content-type, authorization")
	if x.r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	x.w.WriteHeader(http.StatusNoContent)
}
