package dialproxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/dialproxy"
	"github.com/dialwright/dialwright/internal/originate"
)

// open is the configuration in which nothing of ours is in the way.
func open() dialproxy.Config { return dialproxy.Config{Open: true, Debug: true, PerMinute: -1} }

// The order in which parameters are taken, and what PHP makes of them (spec: dialproxy 3).
func TestParameters(t *testing.T) {
	h := newHouse(t, open())
	h.label("b", "SIP/2")
	for _, c := range []struct {
		name, method, query, body string
		first, extension          string // "" = an error
	}{
		{"query", "GET", "num=5551&ext=office", "", officeLabel, "5551"},
		{"synonyms", "GET", "phone=5551&exten=office", "", officeLabel, "5551"},
		{"body", "POST", "", "num=5551&ext=office", officeLabel, "5551"},
		{"body before query", "POST", "num=1111&ext=b", "phone=5551&exten=office", officeLabel, "5551"},
		{"each for itself", "POST", "num=1111&ext=b", "num=5551", "SIP/2", "5551"},
		{"last one wins", "GET", "num=1&num=5551&ext=b&ext=office", "", officeLabel, "5551"},
		{"a body of GET is none", "GET", "num=5551&ext=office", "num=666", officeLabel, "5551"},
		{"empty wins", "POST", "num=1111&ext=office", "num=", "", ""},
		{"array", "GET", "num[]=5551&ext=office", "", "", ""},
		{"nothing left of it", "GET", "num=abc&ext=office", "", "", ""},
		{"no label", "GET", "num=5551", "", "", ""},
		{"too long", "GET", "num=" + strings.Repeat("5", 33) + "&ext=office", "", "", ""},
		{"injection", "GET", "num=5551&ext=office%0d%0aAction:+Ping", "", "", ""},
	} {
		got := h.ask(c.method, c.query, c.body)
		list := h.taken()
		if c.first == "" {
			got.want(t, 401, "Error")
			if len(list) > 0 {
				t.Errorf("%s: submitted %+v", c.name, list)
			}
			continue
		}
		got.want(t, 200, "Success")
		if len(list) != 1 || string(list[0].First) != c.first || list[0].Then.Extension != c.extension {
			t.Errorf("%s: submitted %+v", c.name, list)
		}
	}
}

func TestMultipart(t *testing.T) {
	h := newHouse(t, open())
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"num", "111"}, {"num", "5551"}, {"ext", "office"}} {
		h.must(m.WriteField(f[0], f[1]))
	}
	w, err := m.CreateFormFile("num", "number.txt") // a file is no field
	h.must(err)
	_, err = w.Write([]byte("666"))
	h.must(errors.Join(err, m.Close()))
	h.ask("POST", "", b.String(), func(r *http.Request) { r.Header.Set("Content-Type", m.FormDataContentType()) }).want(t, 200, "Success")
	if list := h.taken(); len(list) != 1 || list[0].Then.Extension != "5551" {
		t.Errorf("submitted %+v", list)
	}
	h.ask("POST", "num=5551&ext=office", "{}", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }).want(t, 200, "Success")
	h.ask("POST", "ext=office", "num="+strings.Repeat("5", 70_000)).want(t, 413, "Error")
}

// The request of the queue says who asks, and is tried once.
func TestRequest(t *testing.T) {
	h := newHouse(t, open())
	h.get("num=5551&ext=office").want(t, 200, "Success")
	r := h.taken()[0]
	if r.Origin != (call.Origin{Door: "dialproxy", Principal: "dialproxy:office", Remote: "127.0.0.1"}) || r.Account != "sales" ||
		r.Retry.Max != 0 || !r.Late || r.Lenient || r.Key != "" {
		t.Errorf("%+v", r)
	}
	if in := time.Until(r.NotAfter); in <= 0 || in > 5*time.Second {
		t.Errorf("may begin for %v", in)
	}
}

