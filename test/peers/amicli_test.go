package peers

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/amitrace"
)

// capturedCommands makes the captured commands of Asterisk's CLI again, by `dialwright rx`, and
// gives the differences. The database begins with the entry that the capture began with.
func capturedCommands(t *testing.T, name string, table *table) {
	list, err := amitrace.LoadCommands(filepath.Join(amiVectors(), name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	lab := amitrace.NewLab(t)
	srv := amiLaboratory(t, lab)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	shell := func(line string) (string, int) {
		out := srv.CLI("rx", line)
		return out.Stdout, out.Code
	}
	if name == "c2_database_cli" {
		if out, status := shell("database put actionlist DIALPROXY-office x"); status != 0 {
			t.Fatalf("%d %s", status, out)
		}
	}
	all, err := amitrace.Commands(ctx, lab.Target(), list, shell)
	if err != nil {
		t.Fatal(err)
	}
	unexplained, n := table.explain(t, name, all)
	if len(unexplained) > 0 {
		t.Errorf("%d differences that nobody has explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
	}
	t.Logf("%d commands, %d differences explained", len(list), n)
}
