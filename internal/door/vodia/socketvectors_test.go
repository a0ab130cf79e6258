package vodia

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// socketCase is a case of kind ws.
type socketCase struct {
	Connect struct {
		Path, Query string
		Headers     map[string]string
	}
	Handshake int `json:"expect_handshake"`
	Steps     []socketStep
}

// socketStep is one step of it; one member is there.
type socketStep struct {
	Send      frame
	SendText  string                       `json:"send_text"`
	Frame     frame                        `json:"expect_frame"`
	Silence   time.Duration                `json:"expect_no_frame_s"` // seconds
	Originate *vectorIntent                `json:"expect_originate"`
	Engine    string                       // what happens at the phones
	Hangup    string                       `json:"expect_hangup"`
	Transfer  *struct{ ID, Number string } `json:"expect_transfer"`
}

// slow is how long phones of these cases ring: a step of the engine waits as long.
const slow = "ring=10s"

// runSocket is one socket, on phones that ring until the case says what they do.
func runSocket(h *house, c *vectorCase) {
	var s socketCase
	h.must(json.Unmarshal(c.raw, &s))
	rejects := slices.ContainsFunc(s.Steps, func(s socketStep) bool { return s.Engine == "device_rejected" })
	h.set(func() {
		h.does["123"], h.does["6173998147"], h.does["100"] = "180?"+slow, "180?"+slow, "180?"+slow
		if rejects {
			h.does["123"] = "486?" + slow
		}
	})
	r := &socketRun{vectorRun: newRun(h), hall: serveHall(h), frames: make(chan frame, 100), rejects: rejects}
	var headers []string
	for name, value := range s.Connect.Headers {
		headers = append(headers, name, r.fill(value))
	}
	k, status, err := r.hall.open("?"+r.fill(s.Connect.Query), headers...)
	if status != s.Handshake || (status == http.StatusSwitchingProtocols) != (err == nil) || s.Connect.Path != socketPath {
		h.Fatalf("the handshake gives %d, want %d: %v", status, s.Handshake, err)
	}
	if k == nil {
		return
	}
	r.line = k
	go r.read()
	for i := range s.Steps {
		if !r.step(&s.Steps[i]) {
			h.Fatalf("step %d is of an unknown kind", i)
		}
	}
}

// socketRun is a case that runs.
type socketRun struct {
	*vectorRun
	hall    *hall
	line    *talker
	frames  chan frame
	rejects bool // Ada's phone does
}

// read takes what the server sends.
func (r *socketRun) read() {
	for {
		kind, b, err := r.line.conn.Read(r.Context())
		if err != nil {
			close(r.frames)
			return
		}
		var f frame
		if json.Unmarshal(b, &f) != nil || kind != websocket.MessageText {
			f = frame{"what was sent": string(b)}
		}
		r.frames <- f
	}
}

// step does a step; false if it is of no kind that is known.
func (r *socketRun) step(s *socketStep) bool {
	r.Helper()
	switch {
	case s.Send != nil:
		r.line.sendText(r.fill(compact(s.Send)))
	case s.SendText != "":
		r.line.sendText(s.SendText)
	case s.Frame != nil:
		r.expect(s.Frame)
	case s.Silence > 0:
		select {
		case f := <-r.frames:
			r.Errorf("the server sends %s", compact(f))
		case <-time.After(s.Silence * time.Second):
		}
	case s.Originate != nil:
		r.hall.pass(0)
		list := r.placed()
		if len(list) != 1 {
			r.Fatalf("%d calls were placed, want one", len(list))
		}
		r.placedAs(list[0], s.Originate)
	case s.Engine != "":
		return r.engine(s.Engine)
	case s.Hangup != "":
		if legs := r.channels(); len(legs) > 0 {
			r.Errorf("legs %q are left", legs)
		}
	case s.Transfer != nil:
		if legs := r.channels(); !slices.Equal(legs, []string{"100180", s.Transfer.Number}) {
			r.Errorf("legs %q, want %s with the one who was called", legs, s.Transfer.Number)
		}
	default:
		return false
	}
	return true
}

// expect checks the next frame. Why a call has ended is ours to tell, before or after the
// list without it: the vectors do not know it.
func (r *socketRun) expect(want frame) {
	r.Helper()
	for {
		select {
		case got, ok := <-r.frames:
			if ok && got["action"] == "call-ended" && want["action"] != "call-ended" {
				continue
			}
			if !ok || !r.subset(any(want), any(got)) {
				r.Fatalf("the server sends %s, want %s", compact(got), compact(want))
			}
		case <-time.After(patience):
			r.Fatalf("the server does not send %s", compact(want))
		}
		return
	}
}

// engine lets happen at the phones what a case says, and sees that it has.
func (r *socketRun) engine(what string) bool {
	r.Helper()
	want, known := map[string]string{
		"device_ringing": "123 ringing", "device_answered": "123 up", "dest_answered": "100 up", "device_rejected": "",
	}[what]
	if what != "device_ringing" {
		r.hall.pass(10 * time.Second)
	} else {
		r.hall.pass(0)
	}
	var now []string
	for _, c := range r.sw.Channels() {
		number := "100"
		if strings.HasPrefix(c.Name, "Pretend/123") {
			number = "123"
		}
		now = append(now, number+" "+strings.ToLower(c.State.String()))
	}
	if r.rejects { // a pretended phone that will refuse shows no ringing
		want = strings.Replace(want, "ringing", "down", 1)
	}
	if want == "" && len(now) > 0 || want != "" && !slices.Contains(now, want) {
		r.Errorf("%s: the phones are %q", what, now)
	}
	return known
}
