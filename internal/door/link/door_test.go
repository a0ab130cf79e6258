package link_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// html is what a browser says that it takes.
const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// clicked is what a browser says of a click on a link in a mail program.
func clicked(more ...string) []string {
	return append([]string{"Accept", html, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "document"}, more...)
}

// Opening a link shows what it would do and rings nothing; the button rings the phone.
func TestPage(t *testing.T) {
	h := newHouse(t)
	l, address := h.make(link.Draft{User: ada, Number: "+49 (30) 123", Name: "<b>Bo</b>", Uses: 1})
	got := h.ask("GET", address, clicked()...)
	for _, want := range []string{"&lt;b&gt;Bo&lt;/b&gt;", "&#43;4930123", "The phone of Ada Moss rings first", "press 1", `<form method="post">`, "<button>Call now</button>"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page has no %q:\n%s", want, got.body)
		}
	}
	if got.status != 200 || strings.Contains(got.body, "<script") || strings.Contains(got.body, address[len(address)-22:]) {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex, nofollow",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s: %q", name, v)
		}
	}
	csp := got.header.Get("Content-Security-Policy")
	if ok, _ := regexp.MatchString(`^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$`, csp); !ok {
		t.Errorf("CSP %q", csp)
	}
	if n := len(h.placed()); n > 0 {
		t.Fatalf("%d calls", n)
	}

	got = h.ask("POST", address, "Accept", html, "Origin", h.srv.URL, "Sec-Fetch-Site", "same-origin")
	if got.status != 200 || !strings.Contains(got.body, "The phone rings.") || strings.Contains(got.body, "<form") {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	list := h.placed()
	if len(list) != 1 {
		t.Fatalf("%d calls", len(list))
	}
	r := list[0].Request
	want := call.Origin{Door: "link", Principal: "link:" + l.ID, Remote: "127.0.0.1", Reference: "+4930123"}
	if r.Origin != want || r.Account != "sales" || r.First != "PJSIP/123" || r.Then.Second != "+4930123" || !r.Then.Confirm || r.Key != "use-1" {
		t.Errorf("%+v", r)
	}
	if in := h.intents[0]; in.DestName != "<b>Bo</b>" || in.FailTone != 10*time.Second {
		t.Errorf("%+v", in)
	}
	_, uses, err := h.book.Get(t.Context(), l.ID, link.By{})
	if err != nil || len(uses) != 1 || uses[0].Call != list[0].ID || uses[0].Remote != "127.0.0.1" || uses[0].Origin != h.srv.URL || uses[0].Open {
		t.Errorf("%+v, %v", uses, err)
	}
	if diff := cmp.Diff([]string{"link link:" + l.ID + " +  192.0.2.1", "link link:" + l.ID + " + " + firstRule(t, h) + " 127.0.0.1"}, h.trail()); diff != "" {
		t.Error(diff)
	}
}

// firstRule gives the guard's rules of the accepted call in the trail.
func firstRule(t *testing.T, h *house) string {
	t.Helper()
	list, err := h.Audit(t.Context(), originate.AuditFilter{Oldest: true})
	if err != nil || len(list) < 2 {
		t.Fatal(list, err)
	}
	return list[1].Rule
}

// What is not a person's click on the button dials nobody and uses nothing up: HEAD,
// prefetching, crawlers, previews, scanners and other methods.
func TestNothingDials(t *testing.T) {
	h := newHouse(t)
	l, address := h.make(link.Draft{Uses: 1})
	_, direct := h.make(link.Draft{User: "124@tenant.com", Number: "5", Uses: 1, Direct: true})
	for _, a := range []string{address, direct} {
		for _, c := range []struct {
			name    string
			method  string
			status  int
			headers []string
		}{
			{"HEAD", "HEAD", 204, nil},
			{"HEAD of a click", "HEAD", 204, clicked()},
			{"curl", "GET", 200, nil},
			{"crawler", "GET", 200, []string{"Accept", "*/*", "User-Agent", "Mozilla/5.0 (compatible; Slackbot-LinkExpanding 1.0)"}},
			{"prefetch", "GET", 204, clicked("Sec-Purpose", "prefetch")},
			{"prerender", "GET", 204, clicked("Sec-Purpose", "prefetch;prerender")},
			{"preview", "GET", 204, clicked("X-Purpose", "preview")},
			{"another page's link", "GET", 200, []string{"Accept", html, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "document"}},
			{"script's redirect", "GET", 200, []string{"Accept", html, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}},
			{"image", "GET", 200, []string{"Accept", "image/*", "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}},
			{"frame", "GET", 200, []string{"Accept", html, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "iframe"}},
			{"fetch", "GET", 200, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}},
			{"PUT", "PUT", 405, nil},
			{"preflight of a stranger", "OPTIONS", 403, []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}},
		} {
			if got := h.ask(c.method, a, c.headers...); got.status != c.status {
				t.Errorf("%s: %d %s", c.name, got.status, got.body)
			}
		}
	}
	if n := len(h.placed()); n > 0 {
		t.Errorf("%d calls", n)
	}
	if got, _, err := h.book.Get(t.Context(), l.ID, link.By{}); err != nil || got.Used != 0 {
		t.Errorf("used %d, %v", got.Used, err)
	}
}

