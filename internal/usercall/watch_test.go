package usercall_test

import (
	"fmt"
	"testing"
	"time"
)

// A watcher that is slower than the calls is told of several changes at once, and always of
// the last: no call stays on its screen.
func TestSlowWatcher(t *testing.T) {
	bubble(t, func(h *house) {
		const phones = 20
		told, seen := 0, map[string]string{}
		defer h.table.Watch("", func() {
			<-time.After(700 * time.Millisecond)
			told++
			for i := range phones {
				phone := fmt.Sprint(101180 + 2*i)
				seen[phone] = h.states(phone)
			}
		})()
		for i := range phones {
			h.click(fmt.Sprintf("%d?ring=%dms", 101180+2*i, 100+37*i), fmt.Sprintf("%d?ring=%dms&talk=%dms", 101181+2*i, 50+11*i, 200+13*i))
		}
		h.pass(time.Minute)
		for phone, states := range seen {
			if states != "" {
				t.Errorf("the watcher still sees %q of phone %s", states, phone)
			}
		}
		if changes := phones * 4; told == 0 || told >= changes || len(seen) != phones { // begun, ringback, connected, over
			t.Errorf("told %d times of %d phones, which had at least %d changes", told, len(seen), changes)
		}
	})
}
