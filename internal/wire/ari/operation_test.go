package ari

import (
	"strings"
	"testing"
)

// TestOperationsAreWhole looks that every operation can be routed and described.
func TestOperationsAreWhole(t *testing.T) {
	keys, routes := map[string]bool{}, map[string]bool{}
	all := Operations()
	if len(all) != 109 { // spec: ari 4
		t.Errorf("%d operations, want 109", len(all))
	}
	for _, o := range all {
		route := o.Method + " " + o.Path
		if keys[o.Key()] || routes[route] {
			t.Errorf("%s (%s) is there twice", o.Key(), route)
		}
		keys[o.Key()], routes[route] = true, true
		if o.Summary == "" || !strings.HasSuffix(o.Summary, ".") || !strings.HasPrefix(o.Path, "/"+o.Resource) {
			t.Errorf("%s: summary %q, path %q", o.Key(), o.Summary, o.Path)
		}
		names := map[string]bool{}
		for _, p := range o.Params {
			if p.About == "" || p.Type == "" || names[p.Name] {
				t.Errorf("%s: parameter %+v", o.Key(), p)
			}
			names[p.Name] = true
			if p.Default != "" && !p.Allows(p.Default) {
				t.Errorf("%s: default of %s is not allowed", o.Key(), p.Name)
			}
		}
		codes := map[int]bool{}
		for _, r := range o.Refusals {
			if codes[r.Status] {
				t.Errorf("%s: status %d is there twice", o.Key(), r.Status)
			}
			codes[r.Status] = true
		}
	}
}
