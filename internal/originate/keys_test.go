package originate_test

import (
	"testing"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// One key for a whole batch: its repeat passes, another body is refused before
// any call of it is taken, and a key that nobody used passes.
func TestCheckKeysRefusesAnotherBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), nil)
		keyed := func(key, digest string) call.Request {
			return request(func(r *call.Request) { r.Key, r.Digest = key, digest })
		}
		first := []call.Request{keyed("k#0", "d1"), keyed("k#1", "d1")}
		if err := v.CheckKeys(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Submit(t.Context(), first[1]); err != nil { // the first was refused, say
			t.Fatal(err)
		}
		if err := v.CheckKeys(t.Context(), first); err != nil {
			t.Errorf("the same again: %v", err)
		}
		refused(t, v.CheckKeys(t.Context(), []call.Request{keyed("k#0", "d2"), keyed("k#1", "d2")}), originate.RefusedKeyReused)
	})
}