func TestResults(t *testing.T) {
	h := newHouse(t, open())
	for _, c := range []struct {
		channel string
		status  int
		body    string
		result  string
	}{
		{"Pretend/100", 200, "Success", "answered"},
		{"Pretend/100486", 200, "No Answer", "BUSY; cause=17; sip=486"},
		{"Pretend/100603", 200, "No Answer", "FAILED; cause=21; sip=603"},
		{"Pretend/offline", 200, "No Answer", "NO ANSWER; cause=20"},
		{"Pretend/100000~timeout=0.05", 200, "No Answer", "NO ANSWER; cause=19"},
		{"NOTECH/100", 200, "No Answer", "FAILED; cause=3"},
		{"~context=x", 401, "Error", ""},
		{"Pretend/100~timeout=soon", 401, "Error", ""},
		{"!", 401, "Asterisk not responding.", ""},
	} {
		h.label("office", c.channel)
		got := h.get("num=5551&ext=office")
		got.want(t, c.status, c.body)
		if r := got.header.Get("X-Call-Result"); r != c.result {
			t.Errorf("%s: X-Call-Result %q, want %q", c.channel, r, c.result)
		}
		if (got.header.Get("X-Call-Id") == "") == (c.result != "") {
			t.Errorf("%s: X-Call-Id %q", c.channel, got.header.Get("X-Call-Id"))
		}
		if ct := got.header.Get("Content-Type"); ct != "text/plain;charset=UTF-8" {
			t.Errorf("Content-Type %q", ct)
		}
	}
}

// What the queue refuses, and what strict_status makes of it (spec: dialproxy W8, W11).
func TestStatuses(t *testing.T) {
	h := newHouse(t, open())
	h.label("denied", "SIP/1~allow=192.0.2.1")
	h.label("broken", "!")
	h.label("mute", "~context=x")
	refusal := func(code originate.RefusalCode) error { return &originate.Refusal{Code: code, Text: "no"} }
	for _, c := range []struct {
		name, query string
		refuse      error
		body        string
		strict      int
		strictBody  string
	}{
		{"no number", "ext=office", nil, "Error", 400, "Error"},
		{"no label", "num=5551", nil, "Error", 400, "Error"},
		{"unknown label", "num=5551&ext=nobody", nil, "Error", 403, "Error"},
		{"address not allowed", "num=5551&ext=denied", nil, "Disallowed IP Address", 403, "Error"},
		{"no channel", "num=5551&ext=mute", nil, "Error", 404, "Error"},
		{"AstDB broken", "num=5551&ext=broken", nil, "Asterisk not responding.", 502, "Asterisk not responding."},
		{"guard", "num=5551&ext=office", refusal(originate.RefusedGuard), "Error", 403, "Error"},
		{"account", "num=5551&ext=office", refusal(originate.RefusedAccount), "Error", 403, "Error"},
		{"no such context", "num=5551&ext=office", refusal(originate.RefusedDestination), "Error", 404, "Error"},
		{"invalid", "num=5551&ext=office", refusal(originate.RefusedInvalid), "Error", 400, "Error"},
		{"stopping", "num=5551&ext=office", refusal(originate.RefusedStopping), "Asterisk not responding.", 502, "Asterisk not responding."},
		{"store", "num=5551&ext=office", refusal(originate.RefusedStore), "Asterisk not responding.", 502, "Asterisk not responding."},
		{"fault", "num=5551&ext=office", errors.New("broken"), "Error", 502, "Error"},
	} {
		h.mu.Lock()
		h.refuse = c.refuse
		h.mu.Unlock()
		t.Run(c.name, func(t *testing.T) {
			h.set(func(conf *dialproxy.Config) { conf.Strict = false })
			h.get(c.query).want(t, 401, c.body)
			h.set(func(conf *dialproxy.Config) { conf.Strict = true })
			h.get(c.query).want(t, c.strict, c.strictBody)
		})
	}
	h.mu.Lock()
	h.refuse = &originate.Refusal{Code: originate.RefusedRate, RetryAfter: 3 * time.Second}
	h.mu.Unlock()
	got := h.get("num=5551&ext=office")
	got.want(t, 429, "Too many requests")
	if got.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
}

