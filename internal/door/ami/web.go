package ami

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// form is how AMI is spoken over HTTP at one path (spec: ami 7).
type form struct {
	kind   string // content type
	digest bool   // each request logs in, else there are sessions with cookies
	write  func(b []byte, p wire.Packet, a answer) ([]byte, error)
}

// formOf gives what a path below the prefix is.
func formOf(path string) (form, bool) {
	name, digest := strings.CutPrefix(path, "/a")
	if !digest {
		name = strings.TrimPrefix(path, "/")
	}
	switch name {
	case "rawman":
		return form{"text/plain", digest, writeRaw}, true
	case "mxml":
		return form{"text/xml", digest, writeXML}, true
	case "manager":
		return form{"text/html", digest, writePage}, true
	}
	return form{}, false
}

// WebPaths gives what is to be routed to ServeHTTP, below a prefix.
func WebPaths(prefix string) []string {
	var out []string
	for _, name := range [...]string{"/rawman", "/mxml", "/manager", "/arawman", "/amxml", "/amanager"} {
		out = append(out, prefix+name)
	}
	return out
}

// maxBody bounds the parameters of a request.
const maxBody = 256 << 10

// errBody says that a body is too large, or was not sent to its end.
var errBody = errors.New("the body cannot be read")

// ServeHTTP speaks AMI over HTTP (spec: ami 7; observed: Asterisk 22.10, vector h1). It is
// 404 for other paths, and while Config.Web is off.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.o.Config()
	h := w.Header()
	h.Set("Server", "Asterisk/"+s.o.Version)
	h.Set("Cache-Control", "no-cache, no-store")
	path, below := strings.CutPrefix(r.URL.Path, c.WebPrefix)
	f, known := formOf(path)
	switch {
	case !c.Web || !below || !known:
		refuseHTTP(w, http.StatusNotFound, "The requested URL was not found on this server")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
		refuseHTTP(w, http.StatusNotImplemented, "The method is not supported")
		return
	case foreign(r):
		s.log.Warn("request of a foreign web page refused", "door", "ami", "remote", r.RemoteAddr, "origin", r.Header.Get("Origin"))
		refuseHTTP(w, http.StatusForbidden, "Requests of other web pages are refused")
		return
	}
	p, inBody, err := readParams(w, r)
	if err != nil {
		refuseHTTP(w, http.StatusRequestEntityTooLarge, "The request is too large")
		return
	}
	x := &exchange{s: s, c: c, w: w, r: r, form: f, packet: p, inBody: inBody}
	if f.digest {
		x.serveDigest()
	} else {
		x.serveSession()
	}
}

// exchange is one HTTP request and what belongs to it.
type exchange struct {
	s      *Server
	c      *Config // in force when it came
	w      http.ResponseWriter
	r      *http.Request
	form   form
	packet wire.Packet
	inBody bool // the parameters were in the body, not in the URL
}

// foreign says whether a page of somebody else's sends the request with the cookie of its
// user, who may not know. Extensions of browsers are no pages: click-to-dial add-ons use
// this door.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		site := r.Header.Get("Sec-Fetch-Site") // a link or an image: they have no Origin
		return site == "cross-site" || site == "same-site"
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return true
	case strings.HasSuffix(u.Scheme, "-extension"):
		return false
	}
	return !strings.EqualFold(u.Host, r.Host)
}

// readParams gives the parameters as a packet: those of the body, if it has any, else
// those of the query.
func readParams(w http.ResponseWriter, r *http.Request) (p wire.Packet, inBody bool, err error) {
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			return p, false, errors.Join(errBody, err)
		}
		if p, err = wire.ParseParams(strings.TrimRight(string(body), "\r\n")); err != nil || len(p.Headers) > 0 {
			return p, true, err
		}
	}
	p, err = wire.ParseParams(r.URL.RawQuery)
	return p, false, err
}

// request makes the action of the exchange.
func (x *exchange) request(c *client, gone <-chan struct{}) *request {
	return &request{s: x.s, client: c, remote: x.r.RemoteAddr, packet: x.packet, id: x.packet.ActionID(), gone: gone}
}

// respond writes an answer: 200 whatever it says (spec: ami 7).
func (x *exchange) respond(a answer) {
	body, err := x.form.write(nil, x.packet, a)
	if err != nil {
		x.s.log.Error("page not made", "door", "ami", "err", err)
		refuseHTTP(x.w, http.StatusInternalServerError, "The page could not be made")
		return
	}
	x.w.Header().Set("Content-Type", x.form.kind)
	x.write(http.StatusOK, body)
}

func (x *exchange) write(status int, body []byte) {
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.Header().Set("X-Content-Type-Options", "nosniff")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body)                                                                  // a client that is gone does not need it
	x.s.log.Debug("request", "door", "ami", "remote", x.r.RemoteAddr, "path", x.r.URL.Path, // never the query: it may have a secret
		"action", x.packet.Action(), "status", status)
}

func writeRaw(b []byte, _ wire.Packet, a answer) ([]byte, error) { return appendAnswer(b, a), nil }

func writeXML(b []byte, p wire.Packet, a answer) ([]byte, error) {
	return wire.AppendXML(b, p.Get("ajaxdest"), p.Get("ajaxobjtype"), a), nil
}

// webTimeout gives how long an HTTP session lives without a request, in seconds, for cookies.
func webTimeout(c *Config) (seconds int) {
	return int(cmp.Or(c.HTTPTimeout, defaultHTTPTimeout).Seconds())
}
