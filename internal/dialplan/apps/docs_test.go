package apps_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// TestDocumentation: docs/dialplan.md names every application and function
// that there is, and every application that there is not; and none twice over.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../../docs/dialplan.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{} // what stands in backquotes, up to its arguments
	parts := strings.Split(string(data), "`")
	for i := 1; i < len(parts); i += 2 {
		name, _, _ := strings.Cut(parts[i], "(")
		named[strings.TrimSpace(name)] = true
	}
	there := map[string]bool{}
	for _, a := range apps.All() {
		if lower := strings.ToLower(a.Name); there[lower] {
			t.Errorf("application %s is in the table twice", a.Name)
		} else {
			there[lower] = true
		}
		if !named[a.Name] {
			t.Errorf("application %s is not in docs/dialplan.md", a.Name)
		}
		if run.Unsupported(a.Name) {
			t.Errorf("application %s is there and called unsupported", a.Name)
		}
	}
	for _, f := range funcs.All() {
		if there["("+f.Name] {
			t.Errorf("function %s is in the table twice", f.Name)
		}
		there["("+f.Name] = true
		if !named[f.Name] {
			t.Errorf("function %s is not in docs/dialplan.md", f.Name)
		}
	}
	for _, name := range run.UnsupportedApps() {
		if !named[name] {
			t.Errorf("unsupported application %s is not in docs/dialplan.md", name)
		}
	}
	// Applications stand first in their rows: what is named there must exist.
	for line := range strings.Lines(string(data)) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok && strings.Contains(line, "` |") {
			name, _, _ := strings.Cut(cell, "`")
			name, _, _ = strings.Cut(name, "(")
			if isApp := there[strings.ToLower(name)] || there["("+name]; !isApp && !strings.HasPrefix(name, "dialplan.") && !strings.HasPrefix(name, "[") {
				t.Errorf("docs/dialplan.md names %s, which is not there", name)
			}
		}
	}
}
