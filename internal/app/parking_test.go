package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parking lots without a dialplan: the default one, then those of a file that comes,
// whose mistakes are told with file and line.
func TestParkingLotsReload(t *testing.T) {
	dir := t.TempDir()
	path, lots := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "etc", "res_parking.conf")
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(path, "[server]\nwatch = false\n[dialplan]\nconf_dir = \""+filepath.Dir(lots)+"\"\n")
	a, c, _ := serve(t, path)
	has := func(want ...string) {
		t.Helper()
		var got []string
		for _, at := range []string{"700@parkedcalls", "720@parkedcalls", "721@parkedcalls", "PJSIP_101@park-dial", "801@two"} {
			if exten, context, _ := strings.Cut(at, "@"); a.hasContext(context) && a.localExists(context, exten, "") {
				got = append(got, at)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("extensions (-want +got):\n%s", d)
		}
	}
	has("700@parkedcalls", "720@parkedcalls", "PJSIP_101@park-dial")

	put(lots, "[default]\nparkext=700\nparkpos=701-721\n[two]\ncontext=two\nparkext=800\nparkpos=801-802\ncolour=red\n")
	if !slices.Contains(a.watched(), lots) {
		t.Errorf("%s is not watched: %v", lots, a.watched())
	}
	var r struct{ Changed, Files, Warnings []string }
	if err := c.Post(t.Context(), "/v1/config/reload", nil, &r); err != nil {
		t.Fatal(err)
	}
	has("700@parkedcalls", "720@parkedcalls", "721@parkedcalls", "PJSIP_101@park-dial", "801@two")
	if !slices.Contains(r.Changed, "dialplan") || !slices.Contains(r.Files, lots) {
		t.Errorf("changed %q, files %q", r.Changed, r.Files)
	}
	wrong := lots + ":8: colour is not an option of a parking lot; the line is ignored"
	if d := cmp.Diff([]string{wrong}, r.Warnings); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}

	put(lots, "#include \"nowhere.conf\"\n") // as a whole unusable: the default lot is there
	_, warnings, err := Check(Source{Path: path})
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], lots) {
		t.Errorf("check: %q, %v", warnings, err)
	}
}
