package expr

import (
	"strings"
)

// call reads a function: one of the mathematical ones, else one of the
// dialplan's. One that is not there is 0.
func (e *evaluator) call(name string, args []value) value {
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
		e.f.Warn("%q in an expression is not the name of a function", name)
		return intValue(0)
	}
	if f, ok := mathFunction(name); ok {
		return numberValue(e.math(name, f, args))
	}
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = a.String()
	}
	result, ok := e.f.Function(name, strings.Join(texts, ","))
	if !ok {
		return intValue(0)
	}
	// A result of these characters is a number, also an empty one (Asterisk:
	// ast_expr2.y is_really_num).
	if strings.Trim(result, "-0123456789. \t") == "" {
		n, ok := leadingNum(result)
		if ok {
			return numberValue(n)
		}
	}
	return textValue(result)
}

// leadingNum reads a number with blanks and a sign before it as strtold does;
// what begins with none is 0.
func leadingNum(s string) (num, bool) {
	s = strings.TrimLeft(s, " \t")
	digits, minus := strings.CutPrefix(s, "-")
	end := strings.IndexAny(digits, "- \t")
	if end >= 0 {
		digits = digits[:end]
	}
	n, ok := parseNum(digits)
	if minus && ok {
		n = neg(n)
	}
	return n, ok
}

// math computes a mathematical function. A wrong number of arguments, or a
// text, is reported and gives 0.
func (e *evaluator) math(name string, f mathFunc, args []value) num {
	if len(args) != f.args {
		e.f.Warn("%s() in an expression takes %d arguments, not %d", name, f.args, len(args))
		return numInt(0)
	}
	var n [2]num
	for i := range args {
		if !e.toNumber(&args[i]) {
			e.notNumeric(name)
			return numInt(0)
		}
		n[i] = args[i].n
	}
	return f.compute(n[0], n[1])
}
