package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An account that may enter one context only gets into no other, wherever an Originate
// names it; one that may enter all gets there.
func TestManagerStaysInItsContexts(t *testing.T) {
	dir := t.TempDir()
	path, plan := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "extensions.conf")
	for name, text := range map[string]string{
		plan: `[public]
exten => phone,1,Answer()
 same => n,Wait(20)
exten => talk,1,NoOp()
[secret]
exten => s,1,Set(GLOBAL(ENTERED)=yes)
 same => n,Return()
`,
		path: `[server]
watch = false
[dialplan]
file = "` + plan + `"
[ami]
listen = "127.0.0.1:0"
[ami.users.test]
secret = "long-enough-1"
read = ["all"]
write = ["all"]
[ami.users.confined]
secret = "long-enough-2"
write = ["originate"]
account = "confined"
[accounts.default]
[accounts.confined]
contexts = ["public"]
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, _, _ := serve(t, path)
	free, confined := dialManager(t, a), newManager(t, a)
	confined.ask("Action: Login\nUsername: confined\nSecret: long-enough-2", "Message: Authentication accepted")
	free.ask("Action: Events\nEventMask: call", "Events: On")
	for i, request := range []string{
		"Context: public\nExten: talk\nPriority: 1\nPreDialGoSub: secret,s,1",
		"Context: public\nExten: talk\nPriority: 1\nVariable: \"CHANNEL(hangup_handler_push)=secret,s,1\"",
		"Application: Dial\nData: Local/phone@public,5,U(secret)S(1)",
		"Application: Dial\nData: Local/phone@public,5,b(secret^s^1)S(1)",
		"Application: Dial\nData: Local/phone@public,5,B(secret^s^1)S(1)",
	} {
		for who, m := range map[string]*manager{"yes": free, "": confined} {
			free.ask("Action: Setvar\nVariable: ENTERED\nValue: ", "Response: Success")
			id := fmt.Sprintf("call-%d-%s", i, who)
			m.ask("Action: Originate\nChannel: Local/phone@public\nChannelId: "+id+"\n"+request, "Message: Originate successfully queued")
			free.until("Event: Hangup", "Uniqueid: "+id)
			got := free.ask("Action: Getvar\nVariable: ENTERED", "Response: Success", "Variable: ENTERED")
			if !strings.Contains(got, "Value: "+who+"\r\n") {
				t.Errorf("%q: want entered = %q, got %q", request, who, got)
			}
		}
	}
}
