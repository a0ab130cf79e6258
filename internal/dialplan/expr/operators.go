package expr

import (
	"math"
	"strings"
)

// apply computes a binary operator.
func (e *evaluator) apply(op string, a, b value) value {
	switch op {
	case "|":
		if e.falsy(&a) {
			return b
		}
		return a
	case "&":
		if e.falsy(&a) || e.falsy(&b) {
			return intValue(0)
		}
		return a
	case "=", "!=", "<", ">", "<=", ">=":
		return boolValue(e.holds(op, a, b))
	case "+":
		return e.plus(a, b)
	case "-":
		return e.minus(a, b)
	case "*", "/", "%":
		return e.scale(op, a, b)
	case ":", "=~":
		return e.match(a, b, op == ":")
	default: // "~~"
		return textValue(a.unquoted() + b.unquoted())
	}
}

// holds compares two numbers as such, else both as texts by their bytes.
func (e *evaluator) holds(op string, a, b value) bool {
	var c int
	comparable := true
	if a.kind == text || b.kind == text || !e.toNumber(&a) || !e.toNumber(&b) {
		c = strings.Compare(a.String(), b.String())
	} else {
		c, comparable = a.n.compare(b.n)
	}
	if !comparable {
		return op == "!="
	}
	switch op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	default: // ">="
		return c >= 0
	}
}

func (e *evaluator) notNumeric(op string) {
	e.f.Warn("non-numeric argument of %s in an expression", op)
}

// plus takes a text for 0. Only one on the left side is reported (Asterisk:
// ast_expr2.y op_plus).
func (e *evaluator) plus(a, b value) value {
	if !e.toNumber(&a) {
		e.notNumeric("+")
		if !e.toNumber(&b) {
			return intValue(0)
		}
		return b
	}
	if !e.toNumber(&b) {
		return a
	}
	return numberValue(add(a.n, b.n))
}

// minus takes a text for 0.
func (e *evaluator) minus(a, b value) value {
	if !e.toNumber(&a) {
		e.notNumeric("-")
		if !e.toNumber(&b) {
			return intValue(0)
		}
		return numberValue(sub(numInt(0), b.n))
	}
	if !e.toNumber(&b) {
		e.notNumeric("-")
		return a
	}
	return numberValue(sub(a.n, b.n))
}

// scale multiplies, divides or takes the remainder. With a text the whole
// result is 0; but dividing by one is like dividing by 0.
func (e *evaluator) scale(op string, a, b value) value {
	if !e.toNumber(&a) {
		e.notNumeric(op)
		return intValue(0)
	}
	if !e.toNumber(&b) {
		e.notNumeric(op)
		if op == "/" {
			return intValue(math.MaxInt32)
		}
		return intValue(0)
	}
	switch {
	case op == "*":
		return numberValue(mul(a.n, b.n))
	case !b.n.isZero() && op == "/":
		return numberValue(quo(a.n, b.n))
	case !b.n.isZero():
		return numberValue(mod(a.n, b.n))
	}
	e.f.Warn("division by zero in an expression")
	if op == "/" {
		return intValue(math.MaxInt32)
	}
	return intValue(0)
}

func (e *evaluator) negate(v value) value {
	if !e.toNumber(&v) {
		e.notNumeric("the sign -")
		return intValue(0)
	}
	return numberValue(neg(v.n))
}

// complement is "!": of a number its truth, of a text (and a bare number) that
// of the whole number it begins with, so that !0.5 and !"a" are 1.
func complement(v value) value {
	if v.kind == number {
		return boolValue(v.n.isZero())
	}
	return boolValue(!startsNonZero(v.s))
}

// startsNonZero is C's atoi(s) != 0.
func startsNonZero(s string) bool {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	for i := 0; i < len(s) && isDigit(s[i]); i++ {
		if s[i] != '0' {
			return true
		}
	}
	return false
}

// condTrue is the truth that ? goes by.
func (e *evaluator) condTrue(v value) bool {
	if v.kind != text && e.toNumber(&v) {
		return !v.n.isZero()
	}
	return v.s != "" && v.s != `""` && v.s != "0"
}

// match is ":" (anchored at the start) and "=~".
func (e *evaluator) match(a, b value, anchored bool) value {
	p, err := Compile(b.unquoted())
	if err != nil {
		e.f.Warn("the pattern %q in an expression: %v", b.unquoted(), err)
		return value{kind: text}
	}
	subject := a.unquoted()
	loc := p.Find(subject)
	found := loc != nil && (!anchored || loc[0] == 0)
	switch {
	case found && p.Groups() > 0 && loc[2] >= 0:
		return textValue(subject[loc[2]:loc[3]])
	case found:
		return intValue(int64(loc[1] - loc[0]))
	case p.Groups() > 0:
		return value{kind: text}
	}
	return intValue(0)
}
