package softphone

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// testLimit is how long anything may take before a test gives up. It is never
// measured against.
const testLimit = 20 * time.Second

// start gives a running phone that is stopped with the test.
func start(t *testing.T, c Config) *Phone {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testLimit) // t.Context has ended
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Errorf("stop %s: %v", c.User, err)
		}
	})
	return p
}

// pair gives two phones: 101 sends 600 Hz, 102 sends 900 Hz and follows rule.
func pair(t *testing.T, rule Rule) (a, b *Phone) {
	t.Helper()
	return start(t, Config{User: "101", Tone: 600}), start(t, Config{User: "102", Tone: 900, Rule: rule})
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dial calls b from a and gives both sides.
func dial(t *testing.T, a, b *Phone, headers ...ua.Header) (out, in *Call) {
	t.Helper()
	ctx := limited(t)
	out, err := a.Dial(ctx, b.URI(), headers...)
	must(t, err)
	in, err = b.NextCall(ctx)
	must(t, err)
	return out, in
}

// connect is dial, until both are connected.
func connect(t *testing.T, a, b *Phone) (out, in *Call) {
	t.Helper()
	out, in = dial(t, a, b)
	must(t, out.WaitAnswered(limited(t)))
	must(t, in.WaitAnswered(limited(t)))
	return out, in
}

func TestTwoPhonesHearEachOther(t *testing.T) {
	for _, tt := range []struct {
		name   string
		a, b   Config
		codec  string
		secure bool
	}{
		{name: "PCMU", codec: "PCMU"},
		{name: "PCMA", a: Config{Codecs: []string{"PCMA", "telephone-event"}}, codec: "PCMA"},
		{name: "G722", a: Config{Codecs: []string{"G722"}}, codec: "G722"},
		{name: "SRTP", a: Config{SRTP: "required"}, b: Config{SRTP: "required"}, codec: "PCMU", secure: true},
		{name: "SRTP if possible", a: Config{SRTP: "optional"}, b: Config{SRTP: "optional"}, codec: "PCMU", secure: true},
		{name: "SRTP not possible", a: Config{SRTP: "optional"}, codec: "PCMU"},
		{name: "30 ms", a: Config{PTime: 30}, codec: "PCMU"},
		{name: "TCP", a: Config{Transport: "tcp"}, b: Config{Transport: "tcp"}, codec: "PCMU"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.a.User, tt.a.Tone, tt.b.User, tt.b.Tone = "101", 600, "102", 900
			a, b := start(t, tt.a), start(t, tt.b)
			out, in := connect(t, a, b)
			ctx := limited(t)
			must(t, out.WaitTone(ctx, 900))
			must(t, in.WaitTone(ctx, 600))
			for _, i := range []Info{out.Info(), in.Info()} {
				if i.Codec != tt.codec || i.Encrypted != tt.secure || i.PacketsIn == 0 || i.PacketsOut == 0 || i.State != Connected {
					t.Errorf("%+v", i)
				}
			}
			out.Hangup()
			must(t, in.WaitEnded(ctx))
			must(t, out.WaitEnded(ctx))
			if i := in.Info(); !i.ByPeer || i.Cause != cause.NormalClearing || i.Number != "102" || i.Remote.User != "101" {
				t.Errorf("in: %+v", i)
			}
			if i := out.Info(); i.ByPeer || !i.Outgoing {
				t.Errorf("out: %+v", i)
			}
		})
	}
}

func TestSRTPRequiredAndNotThere(t *testing.T) {
	a := start(t, Config{User: "101", SRTP: "required"})
	b := start(t, Config{User: "102"})
	out, _ := dial(t, a, b)
	must(t, out.WaitEnded(limited(t)))
	if i := out.Info(); i.Status != 488 || i.Cause != cause.BearerNotAvail {
		t.Errorf("%+v", i)
	}
}

