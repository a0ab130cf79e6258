package vodia

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// FuzzSocketMessage sends messages, one a line, to a socket of a user whose phone answers, a
// second apart. The server answers what comes after them, or has closed the socket in order;
// it says nothing but what it can say, and only make-call makes calls.
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
				texts = append(texts, strings.ReplaceAll(compact(s.Steps[i].Send), "$id", "c1"))
			} else if s.Steps[i].SendText != "" {
				texts = append(texts, s.Steps[i].SendText)
			}
		}
		f.Add(strings.Join(texts, "\n"))
	}
	for _, s := range []string{
		`{"action":"make-call","to":"124"}` + "\n" + `{"action":"make-call","to":"5551"}` + "\n" + `{"action":"att-transfer","id":"c1","to":"5551"}`,
		`{"action":"make-call","to":5551}` + "\n" + `{"action":"rec-call","id":"c1","startstop":"on"}` + "\n" + `{"action":"dtmf","id":"c1","digits":"1#"}`,
		`{"action":"make-call","to":"5551"}` + "\n" + `{"action":"accept-call","id":"c1"}` + "\n" + `{"action":"blind-transfer2","id":"x@y","to":" 49301"}`,
		`{"action":"blf","add":["124","999"],"remove":[]}` + "\n" + `{"action":"get-users"}` + "\n" + `{"action":"ringtones"}`,
		`{"action":"domain-calls","subscribe":"on"}` + "\n" + `{"action":"own-calls","subscribe":0}` + "\n" + `{"action":"orbit-calls","subscribe":true}`,
		"\xff", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		inHall(t, func(h *hall) { h.fuzz(strings.SplitN(text, "\n", 30)) })
	})
}

// spoken are the actions of the server's messages; a list of ring tones has none.
var spoken = map[string]bool{
	"call-state": true, "call-ended": true, "error": true, "rec-start": true, "rec-stop": true, "blf": true, "domain-state": true, "user-state": true, "": true,
}

// fuzz plays messages.
func (h *hall) fuzz(texts []string) {
	h.set(func() { h.does["123"], h.does["5551"] = "180?ring=1s", "180?ring=1s&talk=2s" })
	r := &socketRun{vectorRun: &vectorRun{house: h.house}, hall: h, line: h.enter(ada), frames: make(chan frame, 10_000)}
	go r.read()
	asked, closes := 0, false
	for _, text := range texts {
		if _, f, err := wire.ParseFrame([]byte(text)); err == nil {
			if _, ok := f.(wire.MakeCall); ok {
				asked++
			}
		}
		kind := websocket.MessageText
		if strings.HasPrefix(text, "\x00") {
			kind = websocket.MessageBinary
		}
		if r.line.conn.Write(h.Context(), kind, []byte(text)) != nil { // it is closed, which is looked at below
			break
		}
		h.pass(time.Second)
		if len(text) > wire.MaxFrame || kind == websocket.MessageText && !utf8.ValidString(text) {
			closes = true
			break
		}
	}
	_ = r.line.conn.Write(h.Context(), websocket.MessageText, []byte(`{"action":"get-calls"}`)) // as above
	synctest.Wait()
	r.heard(len(texts), closes)
	if n := len(h.placed()); n > asked {
		h.Errorf("%d calls were placed, %d asked for", n, asked)
	}
}

// heard looks at all that the server has said. closes says that a message was such as closes
// the socket at once.
func (r *socketRun) heard(sent int, closes bool) {
	last, errs := "", 0
	for {
		select {
		case f, open := <-r.frames:
			if !open {
				if errs < badFrames && !closes {
					r.Errorf("the socket is closed after %d errors", errs)
				}
				return
			}
			last = str(f["action"])
			if !spoken[last] || last == "" && f["ringtones"] == nil {
				r.Errorf("the server says %s", compact(f))
			}
			if last == "error" {
				errs++
			}
		default:
			if last != "call-state" && last != "rec-start" && last != "rec-stop" {
				r.Errorf("after %d messages nothing is answered any more: %q", sent, last)
			}
			return
		}
	}
}
