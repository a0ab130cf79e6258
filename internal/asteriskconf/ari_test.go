package asteriskconf_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/asteriskconf"
	"github.com/dialwright/dialwright/internal/config"
)

// takenOver reads the files of an archive of testdata together with one of ours.
func takenOver(t *testing.T, archive, ours string) (config.Loaded, string) {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join("testdata", archive))
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, ar.Files[:len(ar.Files)-1])
	r, _, err := asteriskconf.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := config.Parse([]config.File{{Name: "dialwright.toml", Text: []byte(ours)}}, r.Merge)
	if err != nil {
		t.Fatal(err)
	}
	return l, dir
}

// TestMergeARI: what our own file says wins, and the rest comes from the Asterisk.
func TestMergeARI(t *testing.T) {
	l, dir := takenOver(t, "ari.txtar", `
[http]
listen = "127.0.0.1:9000"
[ari]
realm = "ours"
[ari.users.crm]
password = "ours, and quite long"
[ari.outbound.mine]
uri = "wss://localhost/"
apps = ["survey"]
local_user = "crm"
`)
	a := l.Config.ARI
	got := []any{l.Config.HTTP.Listen, l.Config.HTTP.MaxStreams, a.Prefix, a.Realm, a.Enabled, a.Journal, a.ChannelVars, len(a.Users), a.Users["crm"].Password, len(a.Outbound)}
	want := []any{"127.0.0.1:9000", 1000, "/asterisk", "ours", true, 16384, []string{"CAMPAIGN", "AGENT"}, 3, "ours, and quite long", 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, ok := a.Outbound["dialer"]; ok {
		t.Error("a connection for an application that ours has")
	}
	if len(l.Warnings) != 0 {
		t.Errorf("warnings for %s: %v", dir, l.Warnings)
	}
}

// TestARIOffThere: users of ours can log in although ARI was off in the Asterisk, whose
// users cannot.
func TestARIOffThere(t *testing.T) {
	l, _ := takenOver(t, "ari_off.txtar", "[ari.users.crm]\npassword = \"ours, and quite long\"\n")
	if a := l.Config.ARI; !a.Enabled || len(a.Users) != 1 || a.Users["crm"].Password == "" {
		t.Errorf("enabled %t, users %v", a.Enabled, a.Users)
	}
}

// TestARIWarningsHaveTheirPlace: a short password is told with the line of the Asterisk's file.
func TestARIWarningsHaveTheirPlace(t *testing.T) {
	l, dir := takenOver(t, "ari_wrong.txtar", "")
	for _, w := range l.Warnings {
		if w.Key == "ari.users.open.password" && w.File == filepath.Join(dir, "ari.conf") && w.Line == 23 {
			return
		}
	}
	t.Errorf("warnings: %v", l.Warnings)
}

// TestARIListens: without a word of ours, the server listens where the Asterisk did.
func TestARIListens(t *testing.T) {
	l, _ := takenOver(t, "ari.txtar", "")
	if l.Config.HTTP.Listen != "0.0.0.0:8188" {
		t.Errorf("listens on %s", l.Config.HTTP.Listen)
	}
	l, _ = takenOver(t, "ari_off.txtar", "")
	if d := config.Default(); l.Config.HTTP.Listen != d.HTTP.Listen || l.Config.ARI.Enabled {
		t.Errorf("HTTP is off: %s, %t", l.Config.HTTP.Listen, l.Config.ARI.Enabled)
	}
}