func TestRules(t *testing.T) {
	const moment = 20 * time.Millisecond
	for _, tt := range []struct {
		name string
		rule Rule
		want State // that the caller comes to
		info Info  // Status, Cause, Contact, ByPeer of the caller's side
	}{
		{"answer at once", Rule{}, Connected, Info{}},
		{"answer after ringing", Rule{After: moment}, Connected, Info{}},
		{"ring for ever", Rule{Action: Ring}, Ringing, Info{}},
		{"early media, then answer", Rule{EarlyMedia: true, After: moment}, Connected, Info{}},
		{"early media for ever", Rule{Action: Ring, EarlyMedia: true}, EarlyMedia, Info{}},
		{"reject", Rule{Action: Reject}, Ended, Info{Status: 486, Cause: cause.UserBusy, ByPeer: true}},
		{"reject after ringing", Rule{Action: Reject, Status: 603, After: moment}, Ended, Info{Status: 603, Cause: cause.Rejected, ByPeer: true}},
		{"reject 404", Rule{Action: Reject, Status: 404}, Ended, Info{Status: 404, Cause: cause.Unallocated, ByPeer: true}},
		{"reject 503", Rule{Action: Reject, Status: 503}, Ended, Info{Status: 503, Cause: cause.CircuitCongestion, ByPeer: true}},
		{"redirect", Rule{Action: Redirect, Target: "sip:103@127.0.0.1:9"}, Ended, Info{Status: 302, Cause: cause.Redirected, ByPeer: true, Contact: "sip:103@127.0.0.1:9"}},
		{"hang up after the answer", Rule{HangupAfter: moment}, Ended, Info{Cause: cause.NormalClearing, ByPeer: true}},
		{"redirect to nowhere", Rule{Action: Redirect, Target: "103"}, Ended, Info{Status: 500, Cause: cause.NetworkOutOfOrder, ByPeer: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t, tt.rule)
			out, _ := dial(t, a, b)
			must(t, out.WaitState(limited(t), tt.want))
			i := out.Info()
			if i.State != tt.want || i.Status != tt.info.Status || i.Cause != tt.info.Cause || i.ByPeer != tt.info.ByPeer || i.Contact != tt.info.Contact {
				t.Errorf("%+v", i)
			}
		})
	}
}

func TestSilentAndCancel(t *testing.T) {
	a, b := pair(t, Rule{Action: Silent})
	out, in := dial(t, a, b)
	if s := in.State(); s != Calling {
		t.Errorf("the silent phone is %v", s)
	}
	out.Hangup() // before any answer: CANCEL follows the automatic 100
	must(t, in.WaitEnded(limited(t)))
	must(t, out.WaitEnded(limited(t)))
	if i := in.Info(); !i.ByPeer || !i.AnsweredAt.IsZero() {
		t.Errorf("%+v", i)
	}
}

func TestEarlyMediaIsHeard(t *testing.T) {
	a, b := pair(t, Rule{Action: Ring, EarlyMedia: true})
	out, in := dial(t, a, b)
	must(t, out.WaitTone(limited(t), 900))
	if out.State() != EarlyMedia {
		t.Errorf("state %v", out.State())
	}
	in.Answer()
	must(t, out.WaitAnswered(limited(t)))
	must(t, in.WaitTone(limited(t), 600))
}

func TestRuleByNumber(t *testing.T) {
	a := start(t, Config{User: "101"})
	b := start(t, Config{User: "102", Rules: func(number string) *Rule {
		if strings.HasSuffix(number, "486") {
			return &Rule{Action: Reject}
		}
		return nil
	}})
	for number, want := range map[string]State{"555486": Ended, "555": Connected} {
		out, err := a.Dial(limited(t), "sip:"+number+"@"+b.Addr().String())
		must(t, err)
		must(t, out.WaitState(limited(t), want))
	}
}

func TestHoldByRuleAndByHand(t *testing.T) {
	a, b := pair(t, Rule{HoldAfter: 10 * time.Millisecond, HoldFor: 300 * time.Millisecond})
	out, _ := connect(t, a, b)
	ctx := limited(t)
	must(t, out.WaitRemoteHold(ctx, true))
	must(t, out.WaitRemoteHold(ctx, false))
	must(t, out.WaitTone(ctx, 900))
	if i := out.Info(); i.Holds != 1 || i.Offers != 2 {
		t.Errorf("%+v", i)
	}
}

