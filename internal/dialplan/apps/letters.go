package apps

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// letters are the options of an application as a dialplan writes them,
// "gU(sub^a)L(1000)": a letter with what stood in parentheses behind it.
type letters map[rune]string

// parseLetters reads options; blanks between them do not count. A parenthesis
// that is not closed is an error, and what was read up to it is given.
func parseLetters(text string) (letters, error) {
	o := letters{}
	for i := 0; i < len(text); i++ {
		l := rune(text[i])
		if l == ' ' || l == '\t' {
			continue
		}
		o[l] = ""
		if i+1 >= len(text) || text[i+1] != '(' {
			continue
		}
		end := closing(text[i+1:])
		if end < 0 {
			return o, fmt.Errorf("option %c: missing )", l)
		}
		o[l] = text[i+2 : i+1+end]
		i += 1 + end
	}
	return o, nil
}

// closing gives the index of the parenthesis that closes the one at the start
// of text, -1 if there is none.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// has says whether a letter was given.
func (o letters) has(l rune) bool { _, ok := o[l]; return ok }

// only reports letters that are not in known, through warn, and those in missing
// as not supported.
func (o letters) only(known, missing string, warn func(string, ...any)) {
	for l := range o {
		switch {
		case strings.ContainsRune(missing, l):
			warn("option %c is not supported and has no effect", l)
		case !strings.ContainsRune(known, l):
			warn("unknown option %c", l)
		}
	}
}

// seconds reads seconds with fractions, false if text is no number.
func seconds(text string) (time.Duration, bool) { return number(text, time.Second) }

// millis reads milliseconds, false if text is no number.
func millis(text string) (time.Duration, bool) { return number(text, time.Millisecond) }

// longest bounds what a number of seconds may mean: a year.
const longest = 365 * 24 * time.Hour

func number(text string, unit time.Duration) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil || f != f:
		return 0, false
	case f*float64(unit) > float64(longest):
		return longest, true
	}
	return time.Duration(f * float64(unit)), true
}

// carets splits "a^b^c"; "" is nothing.
func carets(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "^")
}

// caretsToCommas turns a place as options write it into one as Goto does.
func caretsToCommas(place string) string { return strings.ReplaceAll(place, "^", ",") }
