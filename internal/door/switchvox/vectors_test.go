package switchvox_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/switchvox"
	"github.com/dialwright/dialwright/internal/usercall"
)

type vectorFile struct {
	Fixture struct {
		Admins []struct {
			User, Pass string
			Methods    []string
		}
		Accounts []struct {
			AccountID string `json:"account_id"`
			Extension string
			Type      string
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
			Password  string
			Rules     []struct {
				Min     int `json:"min_len"`
				Max     int `json:"max_len"`
				Prepend string
			} `json:"call_api_rules"`
		}
	}
	Cases []vectorCase
}

// vectorCase is a case of switchvox.json of the kinds that need a door.
type vectorCase struct {
	ID, Kind string
	Setup    struct {
		FirstLeg string              `json:"first_leg"`
		Current  []map[string]string `json:"current_calls"`
	}
	Request struct {
		Method, Path, Body string
		Headers            map[string]string
	}
	Expect expectation
}

// expectation is what is to become of a request. Cases of the wire have a text in its place.
type expectation struct {
	Status     int
	XML        *string
	JSON       any
	Originate  *intent
	Respond    string
	Challenges []string
	SameRealm  bool `json:"same_realm"`
	Stale      bool
	Params     map[string]string `json:"digest_params"`
}

// UnmarshalJSON leaves a text to the wire.
func (e *expectation) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return nil
	}
	type plain expectation
	return json.Unmarshal(b, (*plain)(e))
}

// intent is what the call engine is asked for.
type intent struct {
	First      string            `json:"first"`
	Second     string            `json:"second"`
	Account    string            `json:"account_id"`
	Name       string            `json:"first_caller_id_name"`
	Number     string            `json:"first_caller_id_number"`
	Ring       int               `json:"ring_first_s"`
	RingSecond int               `json:"ring_second_s"`
	UseRules   bool              `json:"use_call_rules"`
	AutoAnswer bool              `json:"auto_answer"`
	Variables  map[string]string `json:"variables"`
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "switchvox.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	if err := json.Unmarshal(b, &f); err != nil || len(f.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	return f
}

// TestVectorsSwitchvox runs the cases of calls and logins: the real door, queue, switch and
// store, in fake time, with phones that ring for two seconds, are busy, do not answer or are
// not there. Numbers and digests are run by wire/switchvox.
func TestVectorsSwitchvox(t *testing.T) {
	f := vectors(t)
	ran := map[string]int{}
	for _, v := range f.Cases {
		switch v.Kind {
		case "call", "auth":
			t.Run(v.ID, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { runVector(t, v) }) })
		case "rewrite", "digest":
			ran["of the wire"]++
			continue
		default:
			t.Errorf("%s is of an unknown kind, %q", v.ID, v.Kind)
		}
		ran[v.Kind]++
	}
	t.Logf("of %d cases %d call and %d auth; %d are of the wire", len(f.Cases), ran["call"], ran["auth"], ran["of the wire"])
}

func runVector(t *testing.T, v vectorCase) {
	h := bareHouse(t)
	behaviour, takes := "", time.Duration(0)
	switch v.Setup.FirstLeg {
	case "answered":
		behaviour, takes = "180?ring=2s", 2*time.Second
	case "no_answer":
		behaviour = "timeout"
	case "busy":
		behaviour = "486"
	case "unreachable":
		behaviour = "offline"
	case "":
	default:
		t.Fatalf("the first leg does %q", v.Setup.FirstLeg)
	}
	h.rings = behaviour
	for _, c := range v.Setup.Current {
		h.current = append(h.current, currentCall(t, c))
	}
	r := httptest.NewRequestWithContext(t.Context(), v.Request.Method, v.Request.Path, strings.NewReader(v.Request.Body))
	r.RemoteAddr = "127.0.0.1:4711"
	for name, value := range v.Request.Headers {
		r.Header.Set(name, value)
	}
	w, asked := httptest.NewRecorder(), time.Now()
	h.door.ServeHTTP(w, r)
	if w.Code != v.Expect.Status {
		t.Errorf("status %d, want %d", w.Code, v.Expect.Status)
	}
	if o := v.Expect.Originate; o != nil && v.Setup.FirstLeg == "no_answer" {
		takes = time.Duration(o.Ring) * time.Second
	}
	if took := time.Since(asked); took < takes || took > takes+500*time.Millisecond {
		t.Errorf("answered after %v, want %v: %s", took, takes, v.Expect.Respond)
	}
	v.answer(t, w)
	v.asked(t, h.taken())
	v.challenged(t, w)
}

