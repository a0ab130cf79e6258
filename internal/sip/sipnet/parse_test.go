package sipnet

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

func TestAddress(t *testing.T) {
	for _, c := range []struct{ text, display, uri, params, rest string }{
		{`<sip:a@b>`, "", "sip:a@b", "", ""},
		{`"A \"x\" <y>" <sip:a@b;lr>;tag=1`, `A \"x\" <y>`, "sip:a@b;lr", "tag=1", ""},
		{`Alice <sip:a@b> ; TAG = 1 ; q="a;b,c"`, "Alice", "sip:a@b", `tag=1;q="a;b,c"`, ""},
		{`sip:a@b;tag=1;x`, "", "sip:a@b", "tag=1;x", ""},
		{`<sip:a@b>, <sip:c@d>`, "", "sip:a@b", "", " <sip:c@d>"},
		{`<sip:a@b?x=1,2>;expires=3,`, "", "sip:a@b?x=1,2", "expires=3", " \t"},
		{`Ünïcode Name <sip:[::1]:5070>`, "Ünïcode Name", "sip:[::1]:5070", "", ""},
		{`<tel:+49301234;phone-context=x>`, "", "tel:+49301234;phone-context=x", "", ""},
	} {
		a, rest, err := readAddress(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		diff(t, c.text, [4]string{c.display, c.uri, c.params, c.rest}, [4]string{a.display, a.uri.String(), a.params.ToString(';'), rest})
	}
	for _, bad := range []string{
		"", " ", "<", "<>", "<sip:a@b", "sip:a@b?x=1", `"a <sip:a@b>`, `"a"`, "a, b <sip:a@b>", "<sip: a@b>", "<a@b>",
		"<sip:a@b> x", "<sip:a@b>;x=\"", "<sip:>", "<sip:a@b:99999>", "<sip:a@:5>", "<sip:*>",
	} {
		if a, err := oneAddress(bad); err == nil {
			t.Errorf("%q is %+v", bad, a)
		}
	}
}

func TestVia(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SIP/2.0/UDP h;branch=z9hG4bK1", "SIP/2.0/UDP h;branch=z9hG4bK1"},
		{"SIP / 2.0 / TCP  h : 5070 ; Branch = z ;rport", "SIP/2.0/TCP h:5070;branch=z;rport"},
		{"SIP/2.0/TLS [fe80::1]:5061;received=[::2]", "SIP/2.0/TLS [fe80::1]:5061;received=[::2]"},
		{"SIP/2.0/UDP [fe80::1]", "SIP/2.0/UDP [fe80::1]"},
	} {
		v, err := parseVia(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		diff(t, c.text, c.want, v.Value())
	}
	for _, bad := range []string{"", "SIP", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ;x", "SIP/2.0/UDP h:x", "SIP/2.0/UDP [::1", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP a b"} {
		if v, err := parseVia(bad); err == nil {
			t.Errorf("%q is %s", bad, v.Value())
		}
	}
}

func TestNormalise(t *testing.T) {
	p := newParser()
	text := siptest.CRLF(`INVITE sip:u@h;p SIP/2.0
Via: SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/TCP b;branch="x,y"
v: SIP/2.0/UDP c
f: "A, B" <sip:a@b>;tag=1
t: <sip:a@b>
i: id
CSeq: 1   INVITE
Record-Route: <sip:r1;lr>,<sip:r2;lr>
m: <sip:c@d>;x="1,2", sip:e@f
k: 100rel,
 timer
x: 90;refresher=uas
Content-Length: 2

hi`)
	for name, data := range map[string]string{"CR LF": text, "LF": strings.ReplaceAll(text, "\r", ""), "blank lines before": "\r\n\r\n" + text} {
		m, err := parseMessage(p, []byte(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := m.(*sip.Request)
		var got []string
		for _, h := range r.Headers() {
			got = append(got, h.String())
		}
		diff(t, name, []string{
			"Via: SIP/2.0/UDP a;branch=z9hG4bK1", `Via: SIP/2.0/TCP b;branch="x,y"`, "Via: SIP/2.0/UDP c",
			`From: "A, B" <sip:a@b>;tag=1`, "To: <sip:a@b>", "Call-ID: id", "CSeq: 1 INVITE",
			"Record-Route: <sip:r1;lr>", "Record-Route: <sip:r2;lr>",
			`Contact: <sip:c@d>;x="1,2"`, "Contact: <sip:e@f>", "Supported: 100rel, timer",
			"Session-Expires: 90;refresher=uas", "Content-Length: 2",
		}, got)
		diff(t, name, "hi", string(r.Body()))
	}
	m, err := parseMessage(p, []byte(strings.Replace(message(1), "OPTIONS sip:us@10.0.0.1 SIP/2.0", "SIP/2.0 200", 1)))
	if err != nil || m.(*sip.Response).StatusCode != 200 {
		t.Errorf("status line without reason: %v", err)
	}
	for _, head := range []string{"options sip:u@h SIP/2.0", "INVITE sip:u@h SIP/2.0"} {
		m, err := parseMessage(p, []byte(head+message(1)[len("OPTIONS sip:us@10.0.0.1 SIP/2.0"):]))
		if err != nil || !strings.HasPrefix(head, string(m.(*sip.Request).Method)+" ") {
			t.Errorf("%s: method changed, %v", head, err)
		}
	}
}

// FuzzParse feeds datagrams to the parser and to the answer for what it
// refuses.
func FuzzParse(f *testing.F) {
	f.Add([]byte(message(1)))
	f.Add([]byte("INVITE sip:u@h SIP/2.0\nv: SIP/2.0/UDP a , SIP / 2.0 / TCP b\r\n c\r\n\r\nx"))
	p := newParser()
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(p, data)
		if err == nil {
			_ = m.String()
			return
		}
		status, reason := refusal(data)
		if answer := reject(data, status, reason, newViaSource(here()), "t", "s"); answer != nil {
			if !bytes.HasSuffix(answer, []byte("\r\n\r\n")) || !bytes.HasPrefix(answer, []byte("SIP/2.0 4")) {
				t.Errorf("answer %q", answer)
			}
		}
	})
}

// FuzzStream feeds one stream to the framer in pieces of one size, and in one
// piece: both must find the same.
func FuzzStream(f *testing.F) {
	f.Add([]byte(message(1)+"\r\n\r\n"+message(2)), 7)
	f.Add([]byte("\r\n\r\n\r\nBYE sip:x SIP/2.0\r\nl: 3\r\n\r\nabcdef\r\n\r\n"), 1)
	f.Add([]byte("x\r\nContent-Length: -1\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		size = min(max(size, 1), 5000)
		whole, err1 := framesOf(data, len(data)+1)
		pieces, err2 := framesOf(data, size)
		diff(t, "frames", whole, pieces)
		if (err1 == nil) != (err2 == nil) {
			t.Errorf("in one piece %v, in pieces of %d %v", err1, size, err2)
		}
	})
}

func framesOf(data []byte, size int) (frames []string, err error) {
	var f framer
	r := bytes.NewReader(data)
	for {
		space := f.space()
		n, err := r.Read(space[:min(size, len(space))])
		f.filled(n)
		for {
			fr, ok, ferr := f.next()
			if ferr != nil {
				return frames, ferr
			}
			if !ok {
				break
			}
			if fr.ping {
				frames = append(frames, "ping")
			} else {
				frames = append(frames, string(fr.data))
			}
		}
		if err == io.EOF {
			return frames, nil
		}
	}
}

func BenchmarkParse(b *testing.B) {
	p := newParser()
	data := []byte(message(1, "Contact: <sip:a@10.0.0.2:5060>\nMax-Forwards: 70\nUser-Agent: x\nAllow: INVITE, ACK, BYE\n"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseMessage(p, data); err != nil {
			b.Fatal(err)
		}
	}
}
