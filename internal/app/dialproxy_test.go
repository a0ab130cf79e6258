package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
)

const clickConfig = `
[dialproxy]
enabled = true
prefixes = "00~0~49~"
pause = "0s"
[dialproxy.labels.desk]
prefixes = "none"
account = "other"
[accounts.default]
[accounts.other]
[phones.101]
password = "secret-101"
[trunks.peer]
host = "127.0.0.1"
private = true
[[routes]]
match = "_0."
trunk = "peer"
`

// clickApp is a server with dialproxy.php and labels. plan is its dialplan, "" = none.
func clickApp(t *testing.T, plan string) (a *App, base string, log *logBuffer) {
	t.Helper()
	dir, conf := t.TempDir(), clickConfig
	if plan != "" {
		file := filepath.Join(dir, "extensions.conf")
		if err := os.WriteFile(file, []byte(plan), 0o600); err != nil {
			t.Fatal(err)
		}
		conf += fmt.Sprintf("[dialplan]\nfile = %q\n", file)
	}
	path := filepath.Join(dir, "dialwright.toml")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, log = serve(t, path)
	for label, value := range map[string]string{
		"office": "Pretend/100~allow=127.0.0.1", "desk": "Pretend/100~allow=127.0.0.1~context=x", "busy": "Pretend/100486~allow=127.0.0.1",
		"away": "PJSIP/nobody~allow=127.0.0.1", "closed": "Pretend/100~context=x",
	} {
		if err := a.store.DBPut(t.Context(), "actionlist", "DIALPROXY-"+label, value); err != nil {
			t.Fatal(err)
		}
	}
	return a, "http://" + a.httpAddr.String(), log
}

// A click goes from HTTP to the dialplan, or without one to the routes; what leads
// nowhere rings nobody's phone.
func TestClicks(t *testing.T) {
	for _, c := range []struct{ name, plan string }{
		{"dialplan", "[default]\nexten => _0.,1,NoOp()\nexten => 101,1,NoOp()\n[x]\nexten => _X.,1,NoOp()\n"},
		{"routes", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, base, log := clickApp(t, c.plan)
			for _, w := range []struct {
				num, ext string
				status   int
				body     string
			}{
				{"+49 89 1", "office", 200, "Success\n"},
				{"+49 89 1", "busy", 200, "No Answer\n"},
				{"+49 89 1", "away", 200, "No Answer\n"},
				{"7", "office", 401, "Error\n"},
				{"+49 89 1", "nobody", 401, "Error\n"},
			} {
				resp, err := http.PostForm(base+"/dialproxy.php", url.Values{"num": {w.num}, "ext": {w.ext}})
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != w.status || string(b) != w.body {
					t.Errorf("%s by %s: %d %q, %v; want %d %q", w.num, w.ext, resp.StatusCode, b, err, w.status, w.body)
				}
			}
			if !strings.Contains(log.String(), "Failed dialproxy.php access  Remote Address: 127.0.0.1  Status: Error") {
				t.Error("the failure is not in the log")
			}
			resp, err := http.Get(base + "/v1/stats") // the other paths are whose they were
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 401 || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
				t.Errorf("/v1/stats: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
		})
	}
}

func TestExplainLabel(t *testing.T) {
	const plan = "[x]\nexten => _X.,1,NoOp()\n"
	a, _, _ := clickApp(t, plan)
	for _, c := range []struct {
		name, label, typed, only string
		want                     rest.Trace
	}{
		{"by the routes", "office", "+49 (0)89-1", "", rest.Trace{
			Typed: "+49 (0)89-1", Endpoint: "PJSIP/0891@peer", Number: "0891", Trunk: "peer",
			Steps: []rest.Step{
				{Rule: "trunk prefix", Before: "+49 (0)89-1", After: "+49 89-1", Note: "(0) is left out"},
				{Rule: "punctuation", Before: "+49 89-1", After: "+49891", Note: "only 0-9 * # + are dialled"},
				{Rule: "country prefix", Before: "+49891", After: "0891", Note: "+49 is our own country: 0 stands for it"},
				{Rule: "label", Before: "0891", After: "0891@default", Note: "when Pretend/100 has answered; caller ID DialProxy <0891>"},
				{Rule: "route _0.", Before: "0891", After: "0891", Note: "by trunk peer"},
			},
		}},
		{"by the dialplan, with prefixes of its own", "desk", "+49 1", "other", rest.Trace{
			Typed: "+49 1", Endpoint: "Local/491@x",
			Steps: []rest.Step{
				{Rule: "punctuation", Before: "+49 1", After: "491", Note: "only 0-9 * # are dialled: no dialling prefixes are set"},
				{Rule: "label", Before: "491", After: "491@x", Note: "when Pretend/100 has answered; caller ID DialProxy <491>"},
			},
		}},
		{"another account's", "desk", "1", "default", rest.Trace{
			Typed: "1", Steps: []rest.Step{}, Error: `there is no label "desk": put DIALPROXY-desk into the family actionlist of AstDB`,
		}},
		{"not there", "nobody", "1", "", rest.Trace{
			Typed: "1", Steps: []rest.Step{}, Error: `there is no label "nobody": put DIALPROXY-nobody into the family actionlist of AstDB`,
		}},
		{"a label that nobody may use", "closed", "12", "", rest.Trace{
			Typed: "12", Endpoint: "Local/12@x", Denied: "The label has neither a token nor an allow= that keeps anybody out, and dialproxy.open is off.",
			Steps: []rest.Step{{Rule: "label", Before: "12", After: "12@x", Note: "when Pretend/100 has answered; caller ID DialProxy <12>"}},
		}},
		{"a number that is too long", "desk", "123456789012345678901234567890123", "", rest.Trace{
			Typed: "123456789012345678901234567890123", Endpoint: "Local/123456789012345678901234567890123@x",
			Denied: "The number has more than 32 digits, which is dialproxy.max_digits.",
			Steps: []rest.Step{{
				Rule: "label", Before: "123456789012345678901234567890123", After: "123456789012345678901234567890123@x",
				Note: "when Pretend/100 has answered; caller ID DialProxy <123456789012345678901234567890123>",
			}},
		}},
		{"nothing left", "office", "abc", "", rest.Trace{
			Typed: "abc", Error: "nothing is left of the number: give its digits",
			Steps: []rest.Step{
				{Rule: "punctuation", Before: "abc", After: "", Note: "only 0-9 * # + are dialled"},
				{Rule: "label", Before: "", After: "@default", Note: "when Pretend/100 has answered; caller ID DialProxy <>"},
			},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := a.ExplainLabel(t.Context(), call.AccountID(c.only), c.typed, c.label)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
