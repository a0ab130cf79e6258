package funcs

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/expr"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// texts lists the functions that look at a text or change it (spec: dialplan
// 6.1). All work by bytes.
func texts() []run.Func {
	return []run.Func{
		{Name: "LEN", Read: pure(func(s string) string { return strconv.Itoa(len(s)) })},
		{Name: "TOUPPER", Read: pure(upper)},
		{Name: "TOLOWER", Read: pure(lower)},
		{Name: "TRIM", Read: pure(func(s string) string { return strings.Trim(s, blanks) })},
		{Name: "LTRIM", Read: pure(func(s string) string { return strings.TrimLeft(s, blanks) })},
		{Name: "RTRIM", Read: pure(func(s string) string { return strings.TrimRight(s, blanks) })},
		{Name: "PASSTHRU", Read: pure(func(s string) string { return s })},
		{Name: "QUOTE", Read: pure(func(s string) string { return `"` + quoting.Replace(s) + `"` })},
		{Name: "CSV_QUOTE", Read: pure(func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` })},
		{Name: "KEYPADHASH", Read: pure(keypad)},
		{Name: "EVAL", Read: readEval},
		{Name: "REGEX", Read: readRegex},
		{Name: "STRREPLACE", Read: readStrReplace},
		{Name: "STRBETWEEN", Read: readStrBetween},
		{Name: "FILTER", Read: readFilter},
		{Name: "REPLACE", Read: readReplace},
	}
}

const blanks = " \t\r\n\v\f"

// quoting puts a backslash before quotes and backslashes.
var quoting = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// pure makes a function of its argument string alone.
func pure(f func(string) string) func(context.Context, *run.Exec, string) (string, error) {
	return func(_ context.Context, _ *run.Exec, args string) (string, error) { return f(args), nil }
}

// plainArgs splits an argument string for a function that knows n arguments and
// removes quotes and backslashes from them, but not from the n-th: that one is
// the whole rest as it stands (Asterisk: AST_STANDARD_APP_ARGS). The result has n
// elements, missing ones are empty; given is how many there were.
func plainArgs(text string, n int) (args []string, given int) {
	list := dialplan.SplitArgsN(text, n)
	args = make([]string, n)
	for i, a := range list {
		if i < n-1 {
			a = dialplan.Plain(a)
		}
		args[i] = a
	}
	return args, len(list)
}

// expandName gives the value of a variable that a function is given by name, as
// "${name}" does: it can also be a function or a part ("A:1").
func expandName(ctx context.Context, x *run.Exec, name string) string {
	return x.Expand(ctx, "${"+name+"}")
}

func upper(s string) string { return mapBytes(s, 'a', 'z', 'A'-'a'+256) }
func lower(s string) string { return mapBytes(s, 'A', 'Z', 'a'-'A') }

// mapBytes adds shift, modulo 256, to each byte of a range.
func mapBytes(s string, from, to byte, shift int) string {
	b := []byte(s)
	for i, c := range b {
		if from <= c && c <= to {
			b[i] = byte(int(c) + shift)
		}
	}
	return string(b)
}

// keypad gives the digits under which the letters of a text lie on a telephone;
// what is neither letter nor digit is left out (Asterisk: func_strings.c keypadhash).
func keypad(s string) string {
	const keys = "22233344455566677778889999"
	var b strings.Builder
	for _, c := range []byte(upper(s)) {
		switch {
		case '0' <= c && c <= '9':
			b.WriteByte(c)
		case 'A' <= c && c <= 'Z':
			b.WriteByte(keys[c-'A'])
		}
	}
	return b.String()
}

// maxEval is how deep EVAL can stand in what EVAL expands.
const maxEval = 16

type evalDepth struct{}

// readEval is EVAL(text): what comes out of the variables in the argument is
// expanded once more.
func readEval(ctx context.Context, x *run.Exec, args string) (string, error) {
	n, _ := ctx.Value(evalDepth{}).(int)
	if n >= maxEval {
		return "", errors.New("it expands itself over and over")
	}
	return x.Expand(context.WithValue(ctx, evalDepth{}, n+1), args), nil
}

// readRegex is REGEX("pattern" text): 1 if the POSIX extended regular expression is
// found in the text, else 0. A backslash in the pattern must be written
// twice: the argument is split like any other (Asterisk: func_strings.c regex).
func readRegex(_ context.Context, x *run.Exec, args string) (string, error) {
	parts := dialplan.SplitAtN(args, '"', 3)
	if len(parts) < 2 || len(parts) == 2 && !strings.HasSuffix(args, `"`) {
		return "", errors.New(`it must be written REGEX("pattern" text)`)
	}
	var text string
	if len(parts) == 3 {
		text = parts[2]
	}
	if text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	p, err := expr.Compile(dialplan.Plain(parts[1]))
	if err != nil {
		return "", err
	}
	return oneOrZero(p.Match(text)), nil
}

// readStrReplace is STRREPLACE(variable,find[,replace[,max]]).
func readStrReplace(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 4)
	if a[0] == "" || a[1] == "" {
		return "", errors.New("the name of a variable and what to find are needed")
	}
	limit := -1
	if n, _, ok := leadingNumber(a[3]); ok && n > 0 {
		limit = n
	}
	return bounded(expandName(ctx, x, a[0]), a[1], a[2], limit)
}

// bounded replaces, unless the result is longer than any text of the dialplan.
func bounded(s, find, replace string, limit int) (string, error) {
	if n := strings.Count(s, find); len(s)+n*max(0, len(replace)-len(find)) > 2*dialplan.MaxText {
		return "", errors.New("the result is too long")
	}
	return strings.Replace(s, find, replace, limit), nil
}

// readStrBetween is STRBETWEEN(variable,insert): insert stands between any two
// bytes of the value.
func readStrBetween(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given != 2 || a[0] == "" {
		return "", errors.New("the name of a variable and what to insert are needed")
	}
	v := expandName(ctx, x, a[0])
	if len(v)*(len(a[1])+1) > 2*dialplan.MaxText {
		return "", errors.New("the result is too long")
	}
	var b strings.Builder
	for i := range len(v) {
		if i > 0 {
			b.WriteString(a[1])
		}
		b.WriteByte(v[i])
	}
	return b.String(), nil
}
