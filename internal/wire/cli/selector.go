package cli

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Selector selects names by a regular expression or a glob (spec: cli 4.3).
type Selector struct {
	re   *regexp.Regexp // nil: glob
	glob string         // lower case
}

// BadRegexp is a regular expression that cannot be used.
type BadRegexp struct{ Reason string } // as POSIX regerror words it

// Error gives the reason.
func (e *BadRegexp) Error() string { return e.Reason }

// ParseSelector reads what `channel request hangup` takes beside a name: a POSIX
// extended regular expression between two slashes, which may match anywhere in a name, or
// a glob. Both do not regard case. ok is false for a plain name. The error is a *BadRegexp.
func ParseSelector(arg string) (s Selector, ok bool, err error) {
	rest, opened := strings.CutPrefix(arg, "/")
	if expr, closed := strings.CutSuffix(rest, "/"); opened && closed {
		if expr == "" {
			return s, true, nil // nothing at all (observed: Asterisk 22.10)
		}
		tree, err := syntax.Parse(expr, syntax.POSIX|syntax.FoldCase)
		if err != nil {
			return s, true, &BadRegexp{reason(expr, err)}
		}
		s.re, err = regexp.Compile(tree.String())
		if err != nil {
			return s, true, &BadRegexp{reason(expr, err)}
		}
		return s, true, nil
	}
	if !strings.ContainsAny(arg, "*?[") {
		return s, false, nil
	}
	return Selector{glob: strings.ToLower(arg)}, true, nil
}

// Match says whether a name is selected.
func (s Selector) Match(name string) bool {
	if s.re != nil {
		return s.re.MatchString(name)
	}
	return globMatch(s.glob, strings.ToLower(name))
}

// reason says what is wrong with a regular expression as the C library's regerror does
// (observed: Asterisk 22.10, "[" alone gives the first).
func reason(expr string, err error) string {
	bad, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return "Invalid regular expression"
	}
	switch bad.Code {
	case syntax.ErrMissingBracket:
		if strings.HasSuffix(expr, "[") || strings.HasSuffix(expr, "[^") {
			return "Invalid regular expression"
		}
		return "Unmatched [, [^, [:, [., or [="
	case syntax.ErrMissingParen:
		return `Unmatched ( or \(`
	case syntax.ErrUnexpectedParen:
		return `Unmatched ) or \)`
	case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
		return "Invalid preceding regular expression"
	case syntax.ErrInvalidRepeatSize:
		return `Invalid content of \{\}`
	case syntax.ErrInvalidCharRange:
		return "Invalid range end"
	case syntax.ErrTrailingBackslash:
		return "Trailing backslash"
	}
	return "Invalid regular expression"
}

// globMatch matches a glob as fnmatch with FNM_PATHNAME does: no wildcard and no
// bracket expression matches a slash. A star that met a slash cannot grow, so one
// place to return to is enough and the time is at most len(glob)*len(name).
func globMatch(glob, name string) bool {
	g, n := 0, 0
	star, from := -1, 0 // of the last star: behind it, and where its rest begins
	for n < len(name) {
		if g < len(glob) && glob[g] == '*' {
			g++
			star, from = g, n
			continue
		}
		if width := globOne(glob[g:], name[n]); width > 0 {
			g += width
			n++
			continue
		}
		if star < 0 || name[from] == '/' {
			return false
		}
		from++
		g, n = star, from
	}
	return strings.Trim(glob[g:], "*") == ""
}

// globOne gives how many bytes of the glob match the byte c, 0 = they do not.
func globOne(glob string, c byte) int {
	if glob == "" {
		return 0
	}
	switch glob[0] {
	case '?':
		if c == '/' {
			return 0
		}
		return 1
	case '[':
		if width, hit, ok := bracket(glob, c); ok {
			if !hit || c == '/' {
				return 0
			}
			return width
		}
	case '\\':
		if len(glob) > 1 {
			if glob[1] != c {
				return 0
			}
			return 2
		}
	}
	if glob[0] != c {
		return 0
	}
	return 1
}

// bracket reads a bracket expression at the beginning of glob; ok is false if it has no
// end, in which case the bracket is an ordinary byte.
func bracket(glob string, c byte) (width int, hit, ok bool) {
	i := 1
	not := i < len(glob) && (glob[i] == '!' || glob[i] == '^')
	if not {
		i++
	}
	for first := true; i < len(glob); first = false {
		if glob[i] == ']' && !first {
			return i + 1, hit != not, true
		}
		if glob[i] == '\\' && i+1 < len(glob) {
			i++
		}
		low, high := glob[i], glob[i]
		if i+2 < len(glob) && glob[i+1] == '-' && glob[i+2] != ']' {
			high = glob[i+2]
			i += 2
		}
		if low <= c && c <= high {
			hit = true
		}
		i++
	}
	return 0, false, false
}
