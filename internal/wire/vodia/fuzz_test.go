package vodia_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

// FuzzQuery reads any query. What is read is valid UTF-8, not three times as long, and the same
// after it was written again; numbers that are let through are ones.
func FuzzQuery(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Raw)
		f.Add(v.Request.Query)
	}
	f.Add("%3D%26amp;;%00=%ff%2")
	f.Fuzz(func(t *testing.T, raw string) {
		n, length := 0, 0
		for name, value := range vodia.Pairs(raw) {
			if n++; !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Errorf("%q gives %q=%q", raw, name, value)
			}
			length += len(name) + len(value)
		}
		if length > 3*len(raw) || n > len(raw) {
			t.Errorf("%q gives %d pairs of %d bytes", raw, n, length)
		}
		l, err := vodia.ParseQuery(raw)
		if err != nil {
			if err != vodia.ErrDuplicate || l != (vodia.Link{}) {
				t.Errorf("%q: %+v, %v", raw, l, err)
			}
			return
		}
		if strings.ContainsFunc(l.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) || vodia.CleanName(l.Name) != l.Name || utf8.RuneCountInString(l.Name) > 80 {
			t.Errorf("%q has the name %q", raw, l.Name)
		}
		again, err := vodia.ParseQuery(vodia.Bare(l))
		if err != nil || again != (vodia.Link{User: l.User, Dest: l.Dest, Name: l.Name, Connect: l.Connect}) {
			t.Errorf("%q is %+v, and written again %+v, %v", raw, l, again, err)
		}
		checkDest(t, l.Dest)
	})
}

// checkDest cleans a number.
func checkDest(t *testing.T, raw string) {
	t.Helper()
	dest, err := vodia.CleanDest(raw, false)
	digits := strings.TrimPrefix(dest, "+")
	switch {
	case err != nil && dest != "":
		t.Errorf("%q gives %q and %v", raw, dest, err)
	case err == nil && (digits == "" || len(digits) > 32 || strings.Trim(digits, "0123456789ABCDabcd*#") != ""):
		t.Errorf("%q is dialled as %q", raw, dest)
	}
	allowed, err2 := vodia.CleanDest(raw, true)
	if err == nil && (err2 != nil || allowed != dest) {
		t.Errorf("%q is %q, and where SIP is allowed %q, %v", raw, dest, allowed, err2)
	}
	for _, s := range []string{dest, allowed} {
		if again, err := vodia.CleanDest(s, true); s != "" && (err != nil || again != s) || strings.ContainsAny(s, " \r\n\t<>\"',/@") && !strings.Contains(s, ":") {
			t.Errorf("%q is dialled as %q, and that as %q, %v", raw, s, again, err)
		}
	}
}

// FuzzLink verifies any link. Nobody signs by chance; who does sign is let in, within the
// window alone, and by no other value than the one that was signed.
func FuzzLink(f *testing.F) {
	for _, v := range vectors(f) {
		if l, err := vodia.ParseQuery(v.Request.Query); err == nil && l.Extension {
			f.Add(l.User, "s3cret", l.Dest, l.Time, l.Duration, l.Nonce, l.Auth, l.Connect)
		}
		for _, in := range []signedVector{v.Input, v.A, v.B} {
			f.Add(in.User, in.Secret, in.Dest, in.Time, in.Duration, in.Nonce, v.Expect.MD5+v.Expect.Auth, in.Connect == "1")
		}
	}
	f.Fuzz(func(t *testing.T, user, secret, dest, at, duration, nonce, auth string, connect bool) {
		l := vodia.Link{User: user, Dest: dest, Time: at, Duration: duration, Nonce: nonce, Auth: auth, Connect: connect}
		if err := l.Verify(account, "a secret that nobody has, "+secret, limits, now); err == nil {
			t.Fatalf("%+v is let in", l)
		}
		if err := l.Verify(account, "", limits, now); err == nil {
			t.Fatalf("%+v is let in where there is no secret", l)
		}
		if l.V2() {
			l.Auth, _ = vodia.SignV2(user, secret, dest, at, duration, nonce, connect)
		} else {
			l.Auth = vodia.SignMD5(user, secret, dest, at, duration)
		}
		err := l.Verify(account, secret, limits, now)
		until := l.ValidUntil()
		switch {
		case err == nil && (now.After(until) || len(at) != 10 || len(duration) > 5 || until.After(now.Add(limits.MaxDuration+limits.MaxSkew))):
			t.Fatalf("%+v is let in", l)
		case err == vodia.ErrCredentials && secret != "" && !strings.Contains(user+dest+at+duration+nonce, "\n"):
			t.Fatalf("%+v is signed", l)
		}
		if err != nil {
			return
		}
		for _, other := range []vodia.Link{
			{User: user, Dest: dest + "1", Auth: l.Auth},
			{User: user + "1", Dest: dest, Auth: l.Auth},
			{User: user, Dest: dest, Auth: "0" + l.Auth},
		} {
			other.Time, other.Duration, other.Nonce, other.Connect = at, duration, nonce, connect
			if other.Verify(account, secret, limits, now) == nil {
				t.Errorf("signed %+v, let in %+v", l, other)
			}
		}
	})
}

