package cli

import "strings"

// Split splits a line into words (spec: cli 1; Asterisk: main/cli.c parse_args). Blanks
// and tabs separate; double quotes group, are removed, and may begin or end inside a
// word (`"Joe ""D"" Doe"` is `Joe D Doe`); a backslash protects the next byte, in
// quotes or not; all else is ordinary. A quote that is not closed ends with the line,
// and so does a backslash with nothing behind it. `""` alone is an empty word.
func Split(line string) []string {
	words, _ := split(line)
	return words
}

// SplitPartial is Split for a line that is still being typed: last is the word at its
// end, "" behind a blank, and words are those before it.
func SplitPartial(line string) (words []string, last string) {
	words, open := split(line)
	if !open {
		return words, ""
	}
	return words[:len(words)-1], words[len(words)-1]
}

// split gives the words, and whether the last one may still go on.
func split(line string) (words []string, open bool) {
	var word strings.Builder
	var quoted, escaped bool
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"' && !escaped:
			quoted = !quoted
			open = true
		case (c == ' ' || c == '\t' || c == '\n' || c == '\r') && !quoted && !escaped:
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		case c == '\\' && !escaped:
			escaped = true
		default:
			word.WriteByte(c)
			open, escaped = true, false
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, open
}

// Quote writes a word so that Split gives it back.
func Quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\r\n\"\\") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}
