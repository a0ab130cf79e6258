package devstate

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// watcher is one caller of Watch.
type watcher struct{ f func(pbx.DeviceSnapshot) }

// Watch lets f see every change of one device, or of several as a hint names
// them ("PJSIP/101&Custom:lamp"), after it was told on the bus. What they are
// now, State tells: called after Watch, it misses nothing. f runs on the table's
// goroutine, in order: it must be quick. The function returned ends it; f may be
// running then.
func (t *Table) Watch(devices string, f func(pbx.DeviceSnapshot)) (stop func()) {
	w := &watcher{f: f}
	var keys []string
	for d := range strings.SplitSeq(devices, "&") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		if k := key(d); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		t.watchers[k] = append(slices.Clip(t.watchers[k]), w)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, k := range keys {
			rest := slices.DeleteFunc(slices.Clone(t.watchers[k]), func(x *watcher) bool { return x == w })
			if t.watchers[k] = rest; len(rest) == 0 {
				delete(t.watchers, k)
			}
		}
	}
}