func TestHeldPartyIsNotHeard(t *testing.T) {
	a, b := pair(t, Rule{})
	out, in := connect(t, a, b)
	ctx := limited(t)
	must(t, out.WaitTone(ctx, 900))
	must(t, in.WaitTone(ctx, 600))
	must(t, out.Hold(ctx, true))
	must(t, out.WaitSilence(ctx)) // the held side sends nothing
	if i := in.Info(); !i.RemoteHold {
		t.Errorf("%+v", i)
	}
	must(t, out.Hold(ctx, false))
	must(t, out.WaitTone(ctx, 900))
	must(t, in.WaitTone(ctx, 600))
	must(t, out.Reinvite(ctx))
	if i := in.Info(); i.RemoteHold || i.Offers != 3 || i.Holds != 1 {
		t.Errorf("%+v", i)
	}
}

func TestDigits(t *testing.T) {
	a, b := pair(t, Rule{})
	out, in := connect(t, a, b)
	ctx := limited(t)
	must(t, out.SendDTMF(ctx, "1#", false))
	must(t, in.WaitDigits(ctx, "1#"))
	must(t, out.SendDTMF(ctx, "59*", true))
	must(t, in.WaitDigits(ctx, "1#59*"))
	if i := in.Info(); i.Digits != "1#59*" || i.InfoDigits != 3 {
		t.Errorf("%+v", i)
	}
}

func TestPressByRule(t *testing.T) {
	for _, info := range []bool{false, true} {
		a, b := pair(t, Rule{Press: "1", PressInfo: info})
		out, _ := connect(t, a, b)
		must(t, out.WaitDigits(limited(t), "1"))
	}
}

func TestAutoAnswer(t *testing.T) {
	a, b := pair(t, Rule{After: time.Hour, AutoAnswer: true})
	out, in := dial(t, a, b, ua.Header{Name: "Call-Info", Value: "<sip:127.0.0.1>;answer-after=0"})
	must(t, out.WaitAnswered(limited(t)))
	if !in.Info().AutoAnswer {
		t.Error("not noticed")
	}
	out, in = dial(t, a, b)
	must(t, out.WaitState(limited(t), Ringing))
	if in.Info().AutoAnswer || in.Header("From") == "" {
		t.Errorf("%+v", in.Info())
	}
}

func TestCounts(t *testing.T) {
	a := start(t, Config{User: "101", NoMedia: true})
	b := start(t, Config{NoMedia: true, Rules: func(n string) *Rule {
		if n == "7" {
			return &Rule{Action: Reject}
		}
		return nil
	}})
	const calls = 40
	var out []*Call
	for i := range calls {
		c, err := a.Dial(limited(t), fmt.Sprintf("sip:%d@%s", i%8, b.Addr()))
		must(t, err)
		out = append(out, c)
	}
	for _, c := range out {
		if c.Info().Number == "7" {
			must(t, c.WaitEnded(limited(t)))
		} else {
			must(t, c.WaitAnswered(limited(t)))
		}
	}
	n := b.Counts()
	if n.Invites != calls || n.Answered != calls*7/8 || n.Rejected != calls/8 || n.ByNumber["3"] != calls/8 || len(n.ByCallID) != calls || n.MaxLive < calls*7/8 {
		t.Errorf("%+v", n)
	}
	for _, c := range out {
		c.Hangup()
	}
	for _, c := range out {
		must(t, c.WaitEnded(limited(t)))
	}
	for len(b.Live()) > 0 {
		for _, c := range b.Live() {
			must(t, c.WaitEnded(limited(t)))
		}
		runtime.Gosched()
	}
	if n := b.Counts(); n.Live != 0 || n.Ended != calls {
		t.Errorf("afterwards: %+v", n)
	}
	b.ResetCounts()
	if n := b.Counts(); n.Invites != 0 || n.MaxLive != 0 || len(n.ByNumber) != 0 {
		t.Errorf("after the reset: %+v", n)
	}
}

