package peers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// importState is what the tests look at of an import.
type importState struct {
	ID, State, Error                   string
	Rows, Processed, Accepted, Refused int
}

// TestImportSurvivesKills kills the server again and again while a list is submitted. In the end
// every row is a call, none is two, and no number was dialled twice.
func TestImportSurvivesKills(t *testing.T) {
	t.Parallel()
	srv := harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("101", "channels = 20"), harness.Trunk("out", 9, ""), "[[routes]]\nmatch = \"9\"\ntrunk = \"out\"\n")
	port := harness.FreePort(t)
	registerPhone(t, srv, "101", port)
	phone := newBusyPhone(t, port)
	wait := &yard{t: t}
	wait.until("the registration is on the disk", func() bool {
		b, err := os.ReadFile(filepath.Join(srv.Dir, "registrations.json"))
		return err == nil && strings.Contains(string(b), "sip:101@")
	})
	const rows = 4000
	var list strings.Builder
	list.WriteString("Number\n")
	for i := range rows {
		fmt.Fprintf(&list, "9%05d\n", i)
	}
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out := srv.CLI("import", file, "--set", "first=101", "--map", "second=Number", "--map", "caller_number=Number", "--batch", "b", "--detach")
	if out.Code != 0 {
		t.Fatal(out.Stderr)
	}
	var batch struct {
		Calls, Waiting, Live, Ended int
		Import                      string
	}
	srv.MustAPI("GET", "/v1/batches/b", nil, &batch)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var now importState
	kills, within := 0, 0
	for ; kills < 8 && now.State != "submitted"; kills++ {
		until := now.Processed + 1 + rnd.IntN(600)
		for now.State != "submitted" && now.Processed < until && t.Context().Err() == nil {
			srv.MustAPI("GET", "/v1/imports/"+batch.Import, nil, &now)
		}
		if now.State == "submitting" {
			within++
		}
		srv.Kill()
		srv.Start()
	}
	wait.until("all rows are submitted", func() bool {
		srv.MustAPI("GET", "/v1/imports/"+batch.Import, nil, &now)
		return now.State != "submitting"
	})
	t.Logf("%d kills, %d of them while rows were submitted", kills, within)
	if within == 0 {
		t.Error("no kill came while rows were submitted: the test proves nothing")
	}
	if now.State != "submitted" || now.Accepted != rows || now.Refused != 0 || now.Processed != rows {
		t.Errorf("%+v", now)
	}
	wait.until("all calls are over", func() bool {
		srv.MustAPI("GET", "/v1/batches/b", nil, &batch)
		return batch.Waiting+batch.Live == 0
	})
	if batch.Calls != rows || batch.Ended != rows {
		t.Errorf("%+v", batch)
	}
	rang := 0
	for i := range rows {
		number := fmt.Sprintf("9%05d", i)
		n := phone.times(number)
		if rang += n; n > 1 {
			t.Errorf("%s was dialled %d times", number, n)
		}
	}
	if rang < rows*3/4 {
		t.Errorf("%d of %d numbers were dialled", rang, rows)
	}
	t.Logf("%d of %d numbers were dialled; the others' attempts were cut off by a kill", rang, rows)
	results := srv.CLI("batch", "results", "b")
	if lines := strings.Count(results.Stdout, "\n"); lines != rows+1 || !strings.HasPrefix(results.Stdout, "Number,row,call,") {
		t.Errorf("%d lines of results: %.100s", lines, results.Stdout)
	}
}
