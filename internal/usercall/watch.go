package usercall

import (
	"slices"
	"sync/atomic"
)

// watcher is one Watch.
type watcher struct {
	f    func()
	over atomic.Bool
}

// Watch has f called after each change of what Of(phone) gives, "" = of all phones; one call
// at a time, from the table's own goroutine. Changes that follow each other quickly may be
// told together; the last is always told. f must not block, nor call a method of the table
// that changes a call. Once stop has returned f is not called any more, but it may be running.
func (t *Table) Watch(phone string, f func()) (stop func()) {
	w := &watcher{f: f}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers[phone] = append(t.watchers[phone], w)
	return func() {
		w.over.Store(true)
		t.mu.Lock()
		defer t.mu.Unlock()
		// A copy: tell may be walking over the old slice.
		left := slices.DeleteFunc(slices.Clone(t.watchers[phone]), func(o *watcher) bool { return o == w })
		if len(left) == 0 {
			delete(t.watchers, phone)
			return
		}
		t.watchers[phone] = left
	}
}

// tell calls those who watch phones whose calls have changed.
func (t *Table) tell(changed map[string]struct{}) {
	if len(changed) == 0 {
		return
	}
	t.mu.Lock()
	told := slices.Clone(t.watchers[""])
	for phone := range changed {
		told = append(told, t.watchers[phone]...)
	}
	t.mu.Unlock()
	for _, w := range told {
		if !w.over.Load() {
			w.f()
		}
	}
}
