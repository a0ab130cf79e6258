package pbx

import (
	"testing"

	"github.com/dialwright/dialwright/internal/call"
)

// What an Originate does not say of its caller ID is the party's own.
func TestGivenCallerID(t *testing.T) {
	own := call.CallerID{Name: "Alice", Number: "101"}
	tests := map[string]struct{ asked, own, want call.CallerID }{
		"nothing":     {call.CallerID{}, own, own},
		"both":        {call.CallerID{Name: "Web", Number: "5"}, own, call.CallerID{Name: "Web", Number: "5"}},
		"number only": {call.CallerID{Number: "5"}, own, call.CallerID{Name: "Alice", Number: "5"}},
		"name only":   {call.CallerID{Name: "Web"}, own, call.CallerID{Name: "Web", Number: "101"}},
		"private":     {call.CallerID{Number: "5", Private: true}, call.CallerID{}, call.CallerID{Number: "5", Private: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := given(tt.asked, tt.own); got != tt.want {
				t.Errorf("given(%+v, %+v) = %+v, want %+v", tt.asked, tt.own, got, tt.want)
			}
		})
	}
}
