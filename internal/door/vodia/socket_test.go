package vodia

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
)

// What is no socket, or is not the asker's, is answered before the upgrade, and told to the
// audit trail if somebody was kept from something.
func TestSocketIsRefused(t *testing.T) {
	inHall(t, func(h *hall) {
		adas, bens, bosss, roots := "session="+h.session(ada), "session="+h.session(ben), "session="+h.session(boss), "session="+h.session(root)
		for _, c := range []struct {
			name    string
			query   string
			headers []string
			status  int
			denied  string // in the trail, "" = nothing is told
		}{
			{"own", query(ada), []string{"Cookie", adas, "Origin", ours}, 101, ""},
			{"a program", query(ada), []string{"Cookie", adas}, 101, ""},
			{"a page that is listed", query(ada), []string{"Cookie", adas, "Origin", other}, 101, ""},
			{"tenant in capitals", "?domain=TENANT.com&user=123", []string{"Cookie", adas}, 101, ""},
			{"the whole name", "?user=123@tenant.com", []string{"Cookie", adas}, 101, ""},
			{"nobody named", "?domain=tenant.com", []string{"Cookie", adas}, 101, ""},
			{"one of several cookies", query(ada), []string{"Cookie", "session=old", "Cookie", adas}, 101, ""},
			{"the tenant's administrator", query(ada), []string{"Cookie", bosss}, 101, ""},
			{"the system's administrator", query(eve), []string{"Cookie", roots}, 101, ""},
			{"session in the query", query(ada) + "&" + adas, nil, 101, ""},
			{"a foreign page", query(ada), []string{"Cookie", adas, "Origin", evil}, 403, "vodia guard origin"},
			{"a page from a file", query(ada), []string{"Cookie", adas, "Origin", "null"}, 403, "vodia guard origin"},
			{"our name in its own", query(ada), []string{"Cookie", adas, "Origin", "https://pbx.example.evil.example"}, 403, "vodia guard origin"},
			{"two origins", query(ada), []string{"Cookie", adas, "Origin", ours, "Origin", evil}, 403, "vodia guard origin"},
			{"a foreign page with a session in the query", query(ada) + "&" + adas, []string{"Origin", evil}, 403, "vodia guard origin"},
			{"no session", query(ada), nil, 401, ""},
			{"a password is no session", query(ada), []string{"Authorization", strings.TrimPrefix(basic(ada, adaPass), "Authorization: ")}, 401, ""},
			{"a session that is none", query(ada), []string{"Cookie", "session=sess"}, 401, ""},
			{"the same in the query", query(ada) + "&session=sess", []string{"Cookie", adas}, 401, "vodia guard token"},
			{"another user", query(ben), []string{"Cookie", adas}, 403, "vodia:" + ada + " guard not_allowed"},
			{"another tenant", query(eve), []string{"Cookie", bosss}, 403, "vodia:" + boss + " guard not_allowed"},
			{"nobody's", "?domain=tenant.com&user=999", []string{"Cookie", bens}, 403, "vodia:" + ben + " guard not_allowed"},
			{"nobody's, for who may know", "?domain=tenant.com&user=999", []string{"Cookie", roots}, 404, ""},
			{"which tenant", "?user=123", []string{"Cookie", roots}, 400, ""},
		} {
			before := len(h.denials())
			k, status, err := h.open(c.query, c.headers...)
			if status != c.status || (err == nil) != (c.status == 101) {
				t.Errorf("%s: %d %v, want %d", c.name, status, err, c.status)
			}
			if k != nil {
				_ = k.conn.CloseNow()
			}
			if told := strings.Join(h.denials()[before:], "; "); told != c.denied {
				t.Errorf("%s: the trail has %q, want %q", c.name, told, c.denied)
			}
		}
		if log := h.log.String(); strings.Contains(log, strings.TrimPrefix(adas, "session=")) {
			t.Error("the log has a session")
		}
	})
}

// Requests that are no upgrade.
func TestSocketIsNoPage(t *testing.T) {
	inHall(t, func(h *hall) {
		cookie := "session=" + h.session(ada)
		if status, header := h.fetch(http.MethodPost, "/websocket"+query(ada), "Cookie", cookie); status != 405 || header.Get("Allow") != "GET" {
			t.Errorf("POST: %d %v", status, header)
		}
		if status, header := h.fetch(http.MethodGet, "/websocket"+query(ada), "Cookie", cookie); status != 426 || header.Get("Upgrade") != "websocket" {
			t.Errorf("GET without an upgrade: %d %v", status, header)
		}
		status, header := h.fetch(http.MethodGet, "/websocket"+query(ada), "Connection", "keep-alive, Upgrade", "Upgrade", "WebSocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		if status != 401 || header.Get("WWW-Authenticate") != "" {
			t.Errorf("no session: %d %v", status, header)
		}
		status, _ = h.fetch(http.MethodGet, "/websocket"+query(ada), "Cookie", cookie, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "12")
		if status != 400 {
			t.Errorf("another version: %d", status)
		}
		if h.door.sockets.total != 0 {
			t.Errorf("%d places are taken", h.door.sockets.total)
		}
	})
}

