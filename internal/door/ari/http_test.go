package ari

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// webConfig is the configuration with which the HTTP exchanges were captured.
func webConfig() *Config {
	return &Config{
		AllowedOrigins: []string{"http://good.example"},
		Users: []User{
			{Name: "ari", Password: "secret"},
			{Name: "ro", Password: "rosecret", ReadOnly: true},
			{Name: "crypt", Password: "$6$saltsalt$AwG0uydIMu5dYdg1IjNvowxN8ghcjnZNwoSJHfPnx88cszfWl9Gkj0.h5JkbSark/UnOwld7KtekPRHxBt7.E1", Format: "crypt"},
			{Name: "denied", Password: "x", Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
			{Name: "lab", Password: "secret"},
		},
	}
}

// nowhere has no endpoint "nosuch" and no technology "NOTECH".
type nowhere struct{ anywhere }

func (n nowhere) Dial(ctx context.Context, a Ask) (call.Endpoint, call.AccountID, error) {
	if a.Endpoint == "PJSIP/nosuch" || strings.HasPrefix(a.Endpoint, "NOTECH/") {
		return "", "", &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: "there is no such endpoint"}
	}
	return n.anywhere.Dial(ctx, a)
}

// web is a door behind a real HTTP server.
type web struct {
	*office
	addr string
	c    *Config
}

func newWeb(t *testing.T, change func(*Options)) *web {
	t.Helper()
	w := &web{c: webConfig()}
	w.office = newOffice(t, func(o *Options) {
		o.Config, o.Dial = func() *Config { return w.c }, nowhere{}
		if change != nil {
			change(o)
		}
	})
	s := httptest.NewUnstartedServer(w.server)
	s.Config.MaxHeaderBytes = 16 << 10
	s.Start()
	w.addr = s.Listener.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context is over
		defer cancel()
		if err := w.server.Stop(ctx); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return w
}

// client is a raw connection to the door.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (w *web) dial() *client {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return &client{w.t, conn, bufio.NewReader(conn)}
}

func (c *client) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// response reads an answer with its body, whose length must be told and not chunked.
// net/http's own reader would hide some headers.
func (c *client) response(method string) (*http.Response, string) {
	c.t.Helper()
	text := textproto.NewReader(c.r)
	line, err := text.ReadLine()
	if err != nil {
		c.t.Fatal(err)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		c.t.Fatal(err)
	}
	r := &http.Response{Header: http.Header(header), Close: header.Get("Connection") == "close"}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &r.StatusCode); err != nil {
		c.t.Fatalf("%q: %v", line, err)
	}
	if r.StatusCode == http.StatusSwitchingProtocols {
		return r, ""
	}
	if r.StatusCode == http.StatusNoContent {
		return r, ""
	}
	if r.ContentLength, err = strconv.ParseInt(header.Get("Content-Length"), 10, 64); err != nil && r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		c.t.Fatalf("%v: %v", header, err)
	}
	if method == http.MethodHead {
		return r, ""
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(c.r, body); err != nil {
		c.t.Fatal(err)
	}
	return r, string(body)
}

// rawExchange is one entry of vectors/ari/00-http.json.
type rawExchange struct {
	Note    string `json:"note"`
	Request struct {
		Line    string         `json:"line"`
		Headers map[string]any `json:"headers"`
		Body    string         `json:"body"`
	} `json:"request"`
	Response struct {
		Line    string   `json:"line"`
		Headers []string `json:"headers"`
		Body    string   `json:"body"`
	} `json:"response"`
}

// text writes the request as it was sent.
func (e *rawExchange) text() string {
	var b strings.Builder
	b.WriteString(e.Request.Line + "\r\n")
	body := e.Request.Body
	if n, ok := strings.CutSuffix(strings.TrimPrefix(body, "<"), " bytes>"); ok {
		length, err := strconv.Atoi(n)
		if err != nil {
			panic(err) // the vector is part of the sources
		}
		body = `{"name":"` + strings.Repeat("x", length-11) + `"}`
	}
	for name, value := range e.Request.Headers {
		v := fmt.Sprint(value)
		if login, ok := strings.CutPrefix(v, "Basic <"); ok {
			user, _, _ := strings.Cut(login, ">")
			if user == "ari:bad" {
				user = "ari:wrong"
			}
			v = "Basic " + base64.StdEncoding.EncodeToString([]byte(user))
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, v)
	}
	b.WriteString("\r\n")
	if e.Request.Headers["Transfer-Encoding"] == "chunked" {
		half := len(body) / 2
		body = fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
	}
	return b.String() + body
}

// plain is an answer made comparable.
type plain struct {
	Status  int
	Headers map[string]string
	Body    string
}

