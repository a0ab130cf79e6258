package peers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// fixedPlan reaches phone A by a Local channel, and by one behind another. B is called
// when the phone has long been connected with the Local channel's other half.
const fixedPlan = `[ctx]
exten => 101,1,Dial(PJSIP/101)
exten => 103,1,Dial(Local/101@ctx)
exten => 102,1,Wait(0.5)
 same => n,Dial(PJSIP/+4940123@phone)
`

// originateByAMI logs in and originates a call from first to 102@ctx.
func originateByAMI(t *testing.T, addr, user, first string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err = fmt.Fprintf(conn, "Action: Login\r\nUsername: %s\r\nSecret: choose-one-1\r\nEvents: off\r\n\r\n"+
		"Action: Originate\r\nActionID: click\r\nChannel: %s\r\nContext: ctx\r\nExten: 102\r\nPriority: 1\r\nAsync: true\r\n\r\n", user, first); err != nil {
		t.Fatal(err)
	}
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			t.Fatalf("AMI: %v", err)
		case strings.HasPrefix(line, "Response: Error"):
			t.Fatal("AMI refused the originate, or the login")
		case strings.HasPrefix(line, "Message: Originate successfully queued"):
			return
		}
	}
}

// Phone A is reached by a Local channel. B then sees A, as with Asterisk; unless the
// account has a fixed caller ID: B sees that, whoever asked for the call.
func TestFixedCallerIDBehindLocal(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"Local/101@ctx", "Local/103@ctx"} {
		for _, tt := range []struct{ account, want string }{
			{"shop", `"Alice" <sip:1001`},
			{"fixed", `"Desk" <sip:+4930777`},
		} {
			t.Run(tt.account+" "+first, func(t *testing.T) {
				t.Parallel()
				dir, ami := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
				y := &yard{t: t, dir: dir, out: filepath.Join(dir, "outgoing")}
				y.shell("mkdir tmp outgoing")
				y.write("extensions.conf", fixedPlan)
				d, b := ringing(t, ariUsers(), harness.Phone("101", `caller_id = "Alice <1001>"`),
					fmt.Sprintf("[dialplan]\nfile = %q\n[callfile]\ndir = %q\naccount = %q\n[ami]\nlisten = %q\n", filepath.Join(dir, "extensions.conf"), y.out, tt.account, ami),
					fmt.Sprintf("[ami.users.%s]\nsecret = \"choose-one-1\"\nread = [\"all\"]\nwrite = [\"all\"]\naccount = %[1]q\n", tt.account))
				y.Server = d.srv
				y.phone("101", 0, softphone.Rule{})
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				defer cancel()
				for _, door := range []struct {
					name string
					ask  func()
				}{
					{"AMI", func() { originateByAMI(t, ami, tt.account, first) }},
					{"ARI", func() {
						d.want(200, tt.account, "POST", "/channels", "endpoint", first, "context", "ctx", "extension", "102", "priority", "1")
					}},
					{"call file", func() { y.put("click.call", "Channel: "+first+"\nContext: ctx\nExtension: 102\n") }},
				} {
					door.ask()
					c, err := b.NextCall(ctx)
					y.must(err)
					if got, _, _ := strings.Cut(c.Header("From"), "@"); got != tt.want {
						t.Errorf("%s: B sees %s, want %s", door.name, got, tt.want)
					}
					if id := c.Header("P-Asserted-Identity"); tt.account == "fixed" && strings.Contains(id, "1001") {
						t.Errorf("%s: B is told %s", door.name, id)
					}
				}
			})
		}
	}
}
