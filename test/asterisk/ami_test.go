//go:build asterisk

package asterisk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/amitrace"
)

// startAMI starts Asterisk as the laboratory in which the traces were captured.
func startAMI(t *testing.T, lab amitrace.Lab) *reference {
	t.Helper()
	lab.StartPhones(t)
	return startReference(t, func(etc string) {
		lab.Write(t, etc)
		must(t, os.MkdirAll(filepath.Join(etc, "../spool/monitor"), 0o755))
		amitrace.WriteSounds(t, filepath.Join(os.Getenv("DIALWRIGHT_ASTERISK_ROOT"), "usr/share/asterisk/sounds"))
	})
}

// amiTraces reads the captured traces.
func amiTraces(t *testing.T) []amitrace.Trace {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = "../../testdata/vectors"
	}
	list, err := amitrace.Load(filepath.Join(dir, "ami"))
	must(t, err)
	return list
}

// The captured traces, played on the Asterisk that runs here: it says which of the
// differences that our own server shows are those of chance.
func TestAMITracesOnAsterisk(t *testing.T) {
	usual := amitrace.NewLab(t)
	startAMI(t, usual)
	same, all := 0, 0
	list := amiTraces(t)
	for i := range list {
		tr := &list[i]
		t.Run(tr.Name, func(t *testing.T) {
			lab := usual
			if !amitrace.Usual(tr.Name) {
				lab = amitrace.For(t, tr.Name)
				startAMI(t, lab)
			}
			all++
			if differences := playAMI(t, tr, lab); len(differences) > 0 {
				t.Logf("%d differences:\n%s", len(differences), strings.Join(differences, "\n"))
				return
			}
			same++
		})
	}
	t.Logf("%d of %d traces came again without a difference", same, all)
}

// playAMI plays all sessions of a trace.
func playAMI(t *testing.T, tr *amitrace.Trace, lab amitrace.Lab) (out []string) {
	t.Helper()
	for i := range tr.Sessions {
		s := &tr.Sessions[i]
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		p, err := amitrace.Play(ctx, s, lab.Target())
		must(t, err)
		must(t, amitrace.Clean(ctx, lab.Target()))
		cancel()
		out = append(out, amitrace.Compare(s, p)...)
	}
	return out
}
