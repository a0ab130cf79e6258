package switchvox_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/switchvox"
)

// seed adds the bodies of the vectors.
func seed(f *testing.F) {
	var file struct {
		Cases []struct {
			Request struct{ Path, Body string }
		}
	}
	if err := json.Unmarshal(rawVectors(f), &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		f.Add(c.Request.Body)
	}
}

// FuzzXML reads anything. What is read is written as JSON, where that can say it, and must
// mean the same there; every answer is XML.
func FuzzXML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body string) {
		r, fault := switchvox.Parse(switchvox.XML, []byte(body))
		answer(t, switchvox.XML, r, fault)
		if fault != nil {
			return
		}
		again, fault := switchvox.Parse(switchvox.JSON, asJSON(t, r))
		if fault != nil {
			t.Fatalf("%q: %v", body, fault)
		}
		same(t, r, again)
	})
}

// FuzzJSON is the reverse.
func FuzzJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body string) {
		r, fault := switchvox.Parse(switchvox.JSON, []byte(body))
		answer(t, switchvox.JSON, r, fault)
		if fault != nil {
			return
		}
		doc, ok := asXML(r)
		if !ok {
			return
		}
		again, fault := switchvox.Parse(switchvox.XML, doc)
		if fault != nil {
			t.Fatalf("%q as %s: %v", body, doc, fault)
		}
		same(t, r, again)
	})
}

// FuzzDigestHeader reads any header. Nobody is let in by one.
func FuzzDigestHeader(f *testing.F) {
	f.Add(`Digest username="admin", realm="Switchvox", uri="/json", nonce="n", qop=auth, nc=00000001, cnonce="c", response="00000000000000000000000000000000"`)
	f.Add(`Digest username="admin", uri="/json", nonce="n", response="0"`)
	f.Add(`Digest ,,,a="\`)
	f.Fuzz(func(t *testing.T, header string) {
		d, ok := switchvox.ParseDigest(header)
		if !ok {
			return
		}
		if d.Response(switchvox.HA1("a", "b", "a password that nobody has")) == d.Proof {
			t.Errorf("%q proves a password", header)
		}
		if _, ok := d.Count(); ok && len(d.NC) != 8 {
			t.Errorf("nc %q", d.NC)
		}
	})
}

// same compares what a request means.
func same(t *testing.T, a, b switchvox.Request) {
	t.Helper()
	ca, ea := switchvox.ParseCall(a, true)
	cb, eb := switchvox.ParseCall(b, true)
	if d := cmp.Diff(ca, cb) + cmp.Diff(ea, eb); d != "" || a.Method != b.Method {
		t.Errorf("%q and %q\n%s", a.Method, b.Method, d)
	}
	ia, _ := switchvox.ParseInfo(a, switchvox.Lengths{Min: 3, Max: 6})
	ib, _ := switchvox.ParseInfo(b, switchvox.Lengths{Min: 3, Max: 6})
	if d := cmp.Diff(ia, ib); d != "" {
		t.Error(d)
	}
}

// answer has the request answered, and reads the answer.
func answer(t *testing.T, format switchvox.Format, r switchvox.Request, fault *switchvox.Error) {
	t.Helper()
	_, errs := switchvox.ParseCall(r, false)
	if fault != nil {
		errs = append(errs, *fault)
	}
	text := switchvox.Style{Format: format}.Failure(r.Method, append(errs, switchvox.UnknownMethod(r.Method))...)
	var err error
	if format == switchvox.JSON {
		err = json.Unmarshal(text, new(any))
	} else {
		err = xml.Unmarshal(text, new(struct{}))
	}
	if err != nil {
		t.Errorf("%s: %v", text, err)
	}
}

// asJSON writes a request as JSON.
func asJSON(t *testing.T, r switchvox.Request) []byte {
	t.Helper()
	var b strings.Builder
	quote := func(s string) {
		q, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(q)
	}
	b.WriteString(`{"request":{"method":`)
	quote(r.Method)
	b.WriteString(`,"parameters":{`)
	for i, p := range r.Params {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(p.Name)
		b.WriteByte(':')
		if !p.List {
			quote(p.Text)
			continue
		}
		b.WriteByte('[')
		for i, e := range p.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('{')
			quote(e.Name)
			b.WriteByte(':')
			quote(e.Text)
			b.WriteByte('}')
		}
		b.WriteByte(']')
	}
	b.WriteString("}}}")
	return []byte(b.String())
}

// asXML writes a request as XML; ok is false if XML has no way to say it.
func asXML(r switchvox.Request) (doc []byte, ok bool) {
	var b strings.Builder
	ok = true
	text := func(s string) {
		for _, c := range s {
			ok = ok && (c == '\t' || c == '\n' || c >= ' ' && c != '\ufffd' && c != '\ufffe' && c != '\uffff')
		}
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			ok = false
		}
	}
	element := func(name, s string) {
		for _, c := range name {
			ok = ok && (c >= 'a' && c <= 'z' || c == '_')
		}
		ok = ok && name != ""
		b.WriteString("<" + name + ">")
		text(s)
		b.WriteString("</" + name + ">")
	}
	b.WriteString(`<request method="`)
	text(r.Method)
	b.WriteString(`"><parameters>`)
	for _, p := range r.Params {
		if !p.List {
			element(p.Name, p.Text)
			continue
		}
		singular := map[string]string{"variables": "variable", "extensions": "extension", "account_ids": "account_id"}[p.Name]
		ok = ok && singular != "" && len(p.Items) > 0
		b.WriteString("<" + p.Name + ">")
		for _, e := range p.Items {
			if e.Name == "" {
				e.Name = singular
			}
			element(e.Name, e.Text)
		}
		b.WriteString("</" + p.Name + ">")
	}
	b.WriteString("</parameters></request>")
	return []byte(b.String()), ok
}