// A link that dials directly does so for a person's click, and not when the page is loaded again.
func TestDirect(t *testing.T) {
	h := newHouse(t)
	l, address := h.make(link.Draft{Direct: true})
	got := h.ask("GET", address, clicked()...)
	const again = "?placed" // of whatever address the browser has asked for, a proxy's too
	if got.status != 303 || got.header.Get("Location") != again {
		t.Fatalf("%d, Location %q", got.status, got.header.Get("Location"))
	}
	got = h.ask("GET", address+again, clicked()...)
	if got.status != 200 || !strings.Contains(got.body, "The phone rings.") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if list := h.placed(); len(list) != 1 || list[0].Request.Origin.Principal != "link:"+l.ID {
		t.Errorf("%d calls", len(list))
	}
	if _, err := h.book.Revoke(t.Context(), l.ID, link.By{Name: "local"}); err != nil {
		t.Fatal(err)
	}
	if got := h.ask("GET", address, clicked()...); got.status != 410 {
		t.Errorf("revoked: %d", got.status)
	}
}

// Each reason has its status and code, and tells what to do; with the same words
// for a link that there is not and one that is forged.
func TestRefusals(t *testing.T) {
	h := newHouse(t)
	over, overAt := h.make(link.Draft{Expires: moment(time.Hour)})
	_, early := h.make(link.Draft{NotBefore: moment(time.Hour)})
	revoked, revokedAt := h.make(link.Draft{})
	_, err := h.book.Revoke(t.Context(), revoked.ID, link.By{Name: "local"})
	h.must(err)
	used, usedAt := h.make(link.Draft{Uses: 1})
	n, err := h.book.Begin(t.Context(), used.ID, link.Use{At: moment(0)})
	h.must(err)
	h.must(h.book.Settle(t.Context(), used.ID, n, "c0", ""))
	_, gone := h.make(link.Draft{User: "124@tenant.com", Number: "5"})
	good, goodAt := h.make(link.Draft{})
	other, _ := h.make(link.Draft{})

	directorytest.Configure(t, h.people, []string{"tenant.com"}, people("sales")[0])
	sig := goodAt[len(goodAt)-22:]
	// Its time has come: as if the server had slept.
	expired := over
	expired.ID, expired.CreatedAt, expired.Expires = link.NewID(), moment(-2*time.Hour), moment(-time.Hour)
	h.must(h.store.AddLink(t.Context(), expired, link.Act{At: expired.CreatedAt}))
	expiredAt := h.book.URL(&expired)
	_ = overAt

	texts := map[string]bool{}
	for _, c := range []struct {
		name, address string
		status        int
		code          string
	}{
		{"expired", expiredAt, 410, "expired"},
		{"early", early, 403, "early"},
		{"revoked", revokedAt, 410, "revoked"},
		{"used", usedAt, 410, "used"},
		{"user gone", gone, 410, "user"},
		{"unknown", h.srv.URL + "/link/aaaaaaaaaaaaaaaa." + sig, 404, "unknown"},
		{"another's signature", h.srv.URL + "/link/" + other.ID + "." + sig, 404, "unknown"},
		{"cut", goodAt[:len(goodAt)-1], 404, "unknown"},
		{"no signature", h.srv.URL + "/link/" + good.ID, 404, "unknown"},
		{"nothing", h.srv.URL + "/link/", 404, "unknown"},
	} {
		post := h.ask("POST", c.address)
		if post.status != c.status || post.code() != c.code || post.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: POST %d %s", c.name, post.status, post.body)
		}
		get := h.ask("GET", c.address, "Accept", html)
		if get.status != c.status || strings.Contains(get.body, "<form") || !strings.Contains(get.body, "<h1>No call</h1>") {
			t.Errorf("%s: GET %d %s", c.name, get.status, get.body)
		}
		if c.code == "unknown" {
			texts[post.body+get.body] = true
		}
	}
	if len(texts) != 1 {
		t.Errorf("unknown links are answered in %d ways", len(texts))
	}
	if n := len(h.placed()); n > 0 {
		t.Errorf("%d calls", n)
	}
	if got := h.ask("POST", early); got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After for a link that is not valid yet")
	}
	// The refusals are with the link, and in the trail under its name.
	_, uses, err := h.book.Get(t.Context(), used.ID, link.By{})
	if err != nil || len(uses) != 2 || uses[0].Refused != "this link was used already" || uses[0].Call != "" {
		t.Errorf("%+v, %v", uses, err)
	}
	trail := strings.Join(h.trail(), "\n")
	for _, want := range []string{"link link:" + used.ID + " guard link 127.0.0.1", "link link guard signature 127.0.0.1", "link link:" + revoked.ID + " guard link 127.0.0.1"} {
		if !strings.Contains(trail, want) {
			t.Errorf("the trail has no %q:\n%s", want, trail)
		}
	}
	for _, want := range []string{
		"principal=link:" + used.ID + ` remote=127.0.0.1 rule=link reason="this link was used already"`,
		`principal=link remote=127.0.0.1 rule=signature reason="unknown or forged link"`,
	} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
}

