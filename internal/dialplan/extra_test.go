package dialplan

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

var lotExtras = []Extra{
	{"park", "700", "Park", "", conf.Origin{File: "lots"}},
	{"park", "701", "ParkedCall", "default,701", conf.Origin{File: "lots", Line: 3}},
	{"park", "702", "ParkedCall", "default,702", conf.Origin{}},
	{"back", "_[A-Z].", "Dial", "${PARKER}", conf.Origin{}},
}

// What is not written is there, also by an include; what is written counts.
func TestExtra(t *testing.T) {
	for _, test := range []struct{ name, file, context, exten, want string }{
		{"made context", "[a]\nexten => 1,1,Answer\n", "park", "701", "ParkedCall(default,701)"},
		{"included", "[a]\ninclude => park\n", "a", "700", "Park()"},
		{"pattern", "[a]\n", "back", "PJSIP_bob-smith", "Dial(${PARKER})"},
		{"pattern leaves h alone", "[a]\n", "back", "h", ""},
		{"written", "[park]\nexten => 701,1,Mine\n", "park", "701", "Mine()"},
		{"written beside", "[park]\nexten => 701,1,Mine\n", "park", "702", "ParkedCall(default,702)"},
		{"written by a pattern", "[park]\nexten => _70X,1,Mine\n", "park", "701", "Mine()"},
		{"written same pattern", "[back]\nexten => _[A-Z].,1,Mine\n", "back", "PJSIP_bob", "Mine()"},
		{"written for one caller", "[park]\nexten => 701/5,1,Mine\n", "park", "701", "ParkedCall(default,701)"},
		{"written second priority", "[park]\nexten => 701,2,Mine\n", "park", "701", "ParkedCall(default,701)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, problems, err := Load(fstest.MapFS{"x": {Data: []byte(test.file)}}, "x", LoadOptions{Extra: lotExtras})
			if err != nil || len(problems) > 0 {
				t.Fatalf("%v, %v", err, problems)
			}
			got := ""
			if s := p.Find(test.context, test.exten, 1, Caller{At: time.Now()}); s != nil {
				got = s.App + "(" + s.Args + ")"
			}
			if got != test.want {
				t.Errorf("%s@%s is %q, want %q", test.exten, test.context, got, test.want)
			}
		})
	}
}

func TestOnly(t *testing.T) {
	p := Only(lotExtras)
	if d := cmp.Diff([]string{"back", "park"}, p.Contexts()); d != "" {
		t.Error(d)
	}
	s := p.Find("park", "701", 1, Caller{})
	if s == nil || s.Context != "park" || s.At.String() != "lots:3" {
		t.Errorf("step %+v", s)
	}
	if got := p.Lint(LintOptions{}); len(got) > 0 {
		t.Errorf("the linter says %v", got)
	}
}