// The words for which its users' tools look are in the log, and the refusal is in the
// audit trail, once.
func TestLogAndAudit(t *testing.T) {
	h := newHouse(t, open())
	h.label("denied", "SIP/1~allow=192.0.2.1")
	h.label("shut", officeLabel)
	h.set(func(c *dialproxy.Config) { c.Labels = map[string]dialproxy.Label{"shut": {Account: "shut"}} })
	h.get("num=5551&ext=nobody").want(t, 401, "Error")
	h.get("num=5551&ext=denied").want(t, 401, "Disallowed IP Address")
	h.get("num=5551&ext=shut").want(t, 401, "Error")
	h.get("num=5551&ext=office").want(t, 200, "Success")
	log := h.log.String()
	for _, want := range []string{
		"Failed dialproxy.php access  Remote Address: 127.0.0.1  Status: Error\"",
		"Failed dialproxy.php access  Remote Address: 127.0.0.1  Status: Disallowed IP Address\"",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	if n := strings.Count(log, "Failed dialproxy.php access"); n != 3 {
		t.Errorf("%d failures logged, want 3", n)
	}
	var got []string
	for _, e := range h.denials() {
		got = append(got, e.Origin.Principal+" "+string(e.Code)+" "+e.Origin.Remote)
	}
	want := []string{"dialproxy:nobody guard 127.0.0.1", "dialproxy:denied guard 127.0.0.1", "dialproxy:shut account 127.0.0.1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("audit %v, want %v", got, want)
	}
}

// HEAD, other methods and what browsers fetch before they are asked to place no call.
func TestNothingDials(t *testing.T) {
	h := newHouse(t, open())
	const q = "num=5551&ext=office"
	for _, method := range []string{"HEAD", "PUT", "DELETE", "TRACE"} {
		if got := h.ask(method, q, ""); got.status != 405 || got.header.Get("Allow") != "GET, POST, OPTIONS" {
			t.Errorf("%s: %d, Allow %q", method, got.status, got.header.Get("Allow"))
		}
	}
	for _, f := range [][2]string{{"Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"X-Moz", "prefetch"}, {"X-Purpose", "preview"}} {
		h.get(q, header(f[0], f[1])).want(t, 403, "Error")
	}
	h.set(func(c *dialproxy.Config) { c.POSTOnly = true })
	if got := h.get(q); got.status != 405 || got.header.Get("Allow") != "POST, OPTIONS" {
		t.Errorf("GET where only POST dials: %d, Allow %q", got.status, got.header.Get("Allow"))
	}
	h.set(func(c *dialproxy.Config) {
		c.POSTOnly, c.Labels = false, map[string]dialproxy.Label{"office": {POSTOnly: true}}
	})
	h.get(q).want(t, 401, "Error")
	if list := h.taken(); len(list) != 0 {
		t.Errorf("submitted %+v", list)
	}
	h.ask("POST", "", q).want(t, 200, "Success")
}

// A failure takes the pause, whatever it was; a request that has failed holds a place
// of its address meanwhile, and when there is none left is told so at once.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := open()
		conf.Pause, conf.Waiting = 4*time.Second, 2
		h := bareHouse(t, conf)
		began := time.Now()
		done := make(chan time.Duration, 3)
		for range 2 {
			go func() {
				h.direct("num=5551&ext=nobody", "192.0.2.1").want(t, 401, "Error")
				done <- time.Since(began)
			}()
		}
		synctest.Wait()
		h.direct("num=5551&ext=nobody", "192.0.2.1").want(t, 429, "Too many requests")
		if at := time.Since(began); at != 0 {
			t.Errorf("429 after %v", at)
		}
		h.direct("num=5551&ext=office", "192.0.2.2").want(t, 200, "Success")
		for range 2 {
			if took := <-done; took != 4*time.Second {
				t.Errorf("failed after %v, want 4s", took)
			}
		}
		h.direct("num=5551&ext=office", "192.0.2.1").want(t, 200, "Success")
	})
}

