package switchvox_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/internal/wire/switchvox"
)

// vectorCase is a case of switchvox.json of the kinds that need no door.
type vectorCase struct {
	ID, Kind  string
	AccountID string `json:"account_id"`
	Number    string
	Input     struct {
		Username, Realm, Password, Method, URI, Nonce string
		QOP, NC, Cnonce                               *string
	}
	Expect json.RawMessage
}

type vectorFile struct {
	Fixture struct {
		Accounts []struct {
			AccountID string `json:"account_id"`
			Extension string
			Rules     []struct {
				Min     int `json:"min_len"`
				Max     int `json:"max_len"`
				Prepend string
			} `json:"call_api_rules"`
		}
	}
	Cases []vectorCase
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	var f vectorFile
	if err := json.Unmarshal(rawVectors(t), &f); err != nil || len(f.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	return f
}

// rawVectors reads switchvox.json of testdata/vectors, or of the folder that
// DIALWRIGHT_VECTORS names.
func rawVectors(t testing.TB) json.RawMessage {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "switchvox.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectorsSwitchvox runs the cases of numbers and of digests. The others belong to the
// door, which runs them by HTTP.
func TestVectorsSwitchvox(t *testing.T) {
	f := vectors(t)
	ran := map[string]int{}
	for _, v := range f.Cases {
		switch v.Kind {
		case "rewrite":
			t.Run(v.ID, func(t *testing.T) { runRewrite(t, f, v) })
		case "digest":
			t.Run(v.ID, func(t *testing.T) { runDigest(t, v) })
		case "call", "auth":
			ran["of the door"]++
			continue
		default:
			t.Errorf("%s is of an unknown kind, %q", v.ID, v.Kind)
		}
		ran[v.Kind]++
	}
	t.Logf("of %d cases %d rewrite and %d digest; %d are the door's", len(f.Cases), ran["rewrite"], ran["digest"], ran["of the door"])
}

func runRewrite(t *testing.T, f vectorFile, v vectorCase) {
	var want string
	if err := json.Unmarshal(v.Expect, &want); err != nil {
		t.Fatal(err)
	}
	extension := false
	var rules []switchvox.Rule
	for _, a := range f.Fixture.Accounts {
		extension = extension || a.Extension == v.Number
		if a.AccountID == v.AccountID {
			for _, r := range a.Rules {
				rules = append(rules, switchvox.Rule{Min: r.Min, Max: r.Max, Prepend: r.Prepend})
			}
		}
	}
	if got := switchvox.Rewrite(v.Number, extension, rules); got != want {
		t.Errorf("%s becomes %s, want %s", v.Number, got, want)
	}
}

// runDigest computes what a client sends.
func runDigest(t *testing.T, v vectorCase) {
	var want struct{ Response string }
	if err := json.Unmarshal(v.Expect, &want); err != nil || want.Response == "" {
		t.Fatal(err)
	}
	in := v.Input
	d := switchvox.Digest{Method: in.Method, URI: in.URI, Nonce: in.Nonce}
	if in.QOP != nil {
		d.QOP, d.NC, d.Cnonce = *in.QOP, *in.NC, *in.Cnonce
	}
	if got := d.Response(switchvox.HA1(in.Username, in.Realm, in.Password)); got != want.Response {
		t.Errorf("%s, want %s", got, want.Response)
	}
	sum := md5.Sum([]byte(in.Username + ":" + in.Realm + ":" + in.Password))
	if got := switchvox.HA1(in.Username, in.Realm, in.Password); got != hex.EncodeToString(sum[:]) {
		t.Errorf("HA1 %s", got)
	}
}
