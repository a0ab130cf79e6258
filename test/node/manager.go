package node

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/amitrace"
)

// AMIClients are the clients with which the scenarios of AMI are run.
var AMIClients = []string{"asterisk-manager", "asterisk-ami-client"}

// AMIScenarios are those scenarios.
var AMIScenarios = []string{"amicall", "amisync", "amirefused", "amioptions", "amiqueries", "amilogin"}

// StartAMI runs a scenario of AMI with one of the clients. It ends with the test at the
// latest.
func StartAMI(t testing.TB, to amitrace.Target, client, name string) *Scenario {
	t.Helper()
	RequireModule(t, client)
	host, port, err := net.SplitHostPort(to.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, name, []string{client, host, port, amitrace.User, amitrace.Password})
}

// WaitAMI waits for the end of a scenario of AMI, fails the test unless it went as it is
// written, and gives what it sent and was told, as a session of a trace.
func (s *Scenario) WaitAMI() *amitrace.Session {
	s.t.Helper()
	s.end()
	known := headerNames(s.t)
	out := &amitrace.Session{Title: s.name}
	for line := range bytes.Lines(s.out.Bytes()) {
		var l struct{ Sent, Got [][2]string }
		if err := json.Unmarshal(line, &l); err != nil {
			s.t.Fatalf("%s printed %q: %v", s.name, line, err)
		}
		step := amitrace.Step{Kind: amitrace.Send, Raw: "an action"}
		if l.Sent == nil {
			step = amitrace.Step{Kind: amitrace.Receive}
		}
		for _, h := range append(l.Sent, l.Got...) {
			name := h[0]
			if n, ok := known[name]; ok {
				name = n
			}
			step.Packet = append(step.Packet, amitrace.Header{Key: name, Value: h[1]})
		}
		out.Steps = append(out.Steps, step)
	}
	if len(out.Steps) == 0 {
		s.t.Fatalf("%s printed no transcript: %q", s.name, s.out.String())
	}
	return out
}

// AMIDifferences compares a session with the one that is wanted, one line for each
// difference: see amitrace.Compare.
func AMIDifferences(want, got *amitrace.Session) []string {
	return amitrace.Compare(want, &amitrace.Played{Packets: got.Received()})
}

// headerNames gives the names of headers by what they are in small letters, which is all that
// one client leaves of them: each as it is most often written in the captured traces.
func headerNames(t testing.TB) map[string]string {
	t.Helper()
	vectors := os.Getenv("DIALWRIGHT_VECTORS")
	if vectors == "" {
		vectors = "../../testdata/vectors"
	}
	list, err := amitrace.Load(filepath.Join(vectors, "ami"))
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	out := map[string]string{}
	for i := range list {
		for j := range list[i].Sessions {
			for _, p := range list[i].Sessions[j].Received() {
				for _, h := range p {
					times[h.Key]++
					small := strings.ToLower(h.Key)
					if best, ok := out[small]; !ok || times[h.Key] > times[best] {
						out[small] = h.Key
					}
				}
			}
		}
	}
	return out
}
