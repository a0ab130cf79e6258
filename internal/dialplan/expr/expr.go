// Package expr evaluates what stands between $[ and ] (spec: dialplan 4;
// Asterisk: main/ast_expr2.y). Variables have been replaced before.
//
// A text is cut into tokens (lex.go), and evaluated while it is read, by
// precedence (expr.go, operators.go): nothing is kept of it, all parts of a
// condition are computed. Values are of three kinds (value.go); numbers are
// those of a C long double (num.go), which the mathematical functions honour to
// the last digit shown (math.go). Pattern (pattern.go) is a POSIX extended regular
// expression, which the dialplan's functions use too.
package expr

import (
	"errors"
	"fmt"
)

// Functions gives an expression the dialplan's functions: LEN(abc).
type Functions interface {
	// Function reads one; ok is false if there is none of that name, which has
	// been reported then.
	Function(name, args string) (value string, ok bool)
	// Warn reports what Asterisk warns about: a syntax error, a text where a number is due.
	Warn(format string, args ...any)
}

// maxDepth bounds how deep parentheses, signs and conditions can nest.
const maxDepth = 1000

// Eval gives the value of an expression as text. It never fails: a mistake is
// reported by f.Warn and has a defined value (spec: dialplan 4, syntax error):
// that of the longest complete expression at the beginning, "" if the text
// cannot begin one, "0" if it breaks off in the middle of one.
func Eval(text string, f Functions) string {
	e := &evaluator{f: f, tokens: lex(text, f)}
	if !e.begins() {
		if e.peek().op != endOfText {
			e.f.Warn("syntax error in the expression %q: it cannot begin with %s", text, e.peek())
		}
		return ""
	}
	v, err := e.expression(0)
	if err != nil {
		e.f.Warn("syntax error in the expression %q: %v", text, err)
		return "0"
	}
	if t := e.peek(); t.op != endOfText {
		e.f.Warn("syntax error in the expression %q: unexpected %s; the value is that of what stands before it", text, t)
	}
	return v.String()
}

// evaluator reads tokens and computes.
type evaluator struct {
	f      Functions
	tokens []token
	at     int
	depth  int
}

func (e *evaluator) peek() token { return e.tokens[e.at] }

func (e *evaluator) next() token {
	t := e.tokens[e.at]
	if t.op != endOfText {
		e.at++
	}
	return t
}

// String names a token in a message.
func (t token) String() string {
	switch t.op {
	case endOfText:
		return "the end"
	case "":
		return "'" + t.val.s + "'"
	}
	return "'" + t.op + "'"
}

// begins says whether the next token can begin an expression.
func (e *evaluator) begins() bool {
	switch e.peek().op {
	case "", "-", "!", "(":
		return true
	}
	return false
}

// The levels of precedence (spec: dialplan 4). All binary operators are
// left-associative.
const (
	levelCond  = 1
	levelUnary = 7
	levelMatch = 8
)

func level(op string) int {
	switch op {
	case "?":
		return levelCond
	case "|":
		return 2
	case "&":
		return 3
	case "=", "!=", "<", ">", "<=", ">=":
		return 4
	case "+", "-":
		return 5
	case "*", "/", "%":
		return 6
	case ":", "=~", "~~":
		return levelMatch
	}
	return 0
}

var errDeep = errors.New("it is nested too deeply")

// expression reads operands and the operators between them that bind at
// least as tightly as lowest.
func (e *evaluator) expression(lowest int) (value, error) {
	if e.depth++; e.depth > maxDepth {
		return value{}, errDeep
	}
	defer func() { e.depth-- }()
	left, err := e.operand()
	if err != nil {
		return value{}, err
	}
	for {
		op := e.peek().op
		l := level(op)
		if l == 0 || l < lowest {
			return left, nil
		}
		e.next()
		if op == "?" {
			left, err = e.condition(left)
		} else {
			var right value
			if right, err = e.expression(l + 1); err == nil {
				left = e.apply(op, left, right)
			}
		}
		if err != nil {
			return value{}, err
		}
	}
}

// condition reads "yes :: no" behind "cond ?".
func (e *evaluator) condition(cond value) (value, error) {
	yes, err := e.expression(levelCond)
	if err != nil {
		return value{}, err
	}
	if t := e.next(); t.op != "::" {
		return value{}, unexpected(t, "'::'")
	}
	no, err := e.expression(levelCond + 1)
	if err != nil {
		return value{}, err
	}
	if e.condTrue(cond) {
		return yes, nil
	}
	return no, nil
}

// operand reads a word, a function, a sign with what it belongs to, or parentheses.
func (e *evaluator) operand() (value, error) {
	switch t := e.next(); t.op {
	case "":
		if e.peek().op == "(" {
			e.next()
			args, err := e.arguments()
			if err != nil {
				return value{}, err
			}
			return e.call(t.val.s, args), nil
		}
		return t.val, nil
	case "-", "!":
		v, err := e.expression(levelUnary + 1)
		if err != nil {
			return value{}, err
		}
		if t.op == "-" {
			return e.negate(v), nil
		}
		return complement(v), nil
	case "(":
		v, err := e.expression(0)
		if err != nil {
			return value{}, err
		}
		if t := e.next(); t.op != ")" {
			return value{}, unexpected(t, "')'")
		}
		return v, nil
	default:
		return value{}, unexpected(t, "a value")
	}
}

// arguments reads those of a function up to its ")". The first must be there,
// others can be empty.
func (e *evaluator) arguments() ([]value, error) {
	first, err := e.expression(0)
	if err != nil {
		return nil, err
	}
	args := []value{first}
	for {
		switch t := e.next(); t.op {
		case ")":
			return args, nil
		case ",":
			v := value{kind: text}
			if e.begins() {
				if v, err = e.expression(0); err != nil {
					return nil, err
				}
			}
			args = append(args, v)
		default:
			return nil, unexpected(t, "',' or ')'")
		}
	}
}

func unexpected(t token, want string) error {
	if t.op == endOfText {
		return fmt.Errorf("it breaks off where %s is due", want)
	}
	return fmt.Errorf("unexpected %s, where %s is due", t, want)
}
