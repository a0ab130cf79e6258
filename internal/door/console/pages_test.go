package console

import (
	"compress/gzip"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFiles(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/", 303, "", ""},
		{"GET", "/console", 303, "", ""},
		{"GET", "/console/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/console/assets/app-x1.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"HEAD", "/console/assets/app-x1.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"GET", "/console/assets/dot-x2.png", 200, "image/png", "public, max-age=31536000, immutable"},
		{"GET", "/console/pages.css", 200, "text/css; charset=utf-8", "no-cache"},
		{"GET", "/console/icon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/favicon.ico", 200, "image/svg+xml", "no-cache"},
		{"GET", "/console/assets/", 404, "text/html; charset=utf-8", "no-store"},
		{"GET", "/console/assets/../index.html", 404, "text/html; charset=utf-8", "no-store"},
		{"GET", "/console/nothing", 404, "text/html; charset=utf-8", "no-store"},
		{"POST", "/console/", 405, "text/html; charset=utf-8", "no-store"},
		{"DELETE", "/", 405, "text/html; charset=utf-8", "no-store"},
	} {
		resp := h.do(request(c.method, c.path, ""))
		head := resp.Header
		if resp.StatusCode != c.status || c.kind != "" && (head.Get("Content-Type") != c.kind || head.Get("Cache-Control") != c.cache) {
			t.Errorf("%s %s: %d %v", c.method, c.path, resp.StatusCode, head)
		}
		if c.status == 303 && head.Get("Location") != appPath {
			t.Errorf("%s leads to %s", c.path, head.Get("Location"))
		}
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
			if head.Get(name) != want {
				t.Errorf("%s %s: %s: %q", c.method, c.path, name, head.Get(name))
			}
		}
		if strings.Contains(c.path, "nothing") && strings.Contains(text(t, resp), "<script") {
			t.Error("a page has a script")
		}
	}
}

func TestFilesAreCompressed(t *testing.T) {
	h := newHouse(t)
	const path = "/console/assets/app-x1.js"
	plain := h.do(request("GET", path, ""))
	body := text(t, plain)
	for accept, zipped := range map[string]bool{"gzip, br": true, "br": false, "gzip;q=0": false, "gzip;q=0.5": true, "*": true, "*, gzip;q=0.0": false, "identity": false} {
		resp := h.do(request("GET", path, "", "Accept-Encoding", accept))
		got := text(t, resp)
		if resp.Header.Get("Vary") != "Accept-Encoding" || (resp.Header.Get("Content-Encoding") == "gzip") != zipped {
			t.Errorf("%s: %v", accept, resp.Header)
			continue
		}
		if zipped {
			if len(got) > len(body)/10 || resp.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Errorf("%d bytes of %d, ETag %s", len(got), len(body), resp.Header.Get("ETag"))
			}
			z, err := gzip.NewReader(strings.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != body {
			t.Errorf("%s: another body", accept)
		}
		if again := h.do(request("GET", path, "", "Accept-Encoding", accept, "If-None-Match", resp.Header.Get("ETag"))); again.StatusCode != 304 || text(t, again) != "" {
			t.Errorf("%s: asked again: %d", accept, again.StatusCode)
		}
	}
	if resp := h.do(request("GET", path, "", "Accept-Encoding", "gzip", "Range", "bytes=0-5")); resp.StatusCode != 206 || text(t, resp) != body[:6] {
		t.Errorf("range: %d", resp.StatusCode)
	}
	if resp := h.do(request("GET", "/console/assets/dot-x2.png", "", "Accept-Encoding", "gzip")); resp.Header.Get("Content-Encoding") != "" {
		t.Error("a picture is compressed")
	}
}

func TestConsoleWithoutIndex(t *testing.T) {
	files := maps.Clone(builtFiles)
	delete(files, "index.html")
	if _, err := New(Options{Files: files, Config: func() *Config { return &Config{} }}); err == nil || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("%v", err)
	}
	if _, err := loadFiles(fstest.MapFS{"index.html": {Mode: fs.ModeDir}}); err == nil {
		t.Error("a directory is no index")
	}
}

