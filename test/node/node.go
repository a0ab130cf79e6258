// Package node runs the scenarios of this folder, programs of foreign clients (npm
// ari-client, asterisk-manager and asterisk-ami-client), against a server: the built binary
// or a real Asterisk. What a scenario asked for and was told is compared as a trace of
// test/aritrace or test/amitrace is.
package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
)

// dir is this folder, for tests of the packages beside it.
const dir = "../node"

// App is the application that the scenarios connect as.
const App = "lab"

// Transcript is what a scenario asked for and was told.
type Transcript struct {
	Operations []Operation
	Events     []map[string]any
}

// Operation is something that the client asked for. Answer is nil if it was empty.
type Operation struct {
	Name       string         `json:"operation"` // "channels.originate"
	Parameters map[string]any `json:"parameters"`
	Status     int            `json:"status"`
	Answer     any            `json:"answer"`
}

// Scenario is a running scenario.
type Scenario struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	out    bytes.Buffer
	done   chan error
	mu     sync.Mutex
	notes  []string      // lines of standard error
	rang   chan struct{} // closed and replaced at each of them
	silent bool          // no more of them will come
}

// Require skips the test if Node or the client is missing, as harness.RequirePeer does.
func Require(t testing.TB) {
	t.Helper()
	RequireModule(t, "ari-client")
}

// RequireModule is Require for another module of package.json.
func RequireModule(t testing.TB, name string) {
	t.Helper()
	harness.RequirePeer(t, "node", "nodejs")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err != nil {
		if os.Getenv("DIALWRIGHT_PEERS") == "required" {
			t.Fatalf("%s is not installed: npm ci in test/node", name)
		}
		t.Skipf("%s is not installed (npm ci in test/node, or run scripts/check)", name)
	}
}

// Start runs a scenario, with further lines of environment. It ends with the test at the
// latest.
func Start(t testing.TB, to aritrace.Target, name string, env ...string) *Scenario {
	t.Helper()
	Require(t)
	return start(t, name, []string{strings.TrimSuffix(to.Base, "/ari"), to.User, to.Password, App}, env...)
}

// start runs a program of this folder with arguments.
func start(t testing.TB, name string, args []string, env ...string) *Scenario {
	t.Helper()
	s := &Scenario{t: t, name: name, done: make(chan error, 1), rang: make(chan struct{})}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "node", append([]string{name + ".js"}, args...)...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout = &s.out
	notes, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(notes); lines.Scan(); {
			s.note(lines.Text(), false)
		}
		s.note("", true)
		s.done <- s.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it is gone already if all went well
		if t.Failed() {
			t.Logf("%s said:\n%s", name, s.said())
		}
	})
	return s
}

func (s *Scenario) note(line string, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, line)
	s.silent = last
	close(s.rang)
	s.rang = make(chan struct{})
}

func (s *Scenario) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.notes, "\n")
}

// Said says whether the scenario has noted this line by now, such as "event Dial customer ANSWER".
func (s *Scenario) Said(line string) bool {
	return strings.Contains("\n"+s.said()+"\n", "\n"+line+"\n")
}

// Await waits until the scenario notes a line.
func (s *Scenario) Await(line string) {
	s.t.Helper()
	patience := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		rang, silent := s.rang, s.silent
		s.mu.Unlock()
		if s.Said(line) {
			return
		}
		if silent {
			s.t.Fatalf("%s ended without %q", s.name, line)
		}
		select {
		case <-rang:
		case <-patience:
			s.t.Fatalf("%s did not come to %q", s.name, line)
		}
	}
}

// end waits for the end of the scenario.
func (s *Scenario) end() {
	s.t.Helper()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Fatalf("%s did not go as it is written: %v", s.name, err)
		}
	case <-time.After(90 * time.Second):
		s.t.Fatalf("%s does not end", s.name)
	}
}

// Wait waits for the end of the scenario, fails the test unless it went as it is written,
// and gives its transcript.
func (s *Scenario) Wait() Transcript {
	s.t.Helper()
	s.end()
	var out Transcript
	for line := range bytes.Lines(s.out.Bytes()) {
		var o Operation
		var e map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			s.t.Fatalf("%s printed %q: %v", s.name, line, err)
		}
		if o.Name != "" {
			out.Operations = append(out.Operations, o)
			continue
		}
		if err := json.Unmarshal(line, &e); err != nil {
			s.t.Fatal(err)
		}
		out.Events = append(out.Events, e)
	}
	if len(out.Operations) == 0 || len(out.Events) == 0 {
		s.t.Fatalf("%s printed no transcript: %q", s.name, s.out.String())
	}
	return out
}

// Differences compares a transcript with the one that is wanted, one line for each
// difference: see aritrace.Compare. The variables that name the others in a bridge are
// compared by their values, and count only if they changed: Asterisk sets them whenever a
// bridge looks at its members, ours when one came, went or was heard.
func Differences(want, got Transcript) []string {
	w, g := &aritrace.Trace{}, &aritrace.Played{Events: changes(got.Events)}
	for _, o := range want.Operations {
		w.Steps = append(w.Steps, aritrace.Step{
			Dir:      "request",
			Request:  &aritrace.Request{Method: o.Name, Query: maps.Clone(o.Parameters)},
			Response: &aritrace.Response{Status: o.Status, Body: o.Answer},
		})
	}
	for _, e := range changes(want.Events) {
		w.Steps = append(w.Steps, aritrace.Step{Dir: "event", Event: e})
	}
	for _, o := range got.Operations {
		g.Responses = append(g.Responses, aritrace.Response{Status: o.Status, Body: o.Answer})
	}
	return aritrace.Compare(w, g)
}

// changes leaves out the events that set BRIDGEPEER or BRIDGEPVTCALLID to what it was, and
// writes the value to the name of the variable in the others.
func changes(events []map[string]any) []map[string]any {
	last := map[string]string{}
	var out []map[string]any
	for _, e := range events {
		name, _ := e["variable"].(string)
		if name != "BRIDGEPEER" && name != "BRIDGEPVTCALLID" {
			out = append(out, e)
			continue
		}
		value := fmt.Sprint(e["value"])
		c, _ := e["channel"].(map[string]any)
		key := fmt.Sprint(name, c["id"])
		if last[key] == value {
			continue
		}
		last[key] = value
		e = maps.Clone(e)
		e["variable"] = name + "=" + value
		out = append(out, e)
	}
	return out
}
