package peers

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/harness"
)

// linkOffice is a server with signed links: the users 101, whose SIPp phone answers, and
// 103, whose phone is not there; and a SIPp phone 102, which answers and hangs up.
type linkOffice struct {
	*yard
	me, other *sippPeer
	key       string // for /v1/links, without a bound to an account
}

// newLinkOffice starts one. calls is how many there will be at most.
func newLinkOffice(t *testing.T, calls int) *linkOffice {
	t.Helper()
	harness.RequirePeer(t, "curl", "curl")
	o := &linkOffice{yard: &yard{t: t, dir: t.TempDir()}, key: auth.NewKey("crm")}
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("101", ""), harness.Phone("102", ""), harness.Phone("103", ""),
		"[users.101]\nfirst_name = \"Grace\"\n[users.103]\n[links]\nper_minute = -1\n",
		fmt.Sprintf("[keys.crm]\nhash = %q\nscopes = [\"calls:read\", \"calls:write\", \"admin\"]\n", auth.CheapHash(o.key)))
	o.me = o.phone("101", calls, invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger)
	o.other = o.phone("102", calls, inviteRemembered(), reply(200, "OK", "sendrecv"), recv("ACK"), pause(200*time.Millisecond), request("BYE", "", 1), status(200))
	return o
}

// phone registers a phone and has a SIPp answer its calls.
func (o *linkOffice) phone(name string, calls int, steps ...step) *sippPeer {
	o.t.Helper()
	port := harness.FreePort(o.t)
	registerPhone(o.t, o.Server, name, port)
	return startSIPpAt(o.t, port, calls, steps, "-timeout", "1000")
}

// registerPhone registers a phone for an hour at a port that nobody uses yet.
func registerPhone(t *testing.T, s *harness.Server, name string, port int) {
	t.Helper()
	login := func(cseq int, password string) step {
		return step(strings.ReplaceAll(string(register("3600", cseq, password)), "101", name))
	}
	startSIPpAt(t, port, 1, []step{login(1, ""), status(401, `auth="true"`), login(2, "secret-"+name), status(200)}, "127.0.0.1:"+strconv.Itoa(s.SIP)).Wait()
}

// create makes a link by the command line and gives its address.
func (o *linkOffice) create(args ...string) string {
	o.t.Helper()
	out := o.CLI(append([]string{"link", "create"}, args...)...)
	if out.Code != 0 {
		o.t.Fatalf("link create %q: %s", args, out.Stderr)
	}
	return strings.TrimSpace(out.Stdout)
}

// restLink is what the tests look at of a link.
type restLink struct {
	ID, URL, State string
	Used           int
	History        []struct{ Remote, Origin, Call, Outcome, Refused string }
}

// rest asks the API over HTTP with the key.
func (o *linkOffice) rest(method, path, body string) (l restLink) {
	o.t.Helper()
	status, text := o.curl("-X", method, "-H", "Authorization: Bearer "+o.key, "-H", "Content-Type: application/json", "-d", body, fmt.Sprintf("http://127.0.0.1:%d%s", o.HTTP, path))
	if err := json.Unmarshal([]byte(text), &l); err != nil || status >= 300 {
		o.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return l
}

// show gives a link by its address.
func (o *linkOffice) show(address string) restLink {
	o.t.Helper()
	return o.rest("GET", "/v1/links/"+linkID(address), "")
}

// linkID gives the ID that an address holds.
func linkID(address string) string {
	_, id, _ := strings.Cut(address, "/link/")
	id, _, _ = strings.Cut(id, ".")
	return id
}

// curl runs it, for one request.
func (o *linkOffice) curl(args ...string) (status int, body string) {
	o.t.Helper()
	out, err := exec.CommandContext(o.t.Context(), "curl", append([]string{"-sS", "-w", "\n%{http_code}"}, args...)...).CombinedOutput()
	if err != nil {
		o.t.Fatalf("curl %q: %v\n%s", args, err, out)
	}
	cut := strings.LastIndexByte(string(out), '\n')
	status, err = strconv.Atoi(string(out[cut+1:]))
	o.must(err)
	return status, string(out[:cut])
}

// linkAnswer is what a program is told by a link.
type linkAnswer struct {
	Status any    // "placed", or the number of the refusal's
	Call   string // ID
	Code   string // of a refusal
	Detail string // in words
}

// post uses a link as a program.
func (o *linkOffice) post(address string, args ...string) (int, linkAnswer) {
	o.t.Helper()
	status, body := o.curl(append(args, "-X", "POST", address)...)
	var a linkAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		o.t.Fatalf("POST %d %q: %v", status, body, err)
	}
	return status, a
}

