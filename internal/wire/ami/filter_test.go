package ami

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		list    string
		want    Class
		unknown []string
	}{
		{"call", Call, nil}, {"call, user ,dtmf", Call | UserClass | DTMF, nil}, {"all", All, nil}, {"none", None, nil}, {"", None, nil},
		{"us,call", Call, []string{"us"}}, {"Call", None, []string{"Call"}}, {"message,security", MessageOf | Security, nil},
	} {
		got, unknown := ParseClasses(c.list)
		if got != c.want || !cmp.Equal(unknown, c.unknown) {
			t.Errorf("%q: %v, unknown %q", c.list, got, unknown)
		}
	}
	for class, want := range map[Class]string{Call: "call,all", None: "<none>", System | Reporting: "system,reporting,all", Origin: "originate,all"} {
		if class.String() != want {
			t.Errorf("%s, want %s", class, want)
		}
	}
}

// The masks of trace s1, and those of spec ami 5.1.
func TestMask(t *testing.T) {
	for s, want := range map[string]Class{
		"on": All, "off": None, "call": Call, "call,dialplan": Call | Dialplan, "system,call,log": System | Call | Log, "nosuchclass": None,
		"0": None, "1": System, "3": System | Call, "no": None, "FALSE": None, "n": None, "f": None, "Yes": All, "true": All, "y": All, "t": All,
		"2147483648": None, "99999999999999999999": All, "nosuch,user": UserClass, "-1": None, " call ": Call,
	} {
		if got, ok := ParseMask(s); !ok || got != want {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	if _, ok := ParseMask(" "); ok {
		t.Error("an empty mask")
	}
	if !Call.Allows(Call) || Call.Allows(Call|System) || Call.Allows(DTMF) || !None.Allows(None) {
		t.Error("Allows")
	}
}

const newchannel = "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/alice-1\r\nExten: \r\nChannelVar: a.b\r\nUniqueid: 1.2\r\n\r\n"

// TestFilter has what ParseFilter makes of criteria and pattern, and whether it fits the
// event above.
func TestFilter(t *testing.T) {
	for _, c := range []struct {
		criteria, pattern string
		want              string // "fits", "excludes", "not", or what is wrong
	}{
		{"", "Event: Newchannel", "fits"}, {"", "!Event: Newchannel", "excludes"}, {"", "Event: Hangup", "not"},
		{"", "", "format"}, {"", "!", "format"}, {"", "[bad", "syntax"}, {"", "(", "syntax"}, {"", "*x", "syntax"}, {"", `(a)\1`, "syntax"}, {"", "(?i)event", "syntax"}, {"", `x\`, "syntax"},
		{"", "Event: Newchannel.*Channel: PJSIP", "fits"}, // a full stop fits line ends
		{"", "^Event: New[a-z]+\r\nPriv", "fits"}, {"", "^Channel", "not"}, {"", "Uniqueid: 1.2$", "fits"}, {"", "Channel: [^/]+/alice", "fits"},
		{"", "Event: New(channel|state)\r", "fits"}, {"", "Channel: PJSIP/[[:alpha:]]{5}-[0-9]", "fits"}, {"", `a\.b`, "fits"}, {"", `a\.x`, "not"}, {"", `alice[\-]1`, "fits"}, {"", `\<alice\>`, "fits"}, {"", `\<lice`, "not"}, {"", "all)", "not"}, {"", "[]x]", "fits"}, {"", "[]z]", "not"},
		{"name(Newchannel)", "", "fits"}, {"name(newchannel)", "", "not"}, {"name(Newchannel)", "!", "excludes"}, {" action( exclude ) , name(Newchannel)", "", "excludes"}, {"action(include),name(Newchannel)", "!", "fits"},
		{"header(Exten)", "", "not"}, {"header(Channel)", "", "fits"}, {"header(Channel:)", "", "fits"}, {"header(channel)", "", "not"}, {"header(:)", "", "format"},
		{"header(Channel),method(starts_with)", "PJSIP/", "fits"}, {"header(Channel),method(ends_with)", "-1", "fits"}, {"header(Channel),method(contains)", "alice", "fits"},
		{"header(Channel),method(exact)", "PJSIP/alice-1", "fits"}, {"header(Channel),method(exact)", "PJSIP/alice", "not"}, {"header(Channel),method(regex)", "^PJSIP/a.*1$", "fits"},
		{"header(Privilege),method(starts_with)", "all", "not"}, {"header(Privilege),method(ends_with)", "call", "not"}, {"header(Privilege),method(contains)", "user", "not"},
		{"method(starts_with)", "Event: New", "fits"}, {"method(ends_with)", "Uniqueid: 1.2", "fits"}, {"method(contains)", "\r\nExten: \r\n", "fits"},
		{"name(Hangup),header(Channel)", "", "not"}, {"name(Newchannel),header(Nosuch)", "", "not"},
		{"name(Newchannel)", "x", "format"}, {"name(Newchannel),method(none)", "x", "format"}, {"method(none)", "", "format"}, {"action(include)", "", "format"}, {"method(regex)", "", "format"},
		{"name(A),name(B)", "", "format"}, {"bogus(x)", "y", "format"}, {"name()", "", "format"}, {"name", "", "format"}, {"name(x", "", "format"}, {"action(maybe),name(A)", "", "format"}, {"method(like)", "x", "format"}, {",", "x", "format"}, {"name(x),", "", "format"},
		{"method(regex)", "[bad", "syntax"},
	} {
		f, err := ParseFilter(c.criteria, c.pattern)
		got := "not"
		switch {
		case errors.Is(err, ErrFilterFormat):
			got = "format"
		case errors.Is(err, ErrFilterSyntax):
			got = "syntax"
		case err != nil:
			got = err.Error()
		case f.Match("Newchannel", []byte(newchannel)) && f.Exclude:
			got = "excludes"
		case f.Match("Newchannel", []byte(newchannel)):
			got = "fits"
		}
		if got != c.want {
			t.Errorf("%q %q: %s, want %s", c.criteria, c.pattern, got, c.want)
		}
	}
}

func TestFilterLine(t *testing.T) {
	for _, c := range []struct {
		key, pattern string
		want         Filter
		err          error
	}{
		{"eventfilter", "!Event: X", Filter{Exclude: true, Method: Regex, Pattern: "Event: X"}, nil},
		{"eventfilter(action(exclude),name(Newexten))", "", Filter{Exclude: true, Name: "Newexten"}, nil},
		{"eventfilter (header(Channel),method(starts_with)) ", "Local/", Filter{Header: "Channel", Method: StartsWith, Pattern: "Local/"}, nil},
		{"eventfilter(", "x", Filter{}, ErrFilterFormat},
		{"eventfilter()", "x", Filter{}, ErrFilterFormat},
	} {
		f, err := ParseFilterLine(c.key, c.pattern)
		f.regex = nil
		if d := cmp.Diff(c.want, f, cmp.AllowUnexported(Filter{}), cmp.Comparer(func(a, b *regexp.Regexp) bool { return a == b })); d != "" || !errors.Is(err, c.err) {
			t.Errorf("%s: %v\n%s", c.key, err, d)
		}
	}
}

func TestPass(t *testing.T) {
	include, exclude := Filter{Name: "A"}, Filter{Name: "B", Exclude: true}
	both := Filter{Method: Contains, Pattern: "b", Exclude: true}
	for _, c := range []struct {
		name    string
		filters []Filter
		want    bool
	}{
		{"C", nil, true}, {"A", []Filter{include}, true}, {"C", []Filter{include}, false}, {"B", []Filter{exclude}, false}, {"C", []Filter{exclude}, true},
		{"A", []Filter{include, exclude}, true}, {"B", []Filter{include, exclude}, false}, {"C", []Filter{exclude, include}, false}, {"A", []Filter{include, both}, false},
		{"C", []Filter{include, {Name: "C"}}, true},
	} {
		if Pass(c.name, []byte("a b"), c.filters) != c.want || Pass(c.name, []byte("a b"), nil, c.filters[:len(c.filters)/2], c.filters[len(c.filters)/2:]) != c.want {
			t.Errorf("%s %+v", c.name, c.filters)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("", "Event: Newchannel.*\\<alice\\>[[:alpha:]\\]]{1,3}(a|b))$")
	f.Add("action(exclude),name(Newexten),header(Channel),method(starts_with)", "!x")
	f.Add("header(:),method(none)", "")
	f.Add("", "[[.x.]][[=a=]][^]]+")
	f.Fuzz(func(t *testing.T, criteria, pattern string) {
		x, err := ParseFilter(criteria, pattern)
		if err != nil {
			if err != ErrFilterFormat && err != ErrFilterSyntax {
				t.Errorf("%v", err)
			}
			return
		}
		fits := x.Match("Newchannel", []byte(newchannel))
		if Pass("Newchannel", []byte(newchannel), []Filter{x}) != (fits != x.Exclude) {
			t.Errorf("%+v: fits %v", x, fits)
		}
		line, err := ParseFilterLine("eventfilter("+criteria+")", pattern)
		if strings.TrimSpace(criteria) != "" && (err != nil || line.Match("Newchannel", []byte(newchannel)) != fits) {
			t.Errorf("as a line of the file it is %+v, %v", line, err)
		}
	})
}
