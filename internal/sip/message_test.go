package sip

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// text sends a MESSAGE of the peer to the server and gives the final status.
func (p *peer) text(s *server, change func(*ua.RequestOptions)) int {
	p.t.Helper()
	o := ua.RequestOptions{
		Method: sip.MESSAGE, Target: p.serverURI(s, "102"), From: ua.Identity{DisplayName: "Al \"ice\"", User: "101", Host: "elsewhere.test"},
		ContentType: "text/plain", Body: []byte("Grüße"), Auth: &ua.Credentials{User: "101", Password: "secret101"},
	}
	if change != nil {
		change(&o)
	}
	status, _, err := p.agent.Request(p.t.Context(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	return status
}

// texts lets the peer take MESSAGE and REFER, and answer with status.
func (p *peer) texts(status int) <-chan *sip.Request {
	got := make(chan *sip.Request, 16)
	take := func(tx *txn.ServerTx) {
		got <- tx.Request()
		p.agent.Respond(tx, status, "As the Test Says")
	}
	p.agent.OnMessage(take)
	p.agent.OnRefer(take)
	return got
}

func TestTextFromAPhone(t *testing.T) {
	got := make(chan TextMessage, 16)
	s := start(t, func(_ *Config, o *Options) {
		o.Message = func(m TextMessage) int {
			got <- m
			if strings.HasPrefix(m.Body, "nobody") {
				return 404
			}
			return 202
		}
	})
	phone := newPeer(t, peerOptions{})
	for name, tc := range map[string]struct {
		change func(*ua.RequestOptions)
		status int
		body   string // that arrives, "" = none
	}{
		"plain":             {nil, 202, "Grüße"},
		"charset":           {func(o *ua.RequestOptions) { o.ContentType = `text/plain; charset="UTF-8"` }, 202, "Grüße"},
		"not taken":         {func(o *ua.RequestOptions) { o.Body = []byte("nobody is here") }, 404, "nobody is here"},
		"longest":           {func(o *ua.RequestOptions) { o.Body = []byte(strings.Repeat("x", maxMessage)) }, 202, strings.Repeat("x", maxMessage)},
		"too long":          {func(o *ua.RequestOptions) { o.Body = []byte(strings.Repeat("x", maxMessage+1)) }, 413, ""},
		"cpim":              {func(o *ua.RequestOptions) { o.ContentType = "message/cpim" }, 415, ""},
		"latin-1":           {func(o *ua.RequestOptions) { o.ContentType = "text/plain;charset=iso-8859-1" }, 415, ""},
		"compressed":        {func(o *ua.RequestOptions) { o.Headers = []ua.Header{{Name: "Content-Encoding", Value: "gzip"}} }, 415, ""},
		"broken UTF-8":      {func(o *ua.RequestOptions) { o.Body = []byte("\xff\xfe") }, 400, ""},
		"wrong password":    {func(o *ua.RequestOptions) { o.Auth.Password = "guess" }, 401, ""},
		"no password":       {func(o *ua.RequestOptions) { o.Auth = nil }, 401, ""},
		"nobody of ours":    {func(o *ua.RequestOptions) { o.Auth.User = "666" }, 401, ""},
		"another's account": {func(o *ua.RequestOptions) { o.From.User = "102" }, 202, "Grüße"},
	} {
		t.Run(name, func(t *testing.T) {
			if status := phone.text(s, tc.change); status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			select {
			case m := <-got:
				if m.Endpoint != "101" || m.Body != tc.body || m.From != `"Al \"ice\"" <sip:101@pbx.test>` || m.To != "pjsip:102@"+s.addr("udp").String() {
					m.Body = m.Body[:min(len(m.Body), 40)]
					t.Errorf("got %+v", m)
				}
			default:
				if tc.body != "" {
					t.Error("nothing arrived")
				}
			}
		})
	}
	phone.text(s, func(o *ua.RequestOptions) { o.Headers = []ua.Header{{Name: "X-Ticket", Value: "42"}} })
	if d := cmp.Diff([]pbx.Header{{Name: "X-Ticket", Value: "42"}}, (<-got).Headers); d != "" {
		t.Errorf("headers (-want +got):\n%s", d)
	}
	s.tech.Drain()
	if status := phone.text(s, nil); status != 503 {
		t.Errorf("status %d while stopping", status)
	}
}

func TestTextFromATrunk(t *testing.T) {
	got := make(chan TextMessage, 1)
	provider := newPeer(t, peerOptions{})
	s := start(t, func(c *Config, o *Options) {
		c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port())}}
		o.Message = func(m TextMessage) int { got <- m; return 200 }
	})
	if status := provider.text(s, func(o *ua.RequestOptions) { o.Auth, o.From = nil, ua.Identity{User: "+49301", Host: "sms.test"} }); status != 200 {
		t.Fatalf("status %d", status)
	}
	if m := <-got; m.Endpoint != "carrier" || m.From != "<sip:+49301@sms.test>" {
		t.Errorf("got %+v", m)
	}
}

