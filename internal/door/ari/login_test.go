package ari

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
)

func TestLogin(t *testing.T) {
	b := newBare(t, nil)
	b.c.Users = append(b.c.Users,
		User{Name: "hashed", Password: auth.Hash("pw:with:colons"), Format: "argon2id"},
		User{Name: "nothing"},
		User{Name: "near", Password: "x", Permit: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		User{Name: "far", Password: "x", Permit: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
	)
	for _, c := range []struct {
		name, basic, query, form string
		status                   int
	}{
		{"nothing", "", "", "", 401},
		{"Basic", "ari:secret", "", "", 200},
		{"api_key", "", "ari:secret", "", 200},
		{"form", "", "", "ari:secret", 200},
		{"wrong form", "", "", "ari:wrong", 401},
		{"query before form", "", "ari:wrong", "ari:secret", 401},
		{"wrong Basic before good key", "ari:wrong", "ari:secret", "", 401},
		{"no colon", "", "ari", "", 401},
		{"unknown", "nobody:secret", "", "", 401},
		{"empty password", "nothing:", "", "", 401},
		{"empty name", ":secret", "", "", 401},
		{"argon2id, colons", "hashed:pw:with:colons", "", "", 200},
		{"argon2id wrong", "hashed:pw", "", "", 401},
		{"the hash is no password", "hashed:" + b.c.Users[5].Password, "", "", 401},
		{"crypt", "crypt:cryptpw", "", "", 200},
		{"crypt wrong", "crypt:x", "", "", 401},
		{"permitted address", "near:x", "", "", 200},
		{"other address", "far:x", "", "", 403},
		{"denied address", "denied:x", "", "", 403},
		{"denied address and wrong password", "denied:y", "", "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.server.logins.throttle = &auth.Throttle{}
			target := "/ari/bridges"
			if c.query != "" {
				target += "?api_key=" + url.QueryEscape(c.query)
			}
			r := httptest.NewRequestWithContext(t.Context(), "GET", target, nil)
			if c.form != "" {
				r = httptest.NewRequestWithContext(t.Context(), "GET", target, strings.NewReader("api_key="+url.QueryEscape(c.form)))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if user, password, ok := strings.Cut(c.basic, ":"); ok {
				r.SetBasicAuth(user, password)
			}
			w := httptest.NewRecorder()
			b.server.ServeHTTP(w, r)
			if w.Code != c.status || (w.Header().Get("Www-Authenticate") != "") != (c.status == 401) {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// After ten wrong passwords an address is refused without looking; one that was right
// before still is.
func TestWrongPasswordsAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogins(&auth.Throttle{})
		users := []User{{Name: "ari", Password: "secret"}, {Name: "other", Password: "pw"}}
		check := func(name, password, addr string, want error) {
			t.Helper()
			if _, err := l.check(t.Context(), users, name, password, addr); !errors.Is(err, want) {
				t.Errorf("%s %s: %v, want %v", name, password, err, want)
			}
		}
		check("ari", "secret", "192.0.2.1", nil)
		for range 10 {
			check("ari", "wrong", "192.0.2.1", errLogin)
		}
		check("other", "pw", "192.0.2.1", errThrottled)
		check("other", "pw", "192.0.2.2", nil)
		check("ari", "secret", "192.0.2.1", nil)  // it is remembered
		<-time.After(rememberedFor + time.Second) // of the bubble
		check("other", "pw", "192.0.2.1", nil)
		users[0].Password = "changed"
		check("ari", "secret", "192.0.2.1", errLogin)
	})
}

// A password that was right costs no hash the second time.
// It cannot be seen from the time that a refusal takes which names there are: a hash is
// computed for each, if any user has one.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	l := newLogins(&auth.Throttle{})
	for range cap(l.hashes) {
		l.hashes <- struct{}{} // no hash can be computed
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"nobody", "ari", "crypt"} {
		if _, err := l.check(ctx, webConfig().Users, name, "wrong", "192.0.2.1"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: no hash was computed: %v", name, err)
		}
	}
	if u, err := l.check(ctx, webConfig().Users, "ari", "secret", "192.0.2.1"); err != nil || u.Name != "ari" {
		t.Errorf("%v %v", u, err)
	}
}

func TestRightPasswordIsRemembered(t *testing.T) {
	l := newLogins(&auth.Throttle{})
	users := []User{{Name: "ari", Password: auth.Hash("secret"), Format: "argon2id"}}
	if _, err := l.check(t.Context(), users, "ari", "secret", ""); err != nil {
		t.Fatal(err)
	}
	for range hashesAtOnce {
		l.hashes <- struct{}{}
	}
	if _, err := l.check(t.Context(), users, "ari", "secret", ""); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"ari", "nobody"} { // one that there is not costs the same
		if _, err := l.check(ctx, users, name, "wrong", ""); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 * rememberedLogins {
		l.remember([32]byte([]byte(strings.Repeat("x", 32))))
	}
	if len(l.right) > rememberedLogins {
		t.Errorf("%d are remembered", len(l.right))
	}
}

func TestCORS(t *testing.T) {
	b := newBare(t, nil)
	for _, c := range []struct {
		allowed, origin, method, asked string
		status                         int
		echoed, methods                string
	}{
		{"*", "http://a.example", "GET", "", 401, "http://a.example", ""},
		{"*", "http://a.example", "OPTIONS", "POST", 204, "http://a.example", "OPTIONS,GET,POST"},
		{"http://a.example", "http://a.example", "OPTIONS", "DELETE", 204, "http://a.example", ""},
		{"http://a.example", "http://b.example", "OPTIONS", "POST", 401, "", ""},
		{"http://a.example", "http://A.example", "OPTIONS", "POST", 401, "", ""},
		{"", "http://a.example", "OPTIONS", "POST", 401, "", ""},
		{"*", "", "OPTIONS", "POST", 401, "", ""},
		{"*", "http://a.example", "OPTIONS", "", 401, "http://a.example", ""},
	} {
		b.c.AllowedOrigins = []string{c.allowed}
		r := httptest.NewRequestWithContext(t.Context(), c.method, "/ari/channels", nil)
		for name, value := range map[string]string{"origin": c.origin, "access-control-request-method": c.asked} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		b.server.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != c.status || h.Get("Access-Control-Allow-Origin") != c.echoed || h.Get("Access-Control-Allow-Methods") != c.methods {
			t.Errorf("%+v: %d %v", c, w.Code, h)
		}
	}
	b.c.AllowedOrigins = []string{"*"}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/ari/nosuch", nil)
	r.Header.Set("Origin", "http://a.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	w := httptest.NewRecorder()
	if b.server.ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("preflight of a path that there is not: %d", w.Code)
	}
}
