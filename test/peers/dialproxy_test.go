package peers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/test/harness"
)

// clickPlan has the contexts of the vectors. Whoever comes in is written down and hung
// up; "astdb" writes labels, as a dialplan does.
const clickPlan = `[default]
exten => _[0-9*#+]!,1,Log(NOTICE,click to ${EXTEN} in ${CONTEXT} by ${CHANNEL(channeltype)})
 same => n,Hangup()
[a=b]
include => default
[x]
include => default
[predial-context]
exten => 999,1,Answer()
 same => n,Wait(10)
[astdb]
exten => put,1,Set(DB(actionlist/DIALPROXY-${LABEL})=${VALUE})
 same => n,Hangup()
`

// clicker is a server with dialproxy.php and a SIPp phone 1234, which answers.
type clicker struct {
	*yard
	phone *sippPeer
	url   string
}

// newClicker starts one; sections go into its configuration. calls is how often the
// phone is called at most.
func newClicker(t *testing.T, calls int, sections string) *clicker {
	t.Helper()
	c := &clicker{yard: &yard{t: t, dir: t.TempDir()}}
	c.write("extensions.conf", clickPlan)
	c.Server = harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("1234", ""), sections,
		fmt.Sprintf("[dialplan]\nfile = %q\n", filepath.Join(c.dir, "extensions.conf")))
	c.url = fmt.Sprintf("http://127.0.0.1:%d/dialproxy.php", c.HTTP)
	port := harness.FreePort(t)
	login := func(cseq int, password string) step {
		return step(strings.ReplaceAll(string(register("3600", cseq, password)), "101", "1234"))
	}
	startSIPpAt(t, port, 1, []step{login(1, ""), status(401, `auth="true"`), login(2, "secret-1234"), status(200)}, "127.0.0.1:"+strconv.Itoa(c.SIP)).Wait()
	c.phone = startSIPpAt(t, port, calls, []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger}, "-timeout", "1000")
	return c
}

// label writes an entry of the actionlist.
func (c *clicker) label(name, value string) {
	c.t.Helper()
	c.Call(c.t, map[string]any{
		"first": "Pretend/100", "dialplan": map[string]any{"context": "astdb", "extension": "put"},
		"variables": map[string]string{"LABEL": name, "VALUE": value},
	})
}

// ask sends a GET as a script does. call is the ID of the call that came of it, if one did.
func (c *clicker) ask(query string) (status int, body, call string) {
	c.t.Helper()
	resp, err := http.Get(c.url + "?" + query)
	c.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	c.must(err)
	return resp.StatusCode, string(b), resp.Header.Get("X-Call-Id")
}

func dialproxyVectors[V any](t *testing.T, name string) []V {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var list []V
	if err := json.Unmarshal(b, &list); err != nil || len(list) == 0 {
		t.Fatalf("%s holds %d, %v", name, len(list), err)
	}
	return list
}

// prefixed is a section of a label with prefixes of its own.
func prefixed(label, prefixes string) string {
	if strings.TrimSpace(prefixes) == "" {
		prefixes = "none" // unset
	}
	return fmt.Sprintf("[dialproxy.labels.%s]\nprefixes = %q\n", label, prefixes)
}

type numberVector struct {
	Prefixes   string `json:"prefixes"`
	Num        string `json:"num"`
	Normalized string `json:"normalized"`
	DialPrefix string `json:"dialprefix"`
}

type clickVector struct {
	Prefixes  string  `json:"prefixes"`
	Value     *string `json:"value"`
	Num       string  `json:"num"`
	Status    int     `json:"status"`
	Body      string  `json:"body"`
	Originate *struct {
		Channel, Exten, Context, CallerID string
	} `json:"originate"`
}