func TestTextsWithoutAnybodyToTakeThem(t *testing.T) {
	s := start(t, nil)
	if status := newPeer(t, peerOptions{}).text(s, nil); status != 405 {
		t.Errorf("status %d", status)
	}
}

// textOffice is a server with phones 101 (here) and 102 (away), and a trunk.
func textOffice(t *testing.T) (s *server, phone, provider *peer) {
	t.Helper()
	provider = newPeer(t, peerOptions{secrets: map[string]string{"acct": "hush"}})
	s = start(t, func(c *Config, _ *Options) {
		c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port()), User: "acct", Password: "hush", FromUser: "4930", FromDomain: "carrier.test"}}
	})
	phone = newPeer(t, peerOptions{})
	phone.register(s, "101")
	return s, phone, provider
}

func TestTextToAPhone(t *testing.T) {
	s, phone, _ := textOffice(t)
	got := phone.texts(200)
	for _, to := range []string{"101", "pjsip:101", "PJSIP/101", "sip:101@pbx.test", "pjsip:sip:101@pbx.test", `"Alice" <sip:101@PBX.test>`,
		"pjsip:101@" + s.addr("udp").String(), "pjsip:101/sip:101@" + phone.addr().String(), "sip:anybody@" + phone.addr().String()} {
		if err := s.tech.Message(t.Context(), to, "sip:bob@far.test", "Grüße\nzwei", []pbx.Header{{Name: "X-A", Value: "1\r\n2"}, {Name: "From", Value: "x"}}); err != nil {
			t.Errorf("to %s: %v", to, err)
			continue
		}
		r := receive(t, "MESSAGE", got)
		if r.From().Address.String() != "sip:bob@far.test" || string(r.Body()) != "Grüße\nzwei" || r.ContentType().Value() != "text/plain;charset=utf-8" || len(r.GetHeaders("From")) != 1 {
			t.Errorf("to %s:\n%s", to, r)
		}
		if h := r.GetHeader("X-A"); h == nil || strings.ContainsAny(h.Value(), "\r\n") {
			t.Errorf("X-A is %v", h)
		}
	}
}

func TestWhoATextIsFrom(t *testing.T) {
	s, phone, provider := textOffice(t)
	toPhone, toTrunk := phone.texts(200), provider.texts(200)
	for _, tc := range []struct{ from, phone, trunk string }{
		{"102", "<sip:102@pbx.test>", `<sip:4930@carrier.test>`},
		{"pjsip:102", "<sip:102@pbx.test>", `<sip:4930@carrier.test>`},
		{`"Bob B" <sip:bob@far.test:5070>`, `"Bob B" <sip:bob@far.test:5070>`, `"Bob B" <sip:4930@carrier.test>`},
		{"", `"Anonymous" <sip:anonymous@anonymous.invalid>`, `<sip:4930@carrier.test>`},
	} {
		for to, got := range map[string]<-chan *sip.Request{"pjsip:101": toPhone, "pjsip:49301234@carrier": toTrunk} {
			if err := s.tech.Message(t.Context(), to, tc.from, "x", nil); err != nil {
				t.Errorf("from %q to %s: %v", tc.from, to, err)
				continue
			}
			r, want := receive(t, "MESSAGE", got), tc.phone
			if to != "pjsip:101" {
				want = tc.trunk
				if r.Recipient.User != "49301234" {
					t.Errorf("trunk is asked for %s", r.Recipient.String())
				}
			}
			if v, _, _ := strings.Cut(r.From().Value(), ";tag"); v != want {
				t.Errorf("from %q to %s is shown as %s, want %s", tc.from, to, v, want)
			}
		}
	}
}

