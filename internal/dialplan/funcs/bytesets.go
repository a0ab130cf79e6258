package funcs

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// byteset is a set of bytes.
type byteset [256]bool

// encodedByte reads one byte as functions write them: \n \r \t, \x41, \054 or
// itself, also behind a backslash (Asterisk: app.c ast_get_encoded_char). n is how much
// of s it took, 0 at the end.
func encodedByte(s string) (c byte, n int) {
	switch {
	case s == "":
		return 0, 0
	case s[0] != '\\' || len(s) == 1:
		return s[0], 1
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'x':
		v, digits := leadingDigits(s[2:], 16, 2)
		if digits == 0 {
			return 'x', 2
		}
		return v, 2 + digits
	case '0':
		v, digits := leadingDigits(s[1:], 8, 3)
		return v, 1 + digits
	}
	return s[1], 2
}

// leadingDigits reads up to most digits of a base.
func leadingDigits(s string, base, most int) (v byte, n int) {
	for n < len(s) && n < most {
		d := strings.IndexByte("0123456789abcdef", s[n]|0x20)
		if s[n] < '0' || d < 0 || d >= base {
			break
		}
		v = v*byte(base) + byte(d)
		n++
	}
	return v, n
}

// delimiter is the byte that separates the fields of a list.
func delimiter(arg string, otherwise byte) string {
	if c, n := encodedByte(arg); n > 0 {
		return string([]byte{c})
	}
	return string([]byte{otherwise})
}

// parseAllowed reads FILTER's list of bytes and ranges: "a-z0-9\x2d". A range
// that runs backwards goes on at the other end, as Asterisk has it.
func parseAllowed(s string) (set byteset, wraps bool) {
	for s != "" {
		from, n := encodedByte(s)
		s = s[n:]
		to := from
		if s != "" && s[0] == '-' {
			c, n := encodedByte(s[1:])
			if n > 0 {
				to = c
			}
			s = s[1+n:]
		}
		wraps = wraps || to < from
		for c := from; ; c++ {
			set[c] = true
			if c == to {
				break
			}
		}
	}
	return set, wraps
}

// readFilter is FILTER(allowed,text): what of the text is allowed.
func readFilter(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgsN(args, 2)
	if len(a) == 0 || len(a) < 2 && !strings.HasSuffix(args, ",") {
		return "", errors.New("the allowed characters and a text are needed")
	}
	if len(a) < 2 {
		return "", nil
	}
	set, wraps := parseAllowed(a[0])
	if wraps {
		x.Warn("FILTER(%s): a range that runs backwards wraps around", args)
	}
	var b strings.Builder
	for _, c := range []byte(a[1]) {
		if set[c] {
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// readReplace is REPLACE(variable,bytes[,byte]): each of the bytes becomes the
// other, which can be written \n or \x41, or is left out.
func readReplace(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 3)
	if a[0] == "" || a[1] == "" {
		return "", errors.New("the name of a variable and what to replace are needed")
	}
	var set byteset
	for _, c := range []byte(a[1]) {
		set[c] = true
	}
	var by []byte
	if c, n := encodedByte(a[2]); n > 0 && a[2] != `\` {
		by = []byte{c}
	}
	var b strings.Builder
	for _, c := range []byte(expandName(ctx, x, a[0])) {
		if set[c] {
			b.Write(by)
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}