// TestVectorsDialproxy runs every vector on the built binary: numbers by debug=1, requests
// with a SIPp phone that rings, answers, and is sent to the dialplan.
func TestVectorsDialproxy(t *testing.T) {
	t.Parallel()
	numbers := dialproxyVectors[numberVector](t, "dialproxy_numbers.json")
	requests := dialproxyVectors[clickVector](t, "dialproxy_requests.json")
	var conf strings.Builder
	conf.WriteString("[dialproxy]\nenabled = true\nopen = true\nper_minute = -1\npause = \"100ms\"\n")
	for i, v := range numbers {
		conf.WriteString(prefixed(fmt.Sprintf("N%d", i+1), v.Prefixes))
	}
	for i, v := range requests {
		conf.WriteString(prefixed(fmt.Sprintf("R%d", i+1), v.Prefixes))
	}
	c := newClicker(t, 1000, conf.String())
	for i, v := range numbers {
		id := fmt.Sprintf("N%d", i+1)
		t.Run(id, func(t *testing.T) {
			status, body, _ := c.ask(url.Values{"num": {v.Num}, "ext": {id}, "debug": {"1"}}.Encode())
			if want := "Debug: num=" + v.Normalized + " ext=" + id + " dialprefix=" + v.DialPrefix + "\n"; status != 200 || body != want {
				t.Errorf("%d %q, want %q", status, body, want)
			}
		})
	}
	for i, v := range requests {
		id := fmt.Sprintf("R%d", i+1)
		t.Run(id, func(t *testing.T) { c.request(t, id, v) })
	}
	t.Logf("%d numbers and %d requests", len(numbers), len(requests))
}

// request runs one vector with a label of its name. Asterisk refuses an empty channel,
// and so do we (spec: dialproxy 6.1, note to R22).
func (c *clicker) request(t *testing.T, id string, v clickVector) {
	if v.Value != nil {
		c.label(id, *v.Value)
	}
	before := c.phone.Messages()
	status, body, made := c.ask(url.Values{"num": {v.Num}, "ext": {id}}.Encode())
	if v.Originate != nil && v.Originate.Channel == "" {
		v.Status, v.Body, v.Originate = 401, "Error\n", nil
	}
	if status != v.Status || body != v.Body {
		t.Errorf("answer %d %q, want %d %q", status, body, v.Status, v.Body)
	}
	if v.Originate == nil {
		if n := strings.Count(c.phone.Messages(), "\nINVITE ") - strings.Count(before, "\nINVITE "); n != 0 {
			t.Errorf("the phone was called %d times", n)
		}
		return
	}
	r := c.AwaitEnd(t, made)
	cdr, _ := r.Attempts[0]["cdr"].(map[string]any)
	if cdr["dst"] != v.Originate.Exten || cdr["dcontext"] != v.Originate.Context || cdr["disposition"] != "ANSWERED" || len(r.Attempts) != 1 {
		t.Errorf("the record tells of %v in %v, %v; want %+v", cdr["dst"], cdr["dcontext"], cdr["disposition"], *v.Originate)
	}
	if !strings.HasPrefix(v.Originate.Channel, "SIP/") {
		return
	}
	seen := strings.TrimPrefix(c.phone.Messages(), before)
	name, num := number.SplitCallerID(v.Originate.CallerID)
	if want := fmt.Sprintf("From: %q <sip:%s@", name, url.PathEscape(num)); !strings.Contains(seen, "INVITE sip:1234@") || !strings.Contains(seen, want) {
		t.Errorf("the phone did not see %s:\n%.2000s", want, seen)
	}
}

