package agi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"  \t ", nil},
		{"GET VARIABLE X", []string{"GET", "VARIABLE", "X"}},
		{"  a\t b  ", []string{"a", "b"}},
		{`STREAM FILE beep ""`, []string{"STREAM", "FILE", "beep", ""}},
		{`a "b c" d`, []string{"a", "b c", "d"}},
		{`a"b c"d`, []string{"ab cd"}},
		{`"a \"q\" b"`, []string{`a "q" b`}},
		{`a\ b`, []string{"a b"}},
		{`a\\b`, []string{`a\b`}},
		{`"C:\\x"`, []string{`C:\x`}},
		{`"open quote`, []string{"open quote"}},
		{`end\`, []string{"end"}},
		{`\`, []string{""}},
		{"ä\xffb", []string{"ä\xffb"}},
	} {
		got, err := Split(c.in)
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("Split(%q): %v (-want +got):\n%s", c.in, err, d)
		}
	}
	if _, err := Split(strings.Repeat("a ", MaxWords+1)); err != ErrWords {
		t.Errorf("too many words: %v, want ErrWords", err)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		line, want string
		args       []string
		takes      bool
	}{
		{"get variable X", "GET VARIABLE", []string{"X"}, true},
		{"GET FULL VARIABLE ${X}", "GET FULL VARIABLE", []string{"${X}"}, true},
		{"Get Variable", "GET VARIABLE", []string{}, false},
		{"noop a b c", "NOOP", []string{"a", "b", "c"}, true},
		{"EXEC Dial PJSIP/1 30", "EXEC", []string{"Dial", "PJSIP/1", "30"}, true},
		{"ANSWER now", "ANSWER", []string{"now"}, false},
		{"CONTROL STREAM FILE x 1", "CONTROL STREAM FILE", []string{"x", "1"}, true},
	} {
		words, err := Split(c.line)
		if err != nil {
			t.Fatal(err)
		}
		got, args, ok := Find(words)
		if !ok || got.Name != c.want || got.Takes(len(args)) != c.takes {
			t.Errorf("%q: %v, %v; want %s taking its arguments: %v", c.line, got, ok, c.want, c.takes)
			continue
		}
		if d := cmp.Diff(c.args, args); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.line, d)
		}
	}
	for _, line := range []string{"", "GET", "GET VARIABLES X", "SPEECH CREATE x", "STREAM"} {
		words, _ := Split(line)
		if c, _, ok := Find(words); ok {
			t.Errorf("%q is taken for %s", line, c.Name)
		}
	}
}

// No command's name begins another's, so that the order does not count.
func TestCommandsAreDistinct(t *testing.T) {
	for _, a := range Commands() {
		for _, b := range Commands() {
			if a.Name != b.Name && strings.HasPrefix(b.Name+" ", a.Name+" ") {
				t.Errorf("%s hides %s", a.Name, b.Name)
			}
		}
		if !strings.HasPrefix(a.Usage, a.Name) {
			t.Errorf("usage of %s is %q", a.Name, a.Usage)
		}
	}
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		a    Answer
		want string
	}{
		{Result(0), "200 result=0"},
		{Result(-1).At(0), "200 result=-1 endpos=0"},
		{Value("a (b)"), "200 result=1 (a (b))"},
		{Value(""), "200 result=1 ()"},
		{Value("x\r\n200 result=9\n"), "200 result=1 (x 200 result=9 )"},
		{Answer{Result: "12"}.WithText("timeout"), "200 result=12 (timeout)"},
		{Result(0).WithText("timeout").At(800), "200 result=0 (timeout) endpos=800"},
		{Answer{Result: "0", Note: "Gosub complete"}, "200 result=0 Gosub complete"},
	} {
		if got := c.a.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	e := Environment{
		Network: true, NetworkScript: "scr/ipt?x=1", Request: "agi://host/scr/ipt?x=1", Channel: "PJSIP/101-00000001", Language: "en", Type: "PJSIP",
		UniqueID: "1.2", Version: "1", CallerID: "5", Context: "t", Extension: "s", Priority: 3, ThreadID: "1.2", Args: []string{"a 1", "x\ny"},
	}
	want := `agi_network: yes
agi_network_script: scr/ipt?x=1
agi_request: agi://host/scr/ipt?x=1
agi_channel: PJSIP/101-00000001
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1.2
agi_version: 1
agi_callerid: 5
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: unknown
agi_rdnis: unknown
agi_context: t
agi_extension: s
agi_priority: 3
agi_enhanced: 0.0
agi_accountcode: ` + `
agi_threadid: 1.2
agi_arg_1: a 1
agi_arg_2: x y

`
	if d := cmp.Diff(want, e.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestParseURL(t *testing.T) {
	for in, want := range map[string]URL{
		"agi://host":                {Host: "host"},
		"AGI://host:99/a/b?c=d":     {Host: "host", Port: "99", Script: "a/b?c=d"},
		"agi://[2001:db8::1]/x":     {Host: "2001:db8::1", Script: "x"},
		"agi://[2001:db8::1]:7/":    {Host: "2001:db8::1", Port: "7"},
		"hagi://example.com/script": {Host: "example.com", Script: "script", SRV: true},
	} {
		if got, err := ParseURL(in); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
	if got := (URL{Host: "2001:db8::1"}).Address(); got != "[2001:db8::1]:4573" {
		t.Errorf("address %s", got)
	}
	for _, bad := range []string{"", "agi:async", "agi://", "agi:///x", "http://host", "agi://a b", "agi://host:x/", "agi://[::1"} {
		if u, err := ParseURL(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, u)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", `GET VARIABLE "X Y"`, `a\"b "c\\" ""`, `STREAM FILE beep "" 8000`, "\\", "\"", "a\tb\\ c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Split(line)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, Quote(w))
		}
		again, err := Split(strings.Join(quoted, " "))
		if d := cmp.Diff(words, again); err != nil || d != "" {
			t.Errorf("%q does not come back: %v\n%s", line, err, d)
		}
		if c, args, ok := Find(words); ok && len(args) > len(words) {
			t.Errorf("%s has more arguments than there are words", c.Name)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	f.Add("agi://host:4573/x?y=1")
	f.Add("hagi://[::1]")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err == nil && (u.Host == "" || strings.ContainsAny(u.Address(), "\r\n ")) {
			t.Errorf("%q gives %+v", s, u)
		}
	})
}
