package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rfcCited = regexp.MustCompile(`RFC (\d{3,5})`)

// TestCitedRFCsAreListed keeps docs/rfcs.md true: an RFC that the code cites
// has its line there, and a line there is cited by code unless it says "no".
func TestCitedRFCsAreListed(t *testing.T) {
	list, err := os.ReadFile("../../docs/rfcs.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{} // number → line
	for line := range strings.Lines(string(list)) {
		if m := regexp.MustCompile(`^\| (\d{3,5}) \|`).FindStringSubmatch(line); m != nil {
			listed[m[1]] = line
		}
	}
	cited := map[string]string{} // number → a file that cites it
	for _, root := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range rfcCited.FindAllStringSubmatch(string(text), -1) {
				cited[m[1]] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n, file := range cited {
		if listed[n] == "" {
			t.Errorf("RFC %s is cited in %s and not listed in docs/rfcs.md", n, file)
		}
	}
	for n, line := range listed {
		if cited[n] == "" && !strings.Contains(line, "| no |") {
			t.Errorf("docs/rfcs.md lists RFC %s, which no code cites: %s", n, strings.TrimSpace(line))
		}
	}
}
