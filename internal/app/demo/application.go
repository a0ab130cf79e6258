package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// application is a small ARI application: it creates a channel to each phone, bridges
// them before either is dialled, dials both and ends what it has made.
type application struct {
	base, key string
	conn      *websocket.Conn
	step      func(text string)
}

const (
	appName = "demo"
	ariUser = "demo"
)

// event is what the application needs of one.
type event struct {
	Type       string
	Dialstatus string
	CauseText  string `json:"cause_txt"`
	Channel    struct{ ID, State string }
	Peer       struct{ ID string }
}

// connect opens the application's WebSocket.
func (d *Demo) connect(ctx context.Context) (*application, error) {
	a := &application{base: d.ready.HTTP + "/ari", key: ariUser + ":" + d.secret, step: func(string) {}}
	if d.o.Step != nil {
		a.step = func(text string) { d.o.Step("ari", time.Now(), text) }
	}
	q := url.Values{"app": {appName}, "api_key": {a.key}}
	var err error
	a.conn, _, err = websocket.Dial(ctx, "ws"+strings.TrimPrefix(a.base, "http")+"/events?"+q.Encode(), nil)
	return a, err
}

// do sends a request, and says so.
func (a *application) do(ctx context.Context, method, path string, query url.Values) error {
	u := a.base + path
	shown := method + " /ari" + path
	if len(query) > 0 {
		text, err := url.QueryUnescape(query.Encode())
		if err != nil {
			return err
		}
		u, shown = u+"?"+query.Encode(), shown+"?"+text
	}
	req, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return err
	}
	user, secret, _ := strings.Cut(a.key, ":")
	req.SetBasicAuth(user, secret)
	a.step(shown)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the status says enough without it
		return fmt.Errorf("%s: %s %s", shown, resp.Status, body)
	}
	return nil
}

// call connects the phones, and ends both sides when one of them has hung up.
func (a *application) call(ctx context.Context) error {
	sides := []struct{ id, phone, shows string }{{"A", "101", `"Bob" <102>`}, {"B", "102", `"Alice" <101>`}}
	for _, s := range sides {
		err := errors.Join(
			a.do(ctx, "POST", "/channels/create", url.Values{"endpoint": {"PJSIP/" + s.phone}, "app": {appName}, "channelId": {s.id}}),
			a.do(ctx, "POST", "/channels/"+s.id+"/variable", url.Values{"variable": {"CALLERID(all)"}, "value": {s.shows}}),
		)
		if err != nil {
			return err
		}
	}
	err := errors.Join(
		a.do(ctx, "POST", "/bridges/talk", nil),
		a.do(ctx, "POST", "/bridges/talk/addChannel", url.Values{"channel": {"A,B"}}),
		a.do(ctx, "POST", "/channels/A/dial", nil),
		a.do(ctx, "POST", "/channels/B/dial", nil),
	)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for len(gone) < len(sides) {
		e, err := a.next(ctx)
		if err != nil {
			return err
		}
		if e.Type != "ChannelDestroyed" {
			continue
		}
		gone[e.Channel.ID] = true
		for _, s := range sides {
			if !gone[s.id] && len(gone) == 1 {
				if err := a.do(ctx, "DELETE", "/channels/"+s.id, nil); err != nil {
					return err
				}
			}
		}
	}
	return a.do(ctx, "DELETE", "/bridges/talk", nil)
}

// next gives the next event, and says it if it is worth it.
func (a *application) next(ctx context.Context) (event, error) {
	var e event
	_, b, err := a.conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	switch {
	case err != nil:
	case e.Type == "Dial" && e.Dialstatus != "":
		a.step("event Dial " + e.Peer.ID + " " + e.Dialstatus)
	case e.Type == "ChannelDestroyed":
		a.step("event ChannelDestroyed " + e.Channel.ID + ": " + e.CauseText)
	case e.Type == "StasisStart", e.Type == "ChannelStateChange", e.Type == "StasisEnd":
		a.step("event " + e.Type + " " + e.Channel.ID + " " + e.Channel.State)
	}
	return e, err
}

// callByApplication is Call through the door of ARI.
func (d *Demo) callByApplication(ctx context.Context) (Heard, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	a, err := d.connect(ctx)
	if err != nil {
		return Heard{}, fmt.Errorf("door ari: %w", err)
	}
	defer a.conn.CloseNow()
	ears := make(chan Heard, 1)
	go func() { ears <- d.listen(ctx, "ari") }()
	err = a.call(ctx)
	if err != nil {
		cancel() // nothing more will be heard
	}
	h := <-ears
	if err != nil && h.Err == nil {
		h.Err = fmt.Errorf("door ari: %w", err)
	}
	return h, nil
}