// FuzzFrame reads any message. What is read means the same when it is written anew; what is
// refused can be answered.
func FuzzFrame(f *testing.F) {
	for _, v := range vectors(f) {
		for _, s := range v.Steps {
			f.Add([]byte(s.Send))
		}
	}
	for _, s := range []string{`{"action":"blf","add":["1"],"remove":[2]}`, `{"action":"rec-call","id":1,"startstop":"on"}`, `{"action":"dtmf","id":"1","digits":"1"}`, `{"action":"att-transfer","id":"1","id2":"2"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		action, frame, err := vodia.ParseFrame(text)
		if (frame == nil) != (err != nil) || frame != nil && action == "" || len(action) > 64 {
			t.Fatalf("%q gives %q, %v, %v", text, action, frame, err)
		}
		if err != nil {
			b := vodia.Encode(vodia.Refused{Request: action, Code: 400, Message: err.Error()})
			var back struct{ Request string }
			if json.Unmarshal(b, &back) != nil || back.Request != action {
				t.Errorf("%q is refused with %s", text, b)
			}
			return
		}
		_, again, err := vodia.ParseFrame(writeFrame(t, action, frame))
		if err != nil {
			t.Fatalf("%q is %#v, and written anew %v", text, frame, err)
		}
		if d := cmp.Diff(frame, again); d != "" {
			t.Errorf("%q, written anew:\n%s", text, d)
		}
	})
}

// writeFrame writes a client's message.
func writeFrame(t *testing.T, action string, frame vodia.Frame) []byte {
	t.Helper()
	m := map[string]any{"action": action}
	switch f := frame.(type) {
	case vodia.MakeCall:
		m["to"], m["name"] = f.To, f.Name
	case vodia.ClearCall:
		m["id"] = f.ID
	case vodia.AcceptCall:
		m["id"] = f.ID
	case vodia.HoldCall:
		m["id"] = f.ID
	case vodia.RecordCall:
		m["id"], m["startstop"] = f.ID, f.On
	case vodia.BlindTransfer:
		m["id"], m["from"], m["to"] = f.ID, f.From, f.To
		if f.ByCallID != (action == "blind-transfer2") {
			t.Errorf("%s gives %#v", action, f)
		}
	case vodia.AttendedTransfer:
		m["id"], m["from"], m["id2"], m["to"] = f.ID, f.From, f.ID2, f.To
	case vodia.DTMF:
		m["id"], m["digits"] = f.ID, f.Digits
	case vodia.Lamps:
		m["add"], m["remove"] = f.Add, f.Remove
	case vodia.OwnCalls:
		m["subscribe"] = f.Subscribe
	case vodia.DomainCalls:
		m["subscribe"] = f.Subscribe
	case vodia.OrbitCalls:
		m["subscribe"] = f.Subscribe
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzCallBody reads any body. One that is taken asks for exactly one thing, has what that
// needs, and means the same when it is written anew.
func FuzzCallBody(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Request.Body))
	}
	for _, s := range []string{`{"id":"c1","comment":"x","category":"y"}`, `{"transfer":1,"id":2}`, `{"remote-dial":100,"name":"J\u0000\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := vodia.ParseCallRequest(body)
		if err != nil {
			if r != (vodia.CallRequest{}) {
				t.Errorf("%q gives %+v and %v", body, r, err)
			}
			return
		}
		m := map[string]any{}
		switch r.Action {
		case vodia.RemoteDial:
			m["remote-dial"], m["name"] = r.Number, r.Name
		case vodia.Transfer:
			m["transfer"] = r.ID
			if (r.Number == "") == (r.With == "") {
				t.Fatalf("%q gives %+v", body, r)
			}
			if m["number"] = r.Number; r.With != "" {
				m = map[string]any{"transfer": r.ID, "id": r.With}
			}
		case vodia.Annotate:
			m["id"], m["comment"], m["category"] = r.ID, r.Comment, r.Category
		default:
			m[string(r.Action)] = r.ID
		}
		if r.ID == "" && r.Number == "" || len(r.ID)+len(r.With)+len(r.Number)+len(r.Name)+len(r.Comment)+len(r.Category) > 3*len(body) {
			t.Errorf("%q gives %+v", body, r)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := vodia.ParseCallRequest(b); err != nil || again != r {
			t.Errorf("%q is %+v, and written anew %+v, %v", body, r, again, err)
		}
	})
}

// FuzzCredentials reads any parameter. What is read can be written in both forms and means the
// same.
func FuzzCredentials(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Kind == "credential" {
			f.Add(v.Param)
		}
	}
	f.Add("c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6")
	f.Add("x07x07x07x07x07x07x07\u05df:") // its base64 is 32 hexadecimal digits
	f.Fuzz(func(t *testing.T, auth string) {
		c, ok := vodia.ParseCredentials(auth)
		if !ok {
			if c != (vodia.Credentials{}) {
				t.Errorf("%q gives %+v", auth, c)
			}
			return
		}
		if strings.Contains(c.Name, ":") || !utf8.ValidString(c.Name+c.Password) || len(c.Name)+len(c.Password) >= len(auth) || c.Plain != strings.Contains(auth, ":") {
			t.Errorf("%q gives %+v", auth, c)
		}
		for _, plain := range []bool{true, false} {
			c.Plain = plain
			c.Plain = strings.Contains(c.String(), ":") // it is chosen if base64 cannot be
			if again, ok := vodia.ParseCredentials(c.String()); !ok || again != c || plain && !c.Plain {
				t.Errorf("%q is %+v, and written anew as %q %+v, %v", auth, c, c, again, ok)
			}
			l, err := vodia.ParseQuery(vodia.WithCredentials(vodia.Link{User: "1"}, c))
			if err != nil || l.Auth != c.String() {
				t.Errorf("in a link %q is %q, %v", c, l.Auth, err)
			}
		}
	})
}

// FuzzScheme reads any vodia:// link, and writes it again.
func FuzzScheme(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.URI)
	}
	f.Add("vodia://[2001:DB8::1]:1/?dial=%2B1&amp;;name=x#y")
	f.Fuzz(func(t *testing.T, uri string) {
		l, err := vodia.ParseAppLink(uri)
		if err != nil {
			if l != (vodia.AppLink{}) || err != vodia.ErrURI && err != vodia.ErrDialMissing {
				t.Errorf("%q: %+v, %v", uri, l, err)
			}
			return
		}
		if l.Dial == "" || strings.ContainsAny(l.Host, "/@?#% \r\n") || len(l.Host)+len(l.Dial)+len(l.Name) > 3*len(uri) {
			t.Errorf("%q gives %+v", uri, l)
		}
		if again, err := vodia.ParseAppLink(l.String()); err != nil || again != l {
			t.Errorf("%q is %+v, and written as %s %+v, %v", uri, l, l, again, err)
		}
	})
}