// currentCall is a call of the setup, as the table of calls has it.
func currentCall(t *testing.T, c map[string]string) usercall.Call {
	start, err := time.Parse(time.DateTime, c["start_time"])
	if err != nil {
		t.Fatal(err)
	}
	out := usercall.Call{
		ID: c["id"], Phone: "101", State: usercall.Connected, Start: start, Account: "1106",
		From: call.CallerID{Name: c["from_caller_id_name"], Number: c["from_caller_id_number"]},
		To:   call.CallerID{Name: c["to_caller_id_name"], Number: c["to_caller_id_number"]},
	}
	if c["state"] == "ringing" {
		out.State = usercall.Alerting
	}
	if c["provider"] != "Internal" {
		out.Trunk = c["provider"]
	}
	for i, codec := range strings.Split(c["format"], "->") {
		out.Codecs[i] = codec
	}
	return out
}

// answer compares the body.
func (v vectorCase) answer(t *testing.T, w *httptest.ResponseRecorder) {
	if want := v.Expect.XML; want != nil {
		if d := cmp.Diff(canonical(t, *want), canonical(t, w.Body.String())); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		if ct := w.Header().Get("Content-Type"); ct != "text/xml; charset=utf-8" {
			t.Errorf("Content-Type %q", ct)
		}
	}
	if want := v.Expect.JSON; want != nil {
		var got any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type %q", ct)
		}
	}
}

// canonical writes a document with its attributes sorted, and no white space between elements.
func canonical(t *testing.T, doc string) string {
	t.Helper()
	var b strings.Builder
	for d := xml.NewDecoder(strings.NewReader(doc)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		switch e := token.(type) {
		case xml.StartElement:
			slices.SortFunc(e.Attr, func(a, b xml.Attr) int { return strings.Compare(a.Name.Local, b.Name.Local) })
			fmt.Fprintf(&b, "\n<%s", e.Name.Local)
			for _, a := range e.Attr {
				fmt.Fprintf(&b, " %s=%q", a.Name.Local, a.Value)
			}
			b.WriteByte('>')
		case xml.EndElement:
			fmt.Fprintf(&b, "\n</%s>", e.Name.Local)
		case xml.CharData:
			b.WriteString(strings.TrimSpace(string(e)))
		}
	}
}

// asked compares what was asked of the queue. The vectors set variables that the system does
// not know, which their configuration must allow (spec: switchvox 11).
func (v vectorCase) asked(t *testing.T, list []call.Request) {
	want := v.Expect.Originate
	if want == nil {
		if len(list) > 0 {
			t.Errorf("submitted %+v", list)
		}
		return
	}
	if len(list) != 1 {
		t.Fatalf("%d requests, want one", len(list))
	}
	r := list[0]
	got := &intent{
		First: number(r.First), Second: number(r.Then.Second), Account: string(r.Account), Name: r.Callee.Name, Number: r.Callee.Number,
		Ring: int(r.WaitTime / time.Second), RingSecond: int(r.Then.WaitTime / time.Second), UseRules: !r.NoForward, AutoAnswer: r.AutoAnswer,
		Variables: map[string]string{},
	}
	for _, x := range r.Variables {
		got.Variables[strings.TrimPrefix(x.Name, "__")] = x.Value
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if r.Origin.Door != switchvox.DoorName || !strings.HasPrefix(r.Origin.Principal, "switchvox:") || r.Origin.Remote != "127.0.0.1" || r.Retry.Max != 0 || r.Then.Kind != call.ThenConnect {
		t.Errorf("%+v", r)
	}
}

// number gives that of an endpoint.
func number(e call.Endpoint) string {
	n, _, _ := strings.Cut(e.Resource(), "@")
	return n
}

// challenged compares the challenges.
func (v vectorCase) challenged(t *testing.T, w *httptest.ResponseRecorder) {
	list := w.Header().Values("WWW-Authenticate")
	if len(list) != len(v.Expect.Challenges) {
		t.Fatalf("challenges %q, want %q", list, v.Expect.Challenges)
	}
	realms := map[string]bool{}
	for i, want := range v.Expect.Challenges {
		scheme, rest, _ := strings.Cut(list[i], " ")
		_, realm, _ := strings.Cut(rest, `realm="`)
		realm, _, _ = strings.Cut(realm, `"`)
		realms[realm] = true
		if scheme != want {
			t.Errorf("challenge %d: %s, want %s", i, list[i], want)
		}
		if scheme != "Digest" {
			continue
		}
		if stale := strings.Contains(rest, "stale=true"); stale != v.Expect.Stale {
			t.Errorf("stale is %v: %s", stale, rest)
		}
		for name, value := range v.Expect.Params {
			if !strings.Contains(strings.ReplaceAll(rest, `"`, ""), name+"="+value) {
				t.Errorf("no %s=%s: %s", name, value, rest)
			}
		}
	}
	if v.Expect.SameRealm && len(realms) != 1 {
		t.Errorf("realms %v", realms)
	}
}
