package peers

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// elsewhere are the kinds of cases of vodia.json that the packages internal/wire/vodia and
// internal/door/vodia run.
var elsewhere = []string{"scheme", "query", "credential", "md5", "md5-collision", "hs256", "link", "rest", "ws", "sequence"}

// widgetVector is a case of vodia.json of the kind "widget".
type widgetVector struct {
	ID, Kind, Number string
	Frames           []map[string]any
	Expect           struct {
		Cancel *bool   `json:"cancel_visible"`
		Call   *bool   `json:"call_visible"`
		ID     *string `json:"callid"`
	}
}

// TestVectorsVodia runs the cases of kind "widget" with the script in Chromium.
func TestVectorsVodia(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "vodia.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []widgetVector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	scripts := widgetScripts(t)
	ran := 0
	for _, v := range file.Cases {
		switch {
		case v.Kind == "widget":
			ran++
			t.Run(v.ID, func(t *testing.T) { v.run(t, scripts) })
		case !slices.Contains(elsewhere, v.Kind):
			t.Errorf("%s: no test knows the kind %q", v.ID, v.Kind)
		}
	}
	if ran == 0 {
		t.Error("no case of kind widget")
	}
	t.Logf("%d cases of kind widget", ran)
}

func (v *widgetVector) run(t *testing.T, scripts http.Handler) {
	pbx := newScriptedPBX(t, scripts)
	page := startBrowser(t).open(v.ID, pbx.page(v.ID, published("w", v.Number)+classicScript))
	page.click("#w [name=call]")
	s := pbx.next()
	s.dialled(v.Number)
	for _, frame := range v.Frames {
		s.send(frame)
	}
	page.read(len(v.Frames))
	for at, want := range map[string]*bool{"call": v.Expect.Call, "cancel": v.Expect.Cancel} {
		if got := page.is("#w [name=" + at + "]"); want != nil && got != *want {
			t.Errorf("%s button visible: %v, want %v", at, got, *want)
		}
	}
	if v.Expect.ID != nil {
		page.click("#w [name=cancel]")
		s.wants(map[string]any{"action": "clear-call", "id": *v.Expect.ID})
	}
}
