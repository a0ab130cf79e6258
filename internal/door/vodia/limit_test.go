package vodia

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// counted puts people into the house whose passwords are counted when they are looked at.
func (h *house) counted() *atomic.Int64 {
	h.Helper()
	n := &atomic.Int64{}
	o := directorytest.Options(&directorytest.Store{})
	o.CheckHash = func(hash, password string) bool {
		n.Add(1)
		return auth.CheckHash(hash, password)
	}
	h.people = directory.New(o)
	h.staffOf(h.people)
	h.door = h.newDoor()
	return n
}

func (h *house) staffOf(d *directory.Directory) {
	h.Helper()
	f := vectors(h).Fixture
	directorytest.Configure(h, d, f.Tenants, append(h.fixture(f.Accounts),
		directorytest.Person{Name: "off@tenant.com", Password: "password", LinkSecret: "secret", User: directory.User{Disabled: true}},
		directorytest.Person{Name: "bare@tenant.com"})...)
}

// said is an answer without what differs at each one.
func said(w *httptest.ResponseRecorder) string {
	return fmt.Sprint(w.Code, w.Header(), w.Body)
}

// Whether there is such a user, whether it may log in and whether it has a secret shows in
// nothing: not in the answer, not in the work it costs, not in when the lock comes.
func TestUnknownAndWrongLookAlike(t *testing.T) {
	for _, c := range []struct {
		note string
		ask  func(h *house, user, remote string) *httptest.ResponseRecorder
	}{
		{"credentials in a link", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", "/remote_call.htm?dest=1&user="+user+"&auth="+user+":wrong", "")
		}},
		{"what is no credential", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", "/remote_call.htm?dest=1&user="+user+"&auth=wrong", "")
		}},
		{"MD5 signature", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", h.signed(wire.Link{User: user, Dest: "1"}, "wrong"), "")
		}},
		{"v2 signature", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", h.signed(wire.Link{User: user, Dest: "1", Nonce: "n"}, "wrong"), "")
		}},
		{"challenge", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", "/remote_call.htm?dest=1&user="+user, "", basic(user, "wrong"))
		}},
		{"REST", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "GET", "/rest/user/"+user+"/calls", "", basic(user, "wrong"))
		}},
		{"token", func(h *house, user, remote string) *httptest.ResponseRecorder {
			return h.askFrom(remote, "POST", sessions, `{"name":"3rd","username":"123","domain":"tenant.com"}`, basic(user, "wrong"))
		}},
	} {
		t.Run(c.note, func(t *testing.T) {
			type course struct {
				said [12]string // the 10th wrong secret locks the name
				work [12]int64
			}
			courses := map[string]course{}
			users := []string{ada, "nobody@tenant.com", "off@tenant.com", "bare@tenant.com", "admin"}
			for _, user := range users {
				inBubble(t, func(h *house) {
					work := h.counted()
					var got course
					for i := range got.said {
						before := work.Load()
						got.said[i] = said(c.ask(h, user, fmt.Sprintf("198.51.100.%d:1", i))) // each from elsewhere
						got.work[i] = work.Load() - before
					}
					courses[user] = got
				})
			}
			for _, user := range users[1:] {
				if courses[user] != courses[ada] {
					t.Errorf("%s is told apart:\n%v\n%v", user, courses[user], courses[ada])
				}
			}
			if last := courses[ada].said[11]; !strings.HasPrefix(last, "429") || !strings.Contains(last, "Retry-After:[600]") {
				t.Errorf("after ten wrong secrets: %s", last)
			}
		})
	}
}

// All spellings of a name are locked as one, also of a name that nobody has.
func TestSpellingsAreOneName(t *testing.T) {
	for _, user := range []string{"123", "999"} {
		inBubble(t, func(h *house) {
			h.counted()
			spellings := []string{user + "@tenant.com", user + "@TENANT.com", user}
			var last int
			for i := range 11 {
				w := h.askFrom(fmt.Sprintf("198.51.100.%d:1", i), "GET", bareLink, "", basic(spellings[i%3], "wrong"), "Host: tenant.com")
				last = w.Code
			}
			if last != 429 {
				t.Errorf("%s: %d after ten failures in three spellings", user, last)
			}
		})
	}
}

// Ten wrong secrets from one address lock the address for ten minutes, for all names and all
// doors; not others.
func TestLockOut(t *testing.T) {
	inBubble(t, func(h *house) {
		for i := range 10 {
			h.want(h.ask("GET", bareLink, "", basic(fmt.Sprintf("nobody%d", i), "x")), 401)
		}
		h.want(h.ask("GET", bareLink, "", basic(ada, adaPass)), 429)
		h.want(h.ask("GET", credLink(""), ""), 429)
		h.want(h.ask("GET", h.adas("n"), ""), 429)
		h.want(h.ask("GET", adasCalls, "", basic(ada, adaPass)), 429)
		h.want(h.ask("POST", "/click-to-dial/login", "account="+ada+"&password=password", "Origin: https://pbx.example"), 429)
		h.want(h.ask("GET", adasCalls, "", cookie(h.session(ada))), 200) // who has logged in stays so
		h.want(h.askFrom("192.0.2.2:1", "GET", adasCalls, "", basic(ada, adaPass)), 200)
		h.wantCalls(0)
		time.Sleep(10*time.Minute - time.Second)
		h.want(h.ask("GET", bareLink, "", basic(ada, adaPass)), 429)
		time.Sleep(time.Second)
		h.want(h.ask("GET", bareLink, "", basic(ada, adaPass)), 200)
	})
}

