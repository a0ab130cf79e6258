package ari

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
)

// post takes what is sent to phones, and knows the address pjsip:callee only.
type post struct {
	sent []letter
}

type letter struct {
	From, To, Text string
	ToSelf         bool
	Vars           map[string]string
}

func (p *post) Message(_ context.Context, from, to, body string, vars map[string]string) error {
	return p.take(letter{From: from, To: to, Text: body, Vars: vars})
}

func (p *post) Refer(_ context.Context, from, to, referTo string, toSelf bool, vars map[string]string) error {
	return p.take(letter{From: from, To: to, Text: referTo, ToSelf: toSelf, Vars: vars})
}

func (p *post) take(l letter) error {
	switch {
	case l.Text == "too long":
		return &call.Failure{Cause: 127, Permanent: true, Text: "a text has at most 8192 bytes"}
	case l.To == "pjsip:callee":
		p.sent = append(p.sent, l)
		return nil
	case l.To == "pjsip:offline":
		return &call.Failure{Cause: 20, Text: "the phone is not registered"}
	}
	return &call.Failure{Cause: 3, Permanent: true, Text: "no such endpoint"}
}

func TestMessagesToPhones(t *testing.T) {
	mail := &post{}
	h := newOffice(t, func(o *Options) { o.Phones = mail })
	for _, c := range []struct {
		method, path, query string
		status              int
		message             string
	}{
		{"PUT", "/endpoints/sendMessage", "to=pjsip:callee", 400, "From must be specified"},
		{"PUT", "/endpoints/sendMessage", "to=pjsip:nosuch&from=a", 404, "Endpoint not found"},
		{"PUT", "/endpoints/sendMessage", "to=pjsip:offline&from=a", 202, ""}, // as Asterisk answers
		{"PUT", "/endpoints/sendMessage", "to=pjsip:callee&from=a&body=too+long", 400, "a text has at most 8192 bytes"},
		{"PUT", "/endpoints/sendMessage", "to=pjsip:callee&from=sip:a@b&body=hi", 202, ""},
		{"PUT", "/endpoints/pjsip/callee/sendMessage", "from=a", 202, ""}, // without a text
		{"PUT", "/endpoints/PJSIP/nosuch/sendMessage", "from=a", 404, "Endpoint not found"},
		{"POST", "/endpoints/refer", "from=a&refer_to=b", 400, "To must be specified"},
		{"POST", "/endpoints/refer", "to=pjsip:callee&from=a", 400, "Refer-To must be specified"},
		{"POST", "/endpoints/refer", "to=pjsip:callee&from=a&refer_to=sip:b@c&to_self=yes", 202, ""},
		{"POST", "/endpoints/PJSIP/callee/refer", "from=a&refer_to=sip:b@c", 202, ""},
		{"POST", "/endpoints/PJSIP/nosuch/refer", "from=a&refer_to=sip:b@c", 404, "Endpoint not found"},
	} {
		h.want(c.method, c.path, c.query, c.status, c.message)
	}
	a := h.ask("PUT", "/endpoints/sendMessage", "", map[string]any{
		"to": "pjsip:callee", "from": "a", "body": "hello", "variables": map[string]any{"X-A": "1"},
	})
	if a.status != http.StatusAccepted {
		t.Errorf("JSON body: %d %s", a.status, a.raw)
	}
	none := map[string]string{}
	want := []letter{
		{From: "sip:a@b", To: "pjsip:callee", Text: "hi", Vars: none},
		{From: "a", To: "pjsip:callee", Vars: none},
		{From: "a", To: "pjsip:callee", Text: "sip:b@c", ToSelf: true, Vars: none},
		{From: "a", To: "pjsip:callee", Text: "sip:b@c", Vars: none},
		{From: "a", To: "pjsip:callee", Text: "hello", Vars: map[string]string{"X-A": "1"}},
	}
	if d := cmp.Diff(want, mail.sent); d != "" {
		t.Error(d)
	}
}

// Without what a resource stands on, its operations refuse and do not break.
func TestBareServer(t *testing.T) {
	h := newOffice(t, func(o *Options) { o.Devices, o.Recordings = nil, nil })
	for _, c := range []struct {
		method, path, query string
		status              int
	}{
		{"GET", "/endpoints", "", 200},
		{"GET", "/endpoints/PJSIP", "", 200}, // the technology is there
		{"GET", "/endpoints/nosuch", "", 404},
		{"GET", "/endpoints/PJSIP/callee", "", 404},
		{"PUT", "/endpoints/sendMessage", "to=a&from=b", 501},
		{"POST", "/endpoints/refer", "to=a&from=b&refer_to=c", 501},
		{"GET", "/deviceStates", "", 200},
		{"GET", "/deviceStates/x", "", 200},
		{"PUT", "/deviceStates/Stasis:x", "deviceState=BUSY", 501},
		{"DELETE", "/deviceStates/Stasis:x", "", 501},
		{"GET", "/mailboxes", "", 404},
		{"PUT", "/mailboxes/x", "oldMessages=1&newMessages=1", 404},
		{"GET", "/sounds", "", 404},
		{"GET", "/sounds/beep", "", 404},
		{"GET", "/recordings/stored", "", 200},
		{"GET", "/asterisk/variable", "variable=X", 200},
		{"POST", "/asterisk/variable", "variable=X", 501},
		{"PUT", "/asterisk/modules/res_ari.so", "", 409},
	} {
		if a := h.ask(c.method, c.path, c.query, nil); a.status != c.status {
			t.Errorf("%s %s?%s: %d %s, want %d", c.method, c.path, c.query, a.status, a.raw, c.status)
		}
	}
}
