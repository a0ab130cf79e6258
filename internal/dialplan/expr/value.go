package expr

import "strings"

// kind is one of the three kinds of value (Asterisk: ast_expr2.y valtype).
type kind uint8

const (
	number      kind = iota + 1 // result of arithmetic; printed anew
	numericText                 // a bare number, kept as written until it is computed with
	text                        // everything else, quoted numbers included
)

// value is what an expression is made of. Exactly one of s and n counts.
type value struct {
	kind kind
	s    string // of numericText and text
	n    num    // of number
}

func numberValue(n num) value { return value{kind: number, n: n} }

func intValue(i int64) value { return numberValue(numInt(i)) }

func boolValue(b bool) value {
	if b {
		return intValue(1)
	}
	return intValue(0)
}

// textValue tells a numeric text from others by its bytes, as results of
// functions, patterns and joins are judged (Asterisk: ast_expr2.y make_str):
// only digits and dots. "-1" is none.
func textValue(s string) value {
	if s != "" && strings.Trim(s, "0123456789.") == "" {
		return value{kind: numericText, s: s}
	}
	return value{kind: text, s: s}
}

// String is the value as the dialplan sees it.
func (v value) String() string {
	if v.kind == number {
		return v.n.String()
	}
	return v.s
}

// toNumber turns v into a number where it stands; false if it is a text, or too
// large or small for one.
func (e *evaluator) toNumber(v *value) bool {
	switch v.kind {
	case number:
		return true
	case text:
		return false
	}
	n, ok := parseNum(v.s)
	if !ok {
		e.f.Warn("the number %.40s… is too large or too small to compute with", v.s)
		v.kind = text
		return false
	}
	*v = numberValue(n)
	return true
}

// unquoted is the value as text without the quotes around it. With a quote at
// both ends, those inside go too (Asterisk: ast_expr2.y strip_quotes).
func (v value) unquoted() string {
	s := v.String()
	if v.kind != number && len(s) > 0 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.ReplaceAll(s, `"`, "")
	}
	return s
}

// falsy is the truth that | and & go by. A bare number that is asked becomes
// one that is computed with: 1.10|0 is 1.1.
func (e *evaluator) falsy(v *value) bool {
	if v.kind != number && v.s == "" {
		return true
	}
	return e.toNumber(v) && v.n.isZero()
}
