package ami

import (
	"strconv"
	"strings"
)

// ParseMask reads an event mask: a number made of bits, a word for all or none, or a
// list of classes, of which unknown ones count as nothing (spec: ami 5.1). It fails for
// an empty one.
func ParseMask(s string) (mask Class, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return None, false
	}
	if strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return All, true // a number with more bits than there are
		}
		return Class(n) & All, true
	}
	switch strings.ToLower(s) {
	case "no", "false", "n", "f", "off":
		return None, true
	case "yes", "true", "y", "t", "on":
		return All, true
	}
	mask, _ = ParseClasses(s)
	return mask, true
}

// Allows says whether an event of a class may be seen with a mask: every class that it has
// must be in there (Asterisk: manager.c process_events).
func (c Class) Allows(event Class) bool { return c&event == event }
