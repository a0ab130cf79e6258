package ari

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/softphone"
)

// sipOffice is an office whose trunk "callee" is a real phone on loopback: the user of
// the endpoint says what it does, and a call to "early" sends a tone of 700 Hz, one to
// any other number 500 Hz.
type sipOffice struct {
	*office
	phone, early *softphone.Phone
}

func openSIPOffice(t *testing.T) *sipOffice {
	t.Helper()
	h := &sipOffice{}
	h.office, _ = callOffice(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	start := func(tone float64, rules func(string) *softphone.Rule) *softphone.Phone {
		p, err := softphone.New(softphone.Config{Tone: tone, Rules: rules, Codecs: []string{"PCMU", "telephone-event"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(ctx); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context is over
			defer cancel()
			_ = p.Stop(ctx) // its calls have ended with the switch
		})
		return p
	}
	h.phone = start(500, func(number string) *softphone.Rule {
		switch number {
		case "ring":
			return &softphone.Rule{Action: softphone.Ring}
		case "busy":
			return &softphone.Rule{Action: softphone.Reject}
		}
		return &softphone.Rule{}
	})
	h.early = start(700, func(string) *softphone.Rule {
		return &softphone.Rule{EarlyMedia: true, After: 20 * time.Second}
	})
	trunkTo := func(name string, at netip.AddrPort) sip.Trunk {
		return sip.Trunk{Name: name, Host: at.Addr().String(), Port: int(at.Port()), Context: "from-callee", Codecs: []string{"PCMU"}}
	}
	tech, err := sip.New(sip.Config{
		Domain: "pbx.test", Listen: []sip.Listener{{Transport: "udp", Addr: "127.0.0.1:0"}},
		Trunks: []sip.Trunk{trunkTo("callee", h.phone.Addr()), trunkTo("slow", h.early.Addr())},
	}, h.engine, h.sw, sip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.sw.Register(tech)
	if err := tech.Start(context.Background()); err != nil { // t.Context ends before the clean-up
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.sw.Stop(ctx); err != nil {
			t.Error(err)
		}
		_ = tech.Stop(ctx) // dialogs that wait for a repeated 200 are dropped
	})
	return h
}

func (h *sipOffice) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(h.t.Context(), 10*time.Second)
}

// from gives the From of the next call that a phone gets.
func (h *sipOffice) from(p *softphone.Phone) string {
	h.t.Helper()
	ctx, cancel := h.context()
	defer cancel()
	c, err := p.NextCall(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	from, _, _ := strings.Cut(c.Header("From"), ";")
	display, uri, _ := strings.Cut(from, "<")
	user, _, _ := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
	return strings.TrimSpace(display) + " " + user
}

// TestCallerOnTheWire is the table of spec ari 6.4, with the one row that is ours
// (complaint C19): a caller ID that was set on a created channel counts.
func TestCallerOnTheWire(t *testing.T) {
	h := openSIPOffice(t)
	h.must(200, "POST", "/channels/A", query("endpoint", "PJSIP/answer@callee", "app", "lab", "callerId", `Alice <1001>`), nil)
	if got := h.from(h.phone); got != `"Alice" 1001` {
		t.Errorf("originate with caller ID: From %s", got)
	}
	h.heard.await("StasisStart channel=A")
	h.must(200, "POST", "/channels/anon", query("endpoint", "PJSIP/answer@callee", "app", "lab"), nil)
	if got := h.from(h.phone); got != `"Anonymous" anonymous` {
		t.Errorf("originate without: From %s", got)
	}
	for id, tt := range map[string]struct{ variable, value, caller, want string }{
		"none":      {"X", "1", "", `"Anonymous" anonymous`},
		"number":    {"CALLERID(num)", "5550100", "", ` 5550100`},
		"all":       {"CALLERID(all)", "Bob <1002>", "", `"Bob" 1002`},
		"connected": {"CONNECTEDLINE(all)", "Con Line <3003>", "", `"Con Line" 3003`},
		"caller":    {"CALLERID(num)", "5550100", "A", `"Alice" 1001`},
	} {
		for way, body := range map[string]any{"by the body": map[string]any{"variables": map[string]any{tt.variable: tt.value}}, "by the operation": nil} {
			c := h.createWith(id, "PJSIP/ring@callee", body)
			if body == nil {
				h.must(204, "POST", "/channels/"+id+"/variable", query("variable", tt.variable, "value", tt.value), nil)
			}
			h.must(204, "POST", "/channels/"+id+"/dial", query("caller", tt.caller), nil)
			if got := h.from(h.phone); got != tt.want {
				t.Errorf("create, %s=%s %s, caller %q: From %s, want %s", tt.variable, tt.value, way, tt.caller, got, tt.want)
			}
			h.must(204, "DELETE", "/channels/"+id, "", nil)
			h.gone(c)
		}
	}
}

// TestHeaderOfACreatedChannel sets one before the dial (spec: ari 8.1 rule 4).
func TestHeaderOfACreatedChannel(t *testing.T) {
	h := openSIPOffice(t)
	h.createWith("B", "PJSIP/ring@callee", map[string]any{"variables": map[string]any{"PJSIP_HEADER(add,X-One)": "1"}})
	h.must(204, "POST", "/channels/B/variable", query("variable", "PJSIP_HEADER(add,X-Two)", "value", "2"), nil)
	h.must(204, "POST", "/channels/B/dial", "", nil)
	ctx, cancel := h.context()
	defer cancel()
	c, err := h.phone.NextCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := c.Header("X-One"), c.Header("X-Two"); one != "1" || two != "2" {
		t.Errorf("headers %q and %q", one, two)
	}
}

// createWith makes a channel in lab with a body.
func (h *office) createWith(id, endpoint string, body any) *pbx.Channel {
	h.t.Helper()
	h.must(200, "POST", "/channels/create", query("endpoint", endpoint, "app", "lab", "channelId", id), body)
	return h.live(id)
}

// TestEarlyBridge is the seed's demand: bridge both, then dial, and the caller hears
// what the other side sends before it answers (spec: ari 5.4, A4).
func TestEarlyBridge(t *testing.T) {
	h := openSIPOffice(t)
	ctx, cancel := h.context()
	defer cancel()
	h.must(200, "POST", "/channels/A", query("endpoint", "PJSIP/answer@callee", "app", "lab"), nil)
	a, err := h.phone.NextCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.heard.await("StasisStart channel=A")
	h.want("GET", "/channels/A/rtp_statistics", "", http.StatusOK, "")
	h.create("B", "PJSIP/early@slow")
	h.want("GET", "/channels/B/rtp_statistics", "", http.StatusNotFound, "RTP info not found")
	h.must(200, "POST", "/bridges/br", "", nil)
	h.must(204, "POST", "/bridges/br/addChannel", query("channel", "A,B"), nil)
	h.must(204, "POST", "/channels/B/dial", query("caller", "A"), nil)
	h.heard.await("Dial channel=B status=PROGRESS")
	if err := a.WaitTone(ctx, 700); err != nil {
		t.Fatal(err)
	}
	if got := h.must(200, "GET", "/channels/B", "", nil).body.(map[string]any)["state"]; got != "Down" {
		t.Errorf("B is %v while its announcement is heard", got)
	}
	stats := h.must(200, "GET", "/channels/A/rtp_statistics", "", nil).body.(map[string]any)
	if stats["txcount"].(float64) == 0 || stats["channel_uniqueid"] != "A" || stats["local_ssrc"].(float64) == 0 {
		t.Errorf("statistics %v", stats)
	}
	// The other direction, after the answer.
	b, err := h.early.NextCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b.Answer()
	h.heard.await("Dial channel=B status=ANSWER")
	if err := b.WaitTone(ctx, 500); err != nil {
		t.Fatal(err)
	}
	h.must(204, "DELETE", "/channels/A", "", nil)
	h.heard.await("ChannelDestroyed channel=A")
	if got := h.must(200, "GET", "/bridges/br", "", nil).body.(map[string]any)["channels"]; !cmp.Equal(got, []any{"B"}) {
		t.Errorf("members %v", got)
	}
}

// TestCreatedAndBusy tells of a refusal by the hangup alone (spec: ari 5.2).
func TestCreatedAndBusy(t *testing.T) {
	h := openSIPOffice(t)
	h.create("B", "PJSIP/busy@callee")
	h.must(204, "POST", "/channels/B/dial", "", nil)
	h.wantStory("B", "ChannelDestroyed channel=B", "ChannelDialplan", "ChannelVarset STASISSTATUS=", "StasisStart", `Dial ""`,
		"ChannelHangupRequest", "StasisEnd", "ChannelVarset STASISSTATUS=SUCCESS", "ChannelDestroyed")
	h.must(200, "POST", "/channels/O", query("endpoint", "PJSIP/busy@callee", "app", "lab"), nil)
	h.wantStory("O", "ChannelDestroyed channel=O", `Dial ""`, "ChannelHangupRequest", `Dial "BUSY"`, "ChannelDestroyed")
}

// TestWhatThePhoneNotices asks for what shows at the other end: digits, hold, playback,
// and mute in each direction by itself.
func TestWhatThePhoneNotices(t *testing.T) {
	h := openSIPOffice(t)
	ctx, cancel := h.context()
	defer cancel()
	h.must(200, "POST", "/channels/A", query("endpoint", "PJSIP/answer@callee", "app", "lab"), nil)
	a, err := h.phone.NextCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.heard.await("StasisStart channel=A")
	h.must(204, "POST", "/channels/A/dtmf", query("dtmf", "1-2#", "between", "20", "duration", "40"), nil)
	if err := a.WaitDigits(ctx, "12#"); err != nil {
		t.Error(err)
	}
	h.must(204, "POST", "/channels/A/hold", "", nil)
	if err := a.WaitRemoteHold(ctx, true); err != nil {
		t.Error(err)
	}
	h.must(204, "DELETE", "/channels/A/hold", "", nil)
	if err := a.WaitRemoteHold(ctx, false); err != nil {
		t.Error(err)
	}
	h.must(204, "POST", "/channels/A/variable", query("variable", "TALK_DETECT(set)", "value", ""), nil) // complaint C17
	h.heard.await("ChannelTalkingStarted channel=A")
	h.must(201, "POST", "/channels/A/play/p1", query("media", "tone:440/20000"), nil)
	hears := func(hz float64) {
		t.Helper()
		if err := a.WaitTone(ctx, hz); err != nil {
			t.Error(err)
		}
	}
	silent := func() {
		t.Helper()
		if err := a.WaitSilence(ctx); err != nil {
			t.Error(err)
		}
	}
	hears(440)
	h.must(204, "POST", "/channels/A/mute", query("direction", "out"), nil)
	silent()
	h.must(204, "POST", "/channels/A/mute", query("direction", "in"), nil)
	h.must(204, "DELETE", "/channels/A/mute", query("direction", "out"), nil)
	hears(440)
	h.must(204, "DELETE", "/playbacks/p1", "", nil)
	silent()
}

// TestSilenceIsSent: silence is audio as well. A phone that gets none takes the call for
// dead, and its router forgets the way back.
func TestSilenceIsSent(t *testing.T) {
	h := openSIPOffice(t)
	ctx, cancel := h.context()
	defer cancel()
	h.must(200, "POST", "/channels/A", query("endpoint", "PJSIP/answer@callee", "app", "lab"), nil)
	a, err := h.phone.NextCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.heard.await("StasisStart channel=A")
	before := a.Info().PacketsIn
	h.must(204, "POST", "/channels/A/silence", "", nil)
	for tick := time.Tick(20 * time.Millisecond); a.Info().PacketsIn < before+10; {
		select {
		case <-tick:
		case <-ctx.Done():
			t.Fatalf("the phone got %d packets of silence", a.Info().PacketsIn-before)
		}
	}
	if hz, ok := a.Heard(); ok {
		t.Errorf("heard a tone of %g Hz", hz)
	}
	h.must(204, "DELETE", "/channels/A/silence", "", nil)
}
