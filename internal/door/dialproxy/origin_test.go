package dialproxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/door/dialproxy"
)

const (
	chrome      = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
	thunderbird = "Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Thunderbird/52.8.0"
)

// Which web pages may make a phone ring (spec: dialproxy W2). What browsers really send
// is tried in test/peers.
func TestOrigins(t *testing.T) {
	conf := open()
	conf.AllowedOrigins = []string{"https://crm.example.com", "http://pbx.example.com", "chrome-extension://abc"}
	conf.Labels = map[string]dialproxy.Label{"secret": {Token: "s3cret"}}
	h := newHouse(t, conf)
	h.label("secret", officeLabel)
	type headers map[string]string
	for _, c := range []struct {
		name string
		h    headers
		may  bool
	}{
		{"a program", headers{"User-Agent": "curl/8.5.0"}, true},
		{"a program without a name", headers{"User-Agent": ""}, true},
		{"Thunderbird", headers{"User-Agent": thunderbird}, true},
		{"TBDialOut", headers{"User-Agent": thunderbird, "Accept": "*/*"}, true},
		{"TBDialOut in a tab", headers{"User-Agent": thunderbird, "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{"a picture of a mail", headers{"User-Agent": thunderbird, "Accept": "image/png,image/*;q=0.8,*/*;q=0.5"}, false},
		{"a style of a mail", headers{"User-Agent": thunderbird, "Accept": "text/css,*/*;q=0.1"}, false},
		{"a font of a mail", headers{"User-Agent": thunderbird, "Accept": "application/font-woff2;q=1.0,*/*;q=0.5"}, false},
		{"a picture of another mail program", headers{"User-Agent": "Mail/1.0", "Accept": "image/*"}, false},
		{"the same over HTTPS", headers{"User-Agent": thunderbird, "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "image"}, false},
		{"a browser over plain HTTP", headers{"User-Agent": chrome}, false},
		{"the same with a Referer of ours", headers{"User-Agent": chrome, "Referer": "http://127.0.0.1/"}, false},
		{"another site", headers{"User-Agent": chrome, "Sec-Fetch-Site": "cross-site"}, false},
		{"another origin of the site", headers{"User-Agent": chrome, "Sec-Fetch-Site": "same-site"}, false},
		{"our own page", headers{"User-Agent": chrome, "Sec-Fetch-Site": "same-origin"}, true},
		{"typed", headers{"User-Agent": chrome, "Sec-Fetch-Site": "none"}, true},
		{"typed, as browsers say it", headers{"User-Agent": chrome, "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document", "Accept": "text/html,image/avif,*/*;q=0.8"}, true},
		{"a script of an extension", headers{"User-Agent": chrome, "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}, true},
		{"a new word", headers{"User-Agent": chrome, "Sec-Fetch-Site": "near"}, false},
		{"another origin, without Sec-Fetch-Site", headers{"User-Agent": chrome, "Origin": "https://evil.example"}, false},
		{"another origin that names no browser", headers{"User-Agent": "x", "Origin": "https://evil.example"}, false},
		{"no origin", headers{"User-Agent": "x", "Origin": "null"}, false},
		{"our origin", headers{"User-Agent": chrome, "Host": "pbx:8088", "Origin": "http://pbx:8088"}, true},
		{"our host, another port", headers{"User-Agent": chrome, "Host": "pbx:8088", "Origin": "http://pbx:81"}, false},
		{"allowed", headers{"User-Agent": chrome, "Sec-Fetch-Site": "cross-site", "Origin": "https://crm.example.com"}, true},
		{"allowed but for its case", headers{"Sec-Fetch-Site": "cross-site", "Origin": "https://CRM.example.com"}, false},
		{"an extension", headers{"User-Agent": chrome, "Sec-Fetch-Site": "cross-site", "Origin": "chrome-extension://abc"}, true},
		{"a name that may be anybody's", headers{"Host": "rebound.example", "Sec-Fetch-Site": "same-origin"}, false},
		{"the same by Origin", headers{"Host": "rebound.example", "Origin": "http://rebound.example"}, false},
		{"a name that is ours", headers{"Host": "pbx.example.com", "Sec-Fetch-Site": "same-origin"}, true},
		{"an IPv6 address", headers{"Host": "[::1]:8088", "Sec-Fetch-Site": "same-origin"}, true},
	} {
		var change []func(*http.Request)
		for name, value := range c.h {
			change = append(change, header(name, value))
		}
		h.taken()
		for _, method := range []string{"GET", "POST"} {
			got := h.ask(method, "num=5551&ext=office", "", change...)
			if c.may {
				got.want(t, 200, "Success")
			} else {
				got.want(t, 403, "Error")
			}
			if n := len(h.taken()); (n == 1) != c.may {
				t.Errorf("%s, %s: %d calls, may %v", c.name, method, n, c.may)
			}
		}
	}
	foreign := []func(*http.Request){header("User-Agent", chrome), header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.example")}
	const q = "num=5551&ext=secret"
	h.ask("POST", "", q+"&token=s3cret", foreign...).want(t, 200, "Success")
	h.ask("POST", "", q+"&token=guess", foreign...).want(t, 403, "Error")
	h.ask("POST", "", q, append(foreign, func(r *http.Request) { r.SetBasicAuth("x", "s3cret") })...).want(t, 403, "Error")
	if !strings.Contains(h.log.String(), "web page refused") {
		t.Error("the refusal is not logged")
	}
	if strings.Contains(h.log.String(), "Failed dialproxy.php access") {
		t.Error("a foreign page has had an address counted by those who read the log")
	}
}

func TestCORS(t *testing.T) {
	conf := open()
	conf.AllowedOrigins = []string{"https://crm.example.com", "*"}
	h := newHouse(t, conf)
	const q = "num=5551&ext=office"
	ask := func(origin string) said {
		return h.ask("OPTIONS", q, "", header("Origin", origin), header("Access-Control-Request-Method", "POST"), header("Access-Control-Request-Private-Network", "true"))
	}
	got := ask("https://crm.example.com")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://crm.example.com", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Allow-Private-Network": "true",
	} {
		if got.status != 204 || got.header.Get(name) != want {
			t.Errorf("%d, %s: %q, want %q", got.status, name, got.header.Get(name), want)
		}
	}
	for _, origin := range []string{"https://evil.example", "*", "null"} {
		if got := ask(origin); got.status != 403 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, allowed %q", origin, got.status, got.header.Get("Access-Control-Allow-Origin"))
		}
	}
	if got := h.get(q, header("Origin", "https://crm.example.com")); got.header.Get("Access-Control-Allow-Origin") != "https://crm.example.com" {
		t.Errorf("the answer may not be read: %v", got.header)
	}
	if n := len(h.taken()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// The page for tel: links dials nobody, shows what it is given without running it, and
// lets nobody frame it.
func TestTelPage(t *testing.T) {
	h := newHouse(t, open())
	h.url = strings.TrimSuffix(h.url, "/dialproxy.php") + dialproxy.TelPage
	got := h.get("num=tel:%2B49%3Cscript%3E&ext=office", header("Sec-Fetch-Site", "cross-site"))
	if got.status != 200 || strings.Contains(got.body, "+49<script>") || !strings.Contains(got.body, `value="office"`) || !strings.Contains(got.body, `action="/dialproxy.php"`) {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	csp := got.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "script-src 'sha256-") {
		t.Errorf("Content-Security-Policy %q", csp)
	}
	if got := h.ask("POST", "", "num=1&ext=office"); got.status != 405 {
		t.Errorf("POST: %d", got.status)
	}
	if list := h.taken(); len(list) != 0 {
		t.Errorf("submitted %+v", list)
	}
}
