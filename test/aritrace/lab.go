package aritrace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/phone"
)

// Lab says where the parts of the laboratory listen, all on 127.0.0.1.
type Lab struct {
	SIP, HTTP int // of the server
	Phone     int // of the phone behind the trunk callee
	Outside   int // of the WebSocket server that the server connects to; 0 = none
}

// The user that the traces were captured with.
const (
	User     = "lab"
	Password = "labpass"
)

// Target gives the server as Play wants it.
func (l Lab) Target() Target {
	return Target{Base: fmt.Sprintf("http://127.0.0.1:%d/ari", l.HTTP), User: User, Password: Password}
}

// files are the laboratory's configuration, the same for Asterisk and for us.
func (l Lab) files() map[string]string {
	m := map[string]string{
		"pjsip.conf": fmt.Sprintf(`[transport-udp]
type = transport
protocol = udp
bind = 127.0.0.1:%d

[callee]
type = endpoint
transport = transport-udp
context = from-callee
disallow = all
allow = ulaw
aors = callee
dtmf_mode = rfc4733
direct_media = no
[callee]
type = aor
contact = sip:127.0.0.1:%d
[callee]
type = identify
endpoint = callee
match = 127.0.0.1
`, l.SIP, l.Phone),
		"http.conf": fmt.Sprintf("[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = %d\n", l.HTTP),
		"ari.conf": fmt.Sprintf("[general]\nenabled = yes\n[%s]\ntype = user\nread_only = no\npassword = %s\npassword_format = plain\n"+
			"[reader]\ntype = user\nread_only = yes\npassword = readpass\n", User, Password),
		"extensions.conf": `[globals]
GLOBVAR = hello
[default]
exten => 100,1,NoOp(originated)
 same => n(ans),Answer()
 same => n,Wait(2)
 same => n,Hangup()
exten => app,1,Stasis(lab,fromdialplan)
 same => n(after),NoOp(continued)
 same => n,Wait(1)
 same => n,Hangup()
exten => wait,1,Answer()
 same => n,Wait(30)
[from-callee]
exten => _.,1,Goto(default,app,1)
[percallctx]
exten => go,1,Stasis(percall,argx)
 same => n,Hangup()
`,
	}
	if l.Outside > 0 {
		m["ari.conf"] += fmt.Sprintf("[out]\ntype = outbound_websocket\nwebsocket_client_id = out\napps = outapp,outapp2\nlocal_ari_user = %[1]s\n"+
			"[percall]\ntype = outbound_websocket\nwebsocket_client_id = percall\napps = percall\nlocal_ari_user = %[1]s\n", User)
		m["websocket_client.conf"] = fmt.Sprintf("[out]\ntype = websocket_client\nuri = ws://127.0.0.1:%[1]d/events\nprotocols = ari\nusername = outuser\npassword = outpass\nconnection_type = persistent\nreconnect_interval = 500\n"+
			"[percall]\ntype = websocket_client\nuri = ws://127.0.0.1:%[1]d/percall\nprotocols = ari\nusername = outuser\npassword = outpass\nconnection_type = per_call_config\n", l.Outside)
	}
	return m
}

// Write writes the configuration into a directory.
func (l Lab) Write(t testing.TB, dir string) {
	t.Helper()
	for name, text := range l.files() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// WriteOurs is Write with the asterisk.conf of a server of ours, whose directories lie
// below root. It gives the configuration directory.
func (l Lab) WriteOurs(t testing.TB, root string) string {
	t.Helper()
	etc := filepath.Join(root, "etc")
	for _, d := range []string{"etc", "spool/recording", "lib/sounds/en"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.Write(t, etc)
	text := strings.ReplaceAll("[directories]\nastetcdir => %/etc\nastspooldir => %/spool\nastvarlibdir => %/lib\nastdatadir => %/lib\n", "%", root)
	if err := os.WriteFile(filepath.Join(etc, "asterisk.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	WriteSounds(t, filepath.Join(root, "lib/sounds/en"))
	WriteRecording(t, filepath.Join(root, "spool/recording"))
	return etc
}

// WriteSounds writes the sounds that the traces play, as long as they were.
func WriteSounds(t testing.TB, dir string) {
	t.Helper()
	phone.WriteWAV(t, filepath.Join(dir, "beep.wav"), 400)
	phone.WriteWAV(t, filepath.Join(dir, "beeperr.wav"), 300)
	phone.WriteWAV(t, filepath.Join(dir, "demo-instruct.wav"), 40000)
}

// WriteRecording writes the recording that was there before the traces were captured.
func WriteRecording(t testing.TB, dir string) {
	t.Helper()
	phone.WriteWAV(t, filepath.Join(dir, "zz.wav"), 500)
}
