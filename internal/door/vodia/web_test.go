package vodia

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// webServer serves what serveWeb does; everything else is a 404. user is who is logged in.
func webServer(t *testing.T, user string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		demo := func(w http.ResponseWriter, r *http.Request) { servePage(w, r, user, r.Host, false) }
		if !serveWeb(w, r, demo) {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// fetch sends a request with headers ("Name: value").
func fetch(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestScriptsAreServed(t *testing.T) {
	srv := webServer(t, "123@tenant.com")
	for path, want := range map[string]struct{ contentType, origin, policy, holds string }{
		"/js/callback.js":         {"text/javascript; charset=utf-8", "*", "cross-origin", "wskeepalive"},
		"/js/callback.mjs":        {"text/javascript; charset=utf-8", "*", "cross-origin", "export { attach };"},
		"/js/dialwright-call.js":  {"text/javascript; charset=utf-8", "*", "cross-origin", "customElements.define"},
		"/click-to-dial/page.js":  {"text/javascript; charset=utf-8", "", "same-origin", "registerProtocolHandler"},
		"/click-to-dial/page.css": {"text/css; charset=utf-8", "", "same-origin", "color-scheme"},
	} {
		resp, body := fetch(t, "GET", srv.URL+path)
		if resp.StatusCode != 200 || !strings.Contains(body, want.holds) {
			t.Errorf("%s: %s, %.100q", path, resp.Status, body)
		}
		for name, value := range map[string]string{
			"Content-Type": want.contentType, "Access-Control-Allow-Origin": want.origin, "Cross-Origin-Resource-Policy": want.policy,
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
		} {
			if got := resp.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
		etag := resp.Header.Get("ETag")
		if resp, body := fetch(t, "GET", srv.URL+path, "If-None-Match: "+etag); resp.StatusCode != 304 || body != "" {
			t.Errorf("%s again: %s with %d bytes, want 304", path, resp.Status, len(body))
		}
		if resp, body := fetch(t, "HEAD", srv.URL+path); resp.StatusCode != 200 || body != "" || resp.Header.Get("ETag") != etag {
			t.Errorf("HEAD %s: %s", path, resp.Status)
		}
		if resp, _ := fetch(t, "POST", srv.URL+path); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %s", path, resp.Status)
		}
	}
	for _, path := range []string{"/js/", "/js/line.js", "/click-to-dial/", "/click-to-dial/page.html", "/click-to-dial/login", "/js/../web/line.js"} {
		if resp, _ := fetch(t, "GET", srv.URL+path); resp.StatusCode != 404 {
			t.Errorf("%s: %s, want 404", path, resp.Status)
		}
	}
}

// maxScript is what a script may weigh that other sites load, in bytes before compression.
const maxScript = 21 << 10

// The classic builds are one function each, so that a page gets no globals; the module
// imports nothing, so that it can be loaded from anywhere.
func TestScriptShapes(t *testing.T) {
	for path, f := range staticFiles() {
		body := string(f.body)
		classic := strings.HasPrefix(body, "(() => {\n\"use strict\";\n") && strings.HasSuffix(body, "})();\n")
		if module := strings.HasSuffix(path, ".mjs"); f.open && classic == module {
			t.Errorf("%s is classic: %v", path, classic)
		}
		if f.open && regexp.MustCompile(`(?m)^import |\bimport\(|\beval\(|new Function|innerHTML|window\.\w+ =`).MatchString(body) {
			t.Errorf("%s needs what a page may forbid, or makes globals", path)
		}
		if len(body) > maxScript || strings.Contains(body, "\n//") {
			t.Errorf("%s has %d bytes, of comments too; %d are bearable", path, len(body), maxScript)
		}
	}
}

// The page keeps to its own policy: nothing inline, nothing from elsewhere.
func TestDemoPage(t *testing.T) {
	srv := webServer(t, "<123>@tenant.com")
	resp, body := fetch(t, "GET", srv.URL+`/click-to-dial?number="><script>alert(1)</script>`)
	host := strings.TrimPrefix(srv.URL, "http://")
	csp := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self' http://" + host + " ws://" + host} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy %q lacks %q", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Frame-Options") != "DENY" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", resp.Header)
	}
	if regexp.MustCompile(`<script>|<style|<[^>]*\s(on[a-z]+|style)=`).MatchString(body) {
		t.Errorf("the page has something inline:\n%s", body)
	}
	for _, want := range []string{"&lt;123&gt;@tenant.com", "<dialwright-call", "<pbxcall", "javascript:void%28open%28%27" + srv.URL + "/click-to-dial?number=", "/rest/pbxlogin"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if _, body := fetch(t, "GET", srv.URL+"/click-to-dial?number="+strings.Repeat("1", 65)); strings.Contains(body, "11111") {
		t.Error("a number that is none is shown")
	}
	if resp, _ := fetch(t, "GET", srv.URL+"/click-to-dial", "Host: pbx'); script-src *"); resp.StatusCode != 400 {
		t.Errorf("a host that is none: %s", resp.Status)
	}
	if resp, _ := fetch(t, "POST", srv.URL+"/click-to-dial"); resp.StatusCode != 405 {
		t.Errorf("POST: %s", resp.Status)
	}
}

// Every embedded file is part of something that is served.
func TestEveryFileIsServed(t *testing.T) {
	all := ""
	for _, f := range staticFiles() {
		all += string(f.body)
	}
	list, err := fs.ReadDir(webFiles, "web")
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	for _, e := range list {
		b, err := fs.ReadFile(webFiles, "web/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != "page.html" && !strings.Contains(all, bare(string(b))) {
			t.Errorf("%s is served nowhere", e.Name())
		}
	}
}
