package dialproxy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/dialproxy"
)

// vectors reads a file of testdata/vectors, or of the folder that
// DIALWRIGHT_VECTORS names.
func vectors[V any](t testing.TB, name string) []V {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var list []V
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s holds nothing", name)
	}
	return list
}

type numberVector struct {
	Prefixes   string `json:"prefixes"` // null = unset, as ""
	Num        string `json:"num"`
	Normalized string `json:"normalized"`
	DialPrefix string `json:"dialprefix"`
}

type requestVector struct {
	Prefixes  string  `json:"prefixes"`
	Value     *string `json:"value"`
	Num       string  `json:"num"`
	Status    int     `json:"status"`
	Body      string  `json:"body"`
	Originate *struct {
		Channel, Exten, Context, Timeout, CallerID, Priority string
	} `json:"originate"`
}

func TestVectorsDialproxyNumbers(t *testing.T) {
	for i, v := range vectors[numberVector](t, "dialproxy_numbers.json") {
		t.Run(fmt.Sprintf("N%d", i+1), func(t *testing.T) {
			n := dialproxy.ParsePrefixes(v.Prefixes).Normalise(v.Num, false)
			if n.Digits != v.Normalized || n.Prefix != v.DialPrefix {
				t.Errorf("%q with %q gives %q, dial prefix %q; want %q, %q", v.Num, v.Prefixes, n.Digits, n.Prefix, v.Normalized, v.DialPrefix)
			}
			at := v.Num
			for _, s := range n.Steps { // the steps lead from the one to the other
				if s.Before != at || s.After == s.Before || s.Rule == "" {
					t.Errorf("step %+v at %q", s, at)
				}
				at = s.After
			}
			if at != n.Digits {
				t.Errorf("steps lead to %q, not to %q", at, n.Digits)
			}
		})
	}
}

func TestVectorsDialproxyRequests(t *testing.T) {
	for i, v := range vectors[requestVector](t, "dialproxy_requests.json") {
		if v.Originate == nil {
			continue // nothing is asked of Asterisk: these are the door's
		}
		t.Run(fmt.Sprintf("R%d", i+1), func(t *testing.T) {
			l := dialproxy.ParseLabel(*v.Value)
			got := l.Originate(dialproxy.ParsePrefixes(v.Prefixes).Normalise(v.Num, false))
			if diff := cmp.Diff(dialproxy.Originate(*v.Originate), got); diff != "" {
				t.Errorf("Originate (-want +got):\n%s", diff)
			}
		})
	}
}
