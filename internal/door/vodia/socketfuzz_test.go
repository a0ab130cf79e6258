package vodia

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"

	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// FuzzSocketMessage sends messages, one a line, to a socket of a user whose phone answers at
// once. The server answers what comes after them, or has closed the socket in order; it says
// nothing but what it can say, and only make-call makes calls.
func FuzzSocketMessage(f *testing.F) {
	for _, c := range vectors(f).Cases {
		if c.Kind != "ws" {
			continue
		}
		var s socketCase
		if err := json.Unmarshal(c.raw, &s); err != nil {
			f.Fatal(err)
		}
		var texts []string
		for i := range s.Steps {
			if s.Steps[i].Send != nil {
				texts = append(texts, compact(s.Steps[i].Send))
			} else if s.Steps[i].SendText != "" {
				texts = append(texts, s.Steps[i].SendText)
			}
		}
		f.Add(strings.Join(texts, "\n"))
	}
	for _, s := range []string{
		`{"action":"make-call","to":"124"}` + "\n" + `{"action":"make-call","to":"5551"}` + "\n" + `{"action":"att-transfer","id":"$id","to":"5551"}`,
		`{"action":"make-call","to":5551}` + "\n" + `{"action":"rec-call","id":"$id","startstop":"on"}` + "\n" + `{"action":"dtmf","id":"$id","digits":"1#"}`,
		`{"action":"make-call","to":"5551"}` + "\n" + `{"action":"accept-call","id":"$id"}` + "\n" + `{"action":"blind-transfer2","id":"x@y","to":" 49301"}`,
		`{"action":"blf","add":["124","999"],"remove":[]}` + "\n" + `{"action":"get-users"}` + "\n" + `{"action":"ringtones"}`,
		`{"action":"domain-calls","subscribe":"on"}` + "\n" + `{"action":"own-calls","subscribe":0}` + "\n" + `{"action":"orbit-calls","subscribe":true}`,
		"\xff", "",
	} {
		f.Add(s)
	}
	h := newHall(f) // one for all: to open one takes a tenth of a second
	h.set(func() { h.does["123"], h.does["5551"] = "180?ring=1ms", "180?ring=1ms"; h.conf.DedupeWindow = 0 })
	session := h.session(ada)
	f.Fuzz(func(t *testing.T, text string) {
		h.TB = t
		h.fuzz(session, strings.SplitN(text, "\n", 30))
	})
}

// spoken are the actions of the server's messages; a list of ring tones has none.
var spoken = map[string]bool{
	"call-state": true, "call-ended": true, "error": true, "rec-start": true, "rec-stop": true, "blf": true, "domain-state": true, "user-state": true, "": true,
}

// lastWords is the action of a message that is none, after all others: its answer is the last.
const lastWords = "the last words"

// fuzz plays messages. "$id" in them is the newest call of the user, once there is one.
func (h *hall) fuzz(session string, texts []string) {
	h.placed()
	k := h.enterBy(ada, session)
	heard := make(chan bool, 1)
	go func() { heard <- k.hears(len(texts)) }()
	asked, closes := 0, false
	for _, text := range texts {
		if list := h.table.Of("123"); len(list) > 0 {
			text = strings.ReplaceAll(text, "$id", list[len(list)-1].ID)
		}
		if _, f, err := wire.ParseFrame([]byte(text)); err == nil {
			if _, ok := f.(wire.MakeCall); ok {
				asked++
			}
		}
		kind := websocket.MessageText
		if strings.HasPrefix(text, "\x00") {
			kind = websocket.MessageBinary
		}
		if k.conn.Write(h.Context(), kind, []byte(text)) != nil { // it is closed, which is looked at below
			break
		}
		closes = closes || len(text) > wire.MaxFrame || kind == websocket.MessageText && !utf8.ValidString(text)
		if closes {
			break
		}
	}
	_ = k.conn.Write(h.Context(), websocket.MessageText, []byte(`{"action":"`+lastWords+`"}`)) // as above
	if inOrder := <-heard; !inOrder && !closes {
		h.Error("the socket is closed without need")
	}
	_ = k.conn.CloseNow()
	if n := len(h.placed()); n > asked {
		h.Errorf("%d calls were placed, %d asked for", n, asked)
	}
	for _, c := range h.table.Of("123") { // the next finds the phone free
		_ = h.table.Hangup(h.Context(), "123", c.ID, "fuzz") // it may have ended meanwhile
	}
	h.log.reset()
}

// hears looks at all that the server says, until it answers the last words or has closed the
// socket. inOrder is false if it has closed it with fewer bad messages than that takes.
func (c *talker) hears(sent int) (inOrder bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), patience)
	defer cancel()
	errs := 0
	for {
		kind, b, err := c.conn.Read(ctx)
		if ctx.Err() != nil {
			c.Errorf("after %d messages nothing is answered any more", sent)
			return true
		}
		if err != nil {
			return errs >= badFrames
		}
		var f frame
		if json.Unmarshal(b, &f) != nil || kind != websocket.MessageText {
			c.Errorf("the server says %q", b)
			continue
		}
		action := str(f["action"])
		if !spoken[action] || action == "" && f["ringtones"] == nil {
			c.Errorf("the server says %s", b)
		}
		if action == "error" {
			errs++
			if str(f["request"]) == lastWords {
				return true
			}
		}
	}
}
