package apps

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

func TestParseLetters(t *testing.T) {
	for text, want := range map[string]letters{
		"":                           {},
		"gH":                         {'g': "", 'H': ""},
		" g U(sub^a^(b)) L(1:2) ":    {'g': "", 'U': "sub^a^(b)", 'L': "1:2"},
		"b(ctx^s^1(x^y))B()":         {'b': "ctx^s^1(x^y)", 'B': ""},
		`f("Fo" <9>)`:                {'f': `"Fo" <9>`},
		"gg":                         {'g': ""},
		"S(1)S(2)":                   {'S': "2"},
		"m(default)r(ring)A(a&b:c)Q": {'m': "default", 'r': "ring", 'A': "a&b:c", 'Q': ""},
	} {
		got, err := parseLetters(text)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, d)
		}
	}
	for _, text := range []string{"U(", "gU(a(b)", "L(1000"} {
		if _, err := parseLetters(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestParseDial(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  dialArgs
		warns int
	}{
		{"", dialArgs{o: letters{}}, 0},
		{"A/1 & B/2&", dialArgs{targets: []string{"A/1", "B/2"}, o: letters{}}, 0},
		{"A/1,2.5^0.5,g,", dialArgs{targets: []string{"A/1"}, timeout: 2500 * time.Millisecond, response: 500 * time.Millisecond, o: letters{'g': ""}}, 0},
		{"A/1,x,", dialArgs{targets: []string{"A/1"}, o: letters{}}, 1},
		{"A/1,-3,,http://x", dialArgs{targets: []string{"A/1"}, o: letters{}}, 2},
		{"A/1,1e300,", dialArgs{targets: []string{"A/1"}, timeout: longest, o: letters{}}, 0},
		{"A/1,,pv", dialArgs{targets: []string{"A/1"}, o: letters{'p': "", 'v': ""}}, 2},
	} {
		warned := 0
		got, err := parseDial(tt.text, func(string, ...any) { warned++ })
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(dialArgs{})); d != "" || err != nil || warned != tt.warns {
			t.Errorf("%q: %v, %d warnings, want %d\n%s", tt.text, err, warned, tt.warns, d)
		}
	}
}

// FuzzParseDial: what a dialplan may hold breaks nothing, and options that are
// read are read again from what they were.
func FuzzParseDial(f *testing.F) {
	for _, s := range []string{"", "A/1&B/2,5^2,gU(sub^a)L(1:2:3)", "A/1,,b(c^s^1(x)", "A,NaN,(((", "&&&,^,)", `A/1,5,f("Fo" <9>)`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDial(text, func(string, ...any) {})
		if d.timeout < 0 || d.response < 0 {
			t.Errorf("%q: negative time %v %v", text, d.timeout, d.response)
		}
		if err != nil {
			return
		}
		for l, arg := range d.o {
			again, err := parseLetters(string(l) + "(" + arg + ")")
			if l < 0x80 && l != '(' && (err != nil || again[l] != arg) {
				t.Errorf("%q: option %c(%s) reads %q, %v", text, l, arg, again[l], err)
			}
		}
	})
}

func TestFeatures(t *testing.T) {
	for _, tt := range []struct {
		options, digits string
		done            feature // by the last digit
		settled         feature // when nothing follows
	}{
		{"h", "*", featureHangup, 0},
		{"H", "*", 0, 0}, // the other side's
		{"h", "5*", featureHangup, 0},
		{"ht", "#", featureTransfer, 0},
		{"hw", "*", 0, featureHangup},
		{"hw", "*1", featureRecord, 0},
		{"hwx", "*3", featureRecord, 0},
		{"hw", "*2", 0, 0},
		{"w", "**1", featureRecord, 0},
		{"", "*", 0, 0},
	} {
		o, err := parseLetters(tt.options)
		if err != nil {
			t.Fatal(err)
		}
		f := featuresOf(o, true)
		var done feature
		for _, d := range tt.digits {
			done, _ = f.press(d)
		}
		if settled := f.settle(); done != tt.done || settled != tt.settled {
			t.Errorf("%s, %s: %d then %d, want %d then %d", tt.options, tt.digits, done, settled, tt.done, tt.settled)
		}
	}
}

func TestReadFollowMe(t *testing.T) {
	text := `
[general]
takecall=5
hold_prompt=please
[base](!)
context=in
[boss](base)
music=jazz
number=100&101,10
number=200
number=300,x,2
declinecall=6
enable_callee_prompt=no
`
	f, _, err := conf.Load(fstest.MapFS{"followme.conf": &fstest.MapFile{Data: []byte(text)}}, "followme.conf")
	if err != nil {
		t.Fatal(err)
	}
	p, err := readFollowMe(f, "boss")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]followNum{
		{{"100", 10 * time.Second}, {"101", 10 * time.Second}},
		{{"200", followWait}, {"300", followWait}},
	}
	if d := cmp.Diff(want, p.groups, cmp.AllowUnexported(followNum{})); d != "" {
		t.Error(d)
	}
	got := strings.Join([]string{p.context, p.music, p.take, p.decline, p.sounds["hold_prompt"], p.sounds["sorry_prompt"]}, " ")
	if got != "in jazz 5 6 please followme/sorry" || p.prompt {
		t.Errorf("profile %q, prompt %v", got, p.prompt)
	}
	for _, id := range []string{"base", "general", "who"} {
		if _, err := readFollowMe(f, id); err == nil {
			t.Errorf("profile %s is there", id)
		}
	}
}