// A user that now calls on another account than when the link was made is not called for it.
func TestAccountOfUserMoved(t *testing.T) {
	h := newHouse(t)
	_, address := h.make(link.Draft{})
	directorytest.Configure(t, h.people, []string{"tenant.com"}, people("other")...)
	if got := h.ask("POST", address); got.status != 410 || got.code() != "user" {
		t.Errorf("%d %s", got.status, got.body)
	}
	disabled := people("sales")
	disabled[0].Disabled = true
	directorytest.Configure(t, h.people, []string{"tenant.com"}, disabled...)
	if got := h.ask("GET", address); got.status != 410 {
		t.Errorf("disabled: %d", got.status)
	}
	directorytest.Configure(t, h.people, []string{"tenant.com"}, people("sales")...)
	if got := h.ask("POST", address); got.status != 200 {
		t.Errorf("back again: %d %s", got.status, got.body)
	}
}

// A call that is refused gives the use back, and can be tried again at once.
func TestRefusedCallGivesUseBack(t *testing.T) {
	h := newHouse(t)
	l, address := h.make(link.Draft{Uses: 1})
	for _, c := range []struct {
		refuse error
		status int
		code   string
	}{
		{click.ErrNoDevice, 409, "no-device"},
		{click.ErrNoPhone, 409, "no-device"},
		{&originate.Refusal{Code: originate.RefusedGuard, Text: "The rule of the sales is a secret."}, 403, "refused"},
		{&originate.Refusal{Code: originate.RefusedRate, Text: "slow down", RetryAfter: 7 * time.Second}, 429, "rate"},
		{&originate.Refusal{Code: originate.RefusedStopping}, 503, "unavailable"},
		{http.ErrServerClosed, 503, "unavailable"},
	} {
		h.set(func(h *house) { h.refuse = c.refuse })
		got := h.ask("POST", address)
		if got.status != c.status || got.code() != c.code || strings.Contains(got.body, "secret") {
			t.Errorf("%v: %d %s", c.refuse, got.status, got.body)
		}
		if got.status == 429 && got.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
		}
		if now, uses, err := h.book.Get(t.Context(), l.ID, link.By{}); err != nil || now.Used != 0 || uses[0].Refused != c.refuse.Error() {
			t.Errorf("%v: used %d, %+v, %v", c.refuse, now.Used, uses, err)
		}
	}
	h.set(func(h *house) { h.refuse = nil })
	if got := h.ask("POST", address); got.status != 200 || got.code() != "placed" {
		t.Errorf("%d %s", got.status, got.body)
	}
	// The real guard, at the time of use.
	_, address = h.make(link.Draft{Uses: 1})
	h.set(func(h *house) {
		h.policy.Accounts = map[call.AccountID]originate.Account{"sales": {Disabled: true}}
	})
	if got := h.ask("POST", address); got.status != 403 {
		t.Errorf("disabled account: %d %s", got.status, got.body)
	}
}

// A hundred who use a link for one call at once make one.
func TestOnceInParallel(t *testing.T) {
	h := newHouse(t)
	l, address := h.make(link.Draft{Uses: 1})
	var mu sync.Mutex
	codes := map[string]int{}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			got := h.ask("POST", address)
			mu.Lock()
			defer mu.Unlock()
			codes[got.code()]++
		})
	}
	wg.Wait()
	if n := len(h.placed()); n != 1 || codes["placed"] != 100 {
		t.Errorf("%d calls, answers %v", n, codes)
	}
	if got, uses, err := h.book.Get(t.Context(), l.ID, link.By{}); err != nil || got.Used != 1 || len(uses) != 1 {
		t.Errorf("used %d, written down %d, %v", got.Used, len(uses), err)
	}
	// Without the window for double clicks it is the store that decides: fresh doors.
	_, address = h.make(link.Draft{Uses: 1})
	clear(codes)
	path := strings.TrimPrefix(address, h.srv.URL)
	for range 100 {
		d := h.anotherDoor()
		wg.Go(func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "POST", path, nil)
			d.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			codes[said{body: w.Body.String()}.code()]++
		})
	}
	wg.Wait()
	if n := len(h.placed()); n != 2 || codes["placed"] != 1 || codes["used"] != 99 {
		t.Errorf("%d calls, answers %v", n, codes)
	}
}

