package peers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// clickOffice is a server with Vodia's interfaces behind HTTPS, the users 123, 124 (who may not
// call 200) and 126, a phone of each, a phone 200, and a minter.
type clickOffice struct {
	*harness.Server
	t     *testing.T
	web   *browser
	front *httpsFront      // the server as browsers reach it, https://pbx.test:…
	me    *softphone.Phone // 123; nil if nothing is registered, or SIPp
	other *softphone.Phone // 200; likewise
}

// Tones that the phones send, in Hz.
const myTone, otherTone = 600, 900

// newClickOffice starts one in which 123 and 200 ring, 124 is busy, and nothing is registered
// as 126.
func newClickOffice(t *testing.T, sections string) *clickOffice {
	t.Helper()
	o := newEmptyOffice(t, sections)
	o.me = o.phone("123", myTone, softphone.Rule{Action: softphone.Ring})
	o.other = o.phone("200", otherTone, softphone.Rule{Action: softphone.Ring})
	o.phone("124", 0, softphone.Rule{Action: softphone.Reject, Status: 486})
	return o
}

// newEmptyOffice starts one where no phone is registered.
func newEmptyOffice(t *testing.T, sections string) *clickOffice {
	t.Helper()
	o := &clickOffice{t: t, web: startBrowser(t)}
	user := func(name, more string) string {
		return fmt.Sprintf("[users.%q]\npassword = %q\n%s\n", name, auth.CheapHash("secret"), more)
	}
	o.front = newHTTPSFront(t)
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("123", ""), harness.Phone("124", ""), harness.Phone("126", ""), harness.Phone("200", ""),
		"[accounts.inward]\ndeny = [\"2\"]", "[tenants.\"tenant.com\"]", user("123@tenant.com", `first_name = "Ada"`), user("124@tenant.com", `account = "inward"`), user("126@tenant.com", ""),
		user("crm", "role = \"minter\"\nmints = [\"*@tenant.com\"]"),
		"[vodia]\nenabled = true\nper_minute = -1\ntrusted_proxies = [\"127.0.0.1/32\"]\n"+sections)
	o.front.to(o.HTTP)
	return o
}

// phone starts a phone and waits until it has registered.
func (o *clickOffice) phone(name string, tone float64, rule softphone.Rule) *softphone.Phone {
	o.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", o.SIP), Domain: "test.local", Rule: rule, Tone: tone,
	})
	o.must(err)
	o.must(p.Start(o.t.Context()))
	o.t.Cleanup(func() { o.must(p.Stop(context.WithoutCancel(o.t.Context()))) })
	o.must(p.WaitRegistered(o.brief()))
	return p
}

func (o *clickOffice) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// until waits until something outside the browser and the server is so.
func (o *clickOffice) until(what string, ok func() bool) {
	o.t.Helper()
	(&yard{t: o.t}).until(what, ok)
}

// brief is the time that anything here may take.
func (o *clickOffice) brief() context.Context {
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	o.t.Cleanup(cancel)
	return ctx
}

// rings waits until a phone rings.
func (o *clickOffice) rings(p *softphone.Phone) *softphone.Call {
	o.t.Helper()
	c, err := p.NextCall(o.brief())
	o.must(err)
	return c
}

// talk waits until both phones hear each other.
func (o *clickOffice) talk(mine, others *softphone.Call) {
	o.t.Helper()
	o.must(mine.WaitTone(o.brief(), otherTone))
	o.must(others.WaitTone(o.brief(), myTone))
}

// over waits until calls have ended.
func (o *clickOffice) over(calls ...*softphone.Call) {
	o.t.Helper()
	for _, c := range calls {
		o.must(c.WaitEnded(o.brief()))
	}
}

// login opens the demonstration page, which asks for a login first.
func (o *clickOffice) login(page, user string) *tab {
	o.t.Helper()
	p := o.web.open(page, o.front.url("pbx")+"/click-to-dial", args{"context": page})
	p.do("landed", args{"url": "**/click-to-dial/login**"})
	p.do("fill", args{"at": "#account", "text": user})
	p.do("fill", args{"at": "#password", "text": "secret"})
	p.click("button")
	p.do("landed", args{"url": o.front.url("pbx") + "/click-to-dial"})
	return p
}

// call types a number into the demonstration page.
func (p *tab) number(n string) { p.t.Helper(); p.do("fill", args{"at": "#number", "text": n}) }

// httpsFront is a proxy as one stands before the server: HTTPS, and a name. It notes what
// the server is asked for.
type httpsFront struct {
	t    *testing.T
	port int

	mu        sync.Mutex // guards what follows
	behind    http.Handler
	noCookies bool            // as if browsers kept none of the server's
	asked     []*http.Request // and answered; WebSockets when they have ended
	more      chan struct{}   // closed and replaced at each of them
}

func newHTTPSFront(t *testing.T) *httpsFront {
	f := &httpsFront{t: t, more: make(chan struct{})}
	srv := httptest.NewTLSServer(f)
	t.Cleanup(srv.Close)
	f.port = srv.Listener.Addr().(*net.TCPAddr).Port
	return f
}

// url is where it is reached by a name.
func (f *httpsFront) url(name string) string { return "https://" + f.host(name) }
func (f *httpsFront) host(name string) string {
	return fmt.Sprintf("%s.test:%d", name, f.port)
}

// to says which port of this machine is behind it.
func (f *httpsFront) to(port int) {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ModifyResponse: func(r *http.Response) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.noCookies {
				r.Header.Del("Set-Cookie")
			}
			return nil
		},
	}
	f.serve(proxy)
}

func (f *httpsFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	behind := f.behind
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, r)
		close(f.more)
		f.more = make(chan struct{})
	}()
	behind.ServeHTTP(w, r)
}

// saw waits until a request with a text in its query has been answered.
func (f *httpsFront) saw(text string) {
	f.t.Helper()
	for patience := time.After(20 * time.Second); ; {
		f.mu.Lock()
		more := f.more
		saw := slices.ContainsFunc(f.asked, func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, text) })
		f.mu.Unlock()
		if saw {
			return
		}
		select {
		case <-more:
		case <-patience:
			f.t.Errorf("no request with %s has come", text)
			return
		}
	}
}

// keepCookies says whether the browser keeps the server's cookies.
func (f *httpsFront) keepCookies(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noCookies = !yes
}

// serve puts a handler behind it.
func (f *httpsFront) serve(h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind = h
}

// requests gives what was asked for at a path.
func (f *httpsFront) requests(path string) (list []*http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.asked {
		if r.URL.Path == path {
			list = append(list, r)
		}
	}
	return list
}
