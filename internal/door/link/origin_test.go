package link_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/door/link"
	links "github.com/dialwright/dialwright/internal/link"
)

const crm = "https://crm.example.com"

// Which pages may use a link, with and without a lock.
func TestOrigins(t *testing.T) {
	h := newHouse(t)
	open := func() string { _, a := h.make(links.Draft{}); return a }
	locked := func() string {
		_, a := h.make(links.Draft{Origins: []string{crm, "http://intranet"}})
		return a
	}
	ours := h.srv.URL
	for _, c := range []struct {
		name    string
		link    func() string
		headers []string
		status  int
		cors    string
	}{
		{"program", open, nil, 200, ""},
		{"our page", open, []string{"Origin", ours, "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"our page, typed address", open, []string{"Sec-Fetch-Site", "none"}, 200, ""},
		{"base_url", open, []string{"Origin", "https://dial.example.com"}, 200, ""},
		{"another page", open, []string{"Origin", "https://evil.example"}, 403, ""},
		{"another page, as it says itself", open, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"same site", open, []string{"Sec-Fetch-Site", "same-site"}, 403, ""},
		{"opaque origin", open, []string{"Origin", "null"}, 403, ""},
		{"two origins", open, []string{"Origin", ours, "Origin", "https://evil.example"}, 403, ""},
		{"our host, another port", open, []string{"Origin", "http://127.0.0.1:1"}, 403, ""},
		{"our host, another scheme", open, []string{"Origin", strings.Replace(ours, "http:", "ftp:", 1)}, 403, ""},
		{"no lock, no CORS", open, []string{"Origin", crm}, 403, ""},

		{"locked: its page", locked, []string{"Origin", crm, "Sec-Fetch-Site", "cross-site"}, 200, crm},
		{"locked: its other page", locked, []string{"Origin", "http://intranet"}, 200, "http://intranet"},
		{"locked: program", locked, nil, 403, ""},
		{"locked: our page", locked, []string{"Origin", ours, "Sec-Fetch-Site", "same-origin"}, 403, ""},
		{"locked: another page", locked, []string{"Origin", "https://evil.example"}, 403, ""},
		{"locked: begins alike", locked, []string{"Origin", crm + ".evil.example"}, 403, ""},
		{"locked: other scheme", locked, []string{"Origin", "http://crm.example.com"}, 403, ""},
		{"locked: opaque origin", locked, []string{"Origin", "null"}, 403, ""},
		{"locked: its page and another", locked, []string{"Origin", crm, "Origin", "https://evil.example"}, 403, ""},
	} {
		h.set(func(h *house) { h.conf = link.Config{PerMinute: -1, Base: "https://dial.example.com"} })
		before := len(h.placed())
		got := h.ask("POST", c.link(), c.headers...)
		if got.status != c.status || got.header.Get("Access-Control-Allow-Origin") != c.cors || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d, CORS %q: %s", c.name, got.status, got.header.Get("Access-Control-Allow-Origin"), got.body)
		}
		if n := len(h.placed()) - before; (n == 1) != (c.status == 200) || n > 1 {
			t.Errorf("%s: %d calls", c.name, n)
		}
		if c.status == 403 && got.code() != "origin" {
			t.Errorf("%s: %s", c.name, got.body)
		}
	}
	if !strings.Contains(strings.Join(h.trail(), "\n"), " guard cross-origin 127.0.0.1") {
		t.Error("refused pages are not in the trail")
	}
}

// Behind a proxy with TLS our page is that of HTTPS, and the client is who the proxy says.
func TestBehindProxy(t *testing.T) {
	h := newHouse(t)
	_, address := h.make(links.Draft{})
	https := []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.9, 198.51.100.7", "Host", "dial.example.com"}
	h.set(func(h *house) { h.conf.TrustedProxies = loopback(t) })
	if got := h.ask("POST", address, append(https, "Origin", "http://dial.example.com")...); got.status != 403 {
		t.Errorf("page without TLS: %d", got.status)
	}
	if got := h.ask("POST", address, append(https, "Origin", "https://dial.example.com")...); got.status != 200 {
		t.Errorf("our page: %d %s", got.status, got.body)
	}
	if list := h.placed(); len(list) != 1 || list[0].Request.Origin.Remote != "198.51.100.7" {
		t.Errorf("%+v", list)
	}
}

// A page of an origin that a link names may ask whether its script may post; others not.
func TestPreflight(t *testing.T) {
	h := newHouse(t)
	_, address := h.make(links.Draft{Origins: []string{crm}})
	got := h.ask("OPTIONS", address, "Origin", crm, "Access-Control-Request-Method", "POST", "Access-Control-Request-Private-Network", "true")
	if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != crm || got.header.Get("Access-Control-Allow-Methods") != "POST" ||
		got.header.Get("Access-Control-Allow-Private-Network") != "true" || !strings.Contains(got.header.Get("Vary"), "Origin") {
		t.Errorf("%d %v", got.status, got.header)
	}
	for _, headers := range [][]string{{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, {"Origin", crm}, {}} {
		if got := h.ask("OPTIONS", address, headers...); got.status != 403 {
			t.Errorf("%v: %d", headers, got.status)
		}
	}
}

// A locked link opened by itself shows no button; in a frame of its page it does, and only that
// button works.
func TestFrame(t *testing.T) {
	h := newHouse(t)
	_, address := h.make(links.Draft{Origins: []string{crm, "http://intranet"}})
	if got := h.ask("GET", address, clicked()...); got.status != 403 || strings.Contains(got.body, "<form") {
		t.Errorf("by itself: %d %s", got.status, got.body)
	}
	framed := []string{"Accept", html, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}
	got := h.ask("GET", address, framed...)
	csp := got.header.Get("Content-Security-Policy")
	if got.status != 200 || got.header.Get("X-Frame-Options") != "" || !strings.HasSuffix(csp, "; frame-ancestors http://intranet "+crm) {
		t.Errorf("%d, CSP %q", got.status, csp)
	}
	proof := regexp.MustCompile(`name="frame" value="([^"]+)"`).FindStringSubmatch(got.body)
	if proof == nil {
		t.Fatalf("no proof in\n%s", got.body)
	}
	other, _ := h.make(links.Draft{Origins: []string{crm}})
	for _, bad := range []string{"frame=", "frame=1." + proof[1], "frame=" + strings.Replace(proof[1], ".", "0.", 1), "x=" + proof[1], strings.Repeat("x", 5000) + "&frame=" + proof[1]} {
		if got := h.send("POST", address, bad, "Origin", h.srv.URL); got.status != 403 {
			t.Errorf("%.40s: %d", bad, got.status)
		}
	}
	if got := h.send("POST", h.book.URL(&other), "frame="+proof[1], "Origin", h.srv.URL); got.status != 403 {
		t.Errorf("with another link's proof: %d", got.status)
	}
	if got := h.send("POST", address, "frame="+proof[1], "Origin", "https://evil.example"); got.status != 403 {
		t.Errorf("from another page: %d", got.status)
	}
	got = h.send("POST", address, "frame="+proof[1], "Origin", h.srv.URL, "Accept", html)
	if got.status != 200 || !strings.Contains(got.header.Get("Content-Security-Policy"), crm) || len(h.placed()) != 1 {
		t.Errorf("%d, %d calls", got.status, len(h.placed()))
	}
}
