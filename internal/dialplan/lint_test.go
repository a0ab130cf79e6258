package dialplan_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dialwright/dialwright/internal/dialplan"
)

func TestLintGolden(t *testing.T) {
	golden(t, "lint", func(files fstest.MapFS, _ string) string {
		p, _, err := dialplan.Load(files, "extensions.conf", dialplan.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, problem := range p.Lint(lintOptions) {
			fmt.Fprintln(&b, problem)
		}
		return b.String()
	})
}

// lintOptions are those of a small interpreter.
var lintOptions = dialplan.LintOptions{
	KnownApp: func(name string) dialplan.AppStatus {
		switch name = strings.ToLower(name); {
		case strings.HasPrefix(name, "nonesuch"):
			return dialplan.AppUnknown
		case name == "queue":
			return dialplan.AppUnsupported
		case name == "setvar":
			return dialplan.AppDeprecated
		}
		return dialplan.AppKnown
	},
	KnownFunc: func(name string) bool { return !strings.HasPrefix(name, "NOSUCH") },
}

func ExamplePlan_Lint() {
	p, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(`[main]
exten => 100,1,Answer()
 same => n,GotoIf($[${HOUR} > 17]?closed)
exten => 100,4,Hangup()
`)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, problem := range p.Lint(dialplan.LintOptions{}) {
		fmt.Println(problem)
	}
	// Output:
	// extensions.conf:3: error: GotoIf(closed): there is no label "closed" of 100 in [main]; calls that come here end
	// extensions.conf:4: warning: priority 4 of 100 in [main] cannot be reached: there is no priority 3 before it, and nothing jumps to it
}