func TestTextsThatCannotBeSent(t *testing.T) {
	s, phone, _ := textOffice(t)
	phone.texts(486)
	for name, tc := range map[string]struct {
		to, body string
		want     call.Failure
	}{
		"unknown name":   {"pjsip:nobody", "x", call.Failure{Cause: int(cause.NoRoute), Permanent: true}},
		"unknown at us":  {"pjsip:nobody@pbx.test", "x", call.Failure{Cause: int(cause.NoRoute), Permanent: true}},
		"nothing":        {"pjsip:", "x", call.Failure{Cause: int(cause.NoRoute), Permanent: true}},
		"broken address": {"sip:a b@c", "x", call.Failure{Cause: int(cause.NoRoute), Permanent: true}},
		"not registered": {"102", "x", call.Failure{Cause: int(cause.SubscriberAbsent)}},
		"refused":        {"101", "x", call.Failure{Cause: int(cause.UserBusy), SIPStatus: 486}},
		"too long":       {"101", strings.Repeat("x", maxMessage+1), call.Failure{Cause: int(cause.Interworking), Permanent: true}},
		"no text":        {"101", "\xff", call.Failure{Cause: int(cause.Interworking), Permanent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := errors.AsType[*call.Failure](s.tech.Message(t.Context(), tc.to, "", tc.body, nil))
			if !ok || f.Cause != tc.want.Cause || f.SIPStatus != tc.want.SIPStatus || f.Permanent != tc.want.Permanent {
				t.Errorf("got %+v", f)
			}
			before, known := errors.AsType[*call.Failure](s.tech.CanReach(tc.to))
			if known != (tc.to != "101") || known && before.Cause != tc.want.Cause {
				t.Errorf("asked before: %+v", before)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the client is gone")
	cancel(gone)
	phone.silence(true)
	if err := s.tech.Message(ctx, "101", "", "x", nil); !errors.Is(err, gone) {
		t.Errorf("after the end of its context: %v", err)
	}
	s.tech.Drain()
	if f, ok := errors.AsType[*call.Failure](s.tech.Message(t.Context(), "101", "", "x", nil)); !ok || f.Cause != int(cause.SwitchCongestion) {
		t.Errorf("while stopping: %+v", f)
	}
}

// TestTextGoesToAllContacts lets one device refuse what another takes.
func TestTextGoesToAllContacts(t *testing.T) {
	s, first, _ := textOffice(t)
	second := newPeer(t, peerOptions{})
	second.register(s, "101")
	refused, taken := first.texts(480), second.texts(202)
	if err := s.tech.Message(t.Context(), "101", "", "x", nil); err != nil {
		t.Error(err)
	}
	receive(t, "MESSAGE at the first", refused)
	receive(t, "MESSAGE at the second", taken)
}

func TestReferOutsideACall(t *testing.T) {
	s, phone, provider := textOffice(t)
	got := phone.texts(202)
	own := s.addr("udp").String()
	for _, tc := range []struct {
		referTo string
		toSelf  bool
		want    string
	}{
		{"sip:5@far.test", false, "<sip:5@far.test>"},
		{"pjsip:5@carrier", false, "<sip:5@" + provider.addr().String() + ">"},
		{"pjsip:5@carrier", true, "<sip:5@" + own + ">"},
		{"pjsip:101", true, "<sip:101@" + own + ">"},
		{"102", false, "<sip:102@" + own + ">"}, // not registered: through us
		{"4930", false, "<sip:4930@" + own + ">"},
	} {
		if err := s.tech.Refer(t.Context(), "pjsip:101", "102", tc.referTo, tc.toSelf, []pbx.Header{{Name: "X-A", Value: "1"}}); err != nil {
			t.Errorf("%s: %v", tc.referTo, err)
			continue
		}
		r := receive(t, "REFER", got)
		for name, want := range map[string]string{"Refer-To": tc.want, "Refer-Sub": "false", "X-A": "1", "Referred-By": "<sip:102@pbx.test>"} {
			if h := r.GetHeader(name); h == nil || h.Value() != want {
				t.Errorf("%s (to self %v): %s is %v, want %s", tc.referTo, tc.toSelf, name, h, want)
			}
		}
	}
	if err := s.tech.Refer(t.Context(), "101", "", "pjsip:101", false, nil); err != nil {
		t.Error(err)
	}
	if v := receive(t, "REFER", got).GetHeader("Refer-To").Value(); !strings.Contains(v, phone.addr().String()) {
		t.Errorf("Refer-To of a registered phone is %s", v)
	}
	for _, bad := range []string{"", "sip:a b@c", "x\"y@carrier"} {
		if f, ok := errors.AsType[*call.Failure](s.tech.Refer(t.Context(), "101", "", bad, false, nil)); !ok || !f.Permanent {
			t.Errorf("%q: %+v", bad, f)
		}
	}
	if f, ok := errors.AsType[*call.Failure](s.tech.Refer(t.Context(), "102", "", "5", false, nil)); !ok || f.Cause != int(cause.SubscriberAbsent) {
		t.Errorf("not registered: %+v", f)
	}
}
