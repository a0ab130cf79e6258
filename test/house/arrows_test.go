// Package house tests the house rules themselves: which package may import
// which, which RFCs are cited and listed, and that generated files are fresh.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/dialwright/dialwright/"

// arrows says what each package (or tree, with /...) may import of ours. The
// picture is in docs/architecture.md. A package without a line may import
// nothing of ours, so a new one must be drawn here first.
var arrows = map[string][]string{
	"internal/call":           {},
	"internal/cause":          {},
	"internal/number":         {},
	"internal/event":          {},
	"internal/route":          {"internal/call", "internal/number"},
	"internal/wire/...":       {},
	"internal/dialplan":       {"internal/dialplan/expr", "internal/wire/conf"},
	"internal/dialplan/expr":  {},
	"internal/dialplan/run":   {"internal/dialplan", "internal/pbx", "internal/call", "internal/cause", "internal/media"},
	"internal/mixmonitor":     {"internal/pbx", "internal/media"},
	"internal/conference":     {"internal/pbx", "internal/media", "internal/media/dsp", "internal/mixmonitor", "internal/wire/conf"},
	"internal/parking":        {"internal/pbx", "internal/wire/conf"},
	"internal/dialplan/apps":  {"internal/dialplan", "internal/dialplan/run", "internal/wire/...", "internal/pbx", "internal/call", "internal/cause", "internal/media", "internal/media/dsp", "internal/prompts", "internal/music", "internal/conference", "internal/mixmonitor", "internal/parking"},
	"internal/dialplan/funcs": {"internal/dialplan", "internal/dialplan/expr", "internal/dialplan/run", "internal/wire/...", "internal/pbx", "internal/call", "internal/cause", "internal/media", "internal/conference", "internal/hint"},
	"internal/asteriskconf":   {"internal/wire/conf", "internal/config", "internal/call", "internal/number"},
	"internal/door/callfile":  {"internal/wire/callfile", "internal/call", "internal/cause", "internal/event"},
	"internal/originate":      {"internal/call", "internal/cause", "internal/number", "internal/event"},
	"internal/store/...":      {"internal/apikey", "internal/door/auth", "internal/bulk", "internal/directory", "internal/link", "internal/astdb", "internal/call", "internal/cause", "internal/originate", "internal/store/..."},
	"internal/media/codec":    {},
	"internal/media/dsp":      {},
	"internal/media":          {"internal/media/codec", "internal/media/dsp"},
	"internal/prompts":        {},
	"internal/music":          {"internal/media", "internal/wire/conf"},
	"internal/pbx":            {"internal/call", "internal/cause", "internal/event", "internal/media", "internal/media/dsp", "internal/music", "internal/prompts"},
	"internal/pbx/pbxtest":    {"internal/pbx", "internal/call", "internal/cause", "internal/media"},
	"internal/local":          {"internal/pbx", "internal/media", "internal/call", "internal/cause"},
	"internal/pretend":        {"internal/pbx", "internal/media", "internal/call", "internal/cause"},
	"internal/sip":            {"internal/pbx", "internal/media", "internal/media/codec", "internal/wire/sdp", "internal/call", "internal/cause", "internal/number", "internal/sip/ua", "internal/sip/txn", "internal/sip/sipnet", "internal/webrtc"},
	"internal/webrtc":         {"internal/media"},
	"internal/sip/ua":         {"internal/sip/txn", "internal/sip/sipnet", "internal/wire/sdp", "internal/cause"},
	"internal/sip/txn":        {"internal/sip/sipnet"},
	"internal/sip/sipnet":     {},
	"internal/sip/siptest":    {"internal/sip/sipnet"},
	"internal/softphone":      {"internal/sip/ua", "internal/sip/txn", "internal/sip/sipnet", "internal/media", "internal/media/dsp", "internal/wire/sdp", "internal/cause"},
	"internal/config":         {"internal/call", "internal/number", "internal/route", "internal/wire/ami", "internal/directory", "internal/seal"},
	"internal/config/...":     {"internal/config"},
	"internal/door/auth":      {"internal/call"},
	"internal/apikey":         {"internal/call", "internal/door/auth"},
	"internal/stasis":         {"internal/pbx", "internal/call", "internal/cause"},
	"internal/devstate":       {"internal/pbx", "internal/call"},
	"internal/snoop":          {"internal/pbx", "internal/media", "internal/call", "internal/cause"},
	"internal/extmedia":       {"internal/pbx", "internal/media", "internal/media/codec", "internal/call", "internal/cause"},
	"internal/door/ari":       {"internal/wire/ari", "internal/stasis", "internal/pbx", "internal/call", "internal/cause", "internal/number", "internal/media", "internal/extmedia", "internal/snoop", "internal/door/auth"},
	"internal/hint":           {"internal/pbx", "internal/dialplan", "internal/devstate"},
	"internal/astdb":          {},
	"internal/door/ami":       {"internal/wire/ami", "internal/pbx", "internal/call", "internal/cause", "internal/number", "internal/media", "internal/dialplan", "internal/dialplan/run", "internal/hint", "internal/astdb", "internal/parking", "internal/mixmonitor", "internal/local", "internal/door/auth"},
	"internal/door/cli":       {"internal/wire/cli", "internal/wire/conf", "internal/pbx", "internal/call", "internal/cause", "internal/number", "internal/dialplan", "internal/hint", "internal/astdb", "internal/parking", "internal/stasis"},
	"internal/door/dialproxy": {"internal/wire/dialproxy", "internal/call", "internal/cause", "internal/number", "internal/originate", "internal/door/auth", "internal/event"},
	"internal/seal":           {},
	"internal/directory":      {"internal/call", "internal/seal", "internal/door/auth"},
	"internal/directory/...":  {"internal/directory", "internal/call", "internal/seal", "internal/door/auth"},
	"internal/usercall":       {"internal/call", "internal/cause", "internal/pbx", "internal/originate", "internal/event", "internal/mixmonitor"},
	"internal/sheet":          {},
	"internal/bulk":           {"internal/call", "internal/number", "internal/originate", "internal/sheet"},
	"internal/click":          {"internal/call", "internal/directory"},
	"internal/link":           {"internal/call", "internal/directory", "internal/seal", "internal/number"},
	"internal/door/console":   {"internal/call", "internal/originate", "internal/door/auth", "internal/directory"},
	"internal/console":        {},
	"internal/door/vodia":     {"internal/wire/vodia", "internal/call", "internal/cause", "internal/number", "internal/originate", "internal/door/auth", "internal/event", "internal/directory", "internal/click", "internal/usercall"},
	"internal/door/switchvox": {"internal/wire/switchvox", "internal/call", "internal/cause", "internal/number", "internal/originate", "internal/door/auth", "internal/event", "internal/directory", "internal/usercall"},
	"internal/door/link":      {"internal/call", "internal/cause", "internal/number", "internal/originate", "internal/door/auth", "internal/directory", "internal/click", "internal/link"},
	"internal/door/rest":      {"internal/apikey", "internal/bulk", "internal/sheet", "internal/directory", "internal/link", "internal/astdb", "internal/call", "internal/cause", "internal/event", "internal/number", "internal/door/auth", "internal/wire/ari", "internal/originate", "internal/route"},
	"internal/door/rest/...":  {"internal/call", "internal/cause", "internal/door/auth", "internal/door/rest"},
	"internal/recordings":     {"internal/pbx", "internal/call", "internal/originate"},
	"internal/door/ctl":       {"internal/call", "internal/door/auth"},
	"internal/app":            {"internal/..."},
	"internal/app/demo":       {"internal/app", "internal/call", "internal/config", "internal/softphone", "internal/door/rest", "internal/door/rest/client", "internal/door/ctl", "internal/door/auth"},
	"cmd/dialwright":          {"internal/bulk", "internal/directory", "internal/link", "internal/seal", "internal/astdb", "internal/app", "internal/app/demo", "internal/config", "internal/call", "internal/cause", "internal/door/rest", "internal/door/rest/client", "internal/door/auth", "internal/door/ctl", "internal/wire/callfile", "internal/wire/cli"},
	"test/...":                {"internal/...", "test/..."},
}

