package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entry is a command of a vector file with what Asterisk 22.10 printed for it.
type entry struct{ line, want string }

// vectorFile reads a file of testdata/vectors/ami: blocks of `$ asterisk -rx '…'`, the
// output, and `[exit status N]`.
func vectorFile(t *testing.T, name string) []entry {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/vectors/ami/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	for _, block := range strings.Split(string(text), "$ asterisk -rx '")[1:] {
		line, rest, _ := strings.Cut(block, "'\n")
		want, _, ok := strings.Cut(rest, "[exit status ")
		if !ok {
			continue // the note on a server that does not run
		}
		out = append(out, entry{line, want})
	}
	return out
}

// ourWords tells outputs that are usage texts, which we write in our own words.
func ourWords(want string) bool {
	return strings.HasPrefix(want, "Usage:") || strings.Contains(want, "  There are two ways to use this command.")
}

func TestVectorsAstDB(t *testing.T) {
	d := newDesk(t, withDB(t))
	d.rx("database put actionlist first x", Done) // what the vectors begin with
	d.rx("database put pbx UUID 346d0aa5-0342-438d-9568-17fa635066ed", Done)
	n := 0
	for _, e := range vectorFile(t, "c2_database_cli.txt") {
		if strings.HasPrefix(e.line, "database query") {
			continue // arbitrary SQL: not offered (spec: cli 5)
		}
		n++
		r := d.Run(t.Context(), Caller{Name: "test"}, e.line)
		if ourWords(e.want) {
			if r.Outcome != Usage || !strings.HasPrefix(r.Output, "Usage: ") {
				t.Errorf("%s: %s, want a usage text: %s", e.line, r.Outcome, r.Output)
			}
			continue
		}
		if diff := cmp.Diff(e.want, r.Output); diff != "" {
			t.Errorf("%s:\n%s", e.line, diff)
		}
	}
	if n < 30 {
		t.Errorf("only %d commands were tried", n)
	}
}

// changing is what differs from run to run.
var changing = regexp.MustCompile(`-[0-9a-f]{8}\b|\d{10}\.\d+|\d+ calls? processed`)

func normal(s string) string { return changing.ReplaceAllString(s, "#") }

// TestVectorsChannels replays the parts of the vectors in the order in which they were
// made. Where a phone's doings matter, pretended phones answer at once.
func TestVectorsChannels(t *testing.T) {
	d := newDesk(t, nil)
	list := vectorFile(t, "c1_cli.txt")
	find := func(line string, nth int) string {
		t.Helper()
		for _, e := range list {
			if e.line == line {
				if nth--; nth == 0 {
					return e.want
				}
			}
		}
		t.Fatalf("no vector %s", line)
		return ""
	}
	same := func(line, got, want string) {
		t.Helper()
		if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
	for _, line := range []string{
		"channel originate", "channel originate PJSIP/alice", "channel originate PJSIP application Wait 1", "channel originate PJSIP/alice application",
		"channel redirect PJSIP/alice-0000004c", "channel request hangup",
	} {
		if want := find(line, 1); !ourWords(want) {
			t.Errorf("%s: the vector is no usage text: %s", line, want)
		}
		d.rx(line, Usage)
	}
	for _, line := range []string{"channel request hangup /[/", "channel request hangup nosuch*", "channel request hangup all", "core show uptime", "core show uptime seconds"} {
		same(line, d.rx(line, Done), find(line, 1))
	}
	same("redirect", d.rx("channel redirect nosuch default,603,1", Failed), find("channel redirect nosuch default,603,1", 1))
	d.rxGone(1, "channel originate PJSIP/nosuch extension 99999@nosuch")

	d.rxWhen("Wait", 1, "channel originate PJSIP/alice extension 601@default")
	name := d.sw.Channels()[0].Name
	for _, line := range []string{"core show channels", "core show channels concise", "core show channels verbose", "core show channels count"} {
		nth := 1
		if line == "core show channels" {
			nth = 2 // the first was made while the phone rang
		}
		got := strings.ReplaceAll(d.rx(line, Done), "00:00:00", "00:00:01")
		got = strings.Replace(got, "!3!0!!", "!3!1!!", 1)
		same(line, got, find(line, nth))
	}
	same("redirect", d.rxWhen("Wait", 1, "channel redirect "+name+" default,603,1"), find("channel redirect PJSIP/alice-0000004c default,603,1", 1))
	same("hangup", d.rxGone(1, "channel request hangup "+name), find("channel request hangup PJSIP/alice-0000004c", 1))
	same("again", d.rx("channel request hangup "+name, Done), find("channel request hangup PJSIP/alice-0000004c", 2))
	if got := d.rx("core show channels concise", Done); got != "" {
		t.Errorf("channels are left: %s", got)
	}
	d.rxStarted("channel originate PJSIP/alice application Wait 20")
	d.rxWhen("Wait", 2, "channel originate Local/601@default extension 608")
	got := d.rxGone(2, "channel request hangup Local/*")
	if strings.Count(got, "Requested Hangup on channel 'Local/601@default-") != 2 || strings.Count(got, "\n") != 2 {
		t.Errorf("hangup of Local channels: %s", got)
	}
	same("regex", d.rxGone(1, "channel request hangup /^pjsip.*/"), find("channel request hangup /^pjsip.*/", 1))
}

func TestUnknownCommands(t *testing.T) {
	d := newDesk(t, withDB(t))
	for _, c := range []struct{ line, want string }{
		{"no such command", "no such"}, // ../ami/s5_actions_queries.txt
		{"database nosuch", "database nosuch"},
		{"core sh upt", "core sh upt"},
	} {
		want := "No such command '" + c.line + "' (type 'core show help " + c.want + "' for other possible commands)\n"
		if got := d.rx(c.line, Unknown); got != want {
			t.Errorf("%s gives %s, want %s", c.line, got, want)
		}
	}
	for _, line := range []string{"", "   ", "\t"} {
		if got := d.rx(line, Done); got != "" {
			t.Errorf("%q prints %q", line, got)
		}
	}
}
