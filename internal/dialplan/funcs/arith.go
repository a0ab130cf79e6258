package funcs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// arithmetic lists the functions that compute (spec: dialplan 6.1).
func arithmetic() []run.Func {
	return []run.Func{
		{Name: "MATH", Read: readMath},
		{Name: "INC", Read: step(1)},
		{Name: "DEC", Read: step(-1)},
		{Name: "ABS", Read: readAbs},
		{Name: "MIN", Read: extreme(math.Min)},
		{Name: "MAX", Read: extreme(math.Max)},
		{Name: "RAND", Read: readRand},
	}
}

// mathOps are MATH's operators in the order in which they are looked for, not
// where they stand: "1-2*3" is 1-2 times 3. The minus comes last, as it can
// begin the second number.
var mathOps = [...]string{
	"**", "*", "/", "%", "^", "AND", "XOR", "OR", ">=", ">>", ">", "<=", "<<", "<", "==", "=", "+", "-",
}

// readMath is MATH(number1 op number2[,type]) with the types float (default),
// int, hex and char. A comparison gives TRUE or FALSE. x/0, and x divided by
// anything negative, is 0, as in Asterisk. "**" is ours; it is "^".
func readMath(_ context.Context, _ *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 2)
	text, op := a[0], ""
	if text == "" {
		return "", errors.New("it must be written MATH(number op number[,type])")
	}
	sign := 1.0
	if text[0] == '-' {
		sign, text = -1, text[1:]
	}
	var second string
	for _, o := range mathOps {
		if before, after, ok := strings.Cut(text, o); ok {
			text, op, second = before, o, after
			break
		}
	}
	format, err := mathFormat(a[1])
	if err != nil {
		return "", err
	}
	if op == "" || op == "=" {
		return "", fmt.Errorf("there is no operator in %q", a[0])
	}
	n1, _, ok1 := scanFloat(text)
	n2, _, ok2 := scanFloat(second)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("%q and %q must be numbers", text, second)
	}
	if truth, ok := compare(op, sign*n1, n2); ok {
		return strings.ToUpper(strconv.FormatBool(truth)), nil
	}
	return format(compute(op, sign*n1, n2)), nil
}

// mathFormat finds how a result is written.
func mathFormat(kind string) (func(float64) string, error) {
	switch strings.ToLower(kind) {
	case "", "float", "f":
		return func(n float64) string { return strconv.FormatFloat(n, 'f', 6, 64) }, nil
	case "int", "i":
		return func(n float64) string { return strconv.FormatInt(whole(n), 10) }, nil
	case "hex", "h":
		return func(n float64) string { return strconv.FormatUint(unsigned(n), 16) }, nil
	case "char", "c":
		return func(n float64) string { return character(whole(n)) }, nil
	}
	return nil, fmt.Errorf("there is no type %q of results", kind)
}

// character is one byte; a zero byte would end a text of Asterisk's and is nothing.
func character(n int64) string {
	if byte(n) == 0 {
		return ""
	}
	return string([]byte{byte(n)})
}

// whole cuts the fraction off. What 64 bits do not hold is clamped; Asterisk's
// integers have 32, and it gives -2147483648 for everything beyond.
func whole(n float64) int64 {
	switch {
	case math.IsNaN(n):
		return 0
	case n >= math.MaxInt64:
		return math.MaxInt64
	case n <= math.MinInt64:
		return math.MinInt64
	}
	return int64(n)
}

// unsigned is whole in two's complement, of 32 bits if they suffice.
func unsigned(n float64) uint64 {
	i := whole(n)
	if i < 0 && i >= math.MinInt32 {
		return uint64(uint32(i))
	}
	return uint64(i)
}

func compare(op string, a, b float64) (truth, ok bool) {
	switch op {
	case ">":
		return a > b, true
	case ">=":
		return a >= b, true
	case "<":
		return a < b, true
	case "<=":
		return a <= b, true
	case "==":
		return a == b, true
	}
	return false, false
}

