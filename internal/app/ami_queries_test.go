package app

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager is a client of AMI.
type manager struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// dialManager logs in as test.
func dialManager(t *testing.T, a *App) *manager {
	t.Helper()
	m := newManager(t, a)
	m.ask("Action: Login\nUsername: test\nSecret: long-enough-1\nEvents: off", "Message: Authentication accepted")
	return m
}

// newManager is one that has not logged in.
func newManager(t *testing.T, a *App) *manager {
	t.Helper()
	conn, err := net.Dial("tcp", a.ami.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m := &manager{t, conn, bufio.NewReader(conn)}
	if line, err := m.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "Asterisk Call Manager/") {
		t.Fatal(line, err)
	}
	return m
}

// ask sends a request, reads packets until one has all of some lines, and gives it.
func (m *manager) ask(request string, lines ...string) string {
	m.t.Helper()
	if _, err := io.WriteString(m.conn, strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
		m.t.Fatal(err)
	}
	return m.until(lines...)
}

func (m *manager) until(lines ...string) string {
	m.t.Helper()
	_ = m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var seen []string
	for packet := ""; ; {
		line, err := m.r.ReadString('\n')
		if err != nil {
			m.t.Fatalf("%v; no packet with %q in %q", err, lines, seen)
		}
		if line != "\r\n" {
			packet += line
			continue
		}
		found := true
		for _, l := range lines {
			found = found && strings.Contains("\r\n"+packet, "\r\n"+l+"\r\n")
		}
		if found {
			return packet
		}
		seen, packet = append(seen, packet), ""
	}
}

// TestManagerAsks asks the whole server about its phones, trunks, hints and settings.
func TestManagerAsks(t *testing.T) {
	dir := t.TempDir()
	path, plan := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "extensions.conf")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(plan, "[default]\nexten => 101,hint,PJSIP/101\nexten => 102,hint,Custom:lamp\n")
	put(path, `[server]
watch = false
[dialplan]
file = "`+plan+`"
[ami]
enabled = true
listen = "127.0.0.1:0"
[ami.users.test]
secret = "long-enough-1"
read = ["all"]
write = ["all"]
[phones.101]
password = "long-enough"
codecs = ["pcmu"]
[trunks.isp]
host = "192.0.2.1"
user = "me"
password = "long-enough"
match = ["198.51.100.0/24"]
`)
	a, c, _ := serve(t, path)
	m := dialManager(t, a)
	m.ask("Action: PJSIPShowEndpoints", "ObjectName: 101", "Auths: 101", "DeviceState: Unavailable", "Contacts: ")
	m.until("Event: EndpointListComplete")
	m.ask("Action: PJSIPShowEndpoint\nEndpoint: 101", "Event: EndpointDetail", "Allow: (ulaw)", "Context: default")
	m.until("Event: AorDetail", "MaxContacts: 5", "TotalContacts: 0")
	m.ask("Action: PJSIPShowEndpoint\nEndpoint: isp", "Event: EndpointDetail", "OutboundAuth: me", "Allow: (g722|ulaw|alaw)")
	m.until("Event: IdentifyDetail", "Match: 198.51.100.0/24")
	m.until("Event: EndpointDetailComplete")
	m.ask("Action: PJSIPShowContacts", "Response: Error", "Message: No Contacts found")
	m.ask("Action: ExtensionState\nExten: 101", "Status: 4", "StatusText: Unavailable", "Hint: PJSIP/101")
	m.ask("Action: ExtensionState\nExten: 102", "Status: 0", "StatusText: Idle")
	m.ask("Action: DeviceStateList", "Device: PJSIP/101", "State: UNAVAILABLE")
	m.until("Event: DeviceStateListComplete")
	m.ask("Action: Reload\nModule: app_dial", "Message: Module does not support reload")
	m.ask("Action: Reload\nModule: nosuch", "Message: No such module")
	m.ask("Action: Command\nCommand: core show hints", "Output: - 2 hints registered")
	m.ask("Action: MailboxCount\nMailbox: 7", "NewMessages: 0")
	m.ask("Action: Events\nEventMask: call", "Events: On")
	if err := a.devices.SetCustom(t.Context(), "lamp", "INUSE"); err != nil {
		t.Fatal(err)
	}
	m.until("Event: ExtensionStatus", "Exten: 102", "Status: 1", "StatusText: InUse")

	put(plan, "[default]\nexten => 103,hint,Custom:lamp\n")
	if err := c.Post(t.Context(), "/v1/config/reload", nil, nil); err != nil {
		t.Fatal(err)
	}
	m.ask("Action: ExtensionState\nExten: 102", "Status: -1", "StatusText: Unknown")
	if err := a.devices.SetCustom(t.Context(), "lamp", "BUSY"); err != nil {
		t.Fatal(err)
	}
	m.until("Event: ExtensionStatus", "Exten: 103", "Status: 2", "StatusText: Busy")
}