// rang counts the calls that a phone has got.
func rang(p *sippPeer) int { return strings.Count(p.Messages(), "\nINVITE sip:") }

// trail gives the audit trail of links, oldest first, as "principal + text" and
// "principal - rule".
func (o *linkOffice) trail() (lines []string) {
	o.t.Helper()
	var audit struct {
		Entries []struct {
			Door, Principal, Rule, Text string
			Accepted                    bool
		}
	}
	o.MustAPI("GET", "/v1/audit?order=oldest&limit=1000", nil, &audit)
	for _, e := range audit.Entries {
		switch {
		case e.Door != "link":
		case e.Accepted:
			lines = append(lines, e.Principal+" + "+e.Text)
		default:
			lines = append(lines, e.Principal+" - "+e.Rule+": "+e.Text)
		}
	}
	return lines
}

// A link of the command line is opened, used, and used up; one of the API has two uses.
func TestLinkCalls(t *testing.T) {
	t.Parallel()
	o := newLinkOffice(t, 3)
	once := o.create("101", "1-0-2", "--name", "Ada Moss", "--once", "--connect")

	// Opening it shows what it does, and rings nothing.
	status, page := o.curl(once)
	for _, want := range []string{"<h1>Call Ada Moss</h1>", `<p class="number">102</p>`, "The phone of Grace rings first", "<button>Call now</button>"} {
		if status != 200 || !strings.Contains(page, want) {
			t.Errorf("%d, the page has no %q:\n%s", status, want, page)
		}
	}
	if status, body := o.curl("-I", once); status != 204 {
		t.Errorf("HEAD: %d %s", status, body)
	}
	if n, used := rang(o.me), o.show(once).Used; n != 0 || used != 0 {
		t.Fatalf("it was opened: the phone was called %d times, the link used %d times", n, used)
	}

	// The button: phone 101, then 102.
	status, a := o.post(once)
	if status != 200 || a.Status != "placed" || a.Call == "" {
		t.Fatalf("%d %+v", status, a)
	}
	o.AwaitEnd(t, a.Call).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	if seen := o.me.Messages(); rang(o.me) != 1 || rang(o.other) != 1 || !strings.Contains(seen, `From: "Ada Moss" <sip:102@`) {
		t.Errorf("101 was called %d times, 102 %d times:\n%.1500s", rang(o.me), rang(o.other), seen)
	}

	// Used up: the page says so at once, and so does a click that is none of the same.
	if status, page := o.curl(once); status != 410 || !strings.Contains(page, "This link was used already. Ask for a new one.") {
		t.Errorf("opened again: %d\n%s", status, page)
	}
	o.until("a second click is told no", func() bool {
		status, a = o.post(once)
		return status != 200
	})
	if status != 410 || a.Code != "used" || a.Detail != "This link was used already. Ask for a new one." {
		t.Errorf("used again: %d %+v", status, a)
	}
	l := o.show(once)
	if l.State != "used" || l.Used != 1 || len(l.History) != 2 || l.History[0].Refused != "this link was used already" || l.History[1].Outcome != "ANSWERED" || l.History[1].Remote != "127.0.0.1" {
		t.Errorf("%+v", l)
	}

	// Two clicks at the same moment are one call; the second use is another.
	twice := o.rest("POST", "/v1/links", `{"user": "101", "number": "102", "uses": 2, "connect": true}`)
	var wg sync.WaitGroup
	calls := make([]string, 2)
	for i := range calls {
		wg.Go(func() { _, a := o.post(twice.URL); calls[i] = a.Call })
	}
	wg.Wait()
	if calls[0] == "" || calls[0] != calls[1] || o.show(twice.URL).Used != 1 {
		t.Errorf("two clicks at once: calls %q, %+v", calls, o.show(twice.URL))
	}
	o.AwaitEnd(t, calls[0]).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	o.until("the next click is another", func() bool {
		_, a = o.post(twice.URL)
		return a.Call != calls[0]
	})
	o.AwaitEnd(t, a.Call).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	if l := o.show(twice.URL); l.State != "used" || l.Used != 2 || len(l.History) != 2 {
		t.Errorf("%+v", l)
	}
	o.me.Wait()
	o.other.Wait()

	first, second := "link:"+linkID(once), "link:"+twice.ID
	trail := strings.Join(o.trail(), "\n")
	for _, want := range []string{first + " + link made by local: one use, until ", first + " - link: this link was used already", second + " + link made by key:crm: 2 uses, until "} {
		if !strings.Contains(trail, want) {
			t.Errorf("the audit trail has no %q:\n%s", want, trail)
		}
	}
	signature := once[strings.LastIndexByte(once, '.')+1:]
	if strings.Contains(trail, signature) || o.Log.Contains(signature) || !o.Log.Contains(linkID(once)) {
		t.Error("the signature is in the log or the audit trail, or the link is not")
	}
}

