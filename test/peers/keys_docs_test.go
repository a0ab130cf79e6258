package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/keys.md does what the page says.
func TestKeysAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := transcript(string(page))
	if len(list) < 5 {
		t.Fatalf("docs/keys.md has %d commands", len(list))
	}
	o := newLinkOffice(t, 1)
	o.must(os.Symlink(o.Command().Path, filepath.Join(o.dir, "dialwright")))
	// A key that may do this: made by a command that the page tells of.
	boss := o.Command("key", "create", "boss", "--scope", "admin")
	key, err := boss.Output()
	o.must(err)
	env := append(o.Command().Env, "PATH="+o.dir+":"+os.Getenv("PATH"), fmt.Sprintf("URL=http://127.0.0.1:%d", o.HTTP), "KEY="+strings.TrimSpace(string(key)))
	for _, d := range list {
		shell := exec.CommandContext(t.Context(), "bash", "-c", d.command)
		shell.Env = env
		got, err := shell.CombinedOutput()
		o.must(err)
		want := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(unspaced(d.prints)), "…", ".*?") + "$"
		if ok, err := regexp.MatchString(want, unspaced(string(got))); err != nil || !ok {
			t.Errorf("%s\nprints\n%s\nwant\n%s", d.command, got, d.prints)
		}
	}
}
