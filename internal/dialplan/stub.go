package dialplan

// Expand replaces ${…} and $[…] in text, once (spec: dialplan 3.2).
func Expand(text string, s Scope) string { panic("stub") }

// SplitArgs splits an argument string at commas outside parentheses, brackets
// and double quotes (spec: dialplan 3.3). "" gives no arguments.
func SplitArgs(text string) []string { panic("stub") }

// True is the truth of a condition (spec: dialplan 4, truth).
func True(cond string) bool { panic("stub") }
