package ami

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestReader reads packets whole and byte by byte. In want each packet is its headers, and
// what is wrong with it.
func TestReader(t *testing.T) {
	line := func(n int) string { return "X: " + strings.Repeat("a", n-3) }
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"CRLF", "Action: Ping\r\nActionID: 1\r\n\r\n", []string{"Action=Ping|ActionID=1"}},
		{"LF", "Action: Ping\nActionID: lf\n\n", []string{"Action=Ping|ActionID=lf"}},
		{"pipelined", "A: 1\r\n\r\nA: 2\r\n\r\n", []string{"A=1", "A=2"}},
		{"blanks", "Action:Ping\r\nA:  \t b  \r\n\r\n", []string{"Action=Ping|A=b  "}},
		{"name with blank", "Action : Ping\r\n\r\n", []string{"Action =Ping"}},
		{"no colon", "garbage\r\nA: 1\r\n\r\n", []string{"A=1"}},
		{"value with colon", "A: b: c\r\n\r\n", []string{"A=b: c"}},
		{"alone", "\r\n\n", []string{"", ""}},
		{"NUL", "A: b\x00c\r\n\x00\r\nB: d\r\n\r\n", []string{"A=b", "B=d"}},
		{"CR inside", "A: b\rc\r\n\r\n", []string{"A=b\rc"}},
		{"two CR", "A: b\r\r\n\r\n", []string{"A=b\r"}},
		{"1022 bytes", line(1022) + "\r\n\r\n", []string{"X=" + strings.Repeat("a", 1019)}},
		{"1023 bytes", "ActionID: 1\r\n" + line(1023) + "\r\nB: c\r\n\r\nA: 1\r\n\r\n", []string{"ActionID=1|B=c!" + ErrLineTooLong.Error(), "A=1"}},
		{"1023 bytes and LF", line(1023) + "\n\nA: 1\n\n", []string{"!" + ErrLineTooLong.Error(), "A=1"}},
		{"1024 bytes", line(1024) + "\r\n\r\nA: 1\r\n\r\n", []string{"!" + ErrLineTooLong.Error(), "A=1"}},
		{"a megabyte", line(1<<20) + "\r\n\r\nA: 1\r\n\r\n", []string{"!" + ErrLineTooLong.Error(), "A=1"}},
		{"128 lines", strings.Repeat("A: b\r\n", 128) + "\r\n", []string{strings.TrimPrefix(strings.Repeat("|A=b", 128), "|")}},
		{"129 lines", strings.Repeat("A: b\r\n", 129) + "\r\nB: c\r\n\r\n", []string{strings.TrimPrefix(strings.Repeat("|A=b", 128), "|") + "!" + ErrTooManyLines.Error(), "B=c"}},
		{"both wrong", line(2000) + "\r\n" + strings.Repeat("x\r\n", 200) + "\r\n", []string{"!" + ErrLineTooLong.Error()}},
		{"half a packet", "A: 1\r\n\r\nB: 2\r\n", []string{"A=1"}},
		{"half a line", "A: 1\r\n\r\nB: 2", []string{"A=1"}},
		{"half a long line", line(5000), nil},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			if d := cmp.Diff(c.want, readAll(t, r)); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, d)
			}
		}
	}
}

func readAll(t *testing.T, from io.Reader) (out []string) {
	t.Helper()
	r := NewReader(from)
	for {
		p, err := r.Read()
		wrong, refused := errors.AsType[Refusal](err)
		if err != nil && !refused {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return out
		}
		var fields []string
		for _, h := range p.Headers {
			fields = append(fields, h.Name+"="+h.Value)
		}
		s := strings.Join(fields, "|")
		if refused {
			s += "!" + string(wrong)
		}
		out = append(out, s)
	}
}

func TestPacket(t *testing.T) {
	p := Packet{Headers: []Header{{"actionid", ""}, {"ActionID", "7"}, {"ACTIONID", "8"}, {"Action", "Ping"}, {"Variable", "A=1"}, {"variable", ""}}}
	if p.ActionID() != "7" || p.Action() != "Ping" || p.Get("No") != "" || !p.Has("VARIABLE") || p.Has("No") {
		t.Error(p)
	}
	if d := cmp.Diff([]string{"A=1", ""}, p.All("VARIABLE")); d != "" {
		t.Error(d)
	}
	for word, want := range map[string]bool{"yes": true, "TRUE": true, "y": true, "T": true, "1": true, "On": true, "": false, "2": false, "no": false, " yes": false} {
		if Bool(word) != want {
			t.Error(word)
		}
	}
}

