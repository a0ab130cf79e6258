package dialproxy

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/wire/dialproxy"
)

// Bounds of one request.
const (
	maxBody  = 64 << 10         // bytes of a body
	maxField = 8 << 10          // bytes of one field of a multipart body
	bodyTime = 10 * time.Second // for a body to come in
)

// exchange is one request with its answer.
type exchange struct {
	d      *Door
	c      *Config // in force when it came
	w      http.ResponseWriter
	r      *http.Request
	client netip.Addr
	began  time.Time
	post   dialproxy.Form // fields of the body; nil if there is none
	query  dialproxy.Query
}

// serve takes the request up to where it may cost something.
func (x *exchange) serve() {
	h := x.w.Header()
	h.Set("Content-Type", "text/plain;charset=UTF-8") // observed: PHP 8.2
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	allowed := x.cors()
	switch {
	case x.r.Method == http.MethodOptions:
		x.preflight(allowed)
	case x.r.Method != http.MethodPost && (x.r.Method != http.MethodGet || x.c.POSTOnly):
		// A HEAD places a call in the original (spec: dialproxy DP-10).
		h.Set("Allow", x.methods())
		x.write(http.StatusMethodNotAllowed, "Error")
	case early(x.r.Header):
		x.write(http.StatusForbidden, "Error")
	default:
		x.take()
	}
}

// methods lists what the door takes.
func (x *exchange) methods() string {
	if x.c.POSTOnly {
		return "POST, OPTIONS"
	}
	return "GET, POST, OPTIONS"
}

// take finds room for the request, reads it and answers it.
func (x *exchange) take() {
	waits := x.c.Waiting
	if waits <= 0 {
		waits = waiting
	}
	rate := x.c.PerMinute
	if rate == 0 {
		rate = perMinute
	}
	leave, after := x.d.limits.enter(x.client, rate, waits)
	if leave == nil {
		x.give(x.tooMany("address", after))
		return
	}
	defer leave()
	if x.d.tokens.throttle.Throttled(key(x.client).String()) {
		x.give(x.tooMany("wrong tokens", time.Minute))
		return
	}
	if err := x.read(); err != nil {
		status := http.StatusBadRequest
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			status = http.StatusRequestEntityTooLarge
		}
		x.write(status, "Error")
		return
	}
	x.give(x.answer())
}

// read reads the parameters (spec: dialproxy 3). What PHP cannot read of a body it
// leaves out; only a body that does not come, or is too long, is an error.
func (x *exchange) read() error {
	get := dialproxy.ParseForm(x.r.URL.RawQuery)
	if x.r.Method == http.MethodPost {
		if err := x.readBody(); err != nil {
			return err
		}
	}
	x.query = dialproxy.Select(x.post, get)
	return nil
}

func (x *exchange) readBody() error {
	x.deadline(bodyTime)
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	kind, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil
	case kind == "application/x-www-form-urlencoded":
		b, err := io.ReadAll(x.r.Body)
		if err != nil {
			return err
		}
		x.post = dialproxy.ParseForm(string(b))
	case kind == "multipart/form-data":
		return x.readParts(multipart.NewReader(x.r.Body, params["boundary"]))
	}
	return nil
}

// readParts reads the fields of a multipart body; files are no fields, as in PHP.
func (x *exchange) readParts(m *multipart.Reader) error {
	x.post = dialproxy.Form{}
	for range dialproxy.MaxFields {
		p, err := m.NextRawPart()
		if err != nil {
			return ours(err)
		}
		b, err := io.ReadAll(io.LimitReader(p, maxField))
		if err != nil {
			return ours(err)
		}
		if p.FileName() == "" {
			x.post.Set(p.FormName(), string(b))
		}
	}
	return nil
}

// ours gives the error of a body that is too long or does not come; what is wrong within
// it ends the reading without one.
func ours(err error) error {
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return err
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return err
	}
	return nil
}

// deadline gives the connection so much time from now on, to be read and written. The
// server's own limits are for requests that do not wait for phones.
func (x *exchange) deadline(d time.Duration) {
	rc, at := http.NewResponseController(x.w), time.Now().Add(d)
	// A writer of a test has no deadlines, and then nothing is to be done.
	_, _ = rc.SetReadDeadline(at), rc.SetWriteDeadline(at.Add(bodyTime))
}

