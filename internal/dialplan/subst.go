package dialplan

// Scope is where Expand finds values. Implemented by run.Exec, and by a map in
// tests and at load.
type Scope interface {
	// Variable gives a variable by its exact name: built-in, of the channel, or
	// global; "" if it is unset.
	Variable(name string) string
	// Function reads a dialplan function, without the parentheses: "LEN", "abc".
	// ok is false if there is none of that name; it has been reported then.
	Function(name, args string) (value string, ok bool)
	// Warn reports a mistake in the text; the call goes on.
	Warn(format string, args ...any)
}