// Over plain HTTP from elsewhere no session is taken.
func TestSocketOverPlainHTTP(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.conf.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		far := []string{"Cookie", "session=" + h.session(ada), "X-Forwarded-For", "192.0.2.1"}
		if _, status, _ := h.open(query(ada), far...); status != 403 {
			t.Errorf("plain HTTP: %d", status)
		}
		if _, _, err := h.open(query(ada), append(far, "X-Forwarded-Proto", "https", "Origin", ours)...); err != nil {
			t.Errorf("HTTPS at the proxy: %v", err)
		}
	})
}

// A login token opens one socket, and its session ends with it.
func TestSocketByToken(t *testing.T) {
	inHall(t, func(h *hall) {
		token := h.token(ada)
		c, _, err := h.open(query(ada)+"&session="+token, "Origin", other)
		h.must(err)
		c.send(frame{"action": "get-calls"})
		c.calls()
		if _, status, _ := h.open(query(ada)+"&session="+token, "Origin", other); status != 401 {
			t.Errorf("the token a second time: %d", status)
		}
		if _, status, _ := h.open(query(ben)+"&session="+h.token(ada), "Origin", other); status != 403 {
			t.Errorf("the token of another user: %d", status)
		}
		late := h.token(ada)
		h.pass(11 * time.Second)
		if _, status, _ := h.open(query(ada)+"&session="+late, "Origin", other); status != 401 {
			t.Errorf("a token that is too old: %d", status)
		}
		if n := h.door.sessions.Len(); n != 1 {
			t.Errorf("%d sessions while one socket is open", n)
		}
		h.must(c.conn.Close(1000, ""))
		synctest.Wait()
		if n := h.door.sessions.Len(); n != 0 {
			t.Errorf("%d sessions outlive their sockets", n)
		}
		if strings.Contains(h.log.String(), token) {
			t.Error("the log has the token")
		}
	})
}

// Nobody has more sockets than bounded, and one that closes makes room.
func TestSocketsAreBounded(t *testing.T) {
	inHall(t, func(h *hall) {
		h.set(func() { h.conf.MaxSockets = socketsOfUser + 1 })
		session := h.session(ada)
		var open []*talker
		for range socketsOfUser {
			open = append(open, h.enterBy(ada, session))
		}
		if _, status, _ := h.open(query(ada), "Cookie", "session="+session); status != 429 {
			t.Errorf("one too many of a user: %d", status)
		}
		last := h.enter(ben)
		if _, status, _ := h.open(query(eve), "Cookie", "session="+h.session(eve)); status != 503 {
			t.Errorf("one too many of all: %d", status)
		}
		h.must(open[0].conn.Close(1000, ""))
		h.must(last.conn.CloseNow())
		synctest.Wait()
		h.enterBy(ada, session)
		h.enter(eve)
		if got, want := strings.Join(h.denials(), "; "), "vodia:"+ada+" rate sockets_of_user; vodia:"+eve+" guard sockets"; got != want {
			t.Errorf("the trail has %q, want %q", got, want)
		}
	})
}

// A socket without a user named is that of who has logged in, if that is anybody.
func TestSocketOfAMintedTenant(t *testing.T) {
	inHall(t, func(h *hall) {
		value, _ := h.door.sessions.Open(h.door.login(directory.Name{Local: "admin"}, ""))
		if _, status, _ := h.open("?domain=tenant.com&user=admin", "Cookie", "session="+value); status != 101 {
			t.Errorf("an administrator for another one: %d", status)
		}
		w := h.ask(http.MethodPost, "/rest/system/session", `{"name":"3rd","domain":"tenant.com"}`, basic(root, "bigsecret"))
		token := strings.Trim(strings.TrimSpace(w.Body.String()), `"`)
		for _, q := range []string{query(ada), "?domain=tenant.com", ""} {
			k, status, _ := h.open(q+"&session="+token, "Origin", other)
			if k != nil {
				t.Errorf("%q: %d", q, status)
			}
		}
	})
}