// direct asks the handler without a server.
func (h *house) direct(query, from string, change ...func(*http.Request)) said {
	h.Helper()
	r := httptest.NewRequestWithContext(h.Context(), "GET", "/dialproxy.php?"+query, nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 999).String()
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return said{w.Code, w.Body.String(), w.Header()}
}

// The answer comes when the phone has answered, not before; a client that goes away
// does not end the call.
func TestSynchronousAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHouse(t, open())
		h.label("slow", "Pretend/100180?ring=3s")
		began := time.Now()
		h.direct("num=5551&ext=slow", "192.0.2.1").want(t, 200, "Success")
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("answered after %v, want 3s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			h.direct("num=5551&ext=slow", "192.0.2.1", func(r *http.Request) { *r = *r.WithContext(ctx) })
			close(gone)
		}()
		time.AfterFunc(time.Second, cancel)
		<-gone
		<-time.After(10 * time.Second)
		calls, _, err := h.List(t.Context(), originate.Filter{})
		h.must(err)
		for _, c := range calls {
			if c.State != call.Connected {
				t.Errorf("call %s is %s, want connected", c.ID, c.State)
			}
		}
		if len(calls) != 2 {
			t.Errorf("%d calls, want 2", len(calls))
		}
	})
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := open()
		conf.PerMinute = 3
		conf.Labels = map[string]dialproxy.Label{"rare": {PerMinute: 1}, "one": {AtOnce: 1}}
		h := bareHouse(t, conf)
		for _, name := range []string{"rare", "one"} {
			h.label(name, "Pretend/100?talk=30s")
		}
		for range 3 {
			h.direct("num=1&ext=office", "192.0.2.1").want(t, 200, "Success")
		}
		got := h.direct("num=1&ext=office", "192.0.2.1")
		got.want(t, 429, "Too many requests")
		if got.header.Get("Retry-After") != "20" {
			t.Errorf("Retry-After %q, want 20", got.header.Get("Retry-After"))
		}
		h.direct("num=1&ext=rare", "2001:db8::1").want(t, 200, "Success")
		h.direct("num=1&ext=rare", "192.0.2.3").want(t, 429, "Too many requests")
		h.direct("num=1&ext=one", "2001:db8::2").want(t, 200, "Success")
		h.direct("num=1&ext=one", "2001:db8::3").want(t, 429, "Too many requests")
		h.direct("num=1&ext=one", "2001:db8::4").want(t, 429, "Too many requests") // the /64 has used up its three, too
		<-time.After(31 * time.Second)
		h.direct("num=1&ext=one", "192.0.2.4").want(t, 200, "Success")
		h.direct("num=1&ext=office", "192.0.2.1").want(t, 200, "Success")
	})
}