// Links that are over, not yet valid, forged, or used from a page that may not: in words,
// with their code, in the audit trail; and nobody's phone rings.
func TestLinkRefusals(t *testing.T) {
	t.Parallel()
	o := newLinkOffice(t, 1)
	const crm, evil = "https://crm.example.com", "https://evil.example.com"
	revoked := o.create("101", "102")
	if out := o.CLI("link", "revoke", revoked); out.Code != 0 {
		t.Fatal(out.Stderr)
	}
	brief := o.rest("POST", "/v1/links", `{"user": "101", "number": "102", "life": "1s"}`)
	early := o.create("101", "102", "--not-before", "1h")
	open := o.create("101", "102")
	locked := o.create("101", "102", "--origin", crm)
	away := o.create("103", "102", "--once", "--origin", crm)
	o.until("a link has expired", func() bool { return o.show(brief.URL).State == "expired" })

	for _, c := range []struct {
		name, address string
		args          []string
		status        int
		code, detail  string
		audit         string // "" = of no link
	}{
		{"revoked", revoked, nil, 410, "revoked", "withdrawn", "link: this link was withdrawn"},
		{"expired", brief.URL, nil, 410, "expired", "has expired", "link: this link has expired"},
		{"early", early, nil, 403, "early", "not valid yet. It works from 20", "link: this link is not valid yet"},
		{"another page", open, []string{"-H", "Origin: " + evil}, 403, "origin", "from this page", "cross-origin: Origin: " + evil},
		{"another page, by what the browser says", open, []string{"-H", "Sec-Fetch-Site: cross-site"}, 403, "origin", "from this page", "cross-origin: Sec-Fetch-Site: cross-site"},
		{"locked, another page", locked, []string{"-H", "Origin: " + evil}, 403, "origin", "from this page", "cross-origin: Origin: " + evil},
		{"locked, a program", locked, nil, 403, "origin", "from this page", "cross-origin: no Origin, and the link works from " + crm + " only"},
		{"locked, its page; no phone", away, []string{"-H", "Origin: " + crm}, 409, "no-device", "not connected", "device: "},
		{"a bit of the signature", flipped(t, open), nil, 404, "unknown", "not valid", ""},
		{"another ID", strings.Replace(open, linkID(open), linkID(locked), 1), nil, 404, "unknown", "not valid", ""},
		{"cut", open[:len(open)-1], nil, 404, "unknown", "not valid", ""},
	} {
		status, a := o.post(c.address, c.args...)
		if status != c.status || a.Code != c.code || !strings.Contains(a.Detail, c.detail) {
			t.Errorf("%s: %d %+v", c.name, status, a)
		}
		want := "link:" + linkID(c.address) + " - " + c.audit
		if c.audit == "" {
			want = "link - signature: unknown or forged link"
		}
		if trail := o.trail(); !strings.Contains(trail[len(trail)-1], want) {
			t.Errorf("%s: the audit trail ends with %q, want %q", c.name, trail[len(trail)-1], want)
		}
	}
	if l := o.show(away); l.Used != 0 || l.State != "active" || len(l.History) != 1 || l.History[0].Origin != crm {
		t.Errorf("a phone that is not there has used the link up: %+v", l)
	}
	// None of it is changed by a restart.
	o.Stop()
	o.Start()
	for address, code := range map[string]string{revoked: "revoked", brief.URL: "expired", early: "early"} {
		if status, a := o.post(address); a.Code != code {
			t.Errorf("after a restart: %d %+v, want %s", status, a, code)
		}
	}
	if n := rang(o.me); n != 0 {
		t.Errorf("the phone was called %d times", n)
	}
	// And the one that is open still works.
	if status, a := o.post(open); status != 200 || a.Status != "placed" {
		t.Errorf("%d %+v", status, a)
	}
	o.until("the phone rings", func() bool { return rang(o.me) == 1 })
}

// flipped changes the first bit of a link's signature.
func flipped(t *testing.T, address string) string {
	t.Helper()
	dot := strings.LastIndexByte(address, '.')
	sig, err := base64.RawURLEncoding.DecodeString(address[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	sig[0] ^= 0x80
	return address[:dot+1] + base64.RawURLEncoding.EncodeToString(sig)
}

// postLink uses a link as a program; ok is false if the server was gone before it answered.
func postLink(client *http.Client, address string) (status int, ok bool) {
	resp, err := client.Post(address, "", nil)
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err == nil
}
