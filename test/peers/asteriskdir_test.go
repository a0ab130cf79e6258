package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// etc is the configuration directory of a small Asterisk: a phone by templates,
// a trunk by its address, and one that registers with its provider.
func etc() map[string]string {
	return map[string]string{
		"asterisk.conf": `[directories](!)
astetcdir => %ROOT%/etc
astspooldir => %ROOT%/spool
astvarlibdir => %ROOT%/lib
astagidir => %ROOT%/agi
[options]
systemname = oldpbx
`,
		"pjsip.conf": `[global]
type = global
default_realm = test.local
[transport-udp]
type = transport
protocol = udp
bind = 127.0.0.1:%SIP%
#include "pjsip.d/*.conf"

[trunk]
type = endpoint
transport = transport-udp
context = from-trunk
disallow = all
allow = ulaw
aors = trunk
[trunk]
type = aor
contact = sip:127.0.0.1:%TRUNK%
[trunk]
type = identify
endpoint = trunk
match = 127.0.0.1

[provider]
type = endpoint
context = from-trunk
outbound_auth = provider
aors = provider
[provider]
type = auth
username = acme
password = s3cret-acme
[provider]
type = aor
contact = sip:127.0.0.1:%PROVIDER%
[provider]
type = registration
outbound_auth = provider
server_uri = sip:127.0.0.1:%PROVIDER%
client_uri = sip:acme@127.0.0.1
`,
		"pjsip.d/phones.conf": phoneConf("101"),
		"extensions.conf": `[general]
static = yes
[globals]
TRUNK = SIP/trunk
#include "office.conf"
[announce]
exten => s,1,NoOp(${SYSTEMNAME})
 same => n,Log(NOTICE,announcing on ${SYSTEMNAME} below ${ASTSPOOLDIR})
 same => n,Playback(hello-world)
 same => n,AGI(note.agi)
[from-trunk]
exten => _5XXX,1,Dial(PJSIP/101,20)
`,
		"office.conf": `[office]
exten => _9X.,1,Dial(${TRUNK}/${EXTEN:1},30)
exten => 7,1,Playback(pbx-only)
exten => 8,1,Log(NOTICE,eight)
`,
	}
}

// phoneConf is a phone of pjsip.conf, by the templates that stand before it.
func phoneConf(name string) string {
	return fmt.Sprintf(`[phone](!)
type = endpoint
context = office
disallow = all
allow = ulaw,alaw
[login](!)
type = auth
auth_type = userpass
[box](!)
type = aor
max_contacts = 2
remove_existing = yes
[%[1]s](phone)
auth = %[1]s
aors = %[1]s
callerid = "Phone %[1]s" <%[1]s>
[%[1]s](login)
username = %[1]s
password = secret-%[1]s
[%[1]s](box)
`, name)
}

