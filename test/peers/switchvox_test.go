package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/harness"
)

// extendOffice is a server with Switchvox's call API: the extensions 101, 102, 103 and 105,
// and a program, crm, which acts for all of them.
type extendOffice struct {
	*linkOffice
	url string
}

// Passwords, as docs/switchvox.md has them.
const (
	crmPassword = "correct-horse"
	adaPassword = "her-own-secret"
)

// newExtendOffice starts one, without any phone registered.
func newExtendOffice(t *testing.T, sections ...string) *extendOffice {
	t.Helper()
	harness.RequirePeer(t, "curl", "curl")
	o := &extendOffice{linkOffice: &linkOffice{yard: &yard{t: t, dir: t.TempDir()}}}
	secrets := func(name, password string) string {
		return fmt.Sprintf("password = %q\ndigest = %q\n", auth.CheapHash(password), directory.HA1(name, "Switchvox", password))
	}
	for _, name := range []string{"101", "102", "103", "105"} {
		sections = append(sections, harness.Phone(name, ""))
	}
	sections = append(sections, "[switchvox]\nenabled = true\n[switchvox.variables]\nbalance = 3\n",
		"[users.101]\nid = \"1106\"\nfirst_name = \"Ada\"\nlast_name = \"Moss\"\nprefix_rules = [{min = 11, max = 11, prepend = \"9\"}]\n"+secrets("101", adaPassword),
		"[users.102]\nid = \"1107\"\n[users.103]\nid = \"1108\"\n[users.105]\nid = \"1109\"\n",
		"[users.crm]\nrole = \"admin\"\n"+secrets("crm", crmPassword))
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, sections...)
	o.url = fmt.Sprintf("http://127.0.0.1:%d", o.HTTP)
	return o
}

// answers registers a phone that answers so many calls and waits until they are hung up.
func (o *extendOffice) answers(name string, calls int) *sippPeer {
	o.t.Helper()
	return o.phone(name, calls, invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger)
}

// dialXML is the body of a call as extension 101.
func dialXML(first, second, more string) string {
	return "<request method='switchvox.call'><parameters><dial_first>" + first + "</dial_first><dial_second>" + second +
		"</dial_second><dial_as_account_id>1106</dial_as_account_id>" + more + "</parameters></request>"
}

// code is that of an answer's first error.
func (o *extendOffice) code(body string) string {
	m := regexp.MustCompile(`code"?[=:]"(\d+)"`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1]
}

// Every command of docs/switchvox.md does what the page says; the phones see both numbers as
// the caller IDs say.
func TestSwitchvoxAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "switchvox.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := transcript(string(page))
	if len(list) < 7 {
		t.Fatalf("docs/switchvox.md has %d commands", len(list))
	}
	port := harness.FreePort(t)
	o := newExtendOffice(t, harness.Trunk("carrier", port, ""), "[[routes]]\nmatch = \"9\"\nstrip = 1\ntrunk = \"carrier\"\n")
	ada := o.answers("101", 3)
	ben := o.phone("102", 2, inviteRemembered(), reply(200, "OK", "sendrecv"), recv("ACK"), pause(200*time.Millisecond), request("BYE", "", 1), status(200))
	carrier := startSIPpAt(t, port, 1, []step{invite(), reply(486, "Busy Here", ""), recv("ACK")}, "-timeout", "1000")
	for _, d := range list {
		shell := exec.CommandContext(t.Context(), "bash", "-c", d.command)
		shell.Env = append(os.Environ(), "URL="+o.url)
		got, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", d.command, err, got)
		}
		want := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(unspaced(d.prints)), "…", ".*?") + "$"
		if ok, err := regexp.MatchString(want, unspaced(string(got))); err != nil || !ok {
			t.Errorf("%s\nprints\n%s\nwant\n%s", d.command, got, d.prints)
		}
	}
	ada.Wait()
	ben.Wait()
	carrier.Wait()
	for _, w := range []struct {
		phone *sippPeer
		shows string
	}{
		{ada, `From: "Ben Ives" <sip:102@`}, {ada, `From: "PBX" <sip:915554578299@`}, {ben, `From: "Ada Moss" <sip:101@`}, {carrier, "INVITE sip:15554578299@"},
	} {
		if !strings.Contains(w.phone.Messages(), w.shows) {
			t.Errorf("no phone was shown %s:\n%.1500s", w.shows, w.phone.Messages())
		}
	}
	t.Logf("%d commands", len(list))
}

// A phone that rings for thirty seconds without an answer holds the response for as long, and
// is then no longer rung (spec: switchvox 6.2).
func TestSwitchvoxHoldsTheAnswer(t *testing.T) {
	t.Parallel()
	o := newExtendOffice(t)
	phone := o.phone("105", 1, invite(), reply(180, "Ringing", ""), recvCancel(), linger)
	begin := time.Now()
	status, body := o.curl("--digest", "-u", "crm:"+crmPassword, "-d", dialXML("105", "101", ""), o.url+"/xml")
	took := time.Since(begin)
	if status != 200 || o.code(body) != "41591" || !strings.Contains(body, "<errors><error code=") {
		t.Errorf("%d %s", status, body)
	}
	if took < 30*time.Second { // that it does not take much longer is for the phone: it waits for CANCEL
		t.Errorf("answered after %v, before the phone had rung for 30 s", took)
	}
	phone.Wait()
	t.Logf("answered 41591 after %v", took.Round(time.Millisecond))
}