func compute(op string, a, b float64) float64 {
	i, j := whole(a), whole(b)
	switch op {
	case "*":
		return a * b
	case "/":
		if b <= 0 {
			return 0
		}
		return a / b
	case "%":
		if j == 0 || j == -1 {
			return 0
		}
		return float64(i % j)
	case "^", "**":
		return math.Pow(a, b)
	case "AND":
		return float64(i & j)
	case "OR":
		return float64(i | j)
	case "XOR":
		return float64(i ^ j)
	case "<<":
		return float64(i << (uint64(j) & 63))
	case ">>":
		return float64(i >> (uint64(j) & 63))
	case "+":
		return a + b
	}
	return a - b
}

// scanFloat reads the number at the beginning of s as C's scanf("%lf") does,
// also 0x10; rest is what follows. Infinity and "nan" are no numbers here.
func scanFloat(s string) (n float64, rest string, ok bool) {
	s = strings.TrimLeft(s, blanks)
	i := 0
	digits := func(set string) bool {
		from := i
		for i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
		}
		return i > from
	}
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	if h := strings.ToLower(s[i:]); strings.HasPrefix(h, "0x") && len(h) > 2 && strings.IndexByte("0123456789abcdef", h[2]) >= 0 {
		from := i + 2
		i = from
		digits("0123456789abcdefABCDEF")
		u, err := strconv.ParseUint(s[from:i], 16, 64)
		n = float64(u)
		if s[0] == '-' {
			n = -n
		}
		return n, s[i:], err == nil
	}
	ok = digits("0123456789")
	if i < len(s) && s[i] == '.' {
		i++
		ok = digits("0123456789") || ok
	}
	if !ok {
		return 0, s, false
	}
	if mantissa := i; i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits("0123456789") {
			i = mantissa
		}
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	return n, s[i:], err == nil || !math.IsNaN(n)
}

// number writes a result of ABS, MIN and MAX: whole numbers of 32 bits as
// such, others with six decimals (Asterisk: func_math.c).
func number(n float64) string {
	if n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'f', 6, 64)
}

// readAbs is ABS(number).
func readAbs(_ context.Context, _ *run.Exec, args string) (string, error) {
	n, _, ok := scanFloat(args)
	if !ok {
		return "", fmt.Errorf("%q is not a number", args)
	}
	return number(math.Abs(n)), nil
}

// extreme is MIN(number[,number…]) or MAX. Asterisk looks at no more than two.
func extreme(of func(a, b float64) float64) func(context.Context, *run.Exec, string) (string, error) {
	return func(_ context.Context, x *run.Exec, args string) (string, error) {
		list := dialplan.SplitArgs(args)
		if len(list) == 0 {
			return "", errors.New("numbers are needed")
		}
		if len(list) > 2 && x.Machine().Compat() {
			list = list[:2]
		}
		var result float64
		for i, text := range list {
			n, _, ok := scanFloat(dialplan.Plain(text))
			switch {
			case !ok:
				return "", fmt.Errorf("%q is not a number", text)
			case i == 0:
				result = n
			default:
				result = of(result, n)
			}
		}
		return number(result), nil
	}
}

// step is INC(variable) or DEC: the variable becomes one more or less, and that
// is the result. What is no whole number stays as it is.
func step(by int64) func(context.Context, *run.Exec, string) (string, error) {
	return func(ctx context.Context, x *run.Exec, args string) (string, error) {
		if args == "" {
			return "", errors.New("the name of a variable is needed")
		}
		v := expandName(ctx, x, args)
		n, err := strconv.ParseInt(strings.Trim(v, blanks), 10, 64)
		if err != nil {
			return "", fmt.Errorf("the value %q of %s is not a whole number", v, args)
		}
		v = strconv.FormatInt(n+by, 10)
		x.Set(ctx, args, v)
		return v, nil
	}
}

// readRand is RAND([min][,max]): a random number, both ends included, from 0 up
// to 2147483647 if they are not given. The wrong way round they are exchanged.
func readRand(_ context.Context, _ *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 2)
	low, err := strconv.ParseInt(strings.TrimSpace(a[0]), 10, 32)
	if err != nil {
		low = 0
	}
	high, err := strconv.ParseInt(strings.TrimSpace(a[1]), 10, 32)
	if err != nil {
		high = math.MaxInt32
	}
	if low > high {
		low, high = high, low
	}
	return strconv.FormatInt(low+rand.Int64N(high-low+1), 10), nil
}
