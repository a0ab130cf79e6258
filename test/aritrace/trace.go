// Package aritrace plays the captured traces of an Asterisk's REST interface
// again, on the built binary or on a real Asterisk: it sends a trace's requests in
// their order and at their distance, with SIPp as the phones, and compares every
// event and every answer with what was captured.
package aritrace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Trace is one captured scenario.
type Trace struct {
	Scenario     string `json:"scenario"`
	Description  string `json:"description"`
	App          string `json:"app"`
	SubscribeAll bool   `json:"subscribeAll"`
	Steps        []Step `json:"trace"`
	Second       *Trace `json:"second"` // what another application was told meanwhile
}

// Step is one thing that happened: a request with its answer, an event, or a frame
// that the client sent.
type Step struct {
	At       int            `json:"at"` // ms since the connection; of a request: when it was sent
	Dir      string         `json:"dir"`
	Event    map[string]any `json:"e"`
	Request  *Request       `json:"request"`
	Response *Response      `json:"response"`
	Message  any            `json:"message"` // ws-send: an object, or a text that is none
}

// Request is an operation as it was asked for.
type Request struct {
	Method string         `json:"method"`
	Path   string         `json:"path"`
	Query  map[string]any `json:"query"`
	Body   any            `json:"body"`
}

// Response is its answer.
type Response struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

// Load reads the traces of a directory, by name. Files that are no traces of this
// form (raw HTTP, outbound connections) are left out.
func Load(dir string) ([]Trace, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no traces in %s: %v", dir, err)
	}
	slices.Sort(names)
	var out []Trace
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var t Trace
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t.App == "" || len(t.Steps) == 0 {
			continue
		}
		t.Scenario = strings.TrimSuffix(filepath.Base(name), ".json")
		// A request stands where its answer was complete; it was sent before.
		slices.SortStableFunc(t.Steps, func(a, b Step) int { return a.At - b.At })
		out = append(out, t)
	}
	return out, nil
}

// Events gives the events of the trace in their order.
func (t *Trace) Events() []map[string]any {
	var out []map[string]any
	for _, s := range t.Steps {
		if s.Dir == "event" {
			out = append(out, s.Event)
		}
	}
	return out
}
