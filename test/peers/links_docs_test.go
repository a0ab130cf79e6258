package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// documented is a command of a page of docs, and what it prints there; "…" stands for anything.
type documented struct{ command, prints string }

// transcript reads the commands of a page: indented lines that begin with "$ ", each
// followed by what it prints.
func transcript(page string) (list []documented) {
	inside := false
	for line := range strings.Lines(page) {
		text, indented := strings.CutPrefix(line, "    ")
		command, asked := strings.CutPrefix(text, "$ ")
		switch {
		case indented && asked:
			list = append(list, documented{command: strings.TrimSpace(command)})
			inside = true
		case indented && inside:
			list[len(list)-1].prints += text
		case inside && strings.TrimSpace(line) == "": // may be one of what it prints
			list[len(list)-1].prints += "\n"
		default:
			inside = false
		}
	}
	return list
}

// follow runs the commands of a page of docs in one shell, with URL and KEY of the server, and
// compares what each prints. there is the server's address on the page.
func follow(t *testing.T, page, dir, there, key string, srv *harness.Server) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	list := transcript(string(text))
	if len(list) < 10 {
		t.Fatalf("docs/%s has %d commands", page, len(list))
	}
	if err := os.Symlink(srv.Command().Path, filepath.Join(dir, "dialwright")); err != nil {
		t.Fatal(err)
	}
	here := fmt.Sprintf("http://127.0.0.1:%d", srv.HTTP)
	// Each command is followed by a line that ends what it prints.
	const end = "=== end ==="
	var script strings.Builder
	for _, d := range list {
		fmt.Fprintf(&script, "%s\necho; echo %q\n", d.command, end)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	shell.Dir = dir
	shell.Env = append(srv.Command().Env, "PATH="+dir+":"+os.Getenv("PATH"), "URL="+here, "KEY="+key)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Split(string(out), end+"\n")
	if len(printed) != len(list)+1 {
		t.Fatalf("%d commands print %d times:\n%s", len(list), len(printed)-1, out)
	}
	for i, d := range list {
		want := regexp.QuoteMeta(strings.TrimSpace(strings.ReplaceAll(d.prints, there, here)))
		want = "(?s)^" + strings.ReplaceAll(want, "…", ".*?") + "$"
		got := unspaced(printed[i])
		if ok, err := regexp.MatchString(unspaced(want), got); err != nil || !ok {
			t.Errorf("%s\nprints\n%s\nwant\n%s", d.command, printed[i], d.prints)
		}
	}
	t.Logf("%d commands", len(list))
}

// Every command of docs/links.md does what the page says.
func TestLinksAsDocumented(t *testing.T) {
	t.Parallel()
	o := newLinkOffice(t, 1)
	follow(t, "links.md", o.dir, "http://127.0.0.1:8088", o.key, o.Server)
	o.until("the phone was called", func() bool { return rang(o.other) == 1 })
}

// unspaced makes runs of blanks and of line ends one, since the widths of columns differ, and
// leaves out those at the ends.
func unspaced(s string) string {
	s = strings.ReplaceAll(s, "\r", "") // CSV (RFC 4180 §2)
	s = regexp.MustCompile(` +`).ReplaceAllString(s, " ")
	return strings.TrimSpace(regexp.MustCompile(` ?\n+`).ReplaceAllString(s, "\n"))
}
