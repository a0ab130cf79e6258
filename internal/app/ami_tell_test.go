package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
)

// everything reads what a manager is sent until a packet has all of some lines.
func (m *manager) everything(lines ...string) string {
	m.t.Helper()
	var all strings.Builder
	for {
		packet := ""
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = m.r.ReadString('\n'); err != nil {
				m.t.Fatalf("%v after %s", err, all.String())
			}
			packet += line
		}
		all.WriteString(packet)
		found := true
		for _, l := range lines {
			found = found && strings.Contains("\r\n"+packet, "\r\n"+l+"\r\n")
		}
		if found {
			return all.String()
		}
	}
}

// Managers hear of a reload and of the stop, and of records only if that is set.
func TestManagersAreTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dialwright.toml")
	write := func(more string) {
		t.Helper()
		text := "[server]\nwatch = false\n[ami]\nlisten = \"127.0.0.1:0\"\n" + more + "[ami.users.test]\nsecret = \"long-enough-1\"\nread = [\"system\", \"cdr\"]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	a, _, _ := serve(t, path)
	m := newManager(t, a)
	m.ask("Action: Login\nUsername: test\nSecret: long-enough-1", "Event: FullyBooted")
	a.tellRecord(call.CDR{Disposition: call.Answered}, "A")
	write("cdr_events = true\n")
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := m.everything("Event: Reload", "Privilege: system,all", "Module: All", "Status: 0"); strings.Contains(got, "Event: Cdr") {
		t.Errorf("a record was told that nobody asked for: %s", got)
	}
	a.tellRecord(call.CDR{Disposition: call.Answered}, "B")
	m.everything("Event: Cdr", "Privilege: cdr,all", "Disposition: ANSWERED", "UniqueID: B")
	done := make(chan error, 1)
	go func() { done <- a.Stop(context.WithoutCancel(t.Context())) }()
	m.everything("Event: Shutdown", "Shutdown: Cleanly", "Restart: False")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What AMI says of a record: the words that Asterisk has, and who was called if no
// dialplan says.
func TestRecordForManagers(t *testing.T) {
	for disposition, want := range map[call.Disposition]string{
		call.Answered: "ANSWERED", call.NoAnswer: "NO ANSWER", call.Busy: "BUSY", call.Congestion: "CONGESTION", call.Failed: "FAILED",
		call.Cancelled: "NO ANSWER", call.Interrupted: "FAILED",
	} {
		if got := amiRecord(call.CDR{Disposition: disposition}, "").Disposition; got != want {
			t.Errorf("%s is told as %s, want %s", disposition, got, want)
		}
	}
	got := amiRecord(call.CDR{Source: call.CallerID{Name: "Web Call", Number: "5551234"}, Destination: "102@default", Dialled: "101"}, "A")
	if d := cmp.Diff([]string{"5551234", `"Web Call" <5551234>`, "102", "A"}, []string{got.Source, got.CallerID, got.Destination, got.UniqueID}); d != "" {
		t.Error(d)
	}
}