// A phone that does not answer is "No Answer" after the label's time, and curl sees what
// the scripts of the seed rely on: the body, and the status 200 (spec: dialproxy 8).
func TestDialproxyByCurl(t *testing.T) {
	t.Parallel()
	harness.RequirePeer(t, "curl", "curl")
	c := newClicker(t, 5, "[dialproxy]\nenabled = true\nprefixes = \"00~0~49~\"\npause = \"500ms\"\n[dialproxy.labels.secret]\ntoken = \"a-long-token\"\n")
	c.label("office", "SIP/1234~allow=127.0.0.1~context=x")
	c.label("secret", "SIP/1234")
	c.label("open", "SIP/1234")
	c.label("away", "PJSIP/nobody~allow=127.0.0.0/8")
	c.label("nowhere", "SIP/1234~allow=127.0.0.1~context=none")
	curl := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "-w", "%{http_code}"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, w := range []struct {
		want string
		args []string
	}{
		{"Success\n200", []string{"--data-urlencode", "num=+49 89-12345678", "--data-urlencode", "ext=office", c.url}},
		{"Debug: num=08912345678 ext=office dialprefix=\n200", []string{"--data-urlencode", "num=+49 89-12345678", "--data-urlencode", "ext=office", "-d", "debug=1", c.url}},
		{"No Answer\n200", []string{c.url + "?num=2223334444&ext=away"}},
		{"Error\n401", []string{c.url + "?num=2223334444&ext=nobody"}},
		{"Error\n401", []string{c.url + "?num=2223334444&ext=open"}},
		{"Error\n401", []string{c.url + "?num=2223334444&ext=nowhere"}},
		{"Error\n401", []string{c.url + "?num=2223334444&ext=secret"}},
		// The forms of docs/clients/macos.md, and a client that sends its password when it is asked.
		{"Success\n200", []string{"-H", "X-Dialproxy-Token: a-long-token", "--data-urlencode", "num=2223334444", "--data-urlencode", "ext=secret", c.url}},
		{"Success\n200", []string{"-F", "num=2223334444", "-F", "ext=secret", "-F", "token=a-long-token", c.url}},
		{"Success\n200", []string{"--anyauth", "-u", "me:a-long-token", c.url + "?num=2223334444&ext=secret"}},
		{"Success\n200", []string{"-u", "me:a-long-token", c.url + "?num=2223334444&ext=secret"}},
	} {
		if got := curl(w.args...); got != w.want {
			t.Errorf("curl %q prints %q, want %q", w.args, got, w.want)
		}
	}
	c.logged("click to 08912345678 in x by PJSIP")
	c.logged("Failed dialproxy.php access  Remote Address: 127.0.0.1  Status: Error")
	c.phone.Wait()
	out := c.CLI("route", "+49 (0)89-1", "--label", "office")
	for _, want := range []string{"trunk prefix", "country prefix", "0891@x", "caller ID DialProxy <0891>", "dialled   Local/0891@x"} {
		if out.Code != 0 || !strings.Contains(out.Stdout, want) {
			t.Errorf("route: %d, without %q:\n%s%s", out.Code, want, out.Stdout, out.Stderr)
		}
	}
	if out := c.CLI("route", "1", "--label", "nobody"); out.Code != 1 || !strings.Contains(out.Stdout, "DIALPROXY-nobody") {
		t.Errorf("route of an unknown label: %+v", out)
	}
	var audit struct {
		Entries []struct{ Door, Principal, Remote, Code string }
	}
	c.MustAPI("GET", "/v1/audit?denied=true&order=oldest", nil, &audit)
	var got []string
	for _, e := range audit.Entries {
		got = append(got, e.Door+" "+e.Principal+" "+e.Remote+" "+e.Code)
	}
	want := []string{
		"dialproxy dialproxy:nobody 127.0.0.1 guard", "dialproxy dialproxy:open 127.0.0.1 guard",
		"dialproxy dialproxy:nowhere 127.0.0.1 destination",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("audit %q, want %q", got, want)
	}
}

// The script of docs/clients/linux-tel.md calls what a tel: link says.
func TestTelScript(t *testing.T) {
	t.Parallel()
	harness.RequirePeer(t, "curl", "curl")
	c := newClicker(t, 1, "[dialproxy]\nenabled = true\nprefixes = \"00~0~49~\"\n[dialproxy.labels.office]\ntoken = \"a-long-token\"\n")
	c.label("office", "SIP/1234")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients", "linux-tel.md"))
	c.must(err)
	_, script, _ := strings.Cut(string(page), "```sh\n")
	script, _, _ = strings.Cut(script, "```")
	if !strings.Contains(script, "https://pbx/dialproxy.php") {
		t.Fatalf("the page has no script: %q", script)
	}
	c.write("dialproxy-tel", strings.Replace(script, "https://pbx/dialproxy.php", c.url, 1))
	c.must(os.Mkdir(filepath.Join(c.dir, ".config"), 0o700))
	c.write(".config/dialproxy-token", "a-long-token\n")
	cmd := exec.CommandContext(t.Context(), filepath.Join(c.dir, "dialproxy-tel"), "tel:+49%20(0)89-5551234;ext=7")
	cmd.Env = append(os.Environ(), "HOME="+c.dir)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "Success\n" {
		t.Errorf("the script says %q, %v", out, err)
	}
	c.logged("click to 0895551234 in default by PJSIP")
	c.phone.Wait()
}
