package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labels gives what is in front of the values, up to the section of streams, which a
// channel without media does not have.
func labels(text string) []string {
	text, _, _ = strings.Cut(text, " -- Streams --")
	var out []string
	for line := range strings.Lines(text) {
		name, _, found := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if value, isRecord := strings.CutPrefix(line, "level 1: "); isRecord {
			name, _, found = strings.Cut(value, "=")
		}
		if !found {
			name = line
		}
		out = append(out, name)
	}
	return out
}

// The lines of `core show channel` are those of the vector, in their order.
func TestVectorsChannel(t *testing.T) {
	d := newDesk(t, nil)
	d.rxWhen("Wait", 1, "channel originate PJSIP/alice extension 601@default")
	want := ""
	for _, e := range vectorFile(t, "c1_cli.txt") {
		if strings.HasPrefix(e.line, "core show channel PJSIP") {
			want = e.want
		}
	}
	got := d.rx("core show channel "+d.sw.Channels()[0].Name, Done)
	head, tail, _ := strings.Cut(got, "      Variables:\n")
	_, records, _ := strings.Cut(tail, "  CDR Variables:\n") // those of ours are others
	got = head + "      Variables:\n  CDR Variables:\n" + records
	if diff := cmp.Diff(labels(want), labels(got)); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"          State: Up (6)", "      Extension: 601", "           Data: 30", "level 1: disposition=8", "level 1: lastapp=Wait"} {
		if !strings.Contains(got, line+"\n") || !strings.Contains(want, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
}
