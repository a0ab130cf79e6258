package ua

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/txn"
)

// answerOf is what Request came to.
type answerOf struct {
	status int
	reason string
	err    error
}

// ask sends a MESSAGE, or what change makes of it, to the peer.
func (r *rig) ask(ctx context.Context, change func(*RequestOptions)) <-chan answerOf {
	o := RequestOptions{
		Method: sip.MESSAGE, Target: sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2", Port: 5060},
		From:        Identity{DisplayName: `Al "ice"`, User: "100", Host: "dialwright.example"},
		ContentType: "text/plain;charset=utf-8", Body: []byte("Grüße\r\nzweite Zeile"),
	}
	if change != nil {
		change(&o)
	}
	got := make(chan answerOf, 1)
	go func() {
		status, reason, err := r.agent.Request(ctx, o)
		got <- answerOf{status, reason, err}
	}()
	return got
}

func TestMessageOutsideACall(t *testing.T) {
	bubble(t, Config{UserAgent: "Dialwright"}, func(r *rig) {
		got := r.ask(r.t.Context(), func(o *RequestOptions) {
			o.Headers = []Header{{Name: "X-Ticket", Value: "42\r\nEvil: 1"}}
			o.Auth = &Credentials{User: "100", Password: "secret"}
		})
		first, _ := r.peer.Request(sip.MESSAGE)
		if first.Contact() != nil { // RFC 3428 §4
			t.Error("MESSAGE has a Contact")
		}
		if from := first.From(); from.Address.String() != "sip:100@dialwright.example" || from.DisplayName != `Al \"ice\"` {
			t.Errorf("From is %s", from.Value())
		}
		if to := first.To().Value(); to != "<sip:bob@10.0.0.2>" {
			t.Errorf("To is %s", to)
		}
		if v := first.GetHeader("X-Ticket").Value(); strings.ContainsAny(v, "\r\n") || !strings.HasPrefix(v, "42") {
			t.Errorf("X-Ticket is %q", v)
		}
		if ct, body := first.ContentType().Value(), string(first.Body()); ct != "text/plain;charset=utf-8" || body != "Grüße\r\nzweite Zeile" {
			t.Errorf("%s: %q", ct, body)
		}
		r.answer(first, 401, "bob", header("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=MD5`))
		second, _ := r.peer.Request(sip.MESSAGE)
		if second.GetHeader("Authorization") == nil || second.CSeq().SeqNo != first.CSeq().SeqNo+1 || second.CallID().Value() != first.CallID().Value() {
			t.Errorf("not the same request with an answer to the challenge:\n%s", second)
		}
		r.answer(second, 202, "bob")
		if a := <-got; a != (answerOf{202, "Reason", nil}) {
			t.Errorf("%+v", a)
		}
	})
}

func TestRequestOutsideACallThatFails(t *testing.T) {
	for name, tc := range map[string]struct {
		status int // that the peer answers; 0 = nothing
		change func(*RequestOptions)
		want   answerOf
		is     error
	}{
		"refused":       {status: 486, want: answerOf{status: 486, reason: "Reason"}},
		"no answer":     {is: txn.ErrTimeout},
		"bad header":    {status: -1, change: func(o *RequestOptions) { o.Headers = []Header{{Name: "From", Value: "x"}} }, is: ErrHeader},
		"bad target":    {status: -1, change: func(o *RequestOptions) { o.Target = sip.Uri{Scheme: "sip", User: "a"} }, is: ErrURI},
		"bad route":     {status: -1, change: func(o *RequestOptions) { o.Route = []sip.Uri{{Scheme: "sip", Host: "a>b"}} }, is: ErrURI},
		"unknown host":  {status: -1, change: func(o *RequestOptions) { o.Target.Host = "none.example" }, is: txn.ErrTransport},
		"other address": {status: 200, change: func(o *RequestOptions) { o.To = &Identity{User: "carol", Host: "c.example"} }, want: answerOf{status: 200, reason: "Reason"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(r *rig) {
				got := r.ask(r.t.Context(), tc.change)
				if tc.status > 0 {
					req, _ := r.peer.Request(sip.MESSAGE)
					r.answer(req, tc.status, "bob")
				}
				a := <-got
				if !errors.Is(a.err, tc.is) {
					t.Errorf("error %v, want %v", a.err, tc.is)
				}
				if a.err = nil; tc.is == nil && a != tc.want {
					t.Errorf("%+v, want %+v", a, tc.want)
				}
			})
		})
	}
}

func TestRequestOutsideACallEndsWithItsContext(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		ctx, cancel := context.WithCancelCause(r.t.Context())
		got := r.ask(ctx, nil)
		r.peer.Request(sip.MESSAGE)
		gone := errors.New("nobody waits any more")
		cancel(gone)
		if a := <-got; !errors.Is(a.err, gone) {
			t.Errorf("%+v", a)
		}
	})
}

func TestReferOutsideACallHasAContact(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		got := r.ask(r.t.Context(), func(o *RequestOptions) {
			o.Method, o.Body, o.ContentType = sip.REFER, nil, ""
			o.Headers = []Header{{Name: "Refer-To", Value: "<sip:5@10.0.0.1>"}}
		})
		req, _ := r.peer.Request(sip.REFER)
		if req.Contact() == nil || req.Contact().Address.User != "100" { // RFC 3515 §2.2
			t.Errorf("Contact is %v", req.Contact())
		}
		r.answer(req, 202, "bob")
		if a := <-got; a.status != 202 {
			t.Errorf("%+v", a)
		}
	})
}

func TestRespondToAMessage(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		r.agent.OnMessage(func(tx *txn.ServerTx) {
			r.agent.Respond(tx, 415, "Unsupported Media Type", Header{Name: "Accept", Value: "text/plain"}, Header{Name: "Via", Value: "x"})
		})
		from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"}, Params: sip.HeaderParams{{K: "tag", V: "b"}}}
		to := &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "10.0.0.1"}}
		r.peer.SendMessage(r.here, request(sip.MESSAGE, 1, to.Address, from, to, "m1"))
		res, _ := r.peer.Response(415)
		if h := res.GetHeader("Accept"); h == nil || h.Value() != "text/plain" || len(res.GetHeaders("Via")) != 1 {
			t.Errorf("%s", res)
		}
	})
}