// A name that is locked by strangers is not for its owner, where it has logged in before.
func TestLockOfName(t *testing.T) {
	inBubble(t, func(h *house) {
		h.want(h.ask("GET", adasCalls, "", basic(ada, adaPass)), 200)
		for i := range 10 {
			h.want(h.askFrom(fmt.Sprintf("198.51.100.%d:1", i), "GET", adasCalls, "", basic(ada, "wrong")), 401)
		}
		h.want(h.askFrom("198.51.100.99:1", "GET", adasCalls, "", basic(ada, adaPass)), 429)
		h.want(h.ask("GET", adasCalls, "", basic(ada, adaPass)), 200)
	})
}

// Guesses at the same time are not more guesses: once the lock has come, even the right one is not
// told.
func TestGuessesAtOnce(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	var right, locked atomic.Int64
	for i := range 60 {
		password := fmt.Sprintf("guess%d", i)
		all.Go(func() {
			switch h.ask("GET", adasCalls, "", basic(ada, password)).Code {
			case 200:
				right.Add(1)
			case 429:
				locked.Add(1)
			}
		})
	}
	all.Wait()
	if right.Load() > 0 || locked.Load() != 50 {
		t.Errorf("%d right, %d of 60 not looked at, want 50", right.Load(), locked.Load())
	}
}

// An address may ask only so often, whatever it asks for.
func TestRequestsPerMinute(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.conf.PerMinute = 3 })
		for range 3 {
			h.want(h.ask("HEAD", bareLink, ""), 204)
		}
		for _, path := range []string{bareLink, adasCalls, "/rest/pbxlogin", "/click-to-dial/login"} {
			w := h.ask("GET", path, "", "Origin: https://crm.example")
			if h.want(w, 429); w.Header().Get("Retry-After") != "20" || w.Header().Get("Access-Control-Allow-Origin") != "https://crm.example" {
				t.Errorf("%s: %v", path, w.Header())
			}
		}
		h.want(h.ask("GET", "/js/callback.js", ""), 200) // a file costs nothing
		h.want(h.askFrom("192.0.2.2:1", "HEAD", bareLink, ""), 204)
		time.Sleep(20 * time.Second)
		h.want(h.ask("HEAD", bareLink, ""), 204)
	})
}

// What is remembered of addresses and links is bounded; what is full refuses, and is emptied by time.
func TestMemoriesAreBounded(t *testing.T) {
	now := fixtureNow
	r := newRates()
	for i := range maxClients {
		r.enter(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 60, now)
	}
	stranger := netip.MustParseAddr("192.0.2.1")
	if after := r.enter(stranger, 60, now); after <= 0 || len(r.buckets) > maxClients {
		t.Errorf("full: %v, %d addresses", after, len(r.buckets))
	}
	if after := r.enter(stranger, 60, now.Add(time.Second)); after > 0 {
		t.Errorf("a second later: %v", after)
	}
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	if addressKey(a) != addressKey(b) || addressKey(stranger) != stranger {
		t.Error("addresses of one subscriber are not one")
	}

	l := newUses()
	for i := range maxUses {
		if _, ok := l.take(&use{key: fmt.Sprint(i), until: now.Add(time.Minute), most: 1}, now); !ok {
			t.Fatalf("%d is one too many", i)
		}
	}
	more := &use{key: "more", until: now.Add(time.Hour), most: 1}
	if _, ok := l.take(more, now); ok {
		t.Error("a use that cannot be remembered is allowed")
	}
	if n, ok := l.take(more, now.Add(2*time.Minute)); !ok || n != 1 || len(l.used) != 1 {
		t.Errorf("when the others are over: %d %v, %d remembered", n, ok, len(l.used))
	}
	p := newRecent()
	for i := range maxRecent {
		p.reserve(wish{dest: fmt.Sprint(i)}, time.Second, now)
	}
	if got, _ := p.reserve(wish{dest: "x"}, time.Second, now); got != nil || len(p.calls) > maxRecent {
		t.Errorf("%d calls remembered", len(p.calls))
	}
}

// Numbers of uses are each given once; one that was given back is given again, first.
func TestUses(t *testing.T) {
	l, u := newUses(), &use{key: "k", until: fixtureNow.Add(time.Hour), most: 3}
	take := func(want int) {
		t.Helper()
		if n, _ := l.take(u, fixtureNow); n != want {
			t.Errorf("use %d, want %d", n, want)
		}
	}
	take(1)
	take(2)
	l.give("k", 1)
	take(1)
	take(3)
	take(0)
	l.give("k", 3)
	u.most = 2 // the configuration has changed
	take(0)
	l.give("k", 1)
	take(1)
	l.give("k", 1)
	l.give("k", 2)
	l.give("other", 1)
	u.key = "k2"
	take(1)
	l.give("k2", 1)
	if _, kept := l.used["k2"]; kept {
		t.Error("a link of which nothing is used is remembered")
	}
}
