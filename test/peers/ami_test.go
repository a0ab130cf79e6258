package peers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/amitrace"
	"github.com/dialwright/dialwright/test/harness"
)

// amiLaboratory is the server and the phones of the captured traces: a server that has
// taken over an Asterisk's configuration.
func amiLaboratory(t testing.TB, lab amitrace.Lab) *harness.Server {
	t.Helper()
	srv := harness.StartAsterisk(t, lab.WriteOurs(t, t.TempDir()), lab.SIP, lab.Ours())
	lab.Register(t)
	lab.StartPhones(t)
	return srv
}

// amiVectors is the folder of the AMI vectors.
func amiVectors() string {
	if dir := os.Getenv("DIALWRIGHT_VECTORS"); dir != "" {
		return filepath.Join(dir, "ami")
	}
	return "../../testdata/vectors/ami"
}

// Every captured trace of Asterisk's AMI, played on the built binary: the same answers and
// the same events, in the same order, with the same headers in the same order, but for the
// differences that amiExplained lists.
func TestVectorsAMI(t *testing.T) {
	t.Parallel()
	list, err := amitrace.Load(amiVectors())
	if err != nil {
		t.Fatal(err)
	}
	var exact, explained atomic.Int32
	table := newTable(amiExplained)
	t.Run("traces", func(t *testing.T) { // ends when all of them have
		t.Run("h1_http", func(t *testing.T) {
			t.Parallel()
			capturedAMIHTTP(t, table)
		})
		for _, name := range []string{"c1_cli", "c2_database_cli"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				capturedCommands(t, name, table)
			})
		}
		for i := range list {
			tr := &list[i]
			t.Run(tr.Name, func(t *testing.T) {
				t.Parallel()
				lab := amitrace.For(t, tr.Name)
				amiLaboratory(t, lab)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				var all []string
				for j := range tr.Sessions {
					p, err := amitrace.Play(ctx, &tr.Sessions[j], lab.Target())
					if err != nil {
						t.Fatalf("%s: %v", tr.Sessions[j].Title, err)
					}
					all = append(all, amitrace.Compare(&tr.Sessions[j], p)...)
				}
				unexplained, n := table.explain(t, tr.Name, all)
				switch {
				case len(unexplained) > 0:
					t.Errorf("%s: %d differences that nobody has explained:\n%s", tr.Name, len(unexplained), strings.Join(unexplained, "\n"))
				case n > 0:
					explained.Add(1)
				default:
					exact.Add(1)
				}
			})
		}
	})
	table.stale(t)
	t.Logf("%d traces: %d come again exactly, %d with differences that are explained", len(list), exact.Load(), explained.Load())
}
