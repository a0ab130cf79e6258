package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/softphone"
)

// clickOffice is a server with two people, whose phones are registered: that of 101
// answers, that of 102 is busy; 103 has none.
func clickOffice(t *testing.T, more func(*config.Config)) (*App, Ready) {
	t.Helper()
	a, err := New(Options{Log: t.Output(), Version: "test", Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Server.Node = "node1"
		hash := auth.Hash("the-password-1")
		c.Phones = map[string]config.Phone{"101": {Password: "choose-one-1", DisplayName: "Ada Moss"}, "102": {Password: "choose-one-2"}, "103": {Password: "choose-one-3"}}
		c.Users = map[string]config.User{
			"101":  {Password: hash, LinkSecret: "linkpass", FirstName: "Ada", LastName: "Moss", ID: "1106"},
			"102":  {Password: hash, FirstName: "Ben", LastName: "Ives", ID: "1107"},
			"103":  {Password: hash, ID: "1108", LinkSecret: "linkpass"},
			"boss": {Role: "admin", Password: hash},
		}
		more(c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop := []func(context.Context) error{a.Stop}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 15*time.Second)
		defer cancel()
		for _, f := range slices.Backward(stop) {
			if err := f(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	rules := map[string]softphone.Rule{"101": {Action: softphone.Answer}, "102": {Action: softphone.Reject}}
	for _, user := range slices.Sorted(maps.Keys(rules)) {
		p, err := softphone.New(softphone.Config{
			User: user, Password: a.Config().Phones[user].Password, Server: strings.TrimPrefix(r.SIP[0], "udp:"), Rule: rules[user],
		})
		if err == nil {
			err = p.Start(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		stop = append(stop, p.Stop)
		if err := p.WaitRegistered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return a, r
}

var (
	svMoments = regexp.MustCompile(`(start_time|end_time|duration|talk_duration|date_created|start|first_answer|date_time)(=?")(: ?")?[^"]*"`)
	clickOnce = regexp.MustCompile(`(name="token" value=")[^"]+|^"[a-z0-9]{20}"$`)
	svNonces  = regexp.MustCompile(`nonce="[^"]*"`)
)

// say sends a request and writes down the answer, with what differs from run to run made
// the same.
func (tr *trace) say(method, path, body string, headers ...string) string {
	tr.Helper()
	req, err := http.NewRequestWithContext(tr.Context(), method, tr.url+path, strings.NewReader(body))
	if err != nil {
		tr.Fatal(err)
	}
	fmt.Fprintf(&tr.out, "> %s %s\n", method, path)
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
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tr.Fatal(err)
	}
	fmt.Fprintf(&tr.out, "%d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	for _, h := range []string{"Content-Type", "Cache-Control", "Location", "Www-Authenticate", "Retry-After", "Allow"} {
		for _, v := range resp.Header.Values(h) {
			fmt.Fprintf(&tr.out, "%s: %s\n", h, svNonces.ReplaceAllString(v, `nonce="NONCE"`))
		}
	}
	shown := uuids.ReplaceAllString(string(text), "CALL")
	shown = svMoments.ReplaceAllString(shown, `$1$2${3}TIME"`)
	shown = clickOnce.ReplaceAllString(shown, `${1}TOKEN`)
	tr.out.WriteString(strings.TrimSuffix(shown, "\n") + "\n\n")
	return string(text)
}

// What Switchvox's door says, to the letter.
func TestGoldenTraceOfSwitchvox(t *testing.T) {
	_, r := clickOffice(t, func(c *config.Config) {
		c.Switchvox.Enabled = true
		c.Switchvox.Variables = map[string]int{"balance": 3}
	})
	tr := &trace{T: t, url: r.HTTP}
	const (
		ada  = "Basic MTAxOnRoZS1wYXNzd29yZC0x"     // 101
		boss = "Basic Ym9zczp0aGUtcGFzc3dvcmQtMQ==" // administrator
		xml  = "text/xml"
	)
	call := func(method, parameters string) string {
		return `<request method="` + method + `"><parameters>` + parameters + `</parameters></request>`
	}
	const to = "<dial_first>101</dial_first><dial_second>102</dial_second>"
	tr.say("POST", "/xml", call("switchvox.call", to))
	tr.say("POST", "/xml", call("switchvox.call", to), "Authorization", "Basic MTAxOndyb25n")
	tr.say("POST", "/xml", call("switchvox.call", to), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.call", to+"<dial_as_account_id>99</dial_as_account_id>"), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.call", "<dial_first>1x1</dial_first><dial_second>102</dial_second><dial_as_account_id>1106</dial_as_account_id><timeout>a</timeout>"), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.call", to+"<dial_as_account_id>1106</dial_as_account_id><variables><variable>balance=300</variable><variable>other=1</variable></variables>"), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.users.call", "<dial_first>102</dial_first><dial_second>101</dial_second>"), "Authorization", ada, "Content-Type", xml)
	tr.say("POST", "/json", `{"request":{"method":"switchvox.users.call","parameters":{"dial_first":"101","dial_second":"102"}}}`, "Authorization", ada)
	tr.say("POST", "/json", `{"request":{"method":"switchvox.users.call","parameters":[]}}`, "Authorization", ada)
	tr.say("POST", "/json", `{"request":{"method":"switchvox.users.getMyInfo"}}`, "Authorization", ada)
	tr.say("POST", "/xml", call("switchvox.extensions.getInfo", "<extensions><extension>101</extension><extension>999</extension></extensions>"), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.currentCalls.hangUp", "<current_call_id>none</current_call_id>"), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", call("switchvox.nonsense", ""), "Authorization", boss, "Content-Type", xml)
	tr.say("POST", "/xml", `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><request method="&e;"/>`, "Authorization", boss, "Content-Type", xml)
	tr.say("GET", "/xml", "", "Authorization", boss)

	tr.golden("switchvox.golden")

	metrics := fetch(t, r.HTTP+"/metrics")
	for _, want := range []string{
		`dialwright_click_requests_total{door="switchvox",status="2xx"} 13`, `dialwright_click_requests_total{door="switchvox",status="4xx"} 2`,
		`dialwright_click_requests{door="switchvox"} 0`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

// redeem exchanges a token for a session.
func (tr *trace) redeem(token string) {
	tr.Helper()
	before := tr.out.Len()
	tr.say("POST", "/rest/system/session", `{"name":"session","value":"`+token+`"}`)
	said := strings.ReplaceAll(tr.out.String()[before:], token, "TOKEN")
	tr.out.Truncate(before)
	tr.out.WriteString(said)
}

// What Vodia's door says, to the letter.
func TestGoldenTraceOfVodia(t *testing.T) {
	_, r := clickOffice(t, func(c *config.Config) { c.Vodia.Enabled, c.Vodia.Realm = true, "pbx" })
	tr := &trace{T: t, url: r.HTTP}
	const (
		ada  = "Basic MTAxOnRoZS1wYXNzd29yZC0x"     // 101
		boss = "Basic Ym9zczp0aGUtcGFzc3dvcmQtMQ==" // administrator
	)
	tr.say("GET", "/remote_call.htm?user=101&dest=102", "")
	tr.say("GET", "/remote_call.htm?user=101&dest=102", "", "Authorization", "Basic MTAxOndyb25n")
	tr.say("GET", "/remote_call.htm?user=101", "", "Authorization", ada)
	tr.say("GET", "/remote_call.htm?user=101&dest=abc", "", "Authorization", ada)
	tr.say("GET", "/remote_call.htm?user=102&dest=101", "", "Authorization", ada)
	tr.say("GET", "/remote_call.htm?user=103&dest=101", "", "Authorization", boss)
	tr.say("GET", "/remote_call.htm?user=101&dest=102&auth=101:the-password-1&connect=true&name=Ben", "")
	tr.say("GET", "/remote_call.htm?user=101&dest=102&auth=101:wrong", "")
	tr.say("GET", "/remote_call.htm?user=101&extension=true&dest=102&time=1700000000&duration=3600&auth=00", "")
	tr.say("GET", "/remote_call.htm?user=101&dest=102", "", "Authorization", ada, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
	tr.say("HEAD", "/remote_call.htm?user=101&dest=102&auth=101:the-password-1", "")
	tr.say("PUT", "/remote_call.htm?user=101&dest=102", "")
	tr.say("GET", "/rest/user/101/calls", "", "Authorization", "Basic MTAyOnRoZS1wYXNzd29yZC0x")
	tr.say("GET", "/rest/user/999/calls", "", "Authorization", boss)
	tr.say("POST", "/rest/user/101/calls", `{"remote-dial":"102"}`, "Authorization", ada)
	tr.say("POST", "/rest/user/101/calls", `{"dial":""}`, "Authorization", ada)
	tr.say("POST", "/rest/user/101/calls", `{"remote-dial":"102"}`, "Authorization", ada, "Origin", "https://evil.example")
	tr.say("GET", "/rest/system/session", "")
	tr.say("POST", "/rest/system/session", `{"name":"session","value":"nonsense"}`)
	tr.say("POST", "/rest/system/session", `{"name":"3rd","username":"101"}`, "Authorization", ada)
	token := tr.say("POST", "/rest/system/session", `{"name":"3rd","username":"101"}`, "Authorization", boss)
	tr.redeem(strings.Trim(token, `"`))
	tr.redeem(strings.Trim(token, `"`))
	tr.say("GET", "/rest/pbxlogin", "")
	tr.say("GET", "/websocket?user=101", "")

	tr.golden("vodia.golden")
}
