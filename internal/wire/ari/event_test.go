package ari

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEventsAsCaptured reads events that Asterisk has sent into our structs and writes
// them again: nothing may be lost or added.
func TestEventsAsCaptured(t *testing.T) {
	b, err := os.ReadFile("testdata/events.json")
	if err != nil {
		t.Fatal(err)
	}
	var captured []struct {
		Source string
		Event  map[string]any
	}
	if err := json.Unmarshal(b, &captured); err != nil {
		t.Fatal(err)
	}
	for _, c := range captured {
		kind, _ := c.Event["type"].(string)
		t.Run(kind+"/"+c.Source, func(t *testing.T) {
			e, ok := New(kind)
			if !ok {
				t.Fatalf("there is no type %s", kind)
			}
			raw, err := json.Marshal(c.Event)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, e); err != nil {
				t.Fatal(err)
			}
			raw, err = Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			var again map[string]any
			if err := json.Unmarshal(raw, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.Event, again); diff != "" {
				t.Errorf("(-Asterisk +ours)\n%s", diff)
			}
		})
	}
}

// TestEventsWithout looks at empty events: what is required is there, what is optional
// is not, and no list is null.
func TestEventsWithout(t *testing.T) {
	f := readFacts(t, "events")
	alwaysSent := []string{"forward", "dialstring"} // of Dial (spec: ari 5.1)
	for _, e := range Events() {
		raw, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if string(got["type"]) != `"`+TypeOf(e)+`"` {
			t.Errorf("%s: type %s", TypeOf(e), got["type"])
		}
		for name, p := range f.Models[TypeOf(e)] {
			v, ok := got[name]
			if ok != (p.Required || slices.Contains(alwaysSent, name)) {
				t.Errorf("%s: %s there: %t, required: %t", TypeOf(e), name, ok, p.Required)
			}
			if strings.HasPrefix(p.Type, "List[") && ok && string(v) != "[]" {
				t.Errorf("%s: %s is %s", TypeOf(e), name, v)
			}
		}
		if _, ok := got["cursor"]; ok {
			t.Errorf("%s: a cursor that nobody has asked for", TypeOf(e))
		}
	}
}

// TestModelsHaveNoNull looks at empty models: clients do not expect null.
func TestModelsHaveNoNull(t *testing.T) {
	filled := []string{"ChannelUserevent", "Variables", "MissingParams"} // their handlers have something, or there is none
	for _, r := range resources() {
		for _, m := range r.models() {
			raw, err := json.Marshal(m.value)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), "null") && !slices.Contains(filled, m.name) {
				t.Errorf("%s: %s", m.name, raw)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e := &ChannelStateChange{Channel: Channel{ID: "1795320179.0", Name: "PJSIP/callee-00000000", State: "Up"}}
	for b.Loop() {
		if _, err := Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}
