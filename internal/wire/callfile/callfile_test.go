package callfile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dialwright/dialwright/internal/wire/callfile"
)

const head = "Channel: Local/dump@phone\nContext: in\nExtension: 100\n"

// base is what head says.
func base(change func(*callfile.File)) *callfile.File {
	f := &callfile.File{
		Tech: "Local", Dest: "dump@phone", Context: "in", Extension: "100", Priority: 1,
		WaitTime: 45 * time.Second, RetryTime: 300 * time.Second,
	}
	if change != nil {
		change(f)
	}
	return f
}

var ignore = cmp.Options{
	cmpopts.IgnoreUnexported(callfile.File{}), cmpopts.IgnoreFields(callfile.File{}, "Warnings"), cmpopts.IgnoreFields(callfile.Variable{}, "Line"),
	cmpopts.EquateEmpty(),
}

func set(pairs ...string) func(*callfile.File) {
	return func(f *callfile.File) {
		for i := 0; i < len(pairs); i += 2 {
			f.Set = append(f.Set, callfile.Variable{Name: pairs[i], Value: pairs[i+1]})
		}
	}
}

// The rules of spec callfile 2 and 3, where both modes read alike. warn is what
// one of the warnings says.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text, warn string
		want             *callfile.File
	}{
		{"plain", head, "", base(nil)},
		{"CR LF", strings.ReplaceAll(head, "\n", "\r\n"), "", base(nil)},
		{"no last line feed", strings.TrimSuffix(head, "\n"), "", base(nil)},
		{"no blank after the colon", strings.ReplaceAll(head, ": ", ":"), "", base(nil)},
		{"tabs and trailing blanks", strings.ReplaceAll(head, ": ", ":\t\t") + " \t\n", "", base(nil)},
		{"keys in any case", "CHANNEL: Local/dump@phone\ncontext: in\neXtEnSiOn: 100\n", "", base(nil)},
		{"no colon", head + "This is junk\n", "line 4: syntax error", base(nil)},
		{"list residue of the wiki", "  1. some re-try timers\n" + head, "line 1: syntax error", base(nil)},
		{"unknown key", head + "Foo: bar\n", `line 4: unknown keyword "Foo"`, base(nil)},
		{"empty key", head + ": x\n", `line 4: unknown keyword ""`, base(nil)},
		{"AMI's names are unknown", head + "Timeout: 5\nVariable: a=b\nExten: 3\n", `line 6: unknown keyword "Exten"`, base(nil)},
		{"status is unknown, but counted", head + "Status: Expired\n", `unknown keyword "Status"`, base(func(f *callfile.File) { f.Ended = 1 })},
		{"hash comments", "# c\n   # in\n" + head + "Set: A=x#y\nSet: B=x #y\nSet: C=x\t#y\n", "", base(set("A", "x#y", "B", "x", "C", "x"))},
		{"a hash cannot be protected", head + `Set: A=x \#y` + "\n", "", base(set("A", `x \#y`))},
		{"semicolons", "; c\n" + head + "Set: A=x;y\nSet: B=x\\;y\nSet: C=x\\\\;y\n", "", base(set("A", "x", "B", "x;y", "C", `x\;y`))},
		{"hash before semicolon", head + "Set: A=x #y\\;z\n", "", base(set("A", "x"))},
		{"no block comments", ";--\n" + head + "--;\n", "syntax error", base(nil)},
		{"no continuation", head + "Set: A=1\\\nSet: B=2\n", "", base(set("A", `1\`, "B", "2"))},
		{"last one wins", "Channel: Local/busy@phone\n" + head + "Extension: 1\nExtension: 100\n", "", base(nil)},
		{"too long", head + "Set: A=" + strings.Repeat("x", 1100) + "\nSet: B=ok\n", "line 4: the line is longer", base(set("B", "ok"))},
		{"just not too long", head + "Set: A=" + strings.Repeat("x", 1015) + "\n", "", base(set("A", strings.Repeat("x", 1015)))},
		{"at the end without a line feed", head + "Set: A=" + strings.Repeat("x", 1016), "", base(set("A", strings.Repeat("x", 1016)))},
		{"one more is too long", head + "Set: A=" + strings.Repeat("x", 1016) + "\n", "longer", base(nil)},
		{"set", head + "SetVar: A=a=b\nset: B= x\nSet: C =y\nSet: D\n", `line 7: Set needs`, base(set("A", "a=b", "B", " x", "C ", "y"))},
		{"no slash leaves the earlier channel", head + "Channel: dump\n", "line 4: Channel should be", base(nil)},
		{"numbers", head + "MaxRetries: 1x\nWaitTime: 1.9\nRetryTime:  2.5\n", "", base(func(f *callfile.File) {
			f.MaxRetries, f.WaitTime, f.RetryTime = 1, time.Second, 2*time.Second
		})},
		{"0x2 is 0", head + "WaitTime: 0x2\n", "WaitTime", base(nil)},
		{"negative", head + "MaxRetries: -1\n", "", base(func(f *callfile.File) { f.MaxRetries = -1 })},
		{"no numbers", head + "MaxRetries: many\nWaitTime: 0\nRetryTime: -5\n", `line 6: RetryTime "-5"`, base(nil)},
		{"enormous", head + "MaxRetries: 99999999999999999999\n", "", base(func(f *callfile.File) { f.MaxRetries = 1e9 })},
		{"empty values reset", head + "Context:\nCallerID:\nMaxRetries:\nWaitTime:\n", "", base(func(f *callfile.File) {
			f.Context, f.CallerID = "", &callfile.CallerID{}
		})},
		{"booleans", head + "Archive: On\nAlwaysDelete: maybe\nEarly_Media: T\n", "", base(func(f *callfile.File) {
			f.Archive, f.KeepFuture, f.EarlyMedia = true, true, true
		})},
		{"priority", head + "Priority: 2x\n", "", base(func(f *callfile.File) { f.Priority = 2 })},
		{"priority 0", head + "Priority: 0\n", "Priority", base(nil)},
		{"application", head + "Application: Playback\nData: a,b ${X}\n", "", base(func(f *callfile.File) {
			f.Application, f.Data = "Playback", "a,b ${X}"
		})},
		{"bookkeeping", head + "\nStartRetry: 8 1 (5)\n\nEndRetry: 8 1 (4)\n\nStartRetry: 9 2 (7)\n\nAbortRetry: 1 2 (3)\nRetry: 1\nDelayedRetry: 1 1 (1)\n", "",
			base(func(f *callfile.File) { f.Retries, f.Starts = 3, 2 })},
		{"open attempt", head + "\nStartRetry: 8 1 (5)\n", "", base(func(f *callfile.File) { f.Open, f.Starts = 8, 1 })},
		{"bytes pass", head + "Account: \xe4\xff\n", "", base(func(f *callfile.File) { f.Account = "\xe4\xff" })},
		{"codecs", head + "Codecs: !all, alaw,,g722\n", "", base(func(f *callfile.File) { f.Codecs = []string{"!all", "alaw", "g722"} })},
	} {
		for _, compat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s compat=%v", c.name, compat), func(t *testing.T) {
				got := callfile.Parse([]byte(c.text), compat)
				if d := cmp.Diff(c.want, got, ignore...); d != "" {
					t.Errorf("-want +got:\n%s", d)
				}
				if text := fmt.Sprint(got.Warnings); !strings.Contains(text, c.warn) {
					t.Errorf("warnings %s, want %q", text, c.warn)
				}
				if c.warn == "" && len(got.Warnings) > 0 && !strings.Contains(c.name, "empty values") {
					t.Errorf("warnings %v, want none", got.Warnings)
				}
			})
		}
	}
}

// Where our mode reads what Asterisk loses (spec: callfile 9, W16 and W18).
func TestParseModes(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		safe, compat *callfile.File
	}{
		{"byte order mark", "\xef\xbb\xbf" + head, base(nil), base(func(f *callfile.File) { f.Tech, f.Dest = "", "" })},
		{"indented key", "  " + head, base(nil), base(func(f *callfile.File) { f.Tech, f.Dest = "", "" })},
		{"blank before the colon", strings.Replace(head, ":", " :", 1), base(nil), base(func(f *callfile.File) { f.Tech, f.Dest = "", "" })},
		{"NUL", "Context: out\nSet: A=1\x00junk\nContext: x\nContext: in\nChannel: Local/dump@phone\nExtension: 100\n",
			base(set("A", "1")), base(nil)},
		{"status after an attempt", head + "StartRetry: 8 1 (5)\nStatus: Completed\n", base(func(f *callfile.File) { f.Starts, f.Ended = 1, 1 }),
			base(func(f *callfile.File) { f.Starts, f.Ended, f.Open = 1, 1, 8 })},
		{"label", head + "Priority: two\n", base(func(f *callfile.File) { f.Label = "two" }), base(nil)},
	} {
		for compat, want := range map[bool]*callfile.File{false: c.safe, true: c.compat} {
			t.Run(fmt.Sprintf("%s compat=%v", c.name, compat), func(t *testing.T) {
				got := callfile.Parse([]byte(c.text), compat)
				if d := cmp.Diff(want, got, ignore...); d != "" {
					t.Errorf("-want +got:\n%s", d)
				}
				if len(got.Warnings) == 0 && c.name != "label" {
					t.Error("no warning")
				}
			})
		}
	}
}

func TestErr(t *testing.T) {
	for text, want := range map[string]string{
		head:                                   "",
		"Channel: a/b\nApplication: X\n":       "",
		"Channel: a/b\nExtension: X\n":         "",
		"":                                     "no Channel",
		"Context: in\nExtension: 100\n":        "no Channel",
		"Channel: a\nExtension: 1\n":           "no Channel",
		"Channel: a/\nExtension: 1\n":          "lacks",
		"Channel: /b\nExtension: 1\n":          "lacks",
		"Channel: a/b\nContext: in\n":          "neither Application nor Extension",
		"Channel=Local/x\nContext=in\nExten=1": "no Channel",
	} {
		err := callfile.Parse([]byte(text), false).Err()
		if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) && want != "" {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The table of spec callfile 3.1.
func TestSplitCallerID(t *testing.T) {
	for _, c := range []struct{ in, name, number string }{
		{`"Joe X" <1234>`, "Joe X", "1234"}, {`Joe X <1234>`, "Joe X", "1234"}, {`Name<44>`, "Name", "44"},
		{"1234", "", "1234"}, {"<1234>", "", "1234"}, {"+15551234567", "", "+15551234567"}, {"*72", "", "*72"}, {"12#34", "", "12#34"},
		{"(555) 12-34", "", "5551234"}, {`"N" <+1 (555) 123-4567>`, "N", "+15551234567"}, {"12 34", "", "1234"},
		{"Joe", "Joe", ""}, {`"Joe"`, "Joe", ""}, {"abc@def", "abc@def", ""},
		{`"Joe X" 1234`, `"Joe X" 1234`, ""},
		{`"Bob" <bob>`, "Bob", "bob"}, {"<sip:bob@example.org>", "", "sip:bob@exampleorg"},
		{"Bob <1234", "Bob", "1234"},
		{"5551234 <>", "5551234", ""}, {`""`, "", ""}, {"<>", "", ""}, {"", "", ""},
		{`"Say \"hi\"" <5>`, `Say "hi"`, "5"},
		{strings.Repeat("n", 90) + " <" + strings.Repeat("1", 90) + ">", strings.Repeat("n", 79), strings.Repeat("1", 79)},
		{strings.Repeat("n", 78) + "äöü <1>", strings.Repeat("n", 78), "1"},
	} {
		if got := callfile.SplitCallerID(c.in); got.Name != c.name || got.Number != c.number {
			t.Errorf("%q: name %q, number %q; want %q, %q", c.in, got.Name, got.Number, c.name, c.number)
		}
	}
}

func TestPreferred(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "ulaw,alaw": "ulaw alaw", "ulaw,!all,G722": "g722", "all": "", "ulaw,alaw,!ulaw": "alaw", "ulaw,ulaw": "ulaw",
	} {
		f := callfile.Parse([]byte("Codecs: "+in+"\n"), false)
		if got := strings.Join(f.Preferred(), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	at := time.Unix(1700000060, 0)
	if got := callfile.StartRetry.Line(8126, 1, at); got != "\nStartRetry: 8126 1 (1700000060)\n" {
		t.Errorf("%q", got)
	}
	if got := callfile.Completed.Line(); got != "Status: Completed\n" {
		t.Errorf("%q", got)
	}
	marked := head + callfile.StartRetry.Line(1, 1, at) + callfile.EndRetry.Line(1, 1, at) + callfile.AbortRetry.Line(2, 2, at) + callfile.DelayedRetry.Line(2, 0, at)
	for text, want := range map[string]string{
		marked: head, head: head, "": "", "x": "x", "StartRetry: 1 1 (1)\n": "StartRetry: 1 1 (1)\n",
		marked + "Status: Expired\n":                           marked + "Status: Expired\n",
		"unterminated" + callfile.StartRetry.Line(1, 1, at):    "unterminated",
		head + callfile.StartRetry.Line(1, 1, at)[:10]:         head + callfile.StartRetry.Line(1, 1, at)[:10],
		"\n" + strings.Repeat("\nEndRetry: 1 1 (1)\n", 3) + "": "\n",
	} {
		if got := string(callfile.Origin([]byte(text))); got != want {
			t.Errorf("origin of %q is %q, want %q", text, got, want)
		}
	}
	if !callfile.Glued([]byte("x")) || callfile.Glued([]byte("x\n")) || callfile.Glued(nil) {
		t.Error("Glued")
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"Channel", "Local/1@x", "Channel: Local/1@x\n"},
		{"Set", "A=a;b", "Set: A=a\\;b\n"},
		{"Set", `A=a\;b`, `Set: A=a\\;b` + "\n"},
		{"Extension", "#5", "Extension:#5\n"},
		{"Data", "", "Data: \n"},
		{"Data", "a\nb", ""}, {"Data", "a\rb", ""}, {"Data", "a\x00", ""}, {"Data", " a", ""}, {"Data", "a ", ""},
		{"Data", "order #5", ""}, {"Data", "order\t#5", ""}, {"Data", "\xff", ""}, {"Status", "x", ""}, {"Data", strings.Repeat("x", 1020), ""},
	} {
		got, err := callfile.Line(c.key, c.value)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %q, %v; want %q", c.key, c.value, got, err, c.want)
		}
	}
}

// seeds gives the files of the vectors.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = "../../../testdata/vectors"
	}
	b, err := os.ReadFile(filepath.Join(dir, "callfile.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var all struct {
		Vectors []struct {
			Files []struct{ Text, Base64 string }
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for _, v := range all.Vectors {
		for _, f := range v.Files {
			text := []byte(f.Text)
			if f.Base64 != "" {
				if text, err = base64.StdEncoding.DecodeString(f.Base64); err != nil {
					tb.Fatal(err)
				}
			}
			out = append(out, text)
		}
	}
	return out
}

// FuzzParse: no text breaks the parser, and what it reports keeps to its word.
func FuzzParse(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text []byte, compat bool) {
		got := callfile.Parse(text, compat)
		lines := bytes.Count(text, []byte("\n")) + 1
		for _, w := range got.Warnings {
			if w.Line < 1 || w.Line > lines {
				t.Errorf("warning on line %d of %d", w.Line, lines)
			}
		}
		if got.Priority < 1 || got.WaitTime < time.Second || got.RetryTime < time.Second || got.Retries < 0 {
			t.Errorf("out of range: %+v", got)
		}
		if got.Err() == nil && (got.Tech == "" || got.Dest == "" || got.Application+got.Extension == "") {
			t.Errorf("valid without what a call needs: %+v", got)
		}
		if o := callfile.Origin(text); !bytes.HasPrefix(text, o) {
			t.Errorf("%q does not begin with its origin %q", text, o)
		}
		// What the server appends is read back, and does not hide what came before.
		more := append(bytes.Clone(text), callfile.StartRetry.Line(7, 1, time.Unix(1, 0))+callfile.EndRetry.Line(7, 1, time.Unix(1, 0))...)
		if o, p := callfile.Origin(text), callfile.Origin(more); !bytes.Equal(o, p) {
			t.Errorf("origin moved from %q to %q", o, p)
		}
		// A last line of the greatest length and without its end is too long with one
		// (spec: callfile 2.1): the append hides it, in Asterisk too.
		if last := text[bytes.LastIndexByte(text, '\n')+1:]; len(last) == callfile.MaxLine {
			return
		}
		if again := callfile.Parse(more, compat); again.Channel() != got.Channel() || again.Extension != got.Extension {
			t.Errorf("appended marks change %+v to %+v", got, again)
		}
	})
}

// FuzzLine: what Line writes, Parse reads.
func FuzzLine(f *testing.F) {
	for _, v := range []string{"a", "#a", `\;`, `;`, "a\tb", "x=y", "a#b", "ä"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		line, err := callfile.Line("Data", value)
		if err != nil {
			return
		}
		for _, compat := range []bool{false, true} {
			if got := callfile.Parse([]byte(line), compat); got.Data != value || len(got.Warnings) > 0 {
				t.Errorf("%q is written as %q and read as %q, %v", value, line, got.Data, got.Warnings)
			}
		}
	})
}
