package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// aPhone is a page's WebSocket.
type aPhone struct {
	*testing.T
	c *websocket.Conn
	n int
}

// phone opens one with the desk's cookie, if it has one; a status other than 101 is given.
func (d *desk) phone(origin string) (*aPhone, int) {
	d.Helper()
	h := http.Header{"Origin": {origin}}
	if d.cookie != "" {
		h.Set("Cookie", d.cookie)
	}
	c, resp, err := websocket.Dial(d.Context(), d.url+"/sip", &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"sip"}})
	if resp == nil {
		d.Fatal(err)
	}
	if err != nil {
		return nil, resp.StatusCode
	}
	d.Cleanup(func() { _ = c.CloseNow() })
	return &aPhone{T: d.T, c: c}, resp.StatusCode
}

// ask sends a request without credentials and gives the status of the answer.
func (p *aPhone) ask(method, from string) string {
	p.Helper()
	return p.askFor(method, from, from)
}

// askFor is ask with To.
func (p *aPhone) askFor(method, from, to string) string {
	p.Helper()
	p.n++
	text := fmt.Sprintf("%s sip:test SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: <sip:%s@test>;tag=a%d\r\n"+
		"To: <sip:%s@test>\r\nCall-ID: c%d%s\r\nCSeq: %d %s\r\nContact: <sip:x@x.invalid;transport=ws>\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n",
		method, p.n, from, p.n, to, p.n, p.Name(), p.n, method)
	ctx, cancel := context.WithTimeout(p.Context(), 10*time.Second)
	defer cancel()
	if err := p.c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		p.Fatal(err)
	}
	for {
		_, b, err := p.c.Read(ctx)
		if err != nil {
			p.Fatal(err)
		}
		if status, ok := strings.CutPrefix(string(b), "SIP/2.0 "); ok && !strings.HasPrefix(status, "1") && strings.Contains(status, fmt.Sprintf("%d %s", p.n, method)) {
			return status[:3]
		}
	}
}

// closed waits until the server has closed the socket.
func (p *aPhone) closed() {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := p.c.Read(ctx); err != nil { // before, the server may ask whether it is there
			if ctx.Err() != nil {
				p.Error("the phone goes on")
			}
			return
		}
	}
}

// A page with a session is its user's phone and nobody else's, until the session ends.
func TestPhonesOfSessions(t *testing.T) {
	d := newDesk(t, func(c *config.Config) { c.Phones["102"] = config.Phone{Password: "choose-one-2"} })
	stranger, _ := d.phone(d.url)
	if got := stranger.ask("REGISTER", "101"); got != "401" {
		t.Errorf("without a cookie: %s", got)
	}
	d.login("101")
	if _, status := d.phone("https://evil.example"); status != http.StatusForbidden {
		t.Errorf("a foreign page: %d", status)
	}
	p, _ := d.phone(d.url)
	for _, c := range []struct{ method, from, want string }{
		{"REGISTER", "101", "200"}, {"REGISTER", "102", "403"}, {"INVITE", "102", "403"}, {"MESSAGE", "102", "403"},
	} {
		if got := p.ask(c.method, c.from); got != c.want {
			t.Errorf("%s as %s: %s, want %s", c.method, c.from, got, c.want)
		}
	}
	if got := p.askFor("REGISTER", "101", "102"); got != "403" {
		t.Errorf("REGISTER of another address: %s", got)
	}
	if resp, _ := d.send("DELETE", "/v1/session", ""); resp.StatusCode != 204 {
		t.Errorf("logout: %d", resp.StatusCode)
	}
	p.closed()
	if got := stranger.ask("REGISTER", "101"); got != "401" {
		t.Errorf("others: %s", got)
	}
}

func TestWebphone(t *testing.T) {
	d := newDesk(t, nil)
	for user, want := range map[string]rest.Webphone{
		"101":  {Enabled: true, Phone: "101", URI: "sip:101@dialwright", Path: "/sip", Display: "Ada Moss", Codecs: []string{"G722", "PCMU", "PCMA"}},
		"boss": {Display: "boss", Codecs: []string{}, Why: "No phone belongs"},
	} {
		d.login(user)
		_, body := d.send("GET", "/v1/webphone", "")
		var got rest.Webphone
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		why := got.Why
		got.Why, want.Why = "", ""
		if fmt.Sprint(got) != fmt.Sprint(rest.Webphone{Enabled: want.Enabled, Phone: want.Phone, URI: want.URI, Path: want.Path, Display: want.Display, Codecs: want.Codecs, ICEServers: []string{}}) || (why == "") != got.Enabled {
			t.Errorf("%s: %s", user, body)
		}
	}
	off := newDesk(t, func(c *config.Config) { c.WebRTC.Enabled = false })
	off.login("101")
	if _, body := off.send("GET", "/v1/webphone", ""); !strings.Contains(body, "webrtc.enabled") {
		t.Error(body)
	}
	if _, status := off.phone(off.url); status == http.StatusSwitchingProtocols {
		t.Error("there is a phone although it is switched off")
	}
}
