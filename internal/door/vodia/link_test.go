package vodia

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/originate"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// bareLink is a link of type 2 for Ada.
const bareLink = "/remote_call.htm?user=123%40tenant.com&dest=5551234"

// credLink is one of type 4.
func credLink(more string) string { return bareLink + "&auth=" + ada + ":" + adaPass + more }

// signed is one of type 3 that is valid for an hour from now on, ours if it has a nonce.
func (h *house) signed(l wire.Link, secret string) string {
	h.Helper()
	raw, ok := wire.Signed(l, secret, h.door.now(), time.Hour)
	if !ok {
		h.Fatalf("%+v cannot be signed", l)
	}
	return "/remote_call.htm?" + raw
}

// adas is a link of Ada's with a nonce.
func (h *house) adas(nonce string) string {
	h.Helper()
	return h.signed(wire.Link{User: ada, Dest: "5551234", Nonce: nonce}, adaPass)
}

// TestWhoClicked goes through the table of spec vodia 4.7, and what it leaves open.
func TestWhoClicked(t *testing.T) {
	const (
		place   = "Calling 5551234"
		confirm = "Call 5551234?"
	)
	for _, c := range []struct {
		note             string
		basic, session   string // what is shown with either
		site, dest, more string
	}{
		{"address bar", place, place, "none", "document", ""},
		{"script of ours", place, place, "same-origin", "empty", ""},
		{"link of ours", place, place, "same-origin", "document", ""},
		{"image", confirm, confirm, "same-origin", "image", ""},
		{"script", confirm, confirm, "same-origin", "script", ""},
		{"frame", confirm, confirm, "none", "iframe", ""},
		{"no destination", confirm, confirm, "none", "", ""},
		{"another host of the site", confirm, confirm, "same-site", "document", ""},
		{"another site", confirm, confirm, "cross-site", "document", ""},
		{"image of another site", confirm, confirm, "cross-site", "image", ""},
		{"fetch of another site", confirm, confirm, "cross-site", "empty", ""},
		{"something new", confirm, confirm, "quite-near", "document", ""},
		{"program", place, confirm, "", "", ""},
		{"program with a name", place, confirm, "", "", "User-Agent: curl/8.14.1"},
		{"program called PowerShell", place, confirm, "", "", "User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1"},
		{"program with WinHTTP", place, confirm, "", "", "User-Agent: Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)"},
		{"old browser, or http://", confirm, confirm, "", "", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0"},
		{"old Safari", confirm, confirm, "", "", "User-Agent: Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.1 Safari/605.1.15"},
		{"Internet Explorer", confirm, confirm, "", "", "User-Agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)"},
		{"old browser's script of another site", confirm, confirm, "", "", "Origin: https://evil.example"},
		{"half a browser", confirm, confirm, "", "document", ""},
		{"origin that does not fit", confirm, confirm, "none", "document", "Origin: https://evil.example"},
		{"two sites", confirm, confirm, "none", "document", "Sec-Fetch-Site: cross-site"},
	} {
		t.Run(c.note, func(t *testing.T) {
			inBubble(t, func(h *house) {
				for _, by := range []struct{ login, shown string }{{basic(ada, adaPass), c.basic}, {cookie(h.session(ada)), c.session}, {"", place}} {
					headers, link, calls := []string{by.login}, bareLink, 0
					if by.login == "" { // self-contained credentials are no ambient authority
						headers, link = nil, credLink("")
					}
					if c.site != "" {
						headers = append(headers, "Sec-Fetch-Site: "+c.site)
					}
					if c.dest != "" {
						headers = append(headers, "Sec-Fetch-Dest: "+c.dest)
					}
					if c.more != "" {
						headers = append(headers, c.more)
					}
					if by.shown == place {
						calls = 1
					}
					w := h.ask("GET", link, "", headers...)
					h.want(w, 200)
					if !strings.Contains(w.Body.String(), "<h1>"+by.shown) {
						h.Errorf("with %.20q: %s, want %s", by.login, w.Body, by.shown)
					}
					h.wantCalls(calls)
					time.Sleep(4 * time.Second)
				}
			})
		})
	}
}

// A header of both kinds: the parameter decides, then the password, then the session.
func TestAuthorityOrder(t *testing.T) {
	inBubble(t, func(h *house) {
		session := cookie(h.session(ada))
		for _, c := range []struct {
			note, link string
			status     int
			headers    []string
		}{
			{"wrong parameter, right password", bareLink + "&auth=" + ada + ":wrong", 403, []string{basic(ada, adaPass)}},
			{"empty parameter, right password", bareLink + "&auth=", 403, []string{basic(ada, adaPass)}},
			{"signature without extension", bareLink + "&auth=v2.abc", 403, []string{basic(ada, adaPass)}},
			{"right parameter, wrong password", credLink(""), 200, []string{basic(ada, "wrong")}},
			{"wrong password, session", bareLink, 401, []string{basic(ada, "wrong"), session}},
			{"another scheme, session", bareLink, 200, []string{"Authorization: Bearer x", session, "Sec-Fetch-Site: none", "Sec-Fetch-Dest: document"}},
			{"extension alone", bareLink + "&extension=true", 401, nil},
			{"no session of ours", bareLink, 401, []string{cookie("AAAAAAAAAAAAAAAAAAAAAAAAAA")}},
			{"session among others", bareLink, 200, []string{"Cookie: session=x; a=b; " + strings.TrimPrefix(session, "Cookie: "), "Sec-Fetch-Site: none", "Sec-Fetch-Dest: document"}},
		} {
			w := h.ask("GET", c.link, "", c.headers...)
			if w.Code != c.status {
				t.Errorf("%s: %d %s", c.note, w.Code, w.Body)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
				t.Errorf("%s: challenge %q", c.note, challenge)
			}
			time.Sleep(4 * time.Second)
		}
	})
}

// What no person has clicked on rings nobody, whatever it can prove.
func TestNotAClick(t *testing.T) {
	inBubble(t, func(h *house) {
		for _, c := range []struct {
			method, header string
			status         int
		}{
			{"HEAD", "", 204},
			{"GET", "Sec-Purpose: prefetch", 204},
			{"GET", "Sec-Purpose: prefetch;prerender", 204},
			{"GET", "Purpose: prefetch", 204},
			{"GET", "X-Purpose: preview", 204},
			{"GET", "X-Moz: prefetch", 204},
			{"PUT", "", 405}, {"DELETE", "", 405}, {"OPTIONS", "", 405}, {"PATCH", "", 405}, {"TRACE", "", 405},
		} {
			w := h.ask(c.method, credLink(""), "", c.header)
			h.want(w, c.status)
			if c.status == 204 && w.Body.Len() > 0 || c.status == 405 && w.Header().Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s %s: %v %s", c.method, c.header, w.Header(), w.Body)
			}
		}
		h.wantCalls(0)
		h.want(h.ask("GET", credLink(""), "", "Sec-Purpose: none"), 200)
		h.wantCalls(1)
	})
}

