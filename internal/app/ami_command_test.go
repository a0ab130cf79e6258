package app

import (
	"os"
	"path/filepath"
	"testing"
)

// What Originate refuses to run is not run by Command either, whatever the dialplan may
// do (CVE-2024-42365).
func TestCommandRunsNoMoreThanOriginate(t *testing.T) {
	dir := t.TempDir()
	path, plan := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "extensions.conf")
	for name, text := range map[string]string{
		plan: "[default]\nexten => phone,1,Answer()\n same => n,Wait(20)\n",
		path: `[server]
watch = false
[dialplan]
file = "` + plan + `"
allow_exec = true
[ami]
listen = "127.0.0.1:0"
applications = ["Set"]
[ami.users.test]
secret = "long-enough-1"
read = ["all"]
write = ["call", "command", "originate"]
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, _, _ := serve(t, path)
	m := dialManager(t, a)
	touched := filepath.Join(dir, "touched")
	for _, line := range []string{
		"channel originate Local/phone@default application System \"touch " + touched + "\"",
		"ORIGINATE Local/phone@default Application tryexec \"System(touch " + touched + ")\"",
		"channel originate Local/phone@default application Set \"X=${SHELL(touch " + touched + ")}\"",
		"channel originate Local/phone@default application \" System\" \"touch " + touched + "\"",
		"channel originate Local/phone@default application Macro x",
	} {
		m.ask("Action: Command\nCommand: "+line, "Response: Error")
	}
	if n := a.pbx.Stats().Created; n != 0 {
		t.Errorf("%d channels were made", n)
	}
	m.ask("Action: Command\nCommand: channel originate Local/phone@default application Set X=1", "Response: Success")
	if n := a.pbx.Stats().Created; n != 2 {
		t.Errorf("what Originate may run made %d channels, want the 2 of a Local channel", n)
	}
}
