package apps_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// callFile is a vector of callfile.json, as far as the switch is concerned: what
// the door makes of the file and its times is tested there.
type callFile struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Needs []string `json:"needs"`
	Ours  string   `json:"ours"`
	Files []struct {
		Text string `json:"text"`
	} `json:"files"`
	Expect struct {
		Trace []struct {
			Text string `json:"text"`
		} `json:"trace"`
		Unordered bool `json:"unordered"`
	} `json:"expect"`
}

// TestPlaceCallFiles places one attempt for each call file whose vector is about
// the call and not about the file: variables, REASON, the extension failed, early
// media (spec: callfile 6). Our own mode follows `ours`.
func TestPlaceCallFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "callfile.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Fixture map[string]string `json:"fixture"`
		Vectors []callFile        `json:"vectors"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	for _, mode := range [...]string{"", "asterisk22"} {
		for _, v := range f.Vectors {
			n, err := strconv.Atoi(strings.TrimPrefix(v.ID, "CF-"))
			if err != nil || n < 26 || n > 35 && n < 46 || n > 64 && n < 98 || n > 107 || len(v.Files) != 1 {
				continue
			}
			t.Run(v.ID+mode, func(t *testing.T) {
				t.Parallel()
				v.check(t, mode, f.Fixture["extensions.conf"])
			})
		}
	}
}

var leadingNumber = regexp.MustCompile(`^[0-9]*`)

var oursReason = regexp.MustCompile(`^REASON (\d)$`)

func (v *callFile) check(t *testing.T, mode, fixture string) {
	var want []string
	for _, l := range v.Expect.Trace {
		text := l.Text
		if m := oursReason.FindStringSubmatch(v.Ours); m != nil && mode == "" {
			text = strings.Replace(text, "reason=0", "reason="+m[1], 1)
		}
		want = append(want, text)
	}
	dir := t.TempDir()
	for _, s := range []string{"conf", "snd", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, s), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, officeOptions{dir: dir, compat: mode, sip: slices.Contains(v.Needs, "sip")})
		defer o.close()
		o.load(fixture, nil)
		e := pbx.NewEngineWith(o.sw, pbx.EngineOptions{Compat: mode != ""})
		r := readCallFile(fillPhones(v.Files[0].Text))
		out, err := e.Place(t.Context(), call.Attempt{Number: 1, Request: r, RouteA: call.Route{Endpoint: r.First}, StartedAt: time.Now()}, nil)
		if err != nil {
			t.Error(err)
		}
		if out.Failure != nil && out.Failure.Permanent {
			t.Errorf("%v is permanent, a call file's is not", out.Failure)
		}
		if d := out.Detail; (out.Disposition == call.Answered) != (d != "") {
			t.Errorf("%s with detail %q", out.Disposition, d)
		}
		o.waitIdle(time.Minute)
		got = o.trace()
	})
	if v.Expect.Unordered {
		slices.Sort(want)
		slices.Sort(got)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s\n%s\n(-want +got):\n%s", v.Title, v.Files[0].Text, d)
	}
}

// readCallFile makes of a call file what the door does; lines that these vectors
// do not have are not known.
func readCallFile(text string) call.Request {
	r := call.Request{Lenient: true, Then: call.Then{Kind: call.ThenDialplan}, WaitTime: 45 * time.Second}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimLeft(value, " ")
		switch strings.ToLower(key) {
		case "channel":
			r.First = call.Endpoint(value)
		case "context":
			r.Then.Context = value
		case "extension":
			r.Then.Extension = value
		case "priority":
			if v := leadingNumber.FindString(value); v != "0" { // spec: callfile 2.1, 3
				r.Then.Priority = v
			}
		case "application":
			r.Then.Kind, r.Then.Name = call.ThenApplication, value
		case "data":
			r.Then.Data = value
		case "account":
			r.AccountCode = value
		case "callerid":
			r.CallerID = pbx.ParseCallerID(value)
		case "waittime":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				r.WaitTime = time.Duration(n) * time.Second
			}
		case "early_media":
			r.EarlyMedia = strings.EqualFold(value, "yes")
		case "set", "setvar":
			if name, value, ok := strings.Cut(value, "="); ok {
				r.Variables = append(r.Variables, call.Variable{Name: name, Value: value})
			}
		}
	}
	return r
}