// A second click within three seconds gets the answer of the first; a later one is another.
func TestDoubleClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHouse(t)
		_, path := h.make(link.Draft{})
		post := func() string {
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", path, nil))
			return w.Body.String()
		}
		first := post()
		time.Sleep(3*time.Second - time.Nanosecond)
		if again := post(); again != first || len(h.intents) != 1 {
			t.Errorf("%d calls, %s, %s", len(h.intents), first, again)
		}
		time.Sleep(time.Nanosecond)
		if again := post(); again == first || len(h.intents) != 2 {
			t.Errorf("%d calls, %s, %s", len(h.intents), first, again)
		}
	})
}

// Who asks too often waits, and who guesses is no longer written down; a link that is
// right works for its address all the same.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHouse(t)
		l, path := h.make(link.Draft{})
		ask := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			return w
		}
		codes := map[int]int{}
		for range 50 {
			codes[ask("POST", "/link/aaaaaaaaaaaaaaaa.AAAAAAAAAAAAAAAAAAAAAA").Code]++
		}
		if codes[404] != 10 || codes[429] != 40 {
			t.Errorf("guesses were answered %v", codes)
		}
		if n := len(h.trail()); n != 1+10 {
			t.Errorf("%d lines in the trail", n)
		}
		if w := ask("POST", path); w.Code != 200 {
			t.Errorf("the right one: %d", w.Code)
		}
		h.set(func(h *house) { h.conf.PerMinute = 2 })
		for i, want := range []int{200, 200, 429} {
			w := ask("GET", path)
			if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "30") {
				t.Errorf("%d: %d, Retry-After %q", i, w.Code, w.Header().Get("Retry-After"))
			}
		}
		time.Sleep(30 * time.Second)
		if w := ask("GET", path); w.Code != 200 {
			t.Errorf("after the wait: %d", w.Code)
		}
		// No part of a signature is in the log or the trail.
		sig := path[len(path)-22:]
		list, err := h.Audit(t.Context(), originate.AuditFilter{})
		if err != nil {
			t.Fatal(err)
		}
		text := h.log.String()
		for _, e := range list {
			text += fmt.Sprintf("%+v", e)
		}
		if !strings.Contains(text, l.ID) || strings.Contains(text, sig) || strings.Contains(text, sig[:10]) {
			t.Errorf("log and trail:\n%s", text)
		}
	})
}

// What a server that died had begun is settled at the next start: by the call, if its
// request was stored, else the use is given back.
func TestRecover(t *testing.T) {
	h := newHouse(t)
	lost, _ := h.make(link.Draft{Uses: 1})
	kept, address := h.make(link.Draft{Uses: 1})
	_, err := h.book.Begin(t.Context(), lost.ID, link.Use{At: moment(0)})
	h.must(err)
	n, err := h.book.Begin(t.Context(), kept.ID, link.Use{At: moment(0)})
	h.must(err)
	c, err := h.Place(t.Context(), click.Intent{
		Origin: call.Origin{Door: "link", Principal: link.Principal(kept.ID), Remote: "127.0.0.1"}, User: h.people.Users()[0], Dest: kept.Dest, Key: link.Key(n),
	})
	h.must(err)
	h.must(h.book.Recover(t.Context(), func(ctx context.Context, principal, key string) (call.ID, error) {
		c, err := h.Find(ctx, originate.Key{Door: "link", Principal: principal, ID: key})
		if r, ok := errors.AsType[*originate.Refusal](err); ok && r.Code == originate.RefusedNotFound {
			return "", nil
		}
		return c.ID, err
	}))
	for _, want := range []struct {
		id   string
		used int
		use  link.Use
	}{{lost.ID, 0, link.Use{Number: 1, Refused: "the server stopped before the call was stored"}}, {kept.ID, 1, link.Use{Number: 1, Call: c.ID}}} {
		l, uses, err := h.book.Get(t.Context(), want.id, link.By{})
		h.must(err)
		uses[0].At = time.Time{}
		if l.Used != want.used || uses[0] != want.use {
			t.Errorf("%s: used %d, %+v", want.id, l.Used, uses)
		}
	}
	if got := h.ask("POST", address); got.status != 410 || len(h.placed()) != 1 {
		t.Errorf("%d, %d calls", got.status, len(h.placed()))
	}
}
