package dialproxy_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/dialproxy"
	"github.com/dialwright/dialwright/internal/number"
)

// vectors reads a file of testdata/vectors, or of the folder that
// DIALWRIGHT_VECTORS names.
func vectors[V any](t *testing.T, name string) []V {
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

// vectorHouse is a door without what is ours: labels are open, and nothing is counted.
func vectorHouse(t *testing.T) *house {
	return newHouse(t, dialproxy.Config{Open: true, Debug: true, PerMinute: -1})
}

// TestVectorsDialproxy runs every vector through HTTP: what the original prints for a
// number, and what it answers and asks Asterisk for.
func TestVectorsDialproxy(t *testing.T) {
	h := vectorHouse(t)
	numbers := vectors[struct {
		Prefixes   string `json:"prefixes"`
		Num        string `json:"num"`
		Normalized string `json:"normalized"`
		DialPrefix string `json:"dialprefix"`
	}](t, "dialproxy_numbers.json")
	for i, v := range numbers {
		t.Run(fmt.Sprintf("N%d", i+1), func(t *testing.T) {
			h.set(func(c *dialproxy.Config) { c.Prefixes = v.Prefixes })
			q := url.Values{"num": {v.Num}, "ext": {"nobody"}, "debug": {"1"}}.Encode()
			want := "Debug: num=" + v.Normalized + " ext=nobody dialprefix=" + v.DialPrefix
			h.get(q).want(t, 200, want)
			h.ask("POST", "", q).want(t, 200, want)
		})
	}
	requests := vectors[requestVector](t, "dialproxy_requests.json")
	for i, v := range requests {
		id := fmt.Sprintf("R%d", i+1)
		t.Run(id, func(t *testing.T) { runRequest(t, h, v) })
	}
	t.Logf("%d numbers and %d requests", len(numbers), len(requests))
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

// runRequest asks for a call, and compares what was asked of the queue. The recording
// peer of the original accepted everything; where Asterisk refuses, so do we (spec:
// dialproxy 6.1, note to R22).
func runRequest(t *testing.T, h *house, v requestVector) {
	h.set(func(c *dialproxy.Config) { c.Prefixes = v.Prefixes })
	h.label("office", "")
	if v.Value != nil {
		h.label("office", *v.Value)
	}
	h.taken()
	got := h.get(url.Values{"num": {v.Num}, "ext": {"office"}}.Encode())
	list := h.taken()
	if v.Originate != nil && v.Originate.Channel == "" {
		got.want(t, 401, "Error")
		if len(list) != 0 {
			t.Errorf("submitted %+v", list)
		}
		return
	}
	if got.status != v.Status || got.body != v.Body {
		t.Errorf("answer %d %q, want %d %q", got.status, got.body, v.Status, v.Body)
	}
	if v.Originate == nil {
		if len(list) != 0 {
			t.Errorf("submitted %+v", list)
		}
		return
	}
	if len(list) != 1 {
		t.Fatalf("%d requests, want one", len(list))
	}
	r, o := list[0], v.Originate
	if then := (call.Then{Kind: call.ThenDialplan, Context: o.Context, Extension: o.Exten, Priority: o.Priority}); r.Then != then || string(r.First) != o.Channel {
		t.Errorf("rings %s, then %+v; want %+v", r.First, r.Then, *o)
	}
	name, num := number.SplitCallerID(o.CallerID)
	if r.CallerID != (call.CallerID{Name: name, Number: num}) {
		t.Errorf("caller ID %+v, want %s", r.CallerID, o.CallerID)
	}
	if want := milliseconds(t, o.Timeout); r.WaitTime != want {
		t.Errorf("rings for %v, want %v", r.WaitTime, want)
	}
	if r.Retry.Max != 0 {
		t.Errorf("is tried again: %+v", r.Retry)
	}
}

// milliseconds gives what a Timeout of the vectors means here. Two are no whole number
// of seconds: "000" is the server's default, "2.5000" is meant as 2.5 seconds.
func milliseconds(t *testing.T, s string) time.Duration {
	switch s {
	case "000":
		return 0
	case "2.5000":
		return 2500 * time.Millisecond
	}
	d, err := time.ParseDuration(s + "ms")
	if err != nil {
		t.Fatal(err)
	}
	return d
}
