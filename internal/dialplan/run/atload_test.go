package run_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// TestFunctionsAtLoad reads functions in [globals] and in the extension column, as
// Asterisk 22 does.
func TestFunctionsAtLoad(t *testing.T) {
	t.Setenv("DIALWRIGHT_TEST_HOME", "/here")
	text := "[globals]\nA=glob\nB=${LEN(abcd)}\nC=${TOUPPER(${A})}-$[1+2]\nD=${ENV(DIALWRIGHT_TEST_HOME)}\nE=${CHANNEL(name)}\n" +
		"[t]\nexten => ${LEN(${A})}7,1,NoOp()\n"
	for _, tt := range []struct {
		allow run.Danger
		d     string
	}{{run.Commands, "/here"}, {0, ""}} {
		plan, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(text)}}, "extensions.conf",
			dialplan.LoadOptions{Expand: run.ExpandAtLoad(funcs.All(), tt.allow)})
		if err != nil {
			t.Fatal(err)
		}
		m := run.New(run.Options{Funcs: funcs.All(), Allow: tt.allow})
		m.SetPlan(plan)
		for name, want := range map[string]string{"B": "4", "C": "GLOB-3", "D": tt.d, "E": ""} {
			if got, _ := m.Global(name); got != want {
				t.Errorf("allow %d: global %s is %q, want %q", tt.allow, name, got, want)
			}
		}
		if !plan.Exists("t", "47", dialplan.Caller{}) {
			t.Error("there is no extension 47")
		}
	}
}

// TestPlainFunctions checks that the functions that are said to need no channel
// do without one, whatever they are given.
func TestPlainFunctions(t *testing.T) {
	n := 0
	for _, f := range funcs.All() {
		if !f.Plain {
			continue
		}
		n++
		for _, args := range []string{"", "a", "1?2:3", `"a" b`, "1+2", "%d,x", "3,1,2", strings.Repeat("(", 50)} {
			_, _ = f.Read(t.Context(), nil, args)
		}
	}
	if n < 25 {
		t.Errorf("only %d functions are plain", n)
	}
}
