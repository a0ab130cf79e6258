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

// A manager's channels go by Command where they may go by Redirect: into the contexts of
// its account.
func TestCommandRedirectsWithinTheAccount(t *testing.T) {
	dir := t.TempDir()
	path, plan := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "extensions.conf")
	for name, text := range map[string]string{
		plan: "[open]\nexten => s,1,Answer()\n same => n,Wait(20)\n[closed]\nexten => s,1,Wait(20)\n",
		path: `[server]
watch = false
[dialplan]
file = "` + plan + `"
[originate]
account = "desk"
[accounts.desk]
contexts = ["open"]
[ami]
listen = "127.0.0.1:0"
[ami.users.test]
secret = "long-enough-1"
read = ["all"]
write = ["call", "command", "originate"]
account = "desk"
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, _, _ := serve(t, path)
	m := dialManager(t, a)
	m.ask("Action: Originate\nChannel: Local/s@open\nContext: open\nExten: s\nPriority: 1\nChannelId: A\nActionID: o", "Response: Success")
	c, ok := a.pbx.Channel("A")
	if !ok {
		t.Fatal("the channel is not there")
	}
	m.ask("Action: Redirect\nChannel: A\nContext: closed\nExten: s\nPriority: 1", "Message: Redirect failed")
	m.ask("Action: Command\nCommand: channel redirect "+c.Name()+" closed,s,1", "Response: Error")
	m.ask("Action: Command\nCommand: channel redirect "+c.Name()+" open,s,2", "Response: Success")
	if in := c.Snapshot().Context; in != "open" {
		t.Errorf("the channel is in %s", in)
	}
}
