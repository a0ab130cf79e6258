package vodia_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

// pairs gives the parameters as "name=value" in brackets.
func pairs(raw string) string {
	var b strings.Builder
	for name, value := range vodia.Pairs(raw) {
		b.WriteString("[" + name + "=" + value + "]")
	}
	return b.String()
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ rule, raw, want string }{
		{"nothing", "", ""},
		{"empty fields", "&&a=1&", "[a=1]"},
		{"Q1: semicolons end nothing", "a=1;b=2&c=3", "[a=1;b=2][c=3]"},
		{"Q1: a stray semicolon", "a=1&;auth=h", "[a=1][auth=h]"},
		{"Q1: an escaped ampersand", "a=1&amp;b=2", "[a=1][b=2]"},
		{"Q1: both, in this order", "a=1&amp;;b=2", "[a=1][b=2]"},
		{"Q1: not in the other order", "a=1&;amp;b=2", "[a=1][amp;b=2]"},
		{"Q1: once", "a=1&amp;amp;b=2&;;c=3", "[a=1][amp;b=2][;c=3]"},
		{"Q1: of the first name too", "amp;a=1", "[a=1]"},
		{"Q1: only of names", "a=amp;;1", "[a=amp;;1]"},
		{"Q1: nothing is left", "&amp;&;&amp;;", ""},
		{"no value", "foo&bar=", "[foo=][bar=]"},
		{"no name", "=1", "[=1]"},
		{"the first = counts", "auth=YQ==", "[auth=YQ==]"},
		{"Q2: percent and plus", "n=J%C3%B6rg+Ohm%2b%2B", "[n=Jörg Ohm++]"},
		{"Q2: in names too", "us%65r=1", "[user=1]"},
		{"Q2: a % that begins nothing", "a=100%&b=%zz&c=%4&d=%C", "[a=100%][b=%zz][c=%4][d=%C]"},
		{"Q2: & and = that are encoded", "a=1%262%3D3&b=4", "[a=1&2=3][b=4]"},
		{"Q2: not UTF-8", "a=%FFx%fe%FFy", "[a=\ufffdx\ufffdy]"},
		{"Q2: not UTF-8 as it is", "a=\xffx", "[a=\ufffdx]"},
		{"Q3: encoded as a whole", "user%3D123%26dest%3D5", "[user=123][dest=5]"},
		{"Q3: in lower case", "user%3d123%26dest%3d5", "[user=123][dest=5]"},
		{"Q3: decoded twice within", "dest%3D%252B49%26name%3DJoe%2BDoe", "[dest=+49][name=Joe Doe]"},
		{"Q3: once", "user%253D123", "[user%3D123=]"},
		{"Q3: an & forbids it", "user%3D123&dest", "[user=123=][dest=]"},
		{"Q3: an = forbids it", "a=user%3D123", "[a=user=123]"},
		{"Q3: nothing to decode", "user%26", "[user&=]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := pairs(c.raw); got != c.want {
				t.Errorf("%q gives %s, want %s", c.raw, got, c.want)
			}
		})
	}
}

func TestPairsStopsWhenAsked(t *testing.T) {
	n := 0
	for range vodia.Pairs("a=1&b=2&c=3") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d pairs", n)
	}
}

func TestParseQuery(t *testing.T) {
	all := vodia.Link{
		User: "123@tenant.com", Dest: " 49", Name: "Joe Doe", Auth: "a", HasAuth: true, Extension: true, Time: "1", Duration: "2", Nonce: "n", Connect: true,
	}
	for _, c := range []struct {
		what, raw string
		want      vodia.Link
	}{
		{"all", "user=123%40tenant.com&dest=+49&name=Joe%20Doe&auth=a&extension=true&time=1&duration=2&nonce=n&connect=true&src=9", all},
		{"no auth", "user=1", vodia.Link{User: "1"}},
		{"an empty auth is one", "auth=", vodia.Link{HasAuth: true}},
		{"an auth without = is one", "auth", vodia.Link{HasAuth: true}},
		{"flags of digits", "extension=1&connect=1", vodia.Link{Extension: true, Connect: true}},
		{"flags of any case", "extension=TRUE&connect=True", vodia.Link{Extension: true, Connect: true}},
		{"other flags", "extension=yes&connect=false", vodia.Link{}},
		{"empty flags", "extension=&connect", vodia.Link{}},
		{"names are case-sensitive", "User=1&DEST=2", vodia.Link{}},
		{"unknown ones may repeat", "src=1&src=2&foo&foo", vodia.Link{}},
		{"names of another case are others", "user=1&User=2", vodia.Link{User: "1"}},
		{"a name is made fit", "name=+Joe%0D%0ADoe%00", vodia.Link{Name: "Joe  Doe"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := vodia.ParseQuery(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.raw, d)
			}
		})
	}
}

// TestParseQueryTwice proves rule Q4 for every parameter that is known.
func TestParseQueryTwice(t *testing.T) {
	for _, name := range []string{"user", "dest", "name", "auth", "extension", "time", "duration", "nonce", "connect"} {
		for _, raw := range []string{name + "=1&" + name + "=2", name + "=1&x=y&;" + name + "=1", name + "&amp;" + name} {
			if l, err := vodia.ParseQuery(raw); err != vodia.ErrDuplicate || l != (vodia.Link{}) {
				t.Errorf("%s: %+v, %v", raw, l, err)
			}
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Joe Doe":                        "Joe Doe",
		"  Jörg\u00a0Ohm\t":              "Jörg Ohm",
		"a\r\nX-Evil: 1":                 "a  X-Evil: 1",
		"\u202eevil\u202c":               "evil",
		"\x00\x1b":                       "",
		strings.Repeat("ö", 90):          strings.Repeat("ö", 80),
		strings.Repeat("x", 79) + " y z": strings.Repeat("x", 79),
		`"Joe" <sip:1@x>`:                `"Joe" <sip:1@x>`,
	} {
		if got := vodia.CleanName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
