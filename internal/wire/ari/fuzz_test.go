package ari

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"testing"
)

// FuzzParams reads bodies as a client may send them: all getters must hold what they
// promise, whatever is in them.
func FuzzParams(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"x":"1","variables":{"A":"b","C":{"value":"d","report_events":true}}}`,
		`{"x":["a",1,true,null],"allowed":[{"type":"A"}],"fields":[{"attribute":"a","value":"b"}]}`,
		`{"x":1e999,"variables":{"A":1}}`, `{"x":{"x":{"x":{}}}}`, "{\"x\":\"\\u0000\"}", `{"variables":[]}`, `{"x":-0.5}`,
	} {
		f.Add(TypeJSON, "x=1&y=%20", []byte(body))
	}
	f.Add(TypeForm, "x", []byte("x=1&x=2&y=%zz;+"))
	f.Fuzz(func(t *testing.T, kind, query string, body []byte) {
		p := Params{Query: ParseQuery(query)}
		if err := p.SetBody(kind, body); err != nil {
			if err != ErrBody && err != ErrBodyTooLarge {
				t.Fatalf("SetBody: %v", err)
			}
			return
		}
		for _, e := range p.List("x") {
			if e == "" {
				t.Fatal("an empty element")
			}
		}
		if n := p.Int("x", 3); n > 1<<31-1 || n < -1<<31 {
			t.Fatalf("Int: %d", n)
		}
		if !p.Has("x") && (p.String("x") != "" || p.Bool("x") || p.Int("x", 3) != 3) {
			t.Fatal("a value of what is not there")
		}
		vars, err := p.Variables()
		wantRefusal(t, err)
		for i, v := range vars {
			if slices.ContainsFunc(vars[:i], func(o NameValue) bool { return o.Name == v.Name }) {
				t.Fatalf("%q twice", v.Name)
			}
		}
		_, err = p.Fields()
		wantRefusal(t, err)
		allowed, disallowed, err := p.Filter()
		wantRefusal(t, err)
		if p.Body == nil && (allowed == nil || disallowed == nil) {
			t.Fatal("a filter without a body does not clear")
		}
		if raw := p.Raw("x"); raw != nil && !json.Valid(raw) {
			t.Fatalf("Raw: %q", raw)
		}
	})
}

// wantRefusal looks that an error is a 400.
func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if e, ok := err.(*Error); err != nil && (!ok || e.Status != http.StatusBadRequest) {
		t.Fatalf("not a 400: %v", err)
	}
}

// FuzzEnvelope reads frames of a WebSocket: each gives a call or an answer, and the
// answer can be sent.
func FuzzEnvelope(f *testing.F) {
	b, err := os.ReadFile("testdata/rest.json")
	if err != nil {
		f.Fatal(err)
	}
	var cases []struct{ Send json.RawMessage }
	if err := json.Unmarshal(b, &cases); err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add([]byte(c.Send))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		call, refused := ParseRESTRequest(frame)
		if (call == nil) == (refused == nil) {
			t.Fatalf("call %v, answer %v", call, refused)
		}
		if call != nil {
			if !knownMethod(call.Method) || call.Params.Query == nil {
				t.Fatalf("%+v", call)
			}
			refused = call.Response(http.StatusOK, TypeJSON, []byte("{}"))
		}
		raw, err := Encode(refused)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%s: %v", raw, err)
		}
	})
}

// FuzzFilter reads event filters: what is taken can be shown and read again.
func FuzzFilter(f *testing.F) {
	for _, body := range []string{`{}`, `{"allowed":[{"type":"A"}]}`, `{"disallowed":[],"allowed":[{"type":""}]}`, `{"filter":{"allowed":[]}}`, `{"allowed":"x"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p Params
		if p.SetBody(TypeJSON, body) != nil {
			return
		}
		allowed, _, err := p.Filter()
		wantRefusal(t, err)
		if allowed == nil {
			return
		}
		again, err := json.Marshal(map[string]any{"allowed": Types(*allowed)})
		if err != nil {
			t.Fatal(err)
		}
		var q Params
		if err := q.SetBody(TypeJSON, again); err == ErrBodyTooLarge {
			return // escapes have made it longer
		} else if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if back, _, err := q.Filter(); err != nil || !slices.Equal(*back, *allowed) {
			t.Fatalf("%q became %q, %v", *allowed, *back, err)
		}
	})
}

// FuzzAppArgs splits arguments, and joins and splits them again.
func FuzzAppArgs(f *testing.F) {
	for _, s := range []string{"", "a,b", `"a,b",c\,d,,e`, `x(1,2),[3,4]`, `\`, `"`, `)),(((`, "ü,\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		args := SplitArgs(s)
		if len(args) == 0 && s != "" {
			t.Fatalf("%q gives none", s)
		}
		joined := JoinArgs(args)
		if again := SplitArgs(joined); !slices.Equal(again, args) && !(len(args) == 1 && args[0] == "") {
			t.Fatalf("%q: %q, joined %q, again %q", s, args, joined, again)
		}
	})
}
