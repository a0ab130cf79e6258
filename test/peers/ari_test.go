package peers

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
)

// laboratory is the server and the phone of the captured traces: a server that has
// taken over an Asterisk's configuration.
func laboratory(t testing.TB) (*harness.Server, aritrace.Lab) {
	t.Helper()
	lab := aritrace.Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), Phone: harness.FreePort(t)}
	aritrace.StartPhone(t, lab.Phone)
	etc := lab.WriteOurs(t, t.TempDir())
	return harness.StartAsterisk(t, etc, lab.SIP, harness.Trunk("callee", lab.Phone, "context = \"from-callee\"\ncodecs = [\"pcmu\"]\nmatch = [\"127.0.0.1/32\"]\n")), lab
}

// vectorsDir is the folder of the ARI vectors.
func vectorsDir() string {
	if dir := os.Getenv("DIALWRIGHT_VECTORS"); dir != "" {
		return filepath.Join(dir, "ari")
	}
	return "../../testdata/vectors/ari"
}

// Every captured trace of Asterisk's ARI, played on the built binary: the same events,
// in the same order, with the same fields, and the same answers, but for the
// differences that ariExplained lists.
func TestVectorsARI(t *testing.T) {
	t.Parallel()
	list, err := aritrace.Load(vectorsDir())
	if err != nil {
		t.Fatal(err)
	}
	var exact, explained atomic.Int32
	t.Run("traces", func(t *testing.T) {
		for i := range list {
			tr := &list[i]
			t.Run(tr.Scenario, func(t *testing.T) {
				t.Parallel()
				srv, lab := laboratory(t)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				p, err := aritrace.Play(ctx, tr, lab.Target())
				if err != nil {
					t.Fatal(err)
				}
				unexplained, n := explain(t, tr.Scenario, aritrace.Compare(tr, p))
				switch {
				case len(unexplained) > 0:
					t.Errorf("%d differences that nobody has explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
				case n > 0:
					explained.Add(1)
				default:
					exact.Add(1)
				}
				_ = srv
			})
		}
	})
	t.Logf("%d traces: %d come again exactly, %d with differences that are explained", len(list), exact.Load(), explained.Load())
}

// difference is a kind of difference that we want, or cannot avoid.
type difference struct {
	trace string // of the scenario's name, a regular expression
	what  string // of the difference, a regular expression
	why   string
}

// explain splits off what the table explains.
func explain(t *testing.T, scenario string, all []string) (rest []string, explained int) {
	t.Helper()
next:
	for _, d := range all {
		for _, x := range ariExplained {
			if regexp.MustCompile("^(?:"+x.trace+")$").MatchString(scenario) && regexp.MustCompile("^(?:"+x.what+")").MatchString(d) {
				t.Logf("%s\n    because %s", d, x.why)
				explained++
				continue next
			}
		}
		rest = append(rest, d)
	}
	return rest, explained
}
