//go:build asterisk

package asterisk

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// difference is what we do otherwise than Asterisk, on purpose.
type difference struct {
	ours []string // our trace of the call file; nil = as Asterisk's
	why  string
}

// differences lists every call file whose trace differs, in our default mode and
// in compatibility mode. One that does not differ any more fails the test as well.
var differences = map[string]map[string]difference{
	"default": {
		"oldname": {
			ours: []string{"A=1", "h h sc"},
			why:  "names of applications that Asterisk has removed are aliases (spec: dialplan 5.6, D5)",
		},
		"failc17": {
			ours: []string{"failed reason=5 att=1 exten=failed state=Down acct=acct", "failed num=100 [] [] []", "h h sc"},
			why:  "REASON follows the hangup cause, as Asterisk's source means it to (spec: callfile 6.3, W13)",
		},
	},
	"asterisk22": {},
}

// unordered are the call files whose trace comes from two channels that run at
// the same time: the order of their lines says nothing.
var unordered = map[string]bool{"originate": true, "dial": true}

// TestSameTraces runs extensions.conf and all call files of testdata on Asterisk
// and on the built binary and compares their traces line by line.
func TestSameTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/calls/*.call")
	must(t, err)
	ref := startReference(t, nil)
	for _, f := range files {
		ref.put(filepath.Base(f), read(t, f))
	}
	await(t, 2*time.Minute, "Asterisk has finished every call file", func() bool { return ref.waiting() == 0 })
	want := traces(ref.log("trace"))
	if len(want) < len(files) {
		t.Fatalf("Asterisk has traced %d of %d call files", len(want), len(files))
	}
	for _, mode := range []string{"default", "asterisk22"} {
		t.Run(mode, func(t *testing.T) { compare(t, want, ours(t, mode, files), differences[mode]) })
	}
}

// compare reports every line that differs and is not explained.
func compare(t *testing.T, want, got map[string][]string, known map[string]difference) {
	t.Helper()
	same, lines := 0, 0
	ids := slices.Sorted(maps.Keys(want))
	for id := range unordered {
		slices.Sort(want[id])
		slices.Sort(got[id])
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			t.Errorf("%s: only we have a trace: %q", id, got[id])
		}
	}
	for _, id := range ids {
		w := want[id]
		d, explained := known[id]
		if explained {
			if slices.Equal(got[id], w) {
				t.Errorf("%s does not differ any more; take it off the list", id)
			}
			w = d.ours
			t.Logf("%s differs: %s", id, d.why)
			for _, l := range diff(want[id], got[id]) {
				t.Logf("    %s", l)
			}
		}
		if !slices.Equal(got[id], w) {
			t.Errorf("%s:\n%s", id, strings.Join(diff(w, got[id]), "\n"))
			continue
		}
		if !explained {
			same++
			lines += len(w)
		}
	}
	t.Logf("%d of %d call files have the same trace as on Asterisk (%d lines), %d differences are explained", same, len(ids), lines, len(known))
}

// diff lists both sides where they differ.
func diff(want, got []string) []string {
	var out []string
	for i := range max(len(want), len(got)) {
		w, g := "(nothing)", "(nothing)"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			out = append(out, fmt.Sprintf("line %d: Asterisk %q, ours %q", i+1, w, g))
		}
	}
	return out
}

// ours runs the same files on the built binary and gives its traces.
func ours(t *testing.T, mode string, files []string) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"outgoing", "tmp", "agi"} {
		must(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	write := func(name, text string) {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	write("extensions.conf", read(t, "testdata/extensions.conf"))
	write("agi/talk.sh", read(t, "testdata/agi/talk.sh"))
	plan, call := "", "safe"
	if mode == "asterisk22" {
		plan, call = mode, mode
	}
	srv := harness.Start(t, fmt.Sprintf(
		"[dialplan]\nfile = %q\ncompat = %q\nallow_exec = true\nallow_files = true\nagi_dir = %q\n[callfile]\ndir = %q\ncompat = %q\nallow_exec = true\n",
		filepath.Join(dir, "extensions.conf"), plan, filepath.Join(dir, "agi"), filepath.Join(dir, "outgoing"), call))
	for _, f := range files {
		name := filepath.Base(f)
		write("tmp/"+name, strings.ReplaceAll(read(t, f), "@AGIDIR@", filepath.Join(dir, "agi")))
		must(t, os.Rename(filepath.Join(dir, "tmp", name), filepath.Join(dir, "outgoing", name)))
	}
	await(t, 2*time.Minute, "every call file is finished", func() bool {
		list, err := os.ReadDir(filepath.Join(dir, "outgoing"))
		must(t, err)
		return len(list) == 0
	})
	var log strings.Builder
	for line := range strings.Lines(srv.Log.Tail(1 << 30)) {
		var e struct {
			Level string `json:"level"`
			Msg   string `json:"msg"`
			Text  string `json:"text"`
		}
		if json.Unmarshal([]byte(line), &e) == nil && strings.HasPrefix(e.Text, "@") {
			fmt.Fprintf(&log, ": %s\n", e.Text)
		}
	}
	return traces(log.String())
}