// A client that gives up while the phone rings does not stop it: it is answered, and the second
// one is called (spec: switchvox 6.2).
func TestSwitchvoxClientGoesAway(t *testing.T) {
	t.Parallel()
	o := newExtendOffice(t)
	first := o.phone("101", 1, invite(), reply(180, "Ringing", ""), pause(3*time.Second), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger)
	second := o.phone("102", 1, inviteRemembered(), reply(200, "OK", "sendrecv"), recv("ACK"), request("BYE", "", 1), status(200))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	done := make(chan error, 1)
	go func() {
		_, err := exec.CommandContext(ctx, "curl", "-sS", "-u", "crm:"+crmPassword, "-d", dialXML("101", "102", ""), o.url+"/xml").Output()
		done <- err
	}()
	o.until("the phone rings", func() bool { return rang(first) > 0 })
	leave()
	if err := <-done; err == nil || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("curl had its answer: %v", err)
	}
	first.Wait()
	second.Wait()
}

// What no parser may take is refused at once, and no phone rings.
func TestSwitchvoxBadInput(t *testing.T) {
	t.Parallel()
	o := newExtendOffice(t)
	bomb := "<!DOCTYPE request [<!ENTITY a0 '101'>"
	for i := range 30 {
		bomb += fmt.Sprintf("<!ENTITY a%d '&a%d;&a%d;'>", i+1, i, i)
	}
	o.write("secret.txt", "101")
	call := func(parameters string) string {
		return `{"request":{"method":"switchvox.call","parameters":` + parameters + `}}`
	}
	post := func(path, body string) (int, string) { // by a file: it is too long for an argument
		o.write("body", body)
		return o.curl("-u", "crm:"+crmPassword, "-H", "Content-Type: application/text", "--data-binary", "@"+filepath.Join(o.dir, "body"), o.url+path)
	}
	for _, c := range []struct{ name, path, body, code string }{
		{"entity bomb", "/xml", bomb + "]>" + dialXML("&a30;", "102", ""), "90001"},
		{"external entity", "/xml", "<!DOCTYPE request [<!ENTITY x SYSTEM 'file://" + filepath.Join(o.dir, "secret.txt") + "'>]>" + dialXML("&x;", "102", ""), "90001"},
		{"external subset", "/xml", "<!DOCTYPE request SYSTEM '" + o.url + "/xml'>" + dialXML("101", "102", ""), "90001"},
		{"unknown entity", "/xml", dialXML("&x;", "102", ""), "90001"},
		{"deep", "/xml", "<request method='switchvox.call'><parameters>" + strings.Repeat("<a>", 20000), "90001"},
		{"JSON as XML", "/xml", call("{}"), "90001"},
		{"the whole is an array", "/json", "[" + call("{}") + "]", "90001"},
		{"request is an array", "/json", `{"request":[{"method":"switchvox.call"}]}`, "90001"},
		{"parameters are an array", "/json", call(`["101","102","1106"]`), "90001"},
		{"numbers are arrays", "/json", call(`{"dial_first":["101"],"dial_second":"102","dial_as_account_id":"1106"}`), "54222"},
		{"account is an object", "/json", call(`{"dial_first":"101","dial_second":"102","dial_as_account_id":{"x":"1106"}}`), "10014"},
		{"method is an array", "/json", `{"request":{"method":["switchvox.call"]}}`, "90002"},
		{"deep in JSON", "/json", call(strings.Repeat("[", 50000) + strings.Repeat("]", 50000)), "90001"},
		{"XML as JSON", "/json", dialXML("101", "102", ""), "90001"},
		{"nothing", "/json", "", "90001"},
	} {
		status, body := post(c.path, c.body)
		if status != 200 || o.code(body) != c.code {
			t.Errorf("%s: %d %.300s, want %s", c.name, status, body, c.code)
		}
	}
	if status, _ := post("/json", strings.Repeat(" ", 256<<10+1)); status != 413 {
		t.Errorf("a body of more than 256 KiB: %d", status)
	}
	if status, _ := o.curl("-u", "crm:"+crmPassword, "-H", "Origin: https://evil.example", "-d", dialXML("101", "102", ""), o.url+"/xml"); status != 403 {
		t.Errorf("another site's page: %d", status)
	}
	var calls struct{ Calls []map[string]any }
	o.MustAPI("GET", "/v1/calls?door=switchvox", nil, &calls)
	if len(calls.Calls) != 0 {
		t.Errorf("calls came of it: %v", calls.Calls)
	}
	if peak := o.PeakMemory(); peak > 300_000 {
		t.Errorf("%d kB of memory at most", peak)
	}
}

// Ten wrong passwords lock even the right one out, which curl is told by 403 and never by 401:
// old clients repeat what they are told 401 to for ever (spec: switchvox R5, R8).
func TestSwitchvoxLockOut(t *testing.T) {
	t.Parallel()
	o := newExtendOffice(t)
	for i := range 10 {
		way := []string{"--basic", "--digest"}[i%2]
		if status, _ := o.curl(way, "-u", "101:guess", "-d", "", o.url+"/json"); status != 403 {
			t.Errorf("%s: wrong password %d: %d", way, i+1, status)
		}
	}
	if status, _ := o.curl("--digest", "-u", "101:"+adaPassword, "-d", "", o.url+"/json"); status != 403 {
		t.Errorf("the right password after ten wrong ones: %d", status)
	}
	var audit struct {
		Entries []struct{ Door, Code string }
	}
	o.MustAPI("GET", "/v1/audit?denied=true", nil, &audit)
	if len(audit.Entries) != 10 || audit.Entries[0].Door != "switchvox" || audit.Entries[0].Code != "guard" {
		t.Errorf("audit trail %+v", audit.Entries)
	}
	if o.Log.Contains("guess") || o.Log.Contains(adaPassword) {
		t.Error("the log has a password")
	}
}