// answer says what becomes of the request, in the order of the original (spec:
// dialproxy 4).
func (x *exchange) answer() answer {
	q := x.query
	conf := x.c.Labels[q.Label]
	if why := x.foreign(); why != "" && !x.carries(conf) {
		return answer{status: http.StatusForbidden, text: "Error", foreign: why}
	}
	n := x.prefixes(conf).Normalise(q.Number, x.c.E164)
	if q.Debug {
		return x.debug(conf, n)
	}
	switch {
	case n.Digits == "":
		return x.fail(http.StatusBadRequest, "Error", "no number")
	case q.Label == "":
		return x.fail(http.StatusBadRequest, "Error", "no label")
	case x.c.tooLong(n):
		return x.fail(http.StatusBadRequest, "Error", "the number is too long")
	}
	l, bad := x.admit(conf)
	if bad != nil {
		return *bad
	}
	for _, doubt := range n.Doubts {
		x.d.log.Warn("number may be damaged", "door", DoorName, "label", q.Label, "doubt", doubt)
	}
	return x.dial(conf, l, n)
}

// prefixes are the label's own, or those of all.
func (x *exchange) prefixes(conf Label) dialproxy.Prefixes {
	if conf.Prefixes != nil {
		return dialproxy.ParsePrefixes(*conf.Prefixes)
	}
	return dialproxy.ParsePrefixes(x.c.Prefixes)
}

// debug tells the number as it would be dialled, to whoever might dial it (spec:
// dialproxy 11, W9). Without a label, or one that there is not, it tells too, except
// where nobody is to learn which labels there are (spec: dialproxy DP-8).
func (x *exchange) debug(conf Label, n dialproxy.Number) answer {
	label := x.query.Label
	if !x.c.Debug {
		return x.fail(http.StatusForbidden, "Error", "debug is switched off")
	}
	if label != "" || x.c.Strict {
		if _, bad := x.admit(conf); bad != nil && (x.c.Strict || !bad.unknown) {
			return *bad
		}
	}
	return answer{status: http.StatusOK, text: "Debug: num=" + n.Digits + " ext=" + label + " dialprefix=" + n.Prefix}
}

// admit finds the label and says whether the request may use it.
func (x *exchange) admit(conf Label) (dialproxy.Label, *answer) {
	name := x.query.Label
	bad := func(strict int, text, reason string) (dialproxy.Label, *answer) {
		a := x.fail(strict, text, reason)
		return dialproxy.Label{}, &a
	}
	if !dialproxy.ValidLabel(name) {
		return bad(http.StatusBadRequest, "Error", "not a label")
	}
	if conf.POSTOnly && x.r.Method != http.MethodPost {
		return bad(http.StatusForbidden, "Error", "the label takes POST only")
	}
	value, ok, err := x.d.o.DB.DBGet(context.WithoutCancel(x.r.Context()), dialproxy.Family, dialproxy.KeyPrefix+name)
	if err != nil {
		x.d.log.Error("AstDB cannot be read", "door", DoorName, "error", err)
		return bad(http.StatusBadGateway, "Asterisk not responding.", "AstDB cannot be read")
	}
	if !ok {
		_, a := bad(http.StatusForbidden, "Error", "there is no such label")
		a.unknown = true
		return dialproxy.Label{}, a
	}
	l := dialproxy.ParseLabel(value)
	x.note(l)
	switch {
	case !l.Allowed(x.client):
		return bad(http.StatusForbidden, "Disallowed IP Address", "not in allow=")
	case conf.Token != "" && !x.c.Strict && x.without():
		return dialproxy.Label{}, &answer{status: http.StatusUnauthorized, text: "Error", challenge: true}
	case !x.proves(conf):
		return bad(http.StatusForbidden, "Error", "without the label's token")
	case x.c.Closed(name, l):
		return bad(http.StatusForbidden, "Error", "the label has neither a token nor an allow= that keeps anybody out, and dialproxy.open is off")
	}
	return l, nil
}

// note logs once what a label says in vain (spec: dialproxy DP-9).
func (x *exchange) note(l dialproxy.Label) {
	for _, option := range l.Unknown {
		if x.d.said.once(x.query.Label + "~" + option) {
			x.d.log.Warn("label has an unknown option", "door", DoorName, "label", x.query.Label, "option", strings.ToValidUTF8(option, "?"))
		}
	}
}
