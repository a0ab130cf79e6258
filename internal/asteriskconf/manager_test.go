package asteriskconf_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/asteriskconf"
	"github.com/dialwright/dialwright/internal/config"
)

// TestMergeAMI: what our own file says wins, and the rest comes from the Asterisk.
func TestMergeAMI(t *testing.T) {
	l, dir := takenOver(t, "manager.txtar", `
[ami]
auth_timeout = "5s"
[ami.users.CRM]
secret = "ours, and quite long"
`)
	a := l.Config.AMI
	got := []any{a.Enabled, a.Listen, a.Web, a.Prefix, a.AuthTimeout.String(), a.AuthLimit, a.HTTPTimeout.String(), a.ChannelVars, a.DisabledEvents, a.CDREvents, a.Strict, a.EventQueue, len(a.Users)}
	want := []any{true, "127.0.0.1:5099", true, "/asterisk", "5s", 10, "1m30s", []string{"CAMPAIGN", "AGENT"}, []string{"Newexten", "VarSet"}, true, true, 10000, 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, ok := a.Users["crm"]; ok || a.Users["CRM"].Secret != "ours, and quite long" {
		t.Errorf("users %+v", a.Users)
	}
	if len(l.Warnings) != 0 {
		t.Errorf("warnings for %s: %v", dir, l.Warnings)
	}
}

// TestMergeAMIOff: users of an AMI that is off stay off, and do not come in beside ours.
func TestMergeAMIOff(t *testing.T) {
	l, _ := takenOver(t, "manager_off.txtar", "")
	if a := l.Config.AMI; a.Enabled || len(a.Users) != 1 {
		t.Errorf("%+v", a)
	}
	l, _ = takenOver(t, "manager_off.txtar", "[ami.users.crm]\nsecret = \"long enough\"\n")
	if a := l.Config.AMI; !a.Enabled || len(a.Users) != 1 || a.Listen != "127.0.0.1:5038" {
		t.Errorf("beside ours: %+v", a)
	}
}

// TestAMIWithTLS: with a certificate that can be read.
func TestAMIWithTLS(t *testing.T) {
	cert := filepath.Join(t.TempDir(), "asterisk.pem")
	if err := os.WriteFile(cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for general, want := range map[string][]string{
		"bindaddr = 127.0.0.1\ntlsenable = yes\n":                            {"127.0.0.1:5038", "127.0.0.1:5039"},
		"tlsenable = yes\ntlsbindaddr = 0.0.0.0:6000\n":                      {":5038", ":6000"},
		"bindaddr = ::\nport = 5040\ntlsenable = yes\ntlsbindaddr = [::1]\n": {":5040", "[::1]:5039"},
		"bindaddr = 10.0.0.1:5050\ntlsenable = no\n":                         {"10.0.0.1:5050", ""},
		"bindaddr = 127.0.0.1\nport = 5039\ntlsenable = yes\n":               {"127.0.0.1:5039", ""},
		"bindaddr = ]\n": {"", ""},
		"bindaddr = a b\ntlsenable = yes\ntlsbindaddr = 127.0.0.1:5039\n":             {"", "127.0.0.1:5039"},
		"bindaddr = 127.0.0.1\ntlsenable = yes\ntlsbindaddr = x y\nallow = nothing\n": {"127.0.0.1:5038", ""},
	} {
		text := "[general]\nenabled = yes\ntlscertfile = " + cert + "\n" + general + "[crm]\nsecret = cMz5xW9-mLp\n"
		r, _, err := asteriskconf.Load(write(t, []txtar.File{{Name: "manager.conf", Data: []byte(text)}}))
		if err != nil {
			t.Fatal(err)
		}
		if got := []string{r.AMI.Listen, r.AMI.TLSListen}; !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", general, got, want)
		}
		if _, err := config.Parse(nil, r.Merge); err != nil {
			t.Errorf("%q: %v", general, err)
		}
	}
}

// TestWellKnownSecretIsRefused: a server that others can reach does not start with a
// secret that everybody knows, and the message says where it stands (spec: ami 10.1).
func TestWellKnownSecretIsRefused(t *testing.T) {
	dir := write(t, []txtar.File{{Name: "manager.conf", Data: []byte("[general]\nenabled = yes\nbindaddr = 0.0.0.0\n[admin]\nsecret = amp111\nread = all\n")}})
	r, _, err := asteriskconf.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse(nil, r.Merge); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "manager.conf")+":4") || strings.Contains(err.Error(), "amp111") {
		t.Errorf("%v", err)
	}
	for _, ours := range []string{"[ami]\nlisten = \"localhost:5038\"\n", "[ami]\nenabled = false\n"} {
		if _, err := config.Parse([]config.File{{Name: "x.toml", Text: []byte(ours)}}, r.Merge); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
	}
}

// TestAstLinux: dialproxy.php is on, but labels without a token or an address stay closed;
// AstDB is found beside the configuration when asterisk.conf names a place that is not there.
func TestAstLinux(t *testing.T) {
	l, dir := takenOver(t, "astlinux.txtar", "")
	d := l.Config.Dialproxy
	if !d.Enabled || d.Open || d.Prefixes != "011~1~1~9" {
		t.Errorf("%+v", d)
	}
	if want := filepath.Join(dir, "astdb.sqlite3"); l.Config.Dialplan.ImportAstDB != want {
		t.Errorf("AstDB %q, want %q", l.Config.Dialplan.ImportAstDB, want)
	}
	l, _ = takenOver(t, "astlinux.txtar", "[dialproxy]\nprefixes = \"00~0~44~\"\n")
	if l.Config.Dialproxy.Prefixes != "00~0~44~" {
		t.Errorf("ours lost to %q", l.Config.Dialproxy.Prefixes)
	}
	l, _ = takenOver(t, "manager.txtar", "")
	if l.Config.Dialproxy.Enabled || l.Config.Dialplan.ImportAstDB != "" {
		t.Error("an Asterisk without AstLinux has dialproxy")
	}
}

// TestAstLinuxAbove: /mnt/kd/rc.conf.d beside /mnt/kd/asterisk, to which /etc/asterisk is
// a link; by whatever name the directory is given.
func TestAstLinuxAbove(t *testing.T) {
	root := write(t, []txtar.File{
		{Name: "kd/rc.conf.d/user.conf", Data: []byte("DIALING_PREFIX_NUMBERS=\n")}, // set, but empty
		{Name: "kd/asterisk/asterisk.conf"}, {Name: "etc/rc.conf", Data: []byte("HOSTNAME=pbx\n")},
	})
	link := filepath.Join(root, "etc", "asterisk")
	if err := os.Symlink(filepath.Join(root, "kd", "asterisk"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "kd", "astdb.sqlite3"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, dir := range []string{filepath.Join(root, "kd", "asterisk"), link, filepath.Join("kd", "asterisk") + "/", filepath.Join("etc", "asterisk")} {
		r, problems, err := asteriskconf.Load(dir)
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		c := config.Default()
		r.Merge(&c)
		if found, want := c.Dialplan.ImportAstDB, filepath.Join("kd", "astdb.sqlite3"); !strings.HasSuffix(found, want) {
			t.Errorf("%s: AstDB %q, want %q", dir, found, want)
		}
		for i, name := range r.Files {
			r.Files[i], err = filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
		}
		if !r.AstLinux || r.DialPrefixes != "" || !slices.Contains(r.Files, filepath.Join(root, "kd", "rc.conf.d", "user.conf")) {
			t.Errorf("%s: %v, %q, files %q", dir, r.AstLinux, r.DialPrefixes, r.Files)
		}
	}
}
