package dialplan

import (
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// text looks at the variables, functions and expressions in an argument text.
func (l *linter) text(at conf.Origin, text string) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		switch text[i+1] {
		case '{':
			end := closing(text[i+2:], '{', '}')
			if end < 0 {
				l.report(at, Warning, "a ${ has no closing brace; the rest of the arguments is lost: %s", text[i:])
				return
			}
			l.function(at, text[i+2:i+2+end])
		case '[':
			if closing(text[i+2:], '[', ']') < 0 {
				l.report(at, Warning, "a $[ has no closing bracket; the rest of the arguments is lost: %s", text[i:])
				return
			}
		}
	}
}

// closing finds the end of what was opened before text, -1 if there is none.
func closing(text string, open, end byte) int {
	depth := 1
	for i := range len(text) {
		switch text[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// function looks at what stands between ${ and } if it is a function.
func (l *linter) function(at conf.Origin, inside string) {
	name, rest, ok := strings.Cut(inside, "(")
	if !ok || strings.ContainsAny(name, "${}:[") {
		return
	}
	if !strings.Contains(rest, ")") {
		l.report(at, Warning, "the function in ${%s} has no closing parenthesis", inside)
	}
	if l.o.KnownFunc != nil && !l.o.KnownFunc(name) {
		l.report(at, Warning, "there is no function %s; it reads as empty", name)
	}
}

// written looks at the functions that Set and MSet write.
func (l *linter) written(at conf.Origin, app, args string) {
	var assignments []string
	switch strings.ToLower(app) {
	case "set":
		assignments = []string{args}
	case "mset":
		for rest, ok := args, true; ok; {
			var one string
			one, rest, ok = cutOutside(rest, ',')
			assignments = append(assignments, one)
		}
	}
	for _, a := range assignments {
		left, _, _ := cutOutside(a, '=')
		name, _, ok := strings.Cut(left, "(")
		if name = literal(name); ok && name != "" && l.o.KnownFunc != nil && !l.o.KnownFunc(name) {
			l.report(at, Warning, "there is no function %s; nothing is set", name)
		}
	}
}

// freeText says whether the arguments of an application may be any text.
func freeText(app string) bool {
	switch strings.ToLower(app) {
	case "noop", "verbose", "log", "set", "mset", "userevent", "system", "trysystem", "sendtext", "setvar", "setglobalvar":
		return true
	}
	return false
}

// parentheses looks for arguments in which they do not balance.
func (l *linter) parentheses(s *Step) {
	if freeText(s.App) {
		return
	}
	depth, quoted := 0, false
	for i := range len(s.Args) {
		switch c := s.Args[i]; {
		case i > 0 && s.Args[i-1] == '\\':
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				l.report(s.At, Warning, "there is a closing parenthesis too many in %s(%s)", s.App, s.Args)
				return
			}
		}
	}
	if depth > 0 {
		l.report(s.At, Warning, "a closing parenthesis is missing in %s(%s)", s.App, s.Args)
	}
}