// takeOver starts a server on a copy of etc. Its yard is the spool directory of
// the Asterisk.
func takeOver(t *testing.T, trunk, provider int, sections ...string) (y *yard, root string) {
	t.Helper()
	root = t.TempDir()
	y = &yard{t: t, dir: filepath.Join(root, "spool"), out: filepath.Join(root, "spool", "outgoing"), done: filepath.Join(root, "spool", "outgoing_done")}
	for _, d := range []string{"etc/pjsip.d", "spool/outgoing", "spool/tmp", "lib/sounds/en", "agi"} {
		y.must(os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	port := harness.FreePort(t)
	r := strings.NewReplacer("%ROOT%", root, "%SIP%", fmt.Sprint(port), "%TRUNK%", fmt.Sprint(trunk), "%PROVIDER%", fmt.Sprint(provider))
	for name, text := range etc() {
		y.must(os.WriteFile(filepath.Join(root, "etc", name), []byte(r.Replace(text)), 0o644))
	}
	writeTone(t, filepath.Join(root, "lib/sounds/en/pbx-only.wav"), 800, 3*time.Second)
	y.must(os.WriteFile(filepath.Join(root, "agi/note.agi"), []byte("#!/bin/sh\necho 'SET VARIABLE NOTED 1'\nread -r answer\necho ran > "+root+"/agi.ran\n"), 0o755))
	y.Server = harness.StartAsterisk(t, filepath.Join(root, "etc"), port, sections...)
	return y, root
}

// allowed lets the dialplan of the Asterisk do what it does there.
const allowed = "[numbers]\ncountry = \"DE\"\n[dialplan]\nallow_exec = true\n[callfile]\nallow_exec = true\n"

// A server on the directories of an Asterisk serves its phones, its trunk, its
// dialplan, its sounds, its scripts and its spool folder.
func TestAsteriskDir(t *testing.T) {
	t.Parallel()
	called := []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger}
	trunk := startSIPp(t, 2, called)
	provider := startSIPp(t, 1, []step{
		recv("REGISTER"), challenge("provider.example"), recv("REGISTER", `auth="true"`), registered(), linger,
	})
	y, root := takeOver(t, trunk.Port, provider.Port, allowed)
	y.put("announce.call", "Channel: SIP/trunk/030123456\nCallerID: \"Old PBX\" <4930555>\nContext: announce\nExtension: s\nArchive: yes\n")
	y.emptied()
	y.logged("announcing on oldpbx below " + filepath.Join(root, "spool"))
	y.until("the script has run", func() bool { return fileSize(filepath.Join(root, "agi.ran")) > 0 })
	if b, err := os.ReadFile(filepath.Join(y.done, "announce.call")); err != nil || !strings.HasSuffix(string(b), "Status: Completed\n") {
		t.Errorf("the archived file ends %q, %v", b, err)
	}

	p := y.phone("101", 700, softphone.Rule{Action: softphone.Answer})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := p.Dial(ctx, "9030777777")
	y.must(err)
	y.must(out.WaitAnswered(ctx))
	out.Hangup()
	y.must(out.WaitEnded(ctx))
	sound, err := p.Dial(ctx, "7")
	y.must(err)
	y.must(sound.WaitTone(ctx, 800))
	y.must(sound.WaitEnded(ctx))
	trunk.Wait()
	for _, line := range []string{"INVITE sip:030123456@", "From: \"Old PBX\" <sip:4930555@", "INVITE sip:030777777@", "From: \"Phone 101\" <sip:101@"} {
		if !strings.Contains(trunk.Messages(), line) {
			t.Errorf("the trunk has not seen %q", line)
		}
	}
	startSIPpAt(t, trunk.Port, 1, []step{
		inviteFrom("5001", 1, ""), optional(100), optional(180), optional(183), status(200), inDialog("ACK", 1),
		pause(200 * time.Millisecond), inDialog("BYE", 2), status(200),
	}, fmt.Sprintf("127.0.0.1:%d", y.SIP)).Wait()
	if in, err := p.NextCall(ctx); err != nil || in.Info().Remote.User != "101" { // SIPp calls itself 101
		t.Errorf("the call by the trunk did not ring the phone: %v", err)
	}
	provider.Wait()
	if !strings.Contains(provider.Messages(), `username="acme"`) {
		t.Error("the server has not logged in with the provider")
	}
}

// Phones, dialplan and includes of the Asterisk are loaded again when they change,
// and a file that Asterisk would refuse leaves everything as it was.
func TestAsteriskDirReload(t *testing.T) {
	t.Parallel()
	y, root := takeOver(t, harness.FreePort(t), harness.FreePort(t))
	y.configure("watch = false", "watch = true")
	write := func(name, text string) { y.must(os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644)) }

	write("pjsip.d/phones.conf", phoneConf("101")+phoneConf("102"))
	y.logged(`"changed":["phones"`)
	p := y.phone("102", 0, softphone.Rule{})
	write("office.conf", "[office]\nexten => 8,1,Log(NOTICE,changed eight)\n")
	y.logged(`"changed":["dialplan"]`)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := p.Dial(ctx, "8")
	y.must(err)
	y.must(c.WaitEnded(ctx))
	y.logged("changed eight")

	write("pjsip.d/phones.conf", "[101](nosuch)\n")
	if out := y.CLI("config", "reload"); out.Code != 1 || !strings.Contains(out.Stderr, "pjsip.d/phones.conf:1: ") || !strings.Contains(out.Stderr, "The old configuration stays in force") {
		t.Errorf("config reload: %+v, want the place of the mistake", out)
	}
	if out := y.CLI("check", "--asterisk-dir", filepath.Join(root, "etc")); out.Code != 1 || !strings.Contains(out.Stdout, "pjsip.d/phones.conf:1: ") {
		t.Errorf("check: %+v, want the place of the mistake", out)
	}
	if out := y.CLI("phones"); !strings.Contains(out.Stdout, "102") {
		t.Errorf("phones: %+v, want 102 still there", out)
	}
}

// challenge answers a REGISTER with 401.
func challenge(realm string) step {
	return message{
		start: "SIP/2.0 401 Unauthorized", headers: fmt.Sprintf(copied, tag),
		extra: []string{`WWW-Authenticate: Digest realm="` + realm + `", nonce="0123456789", algorithm=MD5, qop="auth"`},
	}.step()
}

// registered answers a REGISTER with 200.
func registered() step {
	return message{
		start: "SIP/2.0 200 OK", headers: fmt.Sprintf(copied, tag), extra: []string{"[last_Contact:]", "Expires: 300"},
	}.step()
}