// wrapped says which folders may import a third-party module; everything else
// goes through them.
var wrapped = map[string][]string{
	"github.com/emiago/sipgo":             {"internal/sip", "internal/sip/...", "internal/softphone"},
	"github.com/icholy/digest":            {"internal/sip/ua", "internal/door/auth"},
	"github.com/pion/":                    {"internal/media", "internal/webrtc", "internal/webrtc/..."},
	"github.com/zaf/g711":                 {"internal/media/codec"},
	"modernc.org/sqlite":                  {"internal/store/sqlite"},
	"github.com/pressly/goose":            {"internal/store/sqlite"},
	"github.com/nyaruka/phonenumbers":     {"internal/number"},
	"github.com/danielgtaylor/huma":       {"internal/door/rest"},
	"github.com/pelletier/go-toml":        {"internal/config"},
	"github.com/fsnotify/fsnotify":        {"internal/config", "internal/app", "internal/door/callfile"},
	"github.com/alecthomas/kong":          {"cmd/dialwright"},
	"golang.org/x/term":                   {"cmd/dialwright"},
	"github.com/prometheus/client_golang": {"internal/door/rest", "internal/app"},
	"golang.org/x/crypto/argon2":          {"internal/door/auth"},
	"github.com/go-crypt/crypt":           {"internal/door/auth"},
	"github.com/xuri/excelize":            {"internal/sheet"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// fits reports whether pkg is pattern, or below it when pattern ends in /... .
func fits(pattern, pkg string) bool {
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return pattern == pkg
}

// rulesFor gives the most exact line of arrows for pkg.
func rulesFor(pkg string) ([]string, bool) {
	if r, ok := arrows[pkg]; ok {
		return r, true
	}
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		if r, ok := arrows[dir+"/..."]; ok {
			return r, true
		}
	}
	return nil, false
}

func anyFits(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if fits(p, pkg) {
			return true
		}
	}
	return false
}

func TestArrows(t *testing.T) {
	for _, p := range listPackages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := rulesFor(pkg)
		if !ok {
			t.Errorf("%s is not drawn: add its line to arrows", pkg)
			continue
		}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, module); ok && !anyFits(allowed, ours) {
				t.Errorf("%s imports %s, which its line does not allow", pkg, ours)
			}
			for mod, folders := range wrapped {
				if strings.HasPrefix(imp, mod) && !anyFits(folders, pkg) {
					t.Errorf("%s imports %s, which only %s may", pkg, imp, strings.Join(folders, ", "))
				}
			}
		}
	}
}

// TestDoorsDoNotImportEachOther holds beyond the table: a door may use auth,
// nothing else under door.
func TestDoorsDoNotImportEachOther(t *testing.T) {
	for _, p := range listPackages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(pkg, "internal/door/") {
			continue
		}
		for _, imp := range p.Imports {
			ours, ok := strings.CutPrefix(imp, module+"internal/door/")
			door, _, _ := strings.Cut(strings.TrimPrefix(pkg, "internal/door/"), "/")
			if ok && ours != "auth" && !fits(door+"/...", ours) {
				t.Errorf("%s imports door/%s", pkg, ours)
			}
		}
	}
}
