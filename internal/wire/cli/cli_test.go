package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  \t ", nil},
		{"core  show\tversion ", []string{"core", "show", "version"}},
		{`"Joe ""D"" Doe"`, []string{"Joe D Doe"}}, // vectors/ami/c2_database_cli.txt
		{`a\ b`, []string{"a b"}},
		{`"a \"quoted\" value"`, []string{`a "quoted" value`}},
		{`a\\b c`, []string{`a\b`, "c"}},
		{`put f k ""`, []string{"put", "f", "k", ""}},
		{`'a b'`, []string{"'a", "b'"}},
		{`a,b;c|d`, []string{"a,b;c|d"}},
		{`x"y z"w`, []string{"xy zw"}},
		{`"open`, []string{"open"}},
		{`end\`, []string{"end"}},
		{`ä "ö ü"`, []string{"ä", "ö ü"}},
	} {
		if diff := cmp.Diff(c.want, Split(c.line)); diff != "" {
			t.Errorf("%q:\n%s", c.line, diff)
		}
	}
}

func TestSplitPartial(t *testing.T) {
	for _, c := range []struct {
		line  string
		words []string
		last  string
	}{
		{"", nil, ""},
		{"core sh", []string{"core"}, "sh"},
		{"core ", []string{"core"}, ""},
		{`database get "a `, []string{"database", "get"}, "a "},
	} {
		words, last := SplitPartial(c.line)
		if !slices.Equal(words, c.words) || last != c.last {
			t.Errorf("%q: %q and %q, want %q and %q", c.line, words, last, c.words, c.last)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "core show channels", `"Joe ""D"" Doe"`, `a\ b "c \" d`, "\\", `"`, "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := Split(line)
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = Quote(w)
		}
		if again := Split(strings.Join(quoted, " ")); !slices.Equal(words, again) {
			t.Errorf("%q gives %q, and quoted again %q", line, words, again)
		}
		before, last := SplitPartial(line)
		if all := append(slices.Clone(before), last); !slices.Equal(all, words) && !slices.Equal(before, words) {
			t.Errorf("%q: %q and %q of %q", line, before, last, words)
		}
	})
}

func TestSelector(t *testing.T) {
	for _, c := range []struct {
		arg, name string
		want      bool
	}{
		{"/^pjsip.*/", "PJSIP/alice-00000001", true},
		{"/alice/", "PJSIP/alice-00000001", true},
		{"/alice$/", "PJSIP/alice-00000001", false},
		{"//", "PJSIP/alice-00000001", false},
		{"/ALICE.*", "PJSIP/alice-00000001", false}, // a glob: it has no slash at its end
		{"/(alice|bob)-[0-9]{8}/", "PJSIP/bob-00000001", true},
		{"Local/*", "Local/601@default-0000001c;1", true},
		{"local/*;2", "Local/601@default-0000001c;1", false},
		{"Loc*", "Local/601@default-0000001c;1", false}, // a star meets no slash
		{"*", "PJSIP/alice-00000001", false},
		{"*/*", "PJSIP/alice-00000001", true},
		{"PJSIP?alice-00000001", "PJSIP/alice-00000001", false},
		{"PJSIP[/]alice-00000001", "PJSIP/alice-00000001", false},
		{"PJSIP/[ab]*-0000000[0-9]", "PJSIP/bob-00000007", true},
		{"PJSIP/[!a]*", "PJSIP/alice-1", false},
		{"PJSIP/[^a]*", "PJSIP/bob-1", true},
		{"PJSIP/a*a*a*a*b", "PJSIP/" + strings.Repeat("a", 200), false},
		{"PJSIP/*-1*2", "PJSIP/a-12-132", true},
		{"PJSIP/[*", "PJSIP/[x", true}, // a bracket without end is one
		{`PJSIP/\**`, "PJSIP/*x", true},
	} {
		s, ok, err := ParseSelector(c.arg)
		if err != nil || !ok {
			t.Errorf("%s: %v %v", c.arg, ok, err)
			continue
		}
		if got := s.Match(c.name); got != c.want {
			t.Errorf("%s on %s: %v", c.arg, c.name, got)
		}
	}
	for _, plain := range []string{"PJSIP/alice-00000001", "/alice", "/^", "/x/y", "/"} {
		if _, ok, _ := ParseSelector(plain); ok {
			t.Errorf("%s selects, though it is a plain name", plain)
		}
	}
}

func TestBadRegexp(t *testing.T) {
	for arg, want := range map[string]string{
		"/[/":     "Invalid regular expression", // vectors/ami/c1_cli.txt
		"/[a/":    "Unmatched [, [^, [:, [., or [=",
		"/(a/":    `Unmatched ( or \(`,
		"/a)/":    `Unmatched ) or \)`,
		"/[z-a]/": "Invalid range end",
		`/a\/`:    "Trailing backslash",
		"/*/":     "Invalid preceding regular expression",
	} {
		_, ok, err := ParseSelector(arg)
		bad, is := errors.AsType[*BadRegexp](err)
		if !ok || !is || bad.Error() != want {
			t.Errorf("%s: %v, want %s", arg, err, want)
		}
	}
}

func FuzzSelector(f *testing.F) {
	f.Add("/^pjsip/", "PJSIP/a")
	f.Add("Local/*[!a-]?\\", "Local/5@default-00000001;1")
	f.Fuzz(func(_ *testing.T, arg, name string) {
		if s, ok, err := ParseSelector(arg); ok && err == nil {
			s.Match(name)
		}
	})
}

func TestCommands(t *testing.T) {
	var list []Command
	for _, words := range []string{"core show channels", "core show channel", "core stop {now|gracefully}", "help", "core reload"} {
		list = append(list, ParseCommand(words))
	}
	for _, c := range []struct {
		line string
		want int
	}{
		{"core show channels concise", 0}, {"CORE Show channel X", 1}, {"core stop gracefully", 2}, {"core stop", -1}, {"core sh channels", -1}, {"", -1}, {"help core", 3},
	} {
		if got := Find(list, Split(c.line)); got != c.want {
			t.Errorf("%s: %d, want %d", c.line, got, c.want)
		}
	}
	for line, want := range map[string]string{"no such command": "no such", "core sh upt": "core sh upt", "core": "core", "help me now": "help me"} {
		if got := Nearest(list, Split(line)); got != want {
			t.Errorf("nearest to %s: %s, want %s", line, got, want)
		}
	}
	if got := Next(list, []string{"core"}, "s"); !slices.Equal(got, []string{"show", "stop"}) {
		t.Errorf("next: %q", got)
	}
	if got := Next(list, []string{"core", "stop"}, ""); !slices.Equal(got, []string{"gracefully", "now"}) {
		t.Errorf("next: %q", got)
	}
	if got := list[2].String(); got != "core stop {now|gracefully}" {
		t.Error(got)
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Left("abc", 5), "abc  "}, {Left("abcdef", 5), "abcde"}, {Left("äöü", 4), "äö"}, {Left("aäö", 4), "aä "},
		{Right("2", 4), "   2"}, {Right("12345", 4), "1234"}, {Pad("abcdef", 5), "abcdef"}, {Pad("ä", 3), "ä "},
		{Plural(1, "active call"), "1 active call"}, {Plural(0, "call"), "0 calls"},
		{Clock(3661 * time.Second), "01:01:01"}, {Clock(-time.Second), "00:00:00"},
		{Uptime(850 * time.Second), "14 minutes, 10 seconds"}, {Uptime(0), "0 seconds"}, {Uptime(3601 * time.Second), "1 hour, 1 second"},
		{Uptime(8 * 24 * time.Hour), "1 week, 1 day"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
