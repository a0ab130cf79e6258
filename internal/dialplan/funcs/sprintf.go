package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// printing lists SPRINTF (spec: dialplan 6.1).
func printing() []run.Func { return []run.Func{{Name: "SPRINTF", Read: readSprintf}} }

// maxWidth is the widest field that a text can be filled up to.
const maxWidth = 4096

// readSprintf is SPRINTF(format,arg…) with C's %d %i %u %o %x %X %c %e %f %g
// %a %s and %%, their flags, width and precision. A missing argument is an empty
// one (Asterisk writes "(null)"); one that is no number where it is due gives nothing at all.
func readSprintf(_ context.Context, _ *run.Exec, args string) (string, error) {
	list := dialplan.SplitArgs(args)
	if len(list) == 0 {
		return "", errors.New("a format is needed")
	}
	format := dialplan.Plain(list[0])
	list = list[1:]
	var b strings.Builder
	for format != "" {
		text, rest, ok := strings.Cut(format, "%")
		b.WriteString(text)
		if !ok {
			break
		}
		v, rest, err := parseVerb(rest)
		if err != nil {
			return "", err
		}
		format = rest
		if v.letter == '%' {
			b.WriteByte('%')
			continue
		}
		if v.letter == 0 { // a lone % at the end
			break
		}
		var arg string
		if len(list) > 0 {
			arg = dialplan.Plain(list[0])
			list = list[1:]
		}
		s, err := v.format(arg)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// verb is one "%-5.2f" of a format.
type verb struct {
	flags     string // of "-+ #0"
	width     string // digits, "" = none
	precision string // "." with digits, "" = none
	bits      int    // of an integer
	letter    byte   // 0 = the format ends before it
}

// String is the verb in Go's words, without the letter.
func (v verb) String() string { return "%" + v.flags + v.width + v.precision }

func parseVerb(s string) (v verb, rest string, err error) {
	take := func(set string) string {
		n := len(s) - len(strings.TrimLeft(s, set))
		taken := s[:n]
		s = s[n:]
		return taken
	}
	v.flags = take("-+ #0")
	v.width = take("0123456789")
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		v.precision = "." + take("0123456789")
	}
	v.bits = 32
	switch take("hlLqjzt") {
	case "hh":
		v.bits = 8
	case "h":
		v.bits = 16
	case "l", "ll", "q", "j", "z", "t":
		v.bits = 64
	}
	for _, n := range [...]string{v.width, strings.TrimPrefix(v.precision, ".")} {
		if w, err := strconv.Atoi(n); n != "" && (err != nil || w > maxWidth) {
			return v, "", fmt.Errorf("the format %s is wider than %d", v, maxWidth)
		}
	}
	if s == "" {
		return v, "", nil
	}
	v.letter = s[0]
	return v, s[1:], nil
}

func (v verb) format(arg string) (string, error) {
	switch v.letter {
	case 'd', 'i':
		n, err := integer(arg)
		return fmt.Sprintf(v.String()+"d", v.signed(n)), err
	case 'u':
		n, err := integer(arg)
		return fmt.Sprintf(v.String()+"d", v.unsigned(n)), err
	case 'o', 'x', 'X':
		n, err := integer(arg)
		return fmt.Sprintf(v.String()+string(v.letter), v.unsigned(n)), err
	case 'c':
		n, err := integer(arg)
		return v.pad(character(n)), err
	case 'e', 'E', 'f', 'F', 'g', 'G', 'a', 'A':
		n, _, ok := scanFloat(arg)
		if !ok {
			return "", fmt.Errorf("%q is not a number for %s%c", arg, v, v.letter)
		}
		return v.float(n), nil
	case 's':
		if v.precision != "" {
			n, _ := strconv.Atoi(v.precision[1:])
			arg = arg[:min(n, len(arg))]
		}
		return v.pad(arg), nil
	}
	return "", fmt.Errorf("there is no format %s%c", v, v.letter)
}

// integer reads the whole number that arg begins with.
func integer(arg string) (int64, error) {
	arg = strings.TrimLeft(arg, blanks)
	n := 0
	if n < len(arg) && (arg[n] == '-' || arg[n] == '+') {
		n++
	}
	for n < len(arg) && '0' <= arg[n] && arg[n] <= '9' {
		n++
	}
	i, err := strconv.ParseInt(arg[:n], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", arg)
	}
	return i, nil
}

func (v verb) signed(n int64) int64 { return n << (64 - v.bits) >> (64 - v.bits) }

func (v verb) unsigned(n int64) uint64 { return uint64(n) << (64 - v.bits) >> (64 - v.bits) }

// float writes a number. Without a precision C has six digits, Go as many as
// are needed.
func (v verb) float(n float64) string {
	letter := v.letter
	switch {
	case letter == 'a':
		letter = 'x'
	case letter == 'A':
		letter = 'X'
	case v.precision == "":
		v.precision = ".6"
	}
	s := fmt.Sprintf(v.String()+string(letter), n)
	if letter|0x20 == 'x' { // Go writes two digits of exponent
		s = strings.NewReplacer("p+0", "p+", "p-0", "p-", "P+0", "P+", "P-0", "P-").Replace(s)
	}
	return s
}

// pad fills up with blanks, by bytes.
func (v verb) pad(s string) string {
	n, _ := strconv.Atoi(v.width)
	fill := strings.Repeat(" ", max(0, n-len(s)))
	if strings.Contains(v.flags, "-") {
		return s + fill
	}
	return fill + s
}
