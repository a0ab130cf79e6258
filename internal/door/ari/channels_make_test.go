package ari

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

func asks(pairs ...string) *request {
	q := &request{path: map[string]string{}, params: wire.Params{Query: map[string][]string{}}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.params.Query.Set(pairs[i], pairs[i+1])
	}
	return q
}

func TestRingTime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 30 * time.Second, "5": 5 * time.Second, "0": 30 * time.Second, "-1": 0, "-7": 30 * time.Second, "abc": 30 * time.Second,
	} {
		q := asks()
		if text != "" {
			q = asks("timeout", text)
		}
		if got := ringTime(q); got != want {
			t.Errorf("timeout %q: %v, want %v", text, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ulaw": "PCMU", "alaw,ulaw": "PCMA PCMU", "g722, opus": "G722 opus", "slin16,ulaw": "PCMU", ",,": "",
		"nofmt": "Provided format (nofmt) was not found", "ulaw,zzz": "Provided format (zzz) was not found",
	} {
		var m making
		got := ""
		if err := m.readFormats(asks("formats", text)); err != nil {
			got = err.Error()
		} else {
			got = strings.Join(m.codecs, " ")
		}
		if got != want {
			t.Errorf("formats %q: %q, want %q", text, got, want)
		}
	}
}

func TestContinueAt(t *testing.T) {
	at := &pbx.Snapshot{Context: "here", Extension: "7", Priority: 4}
	for _, tt := range []struct {
		name string
		q    *request
		want stasis.Position
		err  string
	}{
		{"nothing: behind where it is", asks(), stasis.Position{}, ""},
		{"context alone", asks("context", "other"), stasis.Position{Context: "other", Exten: "s", Priority: 1}, ""},
		{"extension alone", asks("extension", "8"), stasis.Position{Context: "here", Exten: "8", Priority: 1}, ""},
		{"priority alone", asks("priority", "3"), stasis.Position{Context: "here", Exten: "7", Priority: 3}, ""},
		{"all", asks("context", "other", "extension", "8", "priority", "3"), stasis.Position{Context: "other", Exten: "8", Priority: 3}, ""},
		{"a label wins", asks("extension", "8", "priority", "3", "label", "x"), stasis.Position{Context: "here", Exten: "8", Label: "x"}, ""},
		{"a label that is a number", asks("label", "5"), stasis.Position{Context: "here", Exten: "7", Priority: 5}, ""},
		{"priority 0", asks("context", "other", "priority", "0"), stasis.Position{}, "Invalid priority"},
		{"empty texts, as some clients send", asks("context", "", "extension", "", "label", ""), stasis.Position{}, ""},
	} {
		got, err := continueAt(tt.q, at)
		if text := fmt.Sprint(err); err != nil && text != tt.err || err == nil && tt.err != "" {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" && err == nil {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestOriginateToApplication(t *testing.T) {
	h, d := callOffice(t, nil)
	a := h.must(200, "POST", "/channels/o1", query("endpoint", "PJSIP/answer@callee", "app", "lab", "appArgs", `a1,"b,2"`,
		"callerId", "Alice <1001>", "extension", "100"), map[string]any{"variables": map[string]any{"CDR(userfield)": "x", "V": "1"}})
	body := a.body.(map[string]any)
	alice := map[string]any{"name": "Alice", "number": "1001"}
	if diff := cmp.Diff([]any{"o1", alice, alice}, []any{body["id"], body["caller"], body["connected"]}); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	h.wantStory("o1", "StasisStart channel=o1", `Dial ""`, "ChannelStateChange Ringing", `Dial "RINGING"`,
		"ChannelStateChange Up", `Dial "ANSWER"`, "ChannelVarset STASISSTATUS=", "StasisStart")
	for name, want := range map[string]string{"CDR(userfield)": "x", "V": "1"} {
		got := h.must(200, "GET", "/channels/o1/variable", query("variable", name), nil).body
		if diff := cmp.Diff(map[string]any{"value": want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	c := h.live("o1")
	if sn := c.Snapshot(); sn.AppData != `lab,a1,"b,2"` || sn.Account != "acme" {
		t.Errorf("application data %q, account %q", sn.AppData, sn.Account)
	}
	h.must(204, "DELETE", "/channels/o1", query("reason", "busy"), nil)
	h.gone(c)
	if r, _ := c.Result(); r.Cause != 17 {
		t.Errorf("ended with cause %d", r.Cause)
	}
	if diff := cmp.Diff([]string{"PJSIP/answer@callee"}, d.records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestOriginateToExtension(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.must(200, "POST", "/channels/x2", query("endpoint", "PJSIP/ring@callee", "extension", "100", "label", "ans"), nil)
	h.must(204, "DELETE", "/channels/x2", "", nil)
	events, stop := h.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDialplan}, About: []string{"x3"}}, 10)
	defer stop()
	h.must(200, "POST", "/channels/x3", query("endpoint", "PJSIP/answer@callee", "extension", "100", "priority", "2"), nil)
	for _, want := range []string{"AppDial2 from-callee,s,1", "Answer default,100,2", "Wait default,100,3"} {
		select {
		case e := <-events:
			sn := e.Channel
			if got := fmt.Sprintf("%s %s,%s,%d", sn.App, sn.Context, sn.Extension, sn.Priority); got != want {
				t.Errorf("step %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no step %q", want)
		}
	}
	h.want("POST", "/channels", query("endpoint", "PJSIP/answer@callee", "extension", "100", "context", "forbidden"), http.StatusForbidden,
		"Not allowed: not into this context (cause 52)")
}

// A place that does not exist: the channel is answered and ends, as in Asterisk.
func TestOriginateNowhere(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.must(200, "POST", "/channels/x4", query("endpoint", "PJSIP/answer@callee", "extension", "nosuch"), nil)
	c := h.live("x4")
	h.gone(c)
	if r, _ := c.Result(); r.AnsweredAt.IsZero() || r.ByPeer {
		t.Errorf("result %+v", r)
	}
}

func TestRefusedOriginates(t *testing.T) {
	h, d := callOffice(t, nil)
	h.want("POST", "/channels", query("endpoint", "PJSIP/answer@900", "app", "lab"), http.StatusForbidden, "Not allowed: 900 numbers are barred (cause 52)")
	h.want("POST", "/channels/create", query("endpoint", "PJSIP/answer@900", "app", "lab"), http.StatusForbidden, "Not allowed: 900 numbers are barred (cause 52)")
	h.want("POST", "/channels", query("endpoint", "Local/wait@default", "app", "lab", "channelId", "l", "otherChannelId", "l"),
		http.StatusConflict, "Channel with given unique ID already exists")
	h.want("POST", "/channels", query("endpoint", "Local/wait@default", "app", "lab", "otherChannelId", strings.Repeat("x", 150)),
		http.StatusBadRequest, "Uniqueid length exceeds maximum of 149")
	h.want("POST", "/channels/create", query("endpoint", "PJSIP/x", "app", "lab", "channelId", strings.Repeat("x", 150)),
		http.StatusBadRequest, "Uniqueid length exceeds maximum of 149")
	if n := len(h.sw.Channels()); n != 0 {
		t.Errorf("%d channels were made", n)
	}
	if got := d.records(); got != nil {
		t.Errorf("records %v", got)
	}
}

func TestTooManyChannels(t *testing.T) {
	h, _ := callOffice(t, func(o *Options) { o.Busy = func() string { return "too many channels" } })
	for _, path := range []string{"/channels", "/channels/x", "/channels/create", "/channels/x/snoop", "/channels/externalMedia"} {
		h.want("POST", path, query("endpoint", "PJSIP/answer@callee", "app", "lab"), http.StatusServiceUnavailable, "too many channels")
	}
}

func TestOriginateLocal(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.must(200, "POST", "/channels", query("endpoint", "Local/wait@default/n", "app", "lab", "channelId", "l1", "otherChannelId", "l2"), nil)
	h.heard.await("StasisStart channel=l1")
	h.heard.await("ChannelStateChange channel=l2")
	two := h.live("l2")
	if sn := h.live("l1").Snapshot(); sn.Extension != "wait" || sn.Context != "default" {
		t.Errorf("l1 is at %s,%s", sn.Context, sn.Extension)
	}
	h.must(204, "DELETE", "/channels/l1", "", nil)
	h.gone(two)
}

func TestCreate(t *testing.T) {
	h, d := callOffice(t, nil)
	h.up("A")
	a := h.must(200, "POST", "/channels/create", query("endpoint", "PJSIP/ring@callee", "app", "lab", "appArgs", "dialed", "channelId", "B", "originator", "A"),
		map[string]any{"variables": map[string]any{"FOO": "bar", "Q": map[string]any{"value": "q", "report_events": true}}})
	body := a.body.(map[string]any)
	place := body["dialplan"].(map[string]any)
	if diff := cmp.Diff([]any{"Down", "", map[string]any{"Q": "q"}}, []any{body["state"], place["app_name"], body["channelvars"]}); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	h.wantStory("B", "StasisStart channel=B", "ChannelVarset FOO=bar", "ChannelVarset Q=q", "ChannelDialplan", "ChannelVarset STASISSTATUS=", "StasisStart")
	if sn := h.live("B").Snapshot(); sn.LinkedID != "A" {
		t.Errorf("linked id %q", sn.LinkedID)
	}
	h.must(204, "POST", "/channels/B/dial", query("caller", "A", "timeout", "20"), nil)
	h.want("POST", "/channels/B/dial", "", http.StatusConflict, "Channel is not in the 'Down' state")
	h.heard.await("Dial channel=B status=RINGING")
	h.must(204, "DELETE", "/channels/B", query("reason", "no_answer"), nil)
	h.heard.await("ChannelDestroyed channel=B")
	h.heard.mu.Lock()
	last := h.heard.items[len(h.heard.items)-1].Event
	h.heard.mu.Unlock()
	if last.Cause != 19 || last.TechCause != 480 {
		t.Errorf("cause %d, SIP %d", last.Cause, last.TechCause)
	}
	if diff := cmp.Diff([]string{"PJSIP/answer0@callee", "PJSIP/ring@callee"}, d.records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Somebody asks for a dial many times at once: one gets it.
func TestOneDialOnly(t *testing.T) {
	h, d := callOffice(t, nil)
	h.create("B", "PJSIP/silent@callee")
	status := make(chan int, 16)
	for range cap(status) {
		go func() { status <- h.ask("POST", "/channels/B/dial", "", nil).status }()
	}
	count := map[int]int{}
	for range cap(status) {
		count[<-status]++
	}
	if diff := cmp.Diff(map[int]int{204: 1, 409: 15}, count); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(d.records()); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestDialTimeout(t *testing.T) {
	h, _ := callOffice(t, nil)
	c := h.create("B", "PJSIP/silent@callee")
	h.must(204, "POST", "/channels/B/dial", query("timeout", "1"), nil)
	h.wantStory("B", "ChannelDestroyed channel=B", "ChannelDialplan", "ChannelVarset STASISSTATUS=", "StasisStart", `Dial ""`,
		"ChannelHangupRequest", "StasisEnd", "ChannelVarset STASISSTATUS=SUCCESS", "ChannelDestroyed")
	if r, _ := c.Result(); r.Cause != 19 {
		t.Errorf("cause %d", r.Cause)
	}
}

// Every identifier may be used again after its end, and hangup takes a name.
func TestHangupByName(t *testing.T) {
	h, _ := callOffice(t, nil)
	c := h.up("again")
	h.must(204, "DELETE", "/channels/"+strings.ReplaceAll(c.Name(), "/", "%2F"), "", nil)
	h.gone(c)
	h.up2("again")
}

// up2 is up for an id that has been used before.
func (h *office) up2(id string) {
	h.t.Helper()
	h.must(200, "POST", "/channels", query("endpoint", "PJSIP/answer0@callee", "app", "lab", "channelId", id), nil)
	h.heard.awaitTimes("StasisStart channel="+id, 2)
}
