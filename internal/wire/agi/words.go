package agi

import (
	"errors"
	"strings"
)

// MaxWords is how many words a command line may have (Asterisk: agi.h
// AGI_MAX_ARGS).
const MaxWords = 128

// ErrWords says that a line has more words than that.
var ErrWords = errors.New("the command has too many words")

// Split separates a command line into words at blanks and tabs. Double quotes
// keep blanks together and are taken away, "" is an empty word; a backslash takes
// the meaning from the character after it, inside quotes too. A quote that is
// not closed reaches to the end (Asterisk: res_agi.c parse_args).
func Split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun, quoted, escaped := false, false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped, begun = true, true
			continue
		case c == '"':
			quoted, begun = !quoted, true
			continue
		case (c == ' ' || c == '\t') && !quoted:
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
			continue
		}
		word.WriteByte(c)
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	if len(words) > MaxWords {
		return nil, ErrWords
	}
	return words, nil
}

// Quote writes s as one word that Split gives back.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