// A label needs a token or allow=, unless the door is open (spec: dialproxy W1).
func TestAccess(t *testing.T) {
	hash := auth.Hash("s3cret")
	h := newHouse(t, dialproxy.Config{Debug: true, PerMinute: -1, Labels: map[string]dialproxy.Label{"plain": {Token: "s3cret"}, "hashed": {Token: hash}}})
	h.label("plain", officeLabel)
	h.label("hashed", officeLabel)
	h.label("here", officeLabel+"~allow=127.0.0.0/8")
	h.get("num=5551&ext=office").want(t, 401, "Error")
	h.get("num=5551&ext=here").want(t, 200, "Success")
	for _, label := range []string{"plain", "hashed", "hashed"} { // the second time it is remembered
		q := "num=5551&ext=" + label
		asked := h.get(q)
		asked.want(t, 401, "Error")
		if asked.header.Get("WWW-Authenticate") != `Basic realm="dialproxy"` {
			t.Errorf("nobody is asked for the token: %v", asked.header)
		}
		h.get(q+"&token=s3cret").want(t, 401, "Error") // a URL is no place for a secret
		h.get(q, header("X-Dialproxy-Token", "wrong")).want(t, 401, "Error")
		h.get(q, header("X-Dialproxy-Token", "s3cret")).want(t, 200, "Success")
		h.get(q, func(r *http.Request) { r.SetBasicAuth("anybody", "s3cret") }).want(t, 200, "Success")
		h.ask("POST", "", q+"&token=s3cret").want(t, 200, "Success")
	}
	h.get("num=5551&ext=plain&debug").want(t, 401, "Error")
	h.get("num=5551&ext=plain&debug", header("X-Dialproxy-Token", "s3cret")).want(t, 200, "Debug: num=5551 ext=plain dialprefix=")
	h.get("num=5551&debug").want(t, 200, "Debug: num=5551 ext= dialprefix=")
	h.get("num=5551&ext=nobody&debug").want(t, 200, "Debug: num=5551 ext=nobody dialprefix=")
	h.set(func(c *dialproxy.Config) { c.Strict = true })
	h.get("num=5551&ext=nobody&debug").want(t, 403, "Error")
	if got := h.get("num=5551&ext=plain"); got.status != 403 || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("in strict mode %d %v tells that there is a token", got.status, got.header)
	}
	h.set(func(c *dialproxy.Config) { c.Strict, c.Debug = false, false })
	h.get("num=5551&debug").want(t, 401, "Error")
	for range 12 {
		h.get("num=5551&ext=plain", header("X-Dialproxy-Token", "guess"))
	}
	h.get("num=5551&ext=plain", header("X-Dialproxy-Token", "s3cret")).want(t, 429, "Too many requests")
}

// Behind a proxy that is trusted, the client is who it says; anybody else's word is
// nothing (spec: dialproxy W10).
func TestTrustedProxies(t *testing.T) {
	h := newHouse(t, open())
	h.label("far", officeLabel+"~allow=192.0.2.1")
	const q = "num=5551&ext=far"
	h.get(q, header("X-Forwarded-For", "192.0.2.1")).want(t, 401, "Disallowed IP Address")
	h.set(func(c *dialproxy.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	h.get(q, header("X-Forwarded-For", "192.0.2.1")).want(t, 200, "Success")
	h.get(q, header("X-Forwarded-For", "192.0.2.1, 127.0.0.9")).want(t, 200, "Success")
	h.get(q, header("X-Forwarded-For", "192.0.2.1, 198.51.100.1")).want(t, 401, "Disallowed IP Address")
	h.get(q, header("X-Forwarded-For", "192.0.2.1, nonsense")).want(t, 401, "Disallowed IP Address")
	h.get(q).want(t, 401, "Disallowed IP Address")
	h.get(q, header("X-Forwarded-For", "198.51.100.1"), header("X-Forwarded-For", "192.0.2.1")).want(t, 200, "Success")
}

func TestUnknownOptionIsLoggedOnce(t *testing.T) {
	h := newHouse(t, open())
	h.label("office", officeLabel+"~Timeout=20~colour=red")
	for range 3 {
		h.get("num=5551&ext=office").want(t, 200, "Success")
	}
	if n := strings.Count(h.log.String(), "unknown option"); n != 2 {
		t.Errorf("logged %d times, want 2 options once:\n%s", n, h.log)
	}
}

func TestServes(t *testing.T) {
	h := newHouse(t, dialproxy.Config{Paths: []string{"/dialproxy.php", "/click"}})
	for path, want := range map[string]bool{"/dialproxy.php": true, "/click": true, dialproxy.TelPage: true, "/": false, "/dialproxy.php/x": false} {
		if got := h.door.Serves(path); got != want {
			t.Errorf("Serves(%q) = %v", path, got)
		}
	}
}