func TestStopEndsCalls(t *testing.T) {
	a := start(t, Config{User: "101", Tone: 600})
	b, err := New(Config{User: "102", Tone: 900})
	must(t, err)
	must(t, b.Start(t.Context()))
	out, in := connect(t, a, b)
	must(t, b.Stop(limited(t)))
	must(t, b.Stop(limited(t)))
	must(t, out.WaitEnded(limited(t)))
	if in.State() != Ended {
		t.Errorf("state %v", in.State())
	}
	if err := in.WaitTone(limited(t), 600); !errors.Is(err, ErrEnded) {
		t.Errorf("WaitTone: %v", err)
	}
	if err := in.WaitAnswered(limited(t)); !errors.Is(err, ErrEnded) {
		t.Errorf("WaitAnswered: %v", err)
	}
	if _, err := b.Dial(limited(t), a.URI()); !errors.Is(err, ErrNotStarted) {
		t.Errorf("Dial: %v", err)
	}
}

func TestMistakesInTheConfiguration(t *testing.T) {
	for _, c := range []Config{{Transport: "carrier pigeon"}, {Codecs: []string{"MP3"}}, {SRTP: "maybe"}} {
		if _, err := New(c); err == nil {
			t.Errorf("accepted: %+v", c)
		}
	}
	p, err := New(Config{Bind: "nowhere"})
	must(t, err)
	if err := p.Start(t.Context()); err == nil {
		t.Error("started at nowhere")
	}
	must(t, p.Stop(t.Context()))
	q := start(t, Config{User: "101"})
	for _, target := range []string{"102", "sip:", "sips"} {
		if _, err := q.Dial(t.Context(), target); err == nil {
			t.Errorf("dialled %q", target)
		}
	}
}

// TestNothingIsLeft ends phones in the middle of calls of every kind.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, rule := range []Rule{{}, {Action: Ring, EarlyMedia: true}, {Action: Silent}, {After: time.Hour}, {HoldAfter: time.Hour, Press: "1", PressAfter: time.Hour}} {
		a, err := New(Config{User: "101", Tone: 600})
		must(t, err)
		must(t, a.Start(t.Context()))
		b, err := New(Config{User: "102", Tone: 900, Rule: rule})
		must(t, err)
		must(t, b.Start(t.Context()))
		dial(t, a, b)
		must(t, a.Stop(limited(t)))
		must(t, b.Stop(limited(t)))
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx := limited(t); runtime.NumGoroutine() > before; {
		select {
		case <-tick.C: // a goroutine that has ended is still counted for a moment
		case <-ctx.Done():
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// registrar is a server made of the user agent alone: it registers phones and
// forwards nothing.
type registrar struct {
	agent *ua.Agent
	addr  string
	mu    sync.Mutex
	seen  []string
}

func startRegistrar(t *testing.T) *registrar {
	t.Helper()
	return startRegistrarOn(t, sipnet.ListenConfig{Transport: sipnet.UDP, Addr: "127.0.0.1:0"})
}

func startRegistrarOn(t *testing.T, listen sipnet.ListenConfig) *registrar {
	t.Helper()
	n, err := sipnet.New(sipnet.Config{Listen: []sipnet.ListenConfig{listen}})
	must(t, err)
	l := txn.New(n, txn.Config{})
	a := ua.New(ua.Config{Layer: l, Net: n, Realm: "test", Authenticate: func(user, _ string) (ua.Secret, bool) {
		return ua.Secret{Password: "secret-" + user}, user != "nobody"
	}})
	r := &registrar{agent: a}
	a.OnInvite(func(c *ua.Call, req *sip.Request) {
		c.Handle(func(ua.Event) {})
		user, ok := a.Authorize(c)
		if !ok {
			return
		}
		r.mu.Lock()
		r.seen = append(r.seen, user+" calls "+req.Recipient.User)
		r.mu.Unlock()
		_ = c.Reject(404, "Not Found")
	})
	must(t, n.Start(t.Context(), l.Handle))
	must(t, a.Start(t.Context()))
	r.addr = n.Listeners()[0].Addr.String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testLimit) // t.Context has ended
		defer cancel()
		quick, cancelQuick := context.WithTimeout(ctx, byeTime) // not the 32 s for a crossing 200
		defer cancelQuick()
		_ = a.Stop(quick)
		_ = l.Stop(ctx)
		_ = n.Stop(ctx)
	})
	return r
}