// messageBeside is the message that comes with a failed channel request.
var messageBeside = regexp.MustCompile(`"Allocation failed","message":"[^"]+"}`)

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}`)

// comparable drops what differs from run to run: Date and Server, moments in the body,
// and the length, which has to be that of the body.
func comparable(t *testing.T, status int, header http.Header, body string) plain {
	t.Helper()
	p := plain{Status: status, Headers: map[string]string{}}
	if status == http.StatusNoContent { // net/http does not send it, as RFC 9110 §8.6 demands; Asterisk does
		header.Del("Content-Length")
	}
	for name, values := range header {
		switch name {
		case "Date", "Server", "Vary":
		default:
			p.Headers[name] = strings.TrimSpace(strings.Join(values, "|"))
		}
	}
	var v any
	if json.Unmarshal([]byte(body), &v) == nil {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	p.Body = moment.ReplaceAllString(body, "<time>")
	return p
}

// httpDifferences are the answers that are not Asterisk's, and why.
func httpDifferences() map[string]func(*plain) {
	allowed := func(p *plain) {
		p.Headers["Access-Control-Allow-Origin"] = "http://good.example"
		p.Headers["Access-Control-Allow-Credentials"] = "true"
	}
	noBody := func(p *plain) { p.Body = "" }
	failed := func(p *plain) { // clients show the message: it is always sent (spec: ari 2.4 rule 3)
		delete(p.Headers, "Content-Length")
	}
	otherPage := func(p *plain) { // a page of our own
		p.Body = ""
		delete(p.Headers, "Content-Length")
	}
	return map[string]func(*plain){
		"HEAD":                        noBody, // an answer to HEAD has none (spec: ari 10 D10)
		"read-only user, HEAD":        noBody,
		"CORS lower-case header name": allowed, // names of headers have no case (spec: ari 10 D10)
		"events without upgrade":      otherPage,
		"events without app":          otherPage,
		"api-docs list":               otherPage, // another test compares the API description
		"api-docs without Host match": otherPage,
		"create on an unknown endpoint (fresh connection)":   failed,
		"create on an unknown technology (fresh connection)": failed,
		"CORS preflight without credentials": func(p *plain) { // browsers send none (spec: ari 2.5 rule 4)
			allowed(p)
			p.Status, p.Body = http.StatusNoContent, ""
			p.Headers["Allow"], p.Headers["Access-Control-Allow-Methods"] = "OPTIONS,GET,POST", "OPTIONS,GET,POST"
			delete(p.Headers, "Content-Length")
			delete(p.Headers, "Www-Authenticate")
			delete(p.Headers, "Content-Type")
		},
	}
}

// TestCapturedHTTP makes the captured exchanges again, each on a connection of its own.
func TestCapturedHTTP(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "ari", "00-http.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Exchanges []rawExchange }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Exchanges) != 48 {
		t.Errorf("%d exchanges", len(file.Exchanges))
	}
	w := newWeb(t, nil)
	differ := httpDifferences()
	used := 0
	for _, e := range file.Exchanges {
		t.Run(e.Note, func(t *testing.T) {
			method, _, _ := strings.Cut(e.Request.Line, " ")
			c := w.dial()
			c.t = t
			c.write(e.text())
			r, body := c.response(method)
			got := comparable(t, r.StatusCode, r.Header, body)
			want := e.want(t)
			if change, ok := differ[e.Note]; ok {
				used++
				change(&want)
				if want.Body == "" { // it is not compared
					got.Body = ""
				}
				if want.Headers["Content-Length"] == "" {
					delete(got.Headers, "Content-Length")
				}
				got.Body = messageBeside.ReplaceAllString(got.Body, `"Allocation failed"}`)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if used != len(differ) {
		t.Errorf("%d of %d differences are there", used, len(differ))
	}
}

// want gives the captured answer.
func (e *rawExchange) want(t *testing.T) plain {
	t.Helper()
	fields := strings.SplitN(e.Response.Line, " ", 3)
	status, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for _, line := range e.Response.Headers {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return comparable(t, status, h, e.Response.Body)
}

const ariLogin = "Authorization: Basic YXJpOnNlY3JldA==\r\n" // ari:secret

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	w := newWeb(t, nil)
	c := w.dial()
	const n = 50
	for i := range n {
		c.write(fmt.Sprintf("POST /ari/bridges?bridgeId=p%d HTTP/1.1\r\nHost: x\r\n%sContent-Length: 0\r\n\r\n", i, ariLogin))
	}
	for i := range n {
		if _, body := c.response("POST"); !strings.Contains(body, fmt.Sprintf(`"id":"p%d"`, i)) {
			t.Fatalf("answer %d: %s", i, body)
		}
	}
}

// A client that stops in the middle of a request holds nothing that others need, and
// nothing at all once it has gone.
func TestRequestThatStopsHalfWay(t *testing.T) {
	w := newWeb(t, nil)
	for _, half := range []string{
		"POST /ari/brid", "POST /ari/bridges HTTP/1.1\r\nHost: x\r\nAuthor",
		"POST /ari/bridges HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"brid",
		"POST /ari/channels HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"endpo",
	} {
		c := w.dial()
		c.write(half)
		if a := w.get("/ari/bridges"); a != http.StatusOK {
			t.Errorf("meanwhile: %d", a)
		}
		c.Close()
	}
	if got := len(w.sw.Channels()) + len(w.sw.Bridges()); got != 0 {
		t.Errorf("%d channels and bridges", got)
	}
}

// get asks for a path and gives the status.
func (w *web) get(path string) int {
	w.t.Helper()
	c := w.dial()
	defer c.Close()
	c.write("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + ariLogin + "\r\n")
	r, _ := c.response("GET")
	return r.StatusCode
}

func TestLargeBodies(t *testing.T) {
	w := newWeb(t, nil)
	for _, c := range []struct {
		name, head string
		size       int
		status     int
	}{
		{"largest", "Content-Type: application/json\r\nContent-Length: 40960\r\n", 40960, http.StatusOK},
		{"one more", "Content-Type: application/json\r\nContent-Length: 40961\r\n", 40961, http.StatusRequestEntityTooLarge},
		{"10 MB", "Content-Type: application/json\r\nContent-Length: 10485760\r\n", 10 << 20, http.StatusRequestEntityTooLarge},
		{"10 MB form", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10485760\r\n", 10 << 20, http.StatusRequestEntityTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := w.dial()
			conn.t = t
			body := `{"name":"` + strings.Repeat("x", c.size-11) + `"}`
			go func() { // the server may close before all is read
				_, _ = io.WriteString(conn, "POST /ari/bridges HTTP/1.1\r\nHost: x\r\n"+ariLogin+c.head+"\r\n"+body)
			}()
			r, text := conn.response("POST")
			if r.StatusCode != c.status || r.Close != (c.status != http.StatusOK) {
				t.Errorf("status %d, close %v: %.100s", r.StatusCode, r.Close, text)
			}
		})
	}
}

func TestChunkedBodyTooLarge(t *testing.T) {
	w := newWeb(t, nil)
	c := w.dial()
	c.write("POST /ari/bridges HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 10000, strings.Repeat("x", 10000))
	c.write(strings.Repeat(chunk, 5))
	if r, _ := c.response("POST"); r.StatusCode != http.StatusRequestEntityTooLarge || !r.Close {
		t.Errorf("status %d, close %v", r.StatusCode, r.Close)
	}
}

func TestHeaderBombIsRefused(t *testing.T) {
	w := newWeb(t, nil)
	c := w.dial()
	go func() { // the server may close before all is read
		_, _ = io.WriteString(c, "GET /ari/bridges HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X-Bomb: "+strings.Repeat("x", 1000)+"\r\n", 1000)+"\r\n")
	}()
	if r, _ := c.response("GET"); r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", r.StatusCode)
	}
	if s := w.get("/ari/bridges"); s != http.StatusOK {
		t.Errorf("afterwards: %d", s)
	}
}

// A long list is one answer with its length (spec: ari 1 C8).
func TestLongListIsNotChunked(t *testing.T) {
	w := newWeb(t, nil)
	const n = 5000
	for i := range n {
		if a := w.server.dispatch(t.Context(), &ask{request: request{user: &w.c.Users[0]}, method: "POST", path: fmt.Sprintf("/bridges/long-list-%d", i)}); a.err != nil {
			t.Fatal(a.err)
		}
	}
	c := w.dial()
	c.write("GET /ari/bridges HTTP/1.1\r\nHost: x\r\n" + ariLogin + "\r\n")
	r, body := c.response("GET")
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != n || r.Header.Get("Transfer-Encoding") != "" {
		t.Errorf("%d bridges, headers %v", len(list), r.Header)
	}
}

func TestPrefixAndPretty(t *testing.T) {
	w := newWeb(t, nil)
	w.c.Prefix, w.c.Pretty = "/asterisk", true
	if s := w.get("/ari/bridges"); s != http.StatusNotFound {
		t.Errorf("without prefix: %d", s)
	}
	c := w.dial()
	c.write("GET /asterisk/ari/api-docs/sounds.json HTTP/1.1\r\nHost: pbx:1\r\n" + ariLogin + "\r\n")
	if _, body := c.response("GET"); !strings.Contains(body, "\n  \"basePath\": \"http://pbx:1/asterisk/ari\"") {
		t.Errorf("%.300s", body)
	}
}

// TestStoppedServerRefuses also shows that stopping may be done twice.
func TestStoppedServerRefuses(t *testing.T) {
	w := newWeb(t, nil)
	for range 2 {
		if err := w.server.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.get("/ari/bridges"); s != http.StatusServiceUnavailable {
		t.Errorf("status %d", s)
	}
}

// No log line has a password, wherever it was given.
func TestLogsHaveNoSecrets(t *testing.T) {
	var log bytes.Buffer
	w := newWeb(t, func(o *Options) { o.Log = debugLogger(&log) })
	c := w.dial()
	for _, path := range []string{"/ari/bridges", "/ari/nosuch", "/ari/channels/x/answer", "/ari/events"} {
		c.write("GET " + path + "?api_key=ari:secret HTTP/1.1\r\nHost: x\r\n\r\n")
		c.response("GET")
	}
	c.write("POST /ari/bridges HTTP/1.1\r\nHost: x\r\n" + ariLogin + "Content-Length: 0\r\n\r\n")
	c.response("POST")
	text := log.String()
	if !strings.Contains(text, "operation=bridges.create") || strings.Contains(text, "secret") || strings.Contains(text, "YXJpOn") {
		t.Error(text)
	}
}
