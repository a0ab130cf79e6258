package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dialwright": main,
		"asterisk":   main,
	})
}

// TestScripts runs testdata/script: command lines, what they print, and their
// exit statuses. `status N dialwright …` runs a command that must exit with N.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			home := e.WorkDir + "/home"
			e.Setenv("HOME", home)
			e.Setenv("XDG_STATE_HOME", "")
			e.Setenv("XDG_CONFIG_HOME", "")
			e.Setenv("DIALWRIGHT_DATA_DIR", e.WorkDir+"/data")
			return os.Mkdir(home, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": exitStatus,
			"until":  untilOutput,
			"astdb":  makeAstDB,
		},
	})
}

// exitStatus runs a command and compares its exit status.
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command args…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		got = 1
		if ee, ok := err.(interface{ ExitCode() int }); ok {
			got = ee.ExitCode()
		}
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// untilOutput repeats a command until it succeeds: for servers that are
// starting. It gives up after many tries, each of which takes a process.
func untilOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: until command args…")
	}
	for range 500 {
		if ts.Exec(args[0], args[1:]...) == nil {
			return
		}
	}
	ts.Fatalf("never succeeded: %s", strings.Join(args, " "))
}

// cliDocs gives docs/cli.md: the help of every command.
func cliDocs(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Command line\n\nMade from the commands' help by `go generate ./cmd/dialwright`; do not edit.\n")
	var c cli
	var out bytes.Buffer
	parser, err := newParser(&c, &out, &out, func(int) { panic(helpShown{}) })
	if err != nil {
		t.Fatal(err)
	}
	show := func(title string, args ...string) {
		out.Reset()
		func() {
			defer func() {
				if r := recover(); r != nil && r != any(helpShown{}) {
					panic(r)
				}
			}()
			if _, err := parser.Parse(append(args, "--help")); err != nil {
				t.Fatal(err)
			}
		}()
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", title, strings.TrimRight(out.String(), "\n"))
	}
	show("dialwright")
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		for _, child := range n.Children {
			p := append(path[:len(path):len(path)], child.Name)
			show("dialwright "+strings.Join(p, " "), p...)
			walk(child, p)
		}
	}
	walk(parser.Model.Node, nil)
	return b.String()
}

// helpShown is how the parser leaves after help.
type helpShown struct{}

// The committed reference of the command line is what the commands say.
func TestCLIDocsAreUnchanged(t *testing.T) {
	const name = "../../docs/cli.md"
	want := cliDocs(t)
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s is out of date (%v); run go generate ./cmd/dialwright", name, err)
	}
}

func TestOutcomeStatus(t *testing.T) {
	for _, c := range []struct {
		state, disposition string
		want               int
	}{
		{"ended", "ANSWERED", exitOK},
		{"ended", "BUSY", exitBusy},
		{"ended", "NO ANSWER", exitNoAnswer},
		{"ended", "FAILED", exitFailed},
		{"ended", "CONGESTION", exitFailed},
		{"ended", "INTERRUPTED", exitFailed},
		{"ended", "CANCELLED", exitCancelled},
		{"cancelled", "", exitCancelled},
		{"cancelled", "BUSY", exitCancelled},
	} {
		got := exitOK
		if s, ok := outcomeStatus(rest.Call{State: c.state, Disposition: c.disposition}).(status); ok {
			got = int(s)
		}
		if got != c.want {
			t.Errorf("%s %s: %d, want %d", c.state, c.disposition, got, c.want)
		}
	}
}

func TestLadderRungsFitBetweenTheRails(t *testing.T) {
	for _, label := range []string{"", "ACK", "INVITE sip:101@127.0.0.1:5070 (SDP)", strings.Repeat("ä", 100)} {
		for _, sent := range []bool{true, false} {
			if got := len([]rune(rung(label, sent))); got != ladderWidth+2 {
				t.Errorf("%q sent %v: %d runes, want %d: %s", label, sent, got, ladderWidth+2, rung(label, sent))
			}
		}
	}
}

// What peers say cannot move the cursor.
func TestCleanRemovesControlCharacters(t *testing.T) {
	if got := clean("Busy\x1b[2J\r\nHere"); strings.ContainsAny(got, "\x1b\r\n") {
		t.Errorf("%q", got)
	}
	if got := eventText(call.Event{Type: call.EvRinging}); got != "the first party rings" {
		t.Errorf("%q", got)
	}
}