func TestRegistration(t *testing.T) {
	r := startRegistrar(t)
	changes := make(chan bool, 4)
	r.agent.Registrar().OnChange(func(_ string, on bool) { changes <- on })
	p := start(t, Config{User: "101", Password: "secret-101", Server: r.addr})
	must(t, p.WaitRegistered(limited(t)))
	b := r.agent.Registrar().Lookup("101")
	if len(b) != 1 || b[0].Contact.Port != int(p.Addr().Port()) || !p.Registered() {
		t.Errorf("bindings %+v", b)
	}
	// A call to a number goes to the server, with the digest it asks for.
	out, err := p.Dial(limited(t), "12345")
	must(t, err)
	must(t, out.WaitEnded(limited(t)))
	r.mu.Lock()
	if i := out.Info(); i.Status != 404 || len(r.seen) != 1 || r.seen[0] != "101 calls 12345" {
		t.Errorf("%+v, server saw %v", i, r.seen)
	}
	r.mu.Unlock()
	must(t, p.Unregister(limited(t)))
	if on := <-changes; !on {
		t.Error("unregistered first")
	}
	if on := <-changes; on {
		t.Error("not unregistered")
	}
}

func TestRegistrationRefused(t *testing.T) {
	r := startRegistrar(t)
	p := start(t, Config{User: "101", Password: "wrong", Server: r.addr})
	status, err := p.WaitRefused(limited(t))
	must(t, err)
	if status != 401 && status != 403 {
		t.Errorf("status %d", status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.WaitRegistered(ctx); err == nil {
		t.Error("registered with a wrong password")
	}
}

func TestServerRingsARegisteredPhone(t *testing.T) {
	r := startRegistrar(t)
	p := start(t, Config{User: "101", Password: "secret-101", Server: r.addr, Rule: Rule{Action: Ring}})
	must(t, p.WaitRegistered(limited(t)))
	b := r.agent.Registrar().Lookup("101")[0]
	rang := make(chan struct{})
	c, err := r.agent.Invite(ua.InviteOptions{
		Target: b.Contact, Flow: b.Flow, From: ua.Identity{User: "999"},
		SDP: []byte("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"),
		Events: func(e ua.Event) {
			if e.Kind == ua.EventRinging {
				close(rang)
			}
		},
	})
	must(t, err)
	<-rang
	in, err := p.NextCall(limited(t))
	must(t, err)
	c.Hangup(cause.NormalClearing)
	must(t, in.WaitEnded(limited(t)))
	if p.Counts().ByNumber["101"] != 1 {
		t.Errorf("%+v", p.Counts())
	}
}

// TestOldHoldAndHostName gives the media side the two forms of an address that
// is none.
func TestOldHoldAndHostName(t *testing.T) {
	p := start(t, Config{User: "101", Tone: 600})
	for _, host := range []string{"0.0.0.0", "media.example.com", "127.0.0.1"} {
		a, err := p.openAudio("test", nil)
		must(t, err)
		if _, err := a.answer([]byte("v=0\r\nc=IN IP4 " + host + "\r\nm=audio 9 RTP/AVP 0\r\n")); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if hold := a.remoteHold(); hold != (host == "0.0.0.0") {
			t.Errorf("%s: held %v", host, hold)
		}
		a.close()
		a.close()
	}
}
