package peers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// visited is what Chromium says of a page.
type visited struct {
	Page     string
	Target   string
	From     string
	Number   int
	Shown    bool
	Attacked bool
	May      string
	Text     string
}

// strangers serves the pages of other origins: what ?html= says, or a redirect.
func strangers(t *testing.T) (port int) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.FormValue("url"); to != "" {
			code, err := strconv.Atoi(r.FormValue("code"))
			if err != nil {
				t.Error(err)
			}
			http.Redirect(w, r, to, code)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>stranger</title>"+r.FormValue("html"))
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().(*net.TCPAddr).Port
}

// bookmarklet reads the bookmarklet of docs/clients that holds a text.
func bookmarklet(t *testing.T, with string) string {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients", "bookmarklet.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^javascript:.*$`).FindAllString(string(b), -1) {
		if strings.Contains(line, with) {
			return html.UnescapeString(line)
		}
	}
	t.Fatalf("docs/clients/bookmarklet.md has no bookmarklet with %s", with)
	return ""
}

// Chromium visits pages of strangers that try everything a page can do: nobody is
// called. Then it uses the ways that are meant to dial: each of them calls.
func TestForeignPagesDoNotDial(t *testing.T) {
	t.Parallel()
	harness.RequirePeer(t, "chromium", "chromium")
	node.RequireModule(t, "playwright-core")
	pages := strangers(t)
	c := newClicker(t, 100, fmt.Sprintf("[dialproxy]\nenabled = true\nper_minute = -1\nwaiting = 100\nallowed_origins = [\"http://friend.test:%d\"]\n"+
		"[dialproxy.labels.secret]\ntoken = \"a-long-token\"\n", pages))
	c.label("office", "SIP/1234~allow=127.0.0.1")
	c.label("secret", "SIP/1234")
	front := newFront(t, c.HTTP)
	at := func(host string, port int) string { return fmt.Sprintf("http://%s:%d", host, port) }
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "foreignpages.js")
	cmd.Dir = "../node"
	cmd.Env = append(os.Environ(),
		"PROFILE="+t.TempDir(), "PBX="+at("127.0.0.1", front.port), "NAMED="+at("pbx.test", front.port), "REBOUND="+at("rebound.test", front.port),
		"EVIL="+at("evil.test", pages), "FRIEND="+at("friend.test", pages), "SAME="+at("127.0.0.1", pages),
		"BOOKMARKLET_PAGE="+bookmarklet(t, "/dialproxy/tel"), "BOOKMARKLET_TOKEN="+bookmarklet(t, "TOKEN"))
	path, err := exec.LookPath("chromium")
	c.must(err)
	cmd.Env = append(cmd.Env, "CHROMIUM="+path)
	stdin, err := cmd.StdinPipe()
	c.must(err)
	stdout, err := cmd.StdoutPipe()
	c.must(err)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	c.must(cmd.Start())
	before := c.calls()
	tried, worked := 0, 0
	var pagesVisited []visited
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var v visited
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		switch {
		case v.Attacked:
			c.nobodyCalled(before)
			for _, v := range pagesVisited {
				tried += v.check(t, front.statuses(v.Number))
			}
			_, err := io.WriteString(stdin, "go on\n")
			c.must(err)
		case v.May != "":
			worked++
			if v.Text != "Success" {
				t.Errorf("%s: %q, want Success", v.May, v.Text)
			}
		default:
			pagesVisited = append(pagesVisited, v)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	if n := c.calls() - before; n != worked || worked != 8 {
		t.Errorf("%d calls by %d ways, want 8", n, worked)
	}
	t.Logf("%d pages, %d requests of theirs, no call; %d ways that may dial, %d calls", len(pagesVisited), tried, worked, c.calls()-before)
}

// check looks at what our server answered to a stranger's page, and says how many
// requests there were. Some kinds Chromium does not carry out, or not with every target.
func (v *visited) check(t *testing.T, statuses []int) (requests int) {
	t.Helper()
	mayFail := []string{"preload", "prerender", "speculation", "ping", "fetchHeader"}
	if len(statuses) == 0 && !slices.Contains(mayFail, v.Page) {
		t.Errorf("%s from %s did not reach %s", v.Page, v.From, v.Target)
	}
	for _, status := range statuses {
		if (v.Page == "framedPage" || v.Page == "rebound") && status == http.StatusOK {
			continue // the page itself, which dials nobody
		}
		if status != http.StatusForbidden {
			t.Errorf("%s from %s to %s: %d, want 403", v.Page, v.From, v.Target, status)
		}
	}
	if v.Page == "rebound" && !slices.Contains(statuses, http.StatusForbidden) {
		t.Errorf("the form of %s was answered %v, want a 403", v.From, statuses)
	}
	if v.Shown {
		t.Errorf("%s from %s shows our page in a frame", v.Page, v.From)
	}
	return len(statuses)
}

// front is a proxy before our server that notes what is answered, by the number that is
// asked for: a browser does not tell who drives it of everything that it asks for.
type front struct {
	port int

	mu  sync.Mutex // guards got
	got map[int][]int
}

var inRequest = regexp.MustCompile(`555[0-9]{4}`)

func newFront(t *testing.T, behind int) *front {
	f := &front{got: map[int][]int{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", behind)})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		number, _ := strconv.Atoi(inRequest.FindString(r.URL.RawQuery + " " + string(body)))
		noted := *proxy
		noted.ModifyResponse = func(resp *http.Response) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.got[number] = append(f.got[number], resp.StatusCode)
			return nil
		}
		noted.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	f.port = srv.Listener.Addr().(*net.TCPAddr).Port
	return f
}

func (f *front) statuses(number int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got[number])
}

// calls counts what the server was asked to call.
func (c *clicker) calls() int {
	c.t.Helper()
	var list struct{ Calls []map[string]any }
	c.MustAPI("GET", "/v1/calls?limit=1000", nil, &list)
	return len(list.Calls)
}

// nobodyCalled checks that there is no new call, and that the phone has not rung.
func (c *clicker) nobodyCalled(before int) {
	c.t.Helper()
	if n := c.calls() - before; n != 0 {
		c.t.Errorf("foreign pages have made %d calls", n)
	}
	if messages := c.phone.Messages(); strings.Contains(messages, "INVITE ") {
		c.t.Errorf("the phone was called:\n%.2000s", messages)
	}
}
