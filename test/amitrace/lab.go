package amitrace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/phone"
)

// Lab says where the parts of the laboratory listen, all on 127.0.0.1, and what is otherwise
// in some captures.
type Lab struct {
	SIP, HTTP, AMI int // of the server
	Phone          int // of the phones
	Nobody         int // nothing listens there

	CDR    bool // cdr_manager.conf is enabled
	Marked bool // events carry time, system name and variables (r2)
	Talk   bool // alice and bob talk (a5)
}

// For gives a laboratory for a trace on free ports.
func For(t testing.TB, trace string) Lab {
	t.Helper()
	l := NewLab(t)
	name, _, _ := strings.Cut(trace, "_")
	l.CDR, l.Marked, l.Talk = name == "r1", name == "r2", name == "a5"
	return l
}

// Usual says whether a trace was captured in the laboratory as it usually is.
func Usual(trace string) bool {
	name, _, _ := strings.Cut(trace, "_")
	return name != "r1" && name != "r2" && name != "a5"
}

// NewLab gives a laboratory on free ports.
func NewLab(t testing.TB) Lab {
	t.Helper()
	return Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), AMI: harness.FreePort(t), Phone: harness.FreePort(t), Nobody: harness.FreePort(t)}
}

// The user that the traces were captured with.
const (
	User     = "tracer"
	Password = "tracepw"
)

// Target gives the server as Play wants it.
func (l Lab) Target() Target { return Target{Addr: fmt.Sprintf("127.0.0.1:%d", l.AMI)} }

// phones are the endpoints of the laboratory. frank is nowhere; where jack is, nothing listens.
var phones = [...]string{"alice", "bob", "carol", "dave", "erin", "frank", "gina", "hank", "iris", "jack"}

