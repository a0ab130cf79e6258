//go:build asterisk

package asterisk

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
)

// startARI starts Asterisk as the laboratory in which the traces were captured.
func startARI(t *testing.T) (*reference, aritrace.Lab) {
	t.Helper()
	lab := aritrace.Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), Phone: harness.FreePort(t)}
	aritrace.StartPhone(t, lab.Phone)
	r := startReference(t, func(etc string) {
		lab.Write(t, etc)
		aritrace.WriteRecording(t, filepath.Join(etc, "../spool/recording"))
	})
	client := &http.Client{Timeout: 5 * time.Second}
	await(t, 30*time.Second, "Asterisk serves ARI", func() bool {
		res, err := client.Get(lab.Target().Base + "/asterisk/ping?api_key=lab:labpass")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return r, lab
}

// traces reads the captured traces, of those that TRACES names only if it is set.
func ariTraces(t *testing.T) []aritrace.Trace {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = "../../testdata/vectors"
	}
	list, err := aritrace.Load(filepath.Join(dir, "ari"))
	must(t, err)
	return list
}

// The captured traces, played on the Asterisk that runs here: it says which of the
// differences that our own server shows are those of chance.
func TestTracesOnAsterisk(t *testing.T) {
	_, lab := startARI(t)
	same := 0
	list := ariTraces(t)
	for i := range list {
		tr := &list[i]
		t.Run(tr.Scenario, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			p, err := aritrace.Play(ctx, tr, lab.Target(), nil)
			must(t, err)
			must(t, aritrace.Clean(ctx, lab.Target()))
			if d := aritrace.Compare(tr, p); len(d) > 0 {
				t.Logf("%d differences:\n%s", len(d), strings.Join(d, "\n"))
				return
			}
			same++
		})
	}
	t.Logf("%d of %d traces came again without a difference", same, len(list))
}
