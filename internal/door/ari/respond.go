package ari

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// bodyTime is how long a client may take to send a body. One that stops half-way
// costs no longer than that.
const bodyTime = 30 * time.Second

// readBody takes the parameters of the body.
func (x *exchange) readBody(p *wire.Params) error {
	if x.r.Body == nil || p.Form != nil { // nil: not there; else read for the login
		return nil
	}
	c := http.NewResponseController(x.w)
	// A writer that has no deadlines is one of a test.
	if c.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer c.SetReadDeadline(time.Time{})
	}
	if x.r.ContentLength > wire.MaxBody {
		return wire.ErrBodyTooLarge
	}
	return p.ReadBody(x.r.Header.Get("Content-Type"), x.r.Body)
}

// respond writes an answer. It is in one piece with its length, however long it is
// (spec: ari 1 C8).
func (x *exchange) respond(a answered) {
	h := x.w.Header()
	h.Set("Server", "Dialwright")
	h.Set("Cache-Control", "no-cache, no-store")
	if a.allow != nil {
		joined := strings.Join(a.allow, ",")
		h.Set("Allow", joined)
		x.allowMethods(a.allow, joined)
	}
	if a.login {
		h.Set("WWW-Authenticate", `Basic realm="`+cmp.Or(x.c.Realm, Realm)+`"`)
	}
	if a.retry {
		h.Set("Retry-After", "1")
	}
	if a.closes {
		h.Set("Connection", "close")
	}
	if a.location != "" {
		h.Set("Location", x.c.Prefix+a.location)
	}
	if a.file != nil && a.err == nil {
		x.sendFile(a)
		return
	}
	x.send(a.code(), x.s.encode(a, x.c.Pretty))
}

// send writes a JSON body, nil = none.
func (x *exchange) send(status int, body []byte) {
	h := x.w.Header()
	if body != nil {
		h.Set("Content-Type", wire.TypeJSON)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead && body != nil {
		_, _ = x.w.Write(body) // the client has gone
	}
}

// sendFile writes a file.
func (x *exchange) sendFile(a answered) {
	defer a.file.Close()
	info, err := a.file.Stat()
	if err != nil {
		x.send(http.StatusInternalServerError, x.s.encode(answered{err: err}, x.c.Pretty))
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", a.fileType)
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	x.w.WriteHeader(a.code())
	_, _ = io.CopyN(x.w, a.file, info.Size()) // the client has gone, or the file was cut
}

// encode gives the JSON of an answer, nil if it has no body.
func (s *Server) encode(a answered, pretty bool) []byte {
	body := a.body
	if a.err != nil {
		body = s.refusal(a)
	}
	if body == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if pretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(body); err != nil { // a model that JSON cannot write is our own fault
		s.log.Error("answer cannot be written", "operation", a.operation, "error", err)
		return []byte(`{"message":"Internal Server Error"}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// refused is the body of a refusal (spec: ari 2.4 rule 3).
type refused struct {
	Message string `json:"message"`
	Error   string `json:"error,omitempty"`
}

// refusal gives the body of a refusal. What went wrong inside is logged and not told.
func (s *Server) refusal(a answered) refused {
	if e, ok := errors.AsType[*wire.Error](a.err); ok {
		r := refused{Message: e.Message}
		if e.Failed {
			r.Error = "Allocation failed"
		}
		return r
	}
	attrs := []any{"operation", a.operation, "error", a.err}
	if f, ok := errors.AsType[*call.Failure](a.err); ok {
		attrs = append(attrs, "cause", f.Cause)
	}
	s.log.Warn("request has failed", attrs...)
	return refused{Message: "Internal Server Error"}
}
