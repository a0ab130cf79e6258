package app

import (
	"regexp"
	"strings"
	"testing"
)

var (
	sessionMade = regexp.MustCompile(`(dialwright_session=)[A-Z2-7]{26}`)
	sessionSaid = regexp.MustCompile(`("csrf":")[A-Z2-7]{32}|("expires_at":")[^"]*|(/console/once/)[A-Z2-7]{26}|(http://127\.0\.0\.1:)[0-9]+`)
)

// What the console's door and the sessions of the API say, to the letter.
func TestGoldenTraceOfConsole(t *testing.T) {
	d := newDesk(t, nil)
	var out strings.Builder
	say := func(method, path, body string, headers ...string) string {
		out.WriteString("> " + method + " " + sessionSaid.ReplaceAllString(path, "${3}TOKEN") + "\n")
		for i := 0; i+1 < len(headers); i += 2 {
			if headers[i+1] != "" {
				out.WriteString("> " + headers[i] + ": " + headers[i+1] + "\n")
			}
		}
		if body != "" {
			out.WriteString("> " + body + "\n")
		}
		resp, text := d.send(method, path, body, headers...)
		for _, c := range resp.Cookies() {
			if c.MaxAge < 0 {
				d.cookie, d.csrf = "", ""
			} else {
				d.cookie = c.Name + "=" + c.Value
			}
		}
		out.WriteString(resp.Status + "\n")
		for _, h := range []string{"Content-Type", "Cache-Control", "Location", "Set-Cookie", "Allow", "Retry-After", "Www-Authenticate"} {
			for _, v := range resp.Header.Values(h) {
				out.WriteString(h + ": " + sessionMade.ReplaceAllString(v, "${1}VALUE") + "\n")
			}
		}
		out.WriteString(sessionSaid.ReplaceAllString(strings.TrimSuffix(text, "\n"), "$1$2${3}${4}…") + "\n\n")
		return text
	}
	const form = "application/x-www-form-urlencoded"
	say("GET", "/", "")
	say("GET", "/v1/session", "")
	say("GET", "/console/login?next=//evil.example", "")
	say("POST", "/console/login", "user=101&password=wrong", "Content-Type", form)
	say("POST", "/console/login", "user=101&password=the-password-1", "Content-Type", form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	say("POST", "/console/login", "user=101&password=the-password-1", "Content-Type", form, "X-Forwarded-For", "192.0.2.1")
	say("POST", "/console/login", "user=101&password=the-password-1&next=/console/?from=mail", "Content-Type", form)
	say("GET", "/v1/session", "")
	say("POST", "/v1/check", aCall)
	say("GET", "/v1/users", "")
	say("POST", "/console/logout", "")
	say("GET", "/v1/session", "", "Sec-Fetch-Site", "")
	say("POST", "/v1/session", `{"user":"101","password":"wrong"}`)
	say("POST", "/v1/session", `{"user":"boss","password":"the-password-1"}`)
	_, text := d.send("GET", "/v1/session", "")
	_, d.csrf, _ = strings.Cut(text, `"csrf":"`)
	d.csrf, _, _ = strings.Cut(d.csrf, `"`)
	say("POST", "/v1/session/once", `{"user":"nobody"}`)
	once := say("POST", "/v1/session/once", `{"user":"101"}`)
	_, once, _ = strings.Cut(once, d.url)
	once, _, _ = strings.Cut(once, `"`)
	say("GET", once, "")
	say("POST", once, "")
	say("POST", once, "")
	say("DELETE", "/v1/session", "", "Cookie", "dialwright_session=AAAAAAAAAAAAAAAAAAAAAAAAAA")
	say("GET", "/v1/session", "", "Cookie", "dialwright_session=AAAAAAAAAAAAAAAAAAAAAAAAAA")
	say("PUT", "/console/login", "")
	say("GET", "/console/nothing", "")

	tr := &trace{T: t}
	tr.out.WriteString(out.String())
	tr.golden("console.golden")
	metrics := fetch(t, d.url+"/metrics")
	for _, want := range []string{`dialwright_click_requests_total{door="console",status="3xx"} `, `dialwright_click_requests_total{door="console",status="4xx"} `, `dialwright_click_requests{door="console"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}
