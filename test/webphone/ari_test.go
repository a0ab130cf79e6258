package webphone

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/softphone"
)

// application is a client of ARI.
type application struct {
	t    *testing.T
	base string
	ws   *websocket.Conn
}

const ariUser = "[ari.users.app]\npassword = \"labpass-1\"\n"

// application connects as the application "app".
func (l *lab) application() *application {
	l.t.Helper()
	a := &application{t: l.t, base: fmt.Sprintf("http://127.0.0.1:%d/ari", l.s.HTTP)}
	ws, _, err := websocket.Dial(l.t.Context(), a.base+"/events?app=app&api_key=app:labpass-1", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = ws.CloseNow() })
	a.ws = ws
	return a
}

// do carries out an operation.
func (a *application) do(method, path string, q url.Values) {
	a.t.Helper()
	if q == nil {
		q = url.Values{}
	}
	q.Set("api_key", "app:labpass-1")
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path+"?"+q.Encode(), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode >= 300 {
		text, _ := io.ReadAll(r.Body) // for the message only
		a.t.Fatalf("%s %s: %d %s", method, path, r.StatusCode, text)
	}
}

// await waits for an event of a channel.
func (a *application) await(kind, channel string) (digit string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	for {
		_, b, err := a.ws.Read(ctx)
		if err != nil {
			a.t.Fatalf("no %s of %s: %v", kind, channel, err)
		}
		var e struct {
			Type, Digit string
			Channel     struct{ ID string }
		}
		if err := json.Unmarshal(b, &e); err != nil {
			a.t.Fatal(err)
		}
		if e.Type == kind && e.Channel.ID == channel {
			return e.Digit
		}
	}
}

// TestARI: an application calls a page, plays a tone to it, takes its keys, bridges it with a
// desk phone, which holds it and takes it back, and hangs up.
func TestARI(t *testing.T) {
	l := newLab(t, ariUser)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	page := l.open("page", "103")
	app := l.application()
	app.do("POST", "/channels/one", url.Values{"endpoint": {"PJSIP/103"}, "app": {"app"}})
	page.Wait(`phone.state === "ringing"`)
	page.Eval("phone.answer()")
	app.await("StasisStart", "one")
	app.do("POST", "/channels/one/play/tone", url.Values{"media": {"tone:1400/60000"}})
	page.hears(1400)
	page.Eval(`phone.press("5", "RFC2833")`)
	if d := app.await("ChannelDtmfReceived", "one"); d != "5" {
		t.Errorf("the application is told of %q", d)
	}

	app.do("POST", "/channels/two", url.Values{"endpoint": {"PJSIP/101"}, "app": {"app"}})
	c := l.next(desk)
	app.await("StasisStart", "two")
	app.do("POST", "/bridges/both", url.Values{"type": {"mixing"}})
	app.do("POST", "/bridges/both/addChannel", url.Values{"channel": {"one,two"}})
	app.do("DELETE", "/playbacks/tone", nil)
	l.hears(c, browserTone)
	page.hears(phoneTone)

	l.must(func(ctx context.Context) error { return c.Hold(ctx, true) })
	l.must(func(ctx context.Context) error { return c.Hold(ctx, false) })
	l.hears(c, browserTone)

	app.do("DELETE", "/channels/one", nil)
	page.Wait(`phone.state === "ended"`)
	app.do("DELETE", "/channels/two", nil)
	l.must(c.WaitEnded)
}
