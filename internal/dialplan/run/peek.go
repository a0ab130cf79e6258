package run

import "slices"

// Peek gives the value that a channel variable has n levels further out: 0 is
// the present one, 1 what the newest LOCAL of that name hides (LOCAL_PEEK). ""
// if there is none.
func (x *Exec) Peek(name string, n int) string {
	if n == 0 {
		v, _ := x.c.PlainVariable(name)
		return v
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range slices.Backward(x.stack) {
		v, ok := f.locals[name]
		if !ok {
			continue
		}
		if n--; n == 0 && v != nil {
			return *v
		}
	}
	return ""
}
