package switchvox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// Bounds of one request.
const (
	maxBody  = 256 << 10        // bytes of a body (spec: switchvox 1)
	bodyTime = 10 * time.Second // for a body to come in
	findTime = time.Minute      // for its answer to be found; calls take what their phones do
)

// exchange is one request with its answer.
type exchange struct {
	d      *Door
	c      *Config // in force when it came
	w      http.ResponseWriter
	r      *http.Request
	client netip.Addr
	style  wire.Style

	user   directory.User // who has logged in
	method string         // of the envelope
}

// methods are those of HTTP that the door takes.
const methods = "POST, GET, HEAD"

// serve takes a request up to its login, and answers it.
func (x *exchange) serve() {
	h := x.w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	allowed := x.cors()
	switch x.r.Method {
	case http.MethodPost, http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		if allowed && x.r.Header.Get("Access-Control-Request-Method") != "" {
			x.preflight()
			return
		}
		fallthrough
	default:
		h.Set("Allow", methods)
		x.plain(http.StatusMethodNotAllowed)
		return
	}
	if why := x.shut(allowed); why != "" {
		x.refuse("access", why)
		return
	}
	if x.login() {
		x.take()
	}
}

// shut says why nobody can log in by this request; "" = one can.
func (x *exchange) shut(allowed bool) string {
	switch {
	case len(x.c.Networks) > 0 && !auth.Permitted(x.client, x.c.Networks, nil):
		return "the address is not in switchvox.networks"
	case x.foreign() && !allowed:
		// Browsers send remembered logins along (spec: switchvox R7).
		return "a web page that is not in switchvox.allowed_origins asks"
	case !x.secure() && !x.c.AllowPlainHTTP:
		return "passwords are not taken over plain HTTP; use HTTPS, or set switchvox.allow_plain_http"
	}
	return ""
}

// foreign says whether a browser asks on behalf of a page.
func (x *exchange) foreign() bool {
	site := x.r.Header.Get("Sec-Fetch-Site")
	return x.r.Header.Get("Origin") != "" || site != "" && site != "none" && site != "same-origin"
}

// secure says whether nobody on the way can read a password: by TLS, to us or to a trusted
// proxy, or from this machine, and not through a proxy on it that is not trusted.
func (x *exchange) secure() bool {
	if x.r.TLS != nil {
		return true
	}
	p := auth.Peer(x.r)
	if auth.Among(p, x.c.TrustedProxies) {
		return x.r.Header.Get("X-Forwarded-Proto") == "https" || x.client.IsLoopback() && !auth.PassedOn(x.r.Header)
	}
	return p.IsLoopback() && !auth.PassedOn(x.r.Header)
}

// cors lets scripts of allowed origins read the answer, and says whether one asks.
func (x *exchange) cors() bool {
	h, origin := x.w.Header(), x.r.Header.Get("Origin")
	h.Add("Vary", "Origin")
	if origin == "" || origin == "*" || !slices.Contains(x.c.AllowedOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	return true
}

// preflight answers a browser that asks whether its script may ask.
func (x *exchange) preflight() {
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	x.w.WriteHeader(http.StatusNoContent)
}

// take reads the envelope and answers it. What a GET or HEAD has is never looked at: they try
// whether the address and the login are right (spec: switchvox 1).
func (x *exchange) take() {
	var body []byte
	if x.r.Method == http.MethodPost {
		x.deadline(bodyTime)
		var err error
		body, err = io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			x.plain(http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			x.plain(http.StatusBadRequest)
			return
		}
		// While the answer is found, the connection is read to see the client go. The time of the
		// body would end that, and the answer with it.
		x.deadline(findTime)
	}
	answer := x.answer(body)
	if answer == nil { // nobody waits for it
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", x.style.Format.ContentType())
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(answer) // nobody is left to be told of an error
}

// answer does what the envelope asks for (spec: switchvox 5.3).
func (x *exchange) answer(body []byte) []byte {
	r, fault := wire.Parse(x.style.Format, body)
	x.method = r.Method
	if fault != nil {
		return x.fail(*fault)
	}
	do := action(r.Method)
	switch {
	case do == nil:
		return x.fail(wire.UnknownMethod(r.Method))
	case !x.may(r.Method):
		return x.denied("methods", "the login may not call "+r.Method)
	}
	return do(x, r)
}

// fail gives the answer that tells of faults.
func (x *exchange) fail(list ...wire.Error) []byte {
	if x.c.FirstErrorOnly {
		list = list[:1]
	}
	return x.style.Failure(x.method, list...)
}

func (x *exchange) result(in ...wire.Element) []byte { return x.style.Result(x.method, in...) }

// denied gives the answer that the login may not do this, which the audit trail has then.
func (x *exchange) denied(rule, text string) []byte {
	x.audit(rule, text)
	return x.fail(wire.Denied(x.method))
}

// refuse answers 403 to whoever is not let in. For one address and reason that is told once a
// minute: who is not let in must not be able to fill the audit trail.
func (x *exchange) refuse(rule, text string) {
	if x.d.locks.tells(addressKey(x.client), text, x.d.o.Now()) {
		x.d.log.Warn("request refused", "door", DoorName, "remote", x.client, "reason", text)
		x.audit(rule, text)
	}
	x.plain(http.StatusForbidden)
}

// audit writes a refusal of the door's own into the audit trail.
func (x *exchange) audit(rule, text string) {
	x.d.o.Originator.Deny(context.WithoutCancel(x.r.Context()), originate.AuditEntry{
		At: x.d.o.Now(), Origin: x.origin(), Account: x.user.Account, Code: originate.RefusedGuard, Rule: rule, Text: text,
	})
}

// origin says who asks, for the record, the guard and the audit trail.
func (x *exchange) origin() call.Origin {
	o := call.Origin{Door: DoorName, Principal: DoorName, Remote: x.client.String()}
	if x.user.Name.Local != "" {
		o.Principal += ":" + x.user.Name.String()
	}
	return o
}

// plain answers with a status alone.
func (x *exchange) plain(status int) {
	http.Error(x.w, http.StatusText(status), status)
}

// deadline gives the connection so much time from now on, to be read and written. The
// server's own limits are for requests that do not wait for phones.
func (x *exchange) deadline(d time.Duration) {
	rc, at := http.NewResponseController(x.w), time.Now().Add(d) // the connection's clock, not the door's
	// A writer of a test has no deadlines, and then nothing is to be done.
	_, _ = rc.SetReadDeadline(at), rc.SetWriteDeadline(at.Add(bodyTime))
}