func TestMessage(t *testing.T) {
	m := Event("User\r\nEvent", "user,all").Add("A\n", "b\rc\x00d").Add("E", "").Add("F", "g: h")
	text := string(m.Append([]byte("x")))
	if text != "xEvent: UserEvent\r\nPrivilege: user,all\r\nA: bcd\r\nE: \r\nF: g: h\r\n\r\n" {
		t.Errorf("%q", text)
	}
	if d := cmp.Diff(text[1:], string(ParseMessage([]byte(text[1:])).Append(nil))); d != "" {
		t.Error(d)
	}
	if text := string(Response("Success", "").Append(nil)) + string(Response("Error", "1").Append(nil)); text != "Response: Success\r\n\r\nResponse: Error\r\nActionID: 1\r\n\r\n" {
		t.Errorf("%q", text)
	}
	if m.Get("f") != "g: h" || m.Get("x") != "" {
		t.Error(m)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("Action: Login\r\nUsername: tracer\r\nSecret: tracepw\r\nEvents: off\r\n\r\n"))
	f.Add([]byte("action: ping\nactionid: p2\n\n\r\n\x00\ngarbage\n:\n: \n\n"))
	f.Add([]byte("ActionID: 1\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\nX: " + strings.Repeat("y", 3000) + "\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(strings.NewReader(string(in)))
		slow := NewReader(iotest.HalfReader(strings.NewReader(string(in))))
		for packets := 0; ; packets++ {
			p, err := r.Read()
			q, err2 := slow.Read()
			if !errors.Is(err, err2) || cmp.Diff(p, q) != "" {
				t.Fatalf("in pieces it is another packet: %v %v, %v %v", p, q, err, err2)
			}
			if _, refused := errors.AsType[Refusal](err); err != nil && !refused {
				return
			}
			if packets > len(in) || len(p.Headers) > MaxHeaders {
				t.Fatalf("%d packets, the last with %d headers, of %d bytes", packets, len(p.Headers), len(in))
			}
			again(t, p)
		}
	})
}

// again writes a packet and reads it: it is the same but for line ends, which we do not
// write, and blanks before a value.
func again(t *testing.T, p Packet) {
	t.Helper()
	m, size := &Message{}, 0
	for _, h := range p.Headers {
		if len(h.Name)+len(h.Value) > MaxLine || strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
			return
		}
		size = max(size, len(h.Name)+2+len(h.Value))
		m.Add(h.Name, h.Value)
	}
	q, err := NewReader(strings.NewReader(string(m.Append(nil)))).Read()
	if size > MaxLine {
		return // it had no blank after its colon
	}
	if d := cmp.Diff(m.Headers, q.Headers); err != nil || d != "" {
		t.Fatalf("%v (-written +read):\n%s", err, d)
	}
}

func FuzzParams(f *testing.F) {
	f.Add("action=originate&channel=PJSIP/a&variable=A=1&variable=B%3D2&x=%0d%0aEvent:+y")
	f.Add("%zz&=&a&&b=%")
	f.Fuzz(func(t *testing.T, query string) {
		p, err := ParseParams(query)
		if err != nil && err != ErrTooManyLines || len(p.Headers) > MaxHeaders {
			t.Fatalf("%d headers, %v", len(p.Headers), err)
		}
		for _, h := range p.Headers {
			if h.Name == "" || strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
				t.Errorf("%q", h)
			}
		}
	})
}

func TestParams(t *testing.T) {
	p, err := ParseParams("action=originate&Channel=PJSIP%2Fa&variable=A=1&variable=B=2&exten=+1%2b&&=x&data=%0D%0A%00&bad=%zz&only")
	want := []Header{{"action", "originate"}, {"Channel", "PJSIP/a"}, {"variable", "A=1"}, {"variable", "B=2"}, {"exten", "1+"}, {"data", ""}, {"bad", "%zz"}, {"only", ""}}
	if d := cmp.Diff(want, p.Headers); err != nil || d != "" {
		t.Error(err, d)
	}
	if _, err := ParseParams(strings.Repeat("a=b&", 128)); err != nil {
		t.Error(err)
	}
	if _, err := ParseParams(strings.Repeat("a=b&", 129)); err != ErrTooManyLines {
		t.Error(err)
	}
}