// Every page can be written, escapes what comes from outside and has nothing that its policy forbids.
func TestPages(t *testing.T) {
	for _, name := range []string{"login", "once", "message"} {
		var b strings.Builder
		bad := `"><script>alert(1)</script>`
		if err := pages().ExecuteTemplate(&b, name, pageData{Title: bad, Text: bad, Error: bad, User: bad, Next: bad}); err != nil {
			t.Fatal(err)
		}
		for _, not := range []string{"<script", "<style", "style=", "onclick", "javascript:"} {
			if strings.Contains(b.String(), not) {
				t.Errorf("%s has %s:\n%s", name, not, b.String())
			}
		}
	}
}

func TestBodiesOfForms(t *testing.T) {
	h := newHouse(t)
	for _, body := range []string{"user=%zz", "user=" + strings.Repeat("a", maxBody)} {
		if resp := h.do(request("POST", loginPath, body, own...)); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20s: %d", body, resp.StatusCode)
		}
	}
	if resp := h.do(request("PUT", loginPath, "", own...)); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %d", resp.StatusCode)
	}
	page := text(t, h.do(request("GET", loginPath, "", "remote", "192.0.2.1")))
	if !strings.Contains(page, "plain HTTP") {
		t.Errorf("the form over plain HTTP does not say that it does not work:\n%s", page)
	}
}

var nexts = map[string]string{
	"": appPath, "/console/": "/console/", "/console/?q=1": "/console/?q=1", "/console/x#y": "/console/x#y",
	"//evil.example/console/": appPath, "https://evil.example/console/": appPath, "/\\evil.example": appPath, "/console/\\..\\..\\evil": appPath,
	"/console//evil.example": appPath, "/console/../v1/calls": appPath, "/console/%2e%2e/v1": appPath, "/console/%2f%2fevil.example": appPath, "/console": appPath,
	"/v1/calls": appPath, "javascript:alert(1)": appPath, "/console/\r\nSet-Cookie: a=b": appPath, "/console/once/AAAA": appPath, "/console/logout": appPath,
	"/console/login?next=/console/": appPath, "\t/console/": appPath, "/console/\u2028": appPath, "/console/" + strings.Repeat("a", 2000): appPath,
}

func TestNextPath(t *testing.T) {
	for in, want := range nexts {
		if got := nextPath(in); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

// Whatever ?next= says, a browser stays at the console of this server.
func FuzzNextPath(f *testing.F) {
	for in := range nexts {
		f.Add(in)
	}
	base, err := url.Parse("https://pbx.example.com/console/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in string) {
		to, err := base.Parse(nextPath(in))
		if err != nil || to.Scheme != base.Scheme || to.Host != base.Host || to.User != nil || !strings.HasPrefix(to.Path, appPath) {
			t.Errorf("%q leads to %v %v", in, to, err)
		}
	})
}

// Whatever a form or a header says, nobody is logged in without the password, and nothing panics.
func FuzzLogin(f *testing.F) {
	f.Add("user=123&password=x&next=/console/", "http://example.com", "same-origin", "127.0.0.1", "dialwright_session=AAAA")
	f.Add("user=123%40tenant.com&password=the-password-2", "", "same-origin", "", "")
	f.Add("user=%ff&password=%00", "null", "", "[::1]:80, x", "dialwright_session=;;=")
	f.Add("a;b=&&&", "https://example.com", "same-origin", "", "__Host-dialwright_session=A")
	h := newHouse(f)
	h.door.log = slog.New(slog.DiscardHandler)
	h.conf.TrustedProxies = prefixes("127.0.0.0/8")
	f.Fuzz(func(t *testing.T, body, origin, site, forwarded, cookie string) {
		if strings.Contains(body, "the-password-1") {
			return
		}
		r := request("POST", loginPath, body)
		r.Header["Origin"], r.Header["Sec-Fetch-Site"], r.Header["X-Forwarded-For"], r.Header["Cookie"] = []string{origin}, []string{site}, []string{forwarded}, []string{cookie}
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, r)
		resp := w.Result()
		h.list = nil
		if resp.StatusCode < 400 || resp.StatusCode == 500 || len(resp.Cookies()) != 0 || h.door.sessions.Len() != 0 {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		if _, err := h.door.Visit(r); err == nil {
			t.Error("a cookie was made up")
		}
	})
}