// pjsip writes the endpoints; all have the context from-phones, but in the capture r2. Those
// of Asterisk have static contacts, as in the captures; a phone of ours registers.
func (l Lab) pjsip(ours bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[transport-udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:%d\n", l.SIP)
	context := "from-phones"
	if l.Marked {
		context = "default"
	}
	for i, name := range phones {
		fmt.Fprintf(&b, "\n[%[1]s]\ntype = endpoint\ncontext = %[2]s\ndisallow = all\nallow = ulaw\naors = %[1]s\ndirect_media = no\n", name, context)
		if i < 5 && (!l.Marked || name == "alice") {
			fmt.Fprintf(&b, "callerid = \"%s%s\" <10%d>\n", strings.ToUpper(name[:1]), name[1:], i+1)
		}
		if ours {
			fmt.Fprintf(&b, "auth = %[1]s\n[%[1]s]\ntype = auth\nusername = %[1]s\npassword = %[2]s\n", name, phonePassword)
		}
		fmt.Fprintf(&b, "[%s]\ntype = aor\n", name)
		if ours || name == "frank" {
			b.WriteString("max_contacts = 1\n")
			continue
		}
		fmt.Fprintf(&b, "contact = %s\n", l.contact(name))
	}
	return b.String()
}

const phonePassword = "password-of-a-phone"

// contact is where a phone is.
func (l Lab) contact(name string) string {
	port := l.Phone
	if name == "jack" {
		port = l.Nobody
	}
	return fmt.Sprintf("sip:%s@127.0.0.1:%d", name, port)
}

// The users, with the rights that the captures show.
const managerUsers = `
[tracer]
secret = tracepw
read = system,call,log,verbose,command,agent,user,config,dtmf,reporting,cdr,dialplan,originate,agi,cc,aoc,message
write = all
[webinterface]
secret = webinterface
read = command,call,originate
write = command,call,originate
[aclblocked]
secret = aclpw
deny = 0.0.0.0/0.0.0.0
read = all
write = all
[single]
secret = onepw
allowmultiplelogin = no
read = call
write = call
[readonly]
secret = ropw
read = all
[callop]
secret = callpw
read = call
write = call,originate,reporting
`

func (l Lab) manager() string {
	more := ""
	if l.Marked {
		more = "timestampevents = yes\nchannelvars = FOO,CALLERID(num)\n"
	}
	return fmt.Sprintf("[general]\nenabled = yes\nwebenabled = yes\nport = %d\nbindaddr = 127.0.0.1\ndisabledevents = TestEvent\n%s", l.AMI, more) + managerUsers
}

const extensions = `[globals]
GLOB = globalvalue
[default]
exten => 101,hint,PJSIP/alice
exten => 101,1,NoOp(to alice)
 same => n,Dial(PJSIP/alice,20)
 same => n,Hangup()
exten => 102,hint,PJSIP/bob
exten => 102,1,NoOp(to bob)
 same => n(dial),Dial(PJSIP/bob,20)
 same => n,Hangup()
exten => 103,1,Dial(PJSIP/carol,20)
 same => n,Hangup()
exten => 104,1,Dial(PJSIP/dave,3)
 same => n,NoOp(${DIALSTATUS})
 same => n,Hangup()
exten => 105,1,Dial(PJSIP/erin,20)
 same => n,Hangup()
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Wait(30)
 same => n,Wait(5)
exten => 602,1,Wait(30)
exten => 603,1,Answer()
 same => n,UserEvent(FromDialplan,Key: value)
 same => n,Wait(1)
exten => 604,1,Busy(1)
exten => 605,1,Congestion(1)
exten => 608,1,Answer()
 same => n,NoOp()
 same => n,Set(RESULT=${A}-${B}-${_D}-${X})
 same => n,Wait(10)
exten => _X.,1,NoOp(catch ${EXTEN})
 same => n,Answer()
 same => n,Wait(5)
[short]
exten => s,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
[from-phones]
exten => _X.,1,Goto(default,${EXTEN},1)
[xfer]
exten => _X.,1,Answer()
 same => n,Wait(10)
[withfailed]
exten => failed,1,NoOp(failed reason ${REASON})
 same => n,Wait(1)
exten => 102,1,NoOp()
[predial]
exten => s,1,Return()
`

// files are the laboratory's configuration, the same for Asterisk and for us.
func (l Lab) files(ours bool) map[string]string {
	m := map[string]string{
		"pjsip.conf":       l.pjsip(ours),
		"manager.conf":     l.manager(),
		"http.conf":        fmt.Sprintf("[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = %d\n", l.HTTP),
		"extensions.conf":  extensions,
		"res_parking.conf": "[general]\n",
		"queues.conf":      "[general]\n[support]\nmember => PJSIP/frank\n",
	}
	if l.CDR {
		m["cdr_manager.conf"] = "[general]\nenabled = yes\n"
	}
	return m
}

// Write writes the configuration into a directory. A system name goes into the asterisk.conf
// that is there, whose last section must be [options].
func (l Lab) Write(t testing.TB, dir string) {
	t.Helper()
	l.write(t, dir, false)
}

func (l Lab) write(t testing.TB, dir string, ours bool) {
	t.Helper()
	for name, text := range l.files(ours) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !l.Marked {
		return
	}
	f, err := os.OpenFile(filepath.Join(dir, "asterisk.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("systemname = lab1\n"); err != nil {
		t.Fatal(err)
	}
}

// WriteOurs is Write with the asterisk.conf of a server of ours, whose directories lie below
// root. It gives the configuration directory.
func (l Lab) WriteOurs(t testing.TB, root string) string {
	t.Helper()
	etc := filepath.Join(root, "etc")
	for _, d := range []string{"etc", "spool/monitor", "lib/sounds/en"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll("[directories]\nastetcdir => %/etc\nastspooldir => %/spool\nastvarlibdir => %/lib\nastdatadir => %/lib\n[options]\n", "%", root)
	if err := os.WriteFile(filepath.Join(etc, "asterisk.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l.write(t, etc, true)
	WriteSounds(t, filepath.Join(root, "lib/sounds/en"))
	return etc
}

// WriteSounds writes the sound that the traces play: one second.
func WriteSounds(t testing.TB, dir string) {
	t.Helper()
	phone.WriteWAV(t, filepath.Join(dir, "tone1.wav"), 1000)
}

// Ours is what a server of ours is configured with beside those files: applications that are
// not known are treated as Asterisk treats them.
func (l Lab) Ours() string {
	return "[ami]\nstrict = false\n"
}