// form gives the hidden fields of a page.
func form(t testing.TB, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	v := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`).FindAllStringSubmatch(w.Body.String(), -1) {
		v.Add(m[1], html.UnescapeString(m[2]))
	}
	if v.Get("token") == "" {
		t.Fatalf("no form: %d %s", w.Code, w.Body)
	}
	return v
}

// The button does what its page says, once, for who was shown it, from a page of ours.
func TestButton(t *testing.T) {
	inBubble(t, func(h *house) {
		session := cookie(h.session(ada))
		link := "/remote_call.htm?user=123&dest=(555)+1234&connect=true&name=Jo+%3Cb%3E"
		w := h.ask("GET", link, "", session, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document")
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("policy %q", csp)
		}
		v := form(t, w)
		if v.Get("user") != ada || v.Get("dest") != "5551234" || v.Get("name") != "Jo <b>" || v.Get("connect") != "true" || strings.Contains(w.Body.String(), "<b>") {
			t.Errorf("%v\n%s", v, w.Body)
		}
		press := func(change func(url.Values), headers ...string) *httptest.ResponseRecorder {
			v := url.Values{}
			for name, values := range form(t, w) {
				v[name] = values
			}
			if change != nil {
				change(v)
			}
			return h.ask("POST", "/remote_call.htm", v.Encode(), append(headers, "Content-Type: application/x-www-form-urlencoded")...)
		}
		const here = "Origin: https://pbx.example"
		for _, c := range []struct {
			note    string
			status  int
			change  func(url.Values)
			headers []string
		}{
			{"no origin", 403, nil, []string{session}},
			{"origin of another page", 403, nil, []string{session, "Origin: https://evil.example"}},
			{"origin of a listed page", 403, nil, []string{session, "Origin: https://crm.example"}},
			{"no origin at all", 403, nil, []string{session, "Origin: null"}},
			{"two origins", 403, nil, []string{session, here, here}},
			{"not encrypted origin", 403, nil, []string{session, "Origin: http://pbx.example"}},
			{"nobody", 401, nil, []string{here}},
			{"somebody else", 403, nil, []string{basic("124@tenant.com", "s3cr:et"), here}},
			{"somebody else who may", 403, nil, []string{basic(root, "bigsecret"), here}},
			{"another number", 403, func(v url.Values) { v.Set("dest", "900555") }, []string{session, here}},
			{"another name", 403, func(v url.Values) { v.Set("name", "Bank") }, []string{session, here}},
			{"another user", 403, func(v url.Values) { v.Set("user", "124@tenant.com") }, []string{session, here}},
			{"asking to press 1", 403, func(v url.Values) { v.Del("connect") }, []string{session, here}},
			{"no token", 403, func(v url.Values) { v.Del("token") }, []string{session, here}},
			{"half a token", 403, func(v url.Values) { v.Set("token", v.Get("token")[:40]) }, []string{session, here}},
			{"forged token", 403, func(v url.Values) { v.Set("token", "B"+v.Get("token")[1:]) }, []string{session, here}},
			{"no form", 400, func(v url.Values) { clear(v); v.Set("%", ";") }, []string{session, here}},
		} {
			if c.note == "no form" {
				h.want(h.ask("POST", "/remote_call.htm", "a=%zz", c.headers...), 400)
				continue
			}
			if w := press(c.change, c.headers...); w.Code != c.status {
				t.Errorf("%s: %d %s", c.note, w.Code, w.Body)
			}
		}
		h.wantCalls(0)

		h.set(func() { h.refuse = click.ErrNoDevice })
		h.want(press(nil, session, here), 409)
		h.set(func() { h.refuse = nil }) // what was refused has not used the button up
		for range 2 {                    // a double click
			w := press(nil, session, here)
			h.want(w, 200)
			if !strings.Contains(w.Body.String(), "Calling 5551234") || w.Header().Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
		}
		list := h.placed()
		if len(list) != 1 || list[0].Dest != "5551234" || list[0].DestName != "Jo <b>" || list[0].Confirm || list[0].User.Name.String() != ada || list[0].Origin.Principal != "vodia:"+ada {
			t.Errorf("%+v", list)
		}
		time.Sleep(4 * time.Second)
		h.want(press(nil, session, here), 403)
		// The last character of a token has bits that mean nothing.
		h.want(press(func(v url.Values) {
			token := v.Get("token")
			for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
				v.Set("token", token[:len(token)-1]+string(c))
				if w := press(func(o url.Values) { o.Set("token", v.Get("token")) }, session, here); w.Code != 403 {
					t.Errorf("token that ends with %c: %d", c, w.Code)
				}
			}
			v.Set("token", token[:10]+"\n"+token[10:])
		}, session, here), 403)
		h.wantCalls(0)
	})
}

func TestButtonEnds(t *testing.T) {
	inBubble(t, func(h *house) {
		login := []string{basic(ada, adaPass), "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"}
		press := []string{basic(ada, adaPass), "Origin: https://pbx.example"}
		v := form(t, h.ask("GET", bareLink, "", login...))
		time.Sleep(5 * time.Minute)
		h.want(h.ask("POST", "/remote_call.htm", v.Encode(), press...), 200)
		h.wantCalls(1)
		v = form(t, h.ask("GET", bareLink, "", login...))
		time.Sleep(5*time.Minute + time.Second)
		w := h.ask("POST", "/remote_call.htm", v.Encode(), press...)
		if w.Code != 403 || !strings.Contains(w.Body.String(), "too old") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		v = form(t, h.ask("GET", bareLink, "", login...))
		h.restart()
		h.want(h.ask("POST", "/remote_call.htm", v.Encode(), press...), 403)
		h.wantCalls(0)
	})
}

// A link that may be used once is used once: not again later, nor after a restart. One that
// was refused can be used still.
func TestOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		nonce string
	}{{"v2", "n1"}, {"md5", ""}} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(h *house) {
				h.set(func() { h.conf.LinkReuse = 1 })
				link := h.adas(c.nonce)
				for _, refuse := range []error{click.ErrNoDevice, &originate.Refusal{Code: originate.RefusedRate}, errors.New("disk full")} {
					h.set(func() { h.refuse = refuse })
					if w := h.ask("GET", link, ""); w.Code < 400 {
						t.Errorf("refused with %v: %d", refuse, w.Code)
					}
				}
				h.set(func() { h.refuse, h.ready = nil, errors.New("no trunk") })
				h.want(h.ask("GET", link, ""), 503)
				h.set(func() { h.ready = nil })
				h.want(h.ask("GET", link, "", "Sec-Purpose: prefetch"), 204)
				h.want(h.ask("GET", strings.Replace(link, "5551234", "5551235", 1), ""), 403)
				h.wantCalls(0)

				h.want(h.ask("GET", link, ""), 200)
				h.want(h.ask("GET", link, ""), 200) // a double click
				h.wantCalls(1)
				time.Sleep(4 * time.Second)
				again := func(when string) {
					t.Helper()
					w := h.ask("GET", link, "")
					if w.Code != 403 || w.Body.String() != "This link has been used already.\n" {
						t.Errorf("%s: %d %s", when, w.Code, w.Body)
					}
					h.wantCalls(0)
				}
				again("later")
				h.restart()
				again("after a restart")
				again("after a restart, again")
				if c.nonce == "" { // the same signature, spelled otherwise
					link = strings.Replace(link, "auth=", "connect=true&auth=", 1)
					again("with another flag")
					h.restart()
					again("with another flag, after a restart")
				} else {
					h.want(h.ask("GET", h.signed(wire.Link{User: ada, Dest: "777", Nonce: c.nonce}, adaPass), ""), 403) // its nonce is used
				}
				h.want(h.ask("GET", h.signed(wire.Link{User: ada, Dest: "777", Nonce: c.nonce + c.nonce}, adaPass), ""), 200)
				h.wantCalls(1)
				if c.nonce != "" { // forgotten when the link has expired
					time.Sleep(time.Hour + time.Second)
					h.want(h.ask("GET", h.adas(c.nonce), ""), 200)
					h.wantCalls(1)
				}
			})
		})
	}
}

// The uses of a link are counted over restarts, and those that came to nothing are not.
func TestSeveralUses(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.conf.LinkReuse = 3 })
		link := h.adas("n1")
		use := func(status int) {
			t.Helper()
			h.want(h.ask("GET", link, ""), status)
			time.Sleep(4 * time.Second)
		}
		use(200)
		h.set(func() { h.refuse = click.ErrNoDevice })
		use(409)
		h.set(func() { h.refuse = nil })
		use(200)
		h.restart()
		use(200)
		use(403)
		h.restart()
		use(403)
		h.wantCalls(3)
		h.set(func() { h.conf.LinkReuse = 0 }) // any number of times
		use(200)
		use(200)
		h.wantCalls(2)
	})
}

// Requests with one nonce at the same moment place one call, whoever comes first, with and
// without the rule for double clicks.
func TestSameNonceAtOnce(t *testing.T) {
	for _, window := range []time.Duration{0, 3 * time.Second} {
		h := newHouse(t)
		h.set(func() { h.conf.LinkReuse, h.conf.DedupeWindow, h.hold = 1, window, make(chan struct{}) })
		link := h.adas("n1")
		const clicks = 40
		codes := make(chan int, clicks)
		var begin, all sync.WaitGroup
		begin.Add(clicks)
		for range clicks {
			all.Go(func() {
				r := h.request("GET", link, "")
				begin.Done()
				begin.Wait()
				codes <- h.serve(r).Code
			})
		}
		begin.Wait()
		close(h.hold)
		all.Wait()
		close(codes)
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		want := map[int]int{200: clicks}
		if window == 0 {
			want = map[int]int{200: 1, 403: clicks - 1}
		}
		if len(count) != len(want) || count[200] != want[200] || count[403] != want[403] {
			t.Errorf("window %v: answers %v, want %v", window, count, want)
		}
		h.wantCalls(1)
	}
}

// Who waits for the same call of another that is refused has its own turn; who comes after that
// gets its call.
func TestRefusedBeforeOthers(t *testing.T) {
	inBubble(t, func(h *house) {
		l, w, refused := newRecent(), wish{dest: "1"}, make(chan struct{})
		ask := func(submit func() (call.Call, *failure)) <-chan string {
			out := make(chan string, 1)
			go func() {
				c, again, bad := l.once(h.Context(), w, time.Second, fixtureNow, submit)
				if bad != nil {
					out <- bad.code
					return
				}
				out <- fmt.Sprint(c.ID, again)
			}()
			synctest.Wait()
			return out
		}
		first := ask(func() (call.Call, *failure) { <-refused; return call.Call{}, notAllowed() })
		second := ask(func() (call.Call, *failure) { return call.Call{ID: "c2"}, nil })
		close(refused)
		if a, b := <-first, <-second; a != "not_allowed" || b != "c2false" {
			t.Errorf("%s, then %s", a, b)
		}
		if c := <-ask(func() (call.Call, *failure) { return call.Call{ID: "c3"}, nil }); c != "c2true" {
			t.Errorf("after that %s", c)
		}
	})
}

// Each refusal has its status and one line, and tells nothing of what is inside.
func TestRefusals(t *testing.T) {
	inBubble(t, func(h *house) {
		for _, c := range []struct {
			err    error
			status int
			text   string
			after  string
		}{
			{click.ErrNoPhone, 409, "No phone of this extension is registered.", ""},
			{click.ErrNoDevice, 409, "No phone of this extension is registered.", ""},
			{&originate.Refusal{Code: originate.RefusedRate, RetryAfter: 7 * time.Second, Text: "inside"}, 429, "Too many calls; try again later.", "7"},
			{&originate.Refusal{Code: originate.RefusedDestination, Text: "inside"}, 400, "This number cannot be dialled.", ""},
			{&originate.Refusal{Code: originate.RefusedInvalid, Text: "inside"}, 400, "This number cannot be dialled.", ""},
			{&originate.Refusal{Code: originate.RefusedGuard, Text: "inside"}, 403, "This call is not allowed.", ""},
			{&originate.Refusal{Code: originate.RefusedStopping, Text: "inside"}, 503, "No calls can be made at the moment.", ""},
			{&originate.Refusal{Code: originate.RefusedStore, Text: "inside"}, 503, "No calls can be made at the moment.", ""},
			{errors.New("inside"), 503, "No calls can be made at the moment.", ""},
		} {
			h.set(func() { h.refuse = c.err })
			w := h.ask("GET", credLink(""), "")
			if w.Code != c.status || w.Body.String() != c.text+"\n" || w.Header().Get("Retry-After") != c.after || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%v: %d %v %s", c.err, w.Code, w.Header(), w.Body)
			}
		}
		h.set(func() { h.refuse, h.ready = nil, errors.New("inside") })
		h.want(h.ask("GET", credLink(""), ""), 503)
		h.wantCalls(0)
	})
}

// The switches of the operator.
func TestLinkOptions(t *testing.T) {
	for _, c := range []struct {
		note   string
		set    func(c *Config)
		link   func(h *house) string
		status int
		asks   bool // to press 1
	}{
		{"md5 is refused", func(c *Config) { c.NoMD5Links = true }, func(h *house) string { return h.adas("") }, 403, false},
		{"v2 stays", func(c *Config) { c.NoMD5Links = true }, func(h *house) string { return h.adas("n1") }, 200, true},
		{"credentials are refused", func(c *Config) { c.NoCredentialLinks = true }, func(*house) string { return credLink("") }, 403, false},
		{"no prompt", nil, func(h *house) string { return h.adas("") + "&connect=1" }, 200, false},
		{"md5 always asks", func(c *Config) { c.MD5Prompt = true }, func(h *house) string { return h.adas("") + "&connect=1" }, 200, true},
		{"v2 has signed that it does not", func(c *Config) { c.MD5Prompt = true }, func(h *house) string {
			return h.signed(wire.Link{User: ada, Dest: "1", Nonce: "n", Connect: true}, adaPass)
		}, 200, false},
		{"credentials say so too", func(c *Config) { c.MD5Prompt = true }, func(*house) string { return credLink("&connect=TRUE") }, 200, false},
		{"no SIP addresses", nil, func(*house) string { return credLink("") + "&dest2=x" }, 200, true},
		{"a word is no number", nil, func(*house) string { return strings.Replace(credLink(""), "5551234", "reception", 1) }, 400, false},
		{"a word is dialled", func(c *Config) { c.AllowSIPURI = true }, func(*house) string { return strings.Replace(credLink(""), "5551234", "reception", 1) }, 200, true},
	} {
		t.Run(c.note, func(t *testing.T) {
			inBubble(t, func(h *house) {
				if c.set != nil {
					h.set(func() { c.set(&h.conf) })
				}
				h.want(h.ask("GET", c.link(h), ""), c.status)
				list := h.placed()
				if (len(list) == 1) != (c.status == 200) || len(list) == 1 && list[0].Confirm != c.asks {
					t.Errorf("%+v", list)
				}
			})
		})
	}
}

// What the door makes of the options goes along with the call.
func TestIntent(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.conf.PromptRepeats, h.conf.PromptInterval, h.conf.FailTone = 2, 4*time.Second, 9*time.Second })
		h.want(h.ask("GET", "/remote_call.htm?user="+ada+"&dest=+1(617)399&name=A%0AB&auth="+ada+":"+adaPass, ""), 200)
		list := h.placed()
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		in := list[0]
		if in.Prompts != 2 || in.Interval != 4*time.Second || in.FailTone != 9*time.Second || in.DestName != "A B" || in.Dest != "+1617399" || in.Key != "" {
			t.Errorf("%+v", in)
		}
		if o := in.Origin; o.Door != "vodia" || o.Principal != "vodia:"+ada || o.Remote != "192.0.2.1" || o.Reference != "+1617399" || time.Until(in.NotAfter) != queueTime {
			t.Errorf("%+v, not after %v", o, in.NotAfter)
		}
	})
}

// Passwords and sessions are not taken over plain HTTP, but from this machine; signatures
// are.
func TestPlainHTTP(t *testing.T) {
	inBubble(t, func(h *house) {
		session := h.session(ada)
		plain := func(remote, link string, headers ...string) int {
			r := h.request("GET", link, "", headers...)
			r.TLS, r.RemoteAddr = nil, remote
			code := h.serve(r).Code
			time.Sleep(4 * time.Second)
			return code
		}
		for _, c := range []struct {
			note, link           string
			far, near, permitted int
			headers              []string
		}{
			{"nothing", bareLink, 403, 401, 401, nil},
			{"password in the header", bareLink, 403, 200, 200, []string{basic(ada, adaPass)}},
			{"password in the link", credLink(""), 403, 200, 200, nil},
			{"session", bareLink, 403, 200, 200, []string{cookie(session)}},
			{"signature", h.adas("n"), 200, 200, 200, nil},
			{"wrong password", bareLink, 403, 401, 401, []string{basic(ada, "wrong")}},
		} {
			h.set(func() { h.conf.AllowPlainHTTP = false })
			far, near := plain("192.0.2.1:1", c.link, c.headers...), plain("127.0.0.1:1", c.link, c.headers...)
			h.set(func() { h.conf.AllowPlainHTTP = true })
			if permitted := plain("192.0.2.1:1", c.link, c.headers...); far != c.far || near != c.near || permitted != c.permitted {
				t.Errorf("%s: %d %d %d, want %d %d %d", c.note, far, near, permitted, c.far, c.near, c.permitted)
			}
		}
		h.set(func() { h.conf.AllowPlainHTTP = false })
		for header, want := range map[string]int{ // a proxy on this machine that nobody has named
			"X-Forwarded-For: 192.0.2.9": 403, "X-Forwarded-For: 127.0.0.1, 192.0.2.9": 403, "X-Forwarded-For: unknown": 403,
			"X-Real-IP: 2001:db8::9": 403, "Forwarded: for=192.0.2.9;proto=http": 403, "X-Forwarded-For: ::1, ::ffff:127.0.0.1": 200,
		} {
			if got := plain("127.0.0.1:1", credLink(""), header); got != want {
				t.Errorf("with %s: %d, want %d", header, got, want)
			}
		}
		h.set(func() { h.conf.TrustedProxies = loopback(t) })
		if got := plain("127.0.0.1:1", credLink(""), "X-Forwarded-For: 192.0.2.9:4711"); got != 403 {
			t.Errorf("behind a proxy that writes ports: %d", got)
		}
		for header, want := range map[string]int{"X-Forwarded-Proto: https": 200, "X-Forwarded-Proto: http": 403, "X-Forwarded-For: 192.0.2.9": 403} {
			if got := plain("127.0.0.1:1", credLink(""), "X-Forwarded-For: 192.0.2.9", header); got != want {
				t.Errorf("behind a proxy with %s: %d, want %d", header, got, want)
			}
		}
		if got := plain("192.0.2.1:1", credLink(""), "X-Forwarded-Proto: https"); got != 403 {
			t.Errorf("who says by itself that it came by TLS: %d", got)
		}
	})
}

// A person without a right, by each kind of proof.
func TestMayNot(t *testing.T) {
	inBubble(t, func(h *house) {
		people := h.fixture(vectors(t).Fixture.Accounts)
		people = append(people,
			directorytest.Person{Name: "off@tenant.com", Password: "password", LinkSecret: "secret", User: directory.User{Phone: "off", Disabled: true}},
			directorytest.Person{Name: "crm@tenant.com", Password: "password", User: directory.User{Role: directory.RoleMinter, Mints: []string{"*@tenant.com"}, Phone: "crm"}},
			directorytest.Person{Name: "nophone@tenant.com", Password: "password", LinkSecret: "secret"},
		)
		directorytest.Configure(t, h.people, vectors(t).Fixture.Tenants, people...)
		const user = "/remote_call.htm?dest=1&user="
		for _, c := range []struct {
			note, link, login string
			status            int
		}{
			{"disabled: password", user + "off@tenant.com", basic("off@tenant.com", "password"), 401},
			{"disabled: credentials", user + "off@tenant.com&auth=off@tenant.com:password", "", 403},
			{"disabled: signature", h.signed(wire.Link{User: "off@tenant.com", Dest: "1", Nonce: "n"}, "secret"), "", 403},
			{"disabled: by an administrator", user + "off@tenant.com", basic(root, "bigsecret"), 403},
			{"minter for itself", user + "crm@tenant.com", basic("crm@tenant.com", "password"), 403},
			{"minter for another", user + ada, basic("crm@tenant.com", "password"), 403},
			{"administrator without an extension", "/remote_call.htm?dest=1", basic(root, "bigsecret"), 403},
			{"administrator's own name", user + "admin@tenant.com", basic("admin@tenant.com", "tenantadmin"), 403},
			{"nobody by an administrator", user + "999@tenant.com", basic(root, "bigsecret"), 403},
			{"user without a phone", user + "nophone@tenant.com", basic("nophone@tenant.com", "password"), 409},
			{"no link secret", h.signed(wire.Link{User: "crm@tenant.com", Dest: "1", Nonce: "n"}, "password"), "", 403},
			{"signed without a user", strings.Replace(h.adas("n"), "user=123%40tenant.com&", "", 1), "", 400},
			{"own extension", "/remote_call.htm?dest=1", basic(ada, adaPass), 200},
		} {
			if w := h.ask("GET", c.link, "", c.login); w.Code != c.status {
				t.Errorf("%s: %d %s", c.note, w.Code, w.Body)
			}
			time.Sleep(4 * time.Second)
		}
	})
}

// Neither the log nor the audit trail nor a refusal has a secret in it.
func TestNothingSecretIsTold(t *testing.T) {
	inBubble(t, func(h *house) {
		const cy, page = "125@tenant.com", "/remote_call.htm?user=125%40tenant.com&dest=5551234"
		session, said := h.session(cy), ""
		link := h.signed(wire.Link{User: cy, Dest: "5551234", Nonce: "n1"}, "linkpass")
		for _, r := range []*http.Request{
			h.request("GET", page+"&auth="+cy+":webpass", ""), h.request("GET", page+"&auth="+cy+":wr0ngword", ""), h.request("GET", link, ""),
			h.request("GET", strings.Replace(link, "dest=", "dest=9", 1), ""),
			h.request("GET", page, "", basic(cy, "webpass")), h.request("GET", page, "", basic(cy, "wr0ngword")),
			h.request("GET", page, "", cookie(session)), h.request("GET", "/rest/pbxlogin", ""),
			h.request("POST", "/rest/system/session", `{"name":"session","value":"t0ken"}`),
			h.request("POST", "/rest/user/"+cy+"/calls", `{"remote-dial":"1"}`, basic("nobody", "wr0ngword")),
			h.request("POST", "/click-to-dial/login", "account="+cy+"&password=wr0ngword", "Origin: https://pbx.example"),
		} {
			w := h.serve(r)
			if w.Code != 200 { // the button's page may have its token
				said += w.Body.String()
			}
			time.Sleep(4 * time.Second)
		}
		list, err := h.queue.Audit(h.Context(), originate.AuditFilter{})
		h.must(err)
		for _, e := range list {
			said += e.Origin.Principal + e.Origin.Reference + e.Rule + e.Text + string(e.Account) + e.First + e.Second + "\n"
		}
		said += h.log.String()
		auth := regexp.MustCompile(`v2\.[^&]+`).FindString(link)
		for _, secret := range []string{"webpass", "linkpass", "wr0ngword", "t0ken", session, auth[3:20], "d2VicGFzc", "d3Iwbmd3b3Jk"} {
			if strings.Contains(said, secret) {
				t.Errorf("%q is told:\n%s", secret, said)
			}
		}
		if n := len(h.denials()); !strings.Contains(said, "vodia:"+cy) || n != 6 {
			t.Errorf("%d denials: %q", n, h.denials())
		}
	})
}
