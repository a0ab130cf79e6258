package callfile_test

import (
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/wire/callfile"
)

// A file with more variables than anybody means is wrong, and not kept in memory.
func TestVariablesAreBounded(t *testing.T) {
	f := callfile.Parse([]byte(head+strings.Repeat("Set: A=1\n", callfile.MaxSet)), false)
	if err := f.Err(); err != nil || len(f.Set) != callfile.MaxSet {
		t.Errorf("%d variables, %v; want %d", len(f.Set), err, callfile.MaxSet)
	}
	f = callfile.Parse([]byte(head+strings.Repeat("Set: A=1\n", 1e6)), false)
	if err := f.Err(); err == nil || len(f.Set) > callfile.MaxSet+1 {
		t.Errorf("%d variables, %v; want an error", len(f.Set), err)
	}
}

// A file with millions of lines without sense is not answered with as many
// warnings.
func TestWarningsAreBounded(t *testing.T) {
	f := callfile.Parse([]byte(strings.Repeat("junk\n", 1e6)+head), false)
	if n := len(f.Warnings); n != 101 {
		t.Fatalf("%d warnings, want 101", n)
	}
	if got, want := f.Warnings[100].String(), "line 100: 999900 more warnings follow and are left out"; got != want {
		t.Errorf("the last warning is %q, want %q", got, want)
	}
	if err := f.Err(); err != nil {
		t.Errorf("what follows was not read: %v", err)
	}
}
