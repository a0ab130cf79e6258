package apps_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets many vectors run at once: what they do is wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8")
	}
	os.Exit(m.Run())
}

// vectorFile is testdata/vectors/dialplan.json: what Asterisk 22.10.1 did.
type vectorFile struct {
	Format  string            `json:"format"`
	Fixture map[string]string `json:"fixture"`
	Vectors []vector          `json:"vectors"`
}

// vector is one dialplan, one call, and what it logged.
type vector struct {
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Extensions string            `json:"extensions"`
	Files      map[string]string `json:"files"`
	Needs      []string          `json:"needs"`
	RunS       float64           `json:"run_s"`
	Ours       string            `json:"ours"`
	Call       vectorCall        `json:"call"`
	Expect     struct {
		Trace     []string `json:"trace"`
		Unordered bool     `json:"unordered"`
	} `json:"expect"`
}

// vectorCall is how the call is placed.
type vectorCall struct {
	Context   string   `json:"context"`
	Exten     string   `json:"exten"`
	Priority  int      `json:"priority"`
	Mode      string   `json:"mode"`
	CallerID  string   `json:"callerid"`
	Vars      []string `json:"vars"`
	DTMF      string   `json:"dtmf"`
	CallerApp string   `json:"caller_app"`
	GiveUpMS  int      `json:"give_up_ms"`
}

// oursTrace reads the trace of our own behaviour out of `ours`, whose form is
// "… trace becomes: a, b, c".
func (v *vector) oursTrace(t *testing.T) []string {
	t.Helper()
	_, list, ok := strings.Cut(v.Ours, "trace becomes: ")
	if !ok {
		t.Fatalf("ours %q names no trace", v.Ours)
	}
	return strings.Split(list, ", ")
}

func loadVectors(t *testing.T) *vectorFile {
	t.Helper()
	path := os.Getenv("DIALWRIGHT_VECTORS")
	if path == "" {
		path = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "dialplan.json")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &vectorFile{}
	if err := json.Unmarshal(text, f); err != nil {
		t.Fatal(err)
	}
	if f.Format != "dialplan-vectors/1" || len(f.Vectors) == 0 {
		t.Fatalf("%s: format %q with %d vectors", path, f.Format, len(f.Vectors))
	}
	return f
}

// TestVectorsDialplan runs every vector on a real switch with media, in our own
// mode and as Asterisk 22 would.
func TestVectorsDialplan(t *testing.T) {
	f := loadVectors(t)
	for _, mode := range [...]struct{ name, compat string }{{"default", ""}, {"asterisk22", "asterisk22"}} {
		var passed atomic.Int32
		t.Run(mode.name, func(t *testing.T) {
			for _, v := range f.Vectors {
				t.Run(v.ID, func(t *testing.T) {
					t.Parallel()
					want := v.Expect.Trace
					if v.Ours != "" && mode.compat == "" {
						want = v.oursTrace(t)
					}
					v.run(t, f.Fixture["extensions.conf"], mode.compat, want)
					if !t.Failed() {
						passed.Add(1)
					}
				})
			}
		})
		t.Logf("%s: %d of %d vectors pass", mode.name, passed.Load(), len(f.Vectors))
	}
}

// run runs the vector in a bubble, where waiting costs nothing.
func (v *vector) run(t *testing.T, fixture, compat string, want []string) {
	dir := t.TempDir()
	for _, s := range []string{"conf", "snd", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, s), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in 2000, at a time whose EPOCH has nine digits.
		<-time.After(time.Until(time.Unix(1_700_000_000, 0)))
		got = v.place(t, dir, fixture, compat)
	})
	want = slices.Clone(want)
	for i := range want {
		want[i] = v.fill(dir, want[i])
	}
	if v.Expect.Unordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s\n%s\n(-want +got):\n%s", v.ID, v.Title, v.Extensions, diff)
	}
}

// fill replaces the placeholders of a text.
func (v *vector) fill(dir, text string) string {
	return strings.NewReplacer("{snd}", filepath.Join(dir, "snd"), "{tmp}", filepath.Join(dir, "tmp")).Replace(text)
}

// place places the call and gives the trace.
func (v *vector) place(t *testing.T, dir, fixture, compat string) []string {
	o := openOffice(t, officeOptions{dir: dir, compat: compat, sip: slices.Contains(v.Needs, "sip")})
	defer o.close()
	text := fillPhones(v.fill(dir, v.Extensions)) + "\n" + fixture
	o.load(text, v.Files)
	c := v.Call
	c.CallerApp = v.fill(dir, c.CallerApp)
	o.call(c)
	run := 8 * time.Second
	if v.RunS > 0 {
		run = time.Duration(v.RunS * float64(time.Second))
	}
	o.waitIdle(run)
	return o.trace()
}
