package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/auth"
)

var update = flag.Bool("update", false, "rewrite the golden traces")

// trace talks to a server and writes down what was said, with ids and times
// made the same in every run.
type trace struct {
	*testing.T
	url, key string
	out      bytes.Buffer
	id       string // of the call
}

var (
	uuids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times    = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
	channels = regexp.MustCompile(`\d{10}\.\d+`)
	numbered = regexp.MustCompile(`(Pretend/[^"]*)-[0-9a-f]{8}`)
	measured = regexp.MustCompile(`"(duration|billable|[a-z_]*_(?:ms|seconds|time))": [0-9.]+`)
)

func normal(s string) string {
	s = uuids.ReplaceAllString(s, "CALL")
	s = times.ReplaceAllString(s, `"TIME"`)
	s = channels.ReplaceAllString(s, "CHANNEL")
	s = numbered.ReplaceAllString(s, "$1-N")
	return measured.ReplaceAllString(s, `"$1": 0`)
}

func (tr *trace) send(method, path, body string, headers ...string) *http.Response {
	tr.Helper()
	req, err := http.NewRequestWithContext(tr.Context(), method, tr.url+path, strings.NewReader(body))
	if err != nil {
		tr.Fatal(err)
	}
	fmt.Fprintf(&tr.out, "> %s %s\n", method, normal(path))
	if tr.key != "" {
		req.Header.Set("Authorization", "Bearer "+tr.key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		fmt.Fprintf(&tr.out, "> %s: %s\n", headers[i], headers[i+1])
	}
	if body != "" {
		fmt.Fprintf(&tr.out, "> %s\n", body)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tr.Fatal(err)
	}
	fmt.Fprintf(&tr.out, "%d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	for _, h := range []string{"Content-Type", "Location", "Idempotent-Replayed", "Www-Authenticate"} {
		if v := resp.Header.Get(h); v != "" {
			fmt.Fprintf(&tr.out, "%s: %s\n", h, normal(v))
		}
	}
	return resp
}

// ask sends a request and writes down the answer's body.
func (tr *trace) ask(method, path, body string, headers ...string) {
	tr.Helper()
	resp := tr.send(method, path, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tr.Fatal(err)
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, bytes.TrimSpace(text), "", "  "); err != nil {
		tr.Fatalf("%s: %v", text, err)
	}
	if tr.id == "" {
		tr.id = uuids.FindString(shown.String())
	}
	tr.out.WriteString(normal(shown.String()) + "\n\n")
}

// follow writes down the event stream until the call has ended.
func (tr *trace) follow(path string) {
	tr.Helper()
	resp := tr.send("GET", path, "")
	defer resp.Body.Close()
	last := false
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		line := sc.Text()
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var shown bytes.Buffer
			if err := json.Indent(&shown, []byte(data), "", "  "); err != nil {
				tr.Fatal(err)
			}
			line = "data: " + normal(shown.String())
		}
		tr.out.WriteString(line + "\n")
		last = last || line == "event: call.ended"
		if last && line == "" {
			return
		}
	}
	tr.Error("the stream ended before the call")
}

// What the REST door says about one call, to the letter: `go test -update`
// writes it anew, and the difference is to be reviewed as a change of the API.
func TestGoldenTraceOfREST(t *testing.T) {
	key := auth.NewKey("crm")
	a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Server.Node = "node1"
		c.Keys = map[string]config.Key{"crm": {Hash: auth.Hash(key), Scopes: []string{"calls:read", "calls:write", "events:read"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	tr := &trace{T: t, url: r.HTTP}
	const call = `{"first":"Pretend/1?talk=1h","second":"Pretend/2?talk=10ms","reference":"order 7"}`
	tr.ask("POST", "/v1/calls", call)
	tr.key = key
	tr.ask("POST", "/v1/calls", `{"first":"101","secnd":"102"}`)
	tr.ask("POST", "/v1/calls", call, "Idempotency-Key", "k1")
	tr.follow("/v1/events?after=0&call=" + tr.id)
	tr.ask("POST", "/v1/calls", call, "Idempotency-Key", "k1")
	tr.ask("GET", "/v1/calls/"+tr.id, "")
	tr.ask("POST", "/v1/calls/"+tr.id+"/cancel", "")
	tr.ask("GET", "/v1/audit", "")

	tr.golden("rest.golden")
}
