// Package expr evaluates what stands between $[ and ] (spec: dialplan 4;
// Asterisk: main/ast_expr2.y). Variables have been replaced before.
package expr

// Functions gives an expression the dialplan's functions: LEN(abc).
type Functions interface {
	// Function reads one; ok is false if there is none of that name.
	Function(name, args string) (value string, ok bool)
	// Warn reports what Asterisk warns about: a syntax error, a text where a number is due.
	Warn(format string, args ...any)
}

// Eval gives the value of an expression as text. It never fails: a mistake is
// reported by f.Warn and has a defined value (spec: dialplan 4, syntax error).
func Eval(text string, f Functions) string { panic("stub") }
