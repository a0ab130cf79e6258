package prompts

import (
	"errors"
	"strconv"
	"strings"
)

// Max is the largest number that can be said, Max below zero the smallest.
const Max = 999_999_999_999

// ErrNumber says that a number is too large, or none.
var ErrNumber = errors.New("not a number that can be said")

// grammar is how a language puts numbers together.
type grammar interface {
	cardinal(n int64) []string // 0 <= n <= Max
	ordinal(n int64) []string
}

// grammarOf gives a language's grammar.
func grammarOf(lang string) grammar {
	switch Language(lang) {
	default:
		return english{}
	}
}

// Number says a number as quantity: "minus one hundred four".
func Number(lang string, n int64) ([]string, error) { return signed(n, grammarOf(lang).cardinal) }

// Ordinal says a number as place: "twenty first".
func Ordinal(lang string, n int64) ([]string, error) { return signed(n, grammarOf(lang).ordinal) }

func signed(n int64, say func(int64) []string) ([]string, error) {
	switch {
	case n > Max || n < -Max:
		return nil, ErrNumber
	case n < 0:
		return append([]string{"digits/minus"}, say(-n)...), nil
	}
	return say(n), nil
}

// english is Asterisk's English (Asterisk: main/say.c ast_say_number_full_en,
// ast_say_enumeration_full_en): no "and", and billions besides.
type english struct{}

// units are the names of the powers of a thousand, largest first.
var units = [...]struct {
	size int64
	word string
}{{1_000_000_000, "billion"}, {1_000_000, "million"}, {1_000, "thousand"}}

func (english) cardinal(n int64) []string {
	if n == 0 {
		return []string{"digits/0"}
	}
	var out []string
	for _, u := range units {
		if n >= u.size {
			out = append(out, belowThousand(n/u.size)...)
			out = append(out, "digits/"+u.word)
			n %= u.size
		}
	}
	return append(out, belowThousand(n)...)
}

// ordinal changes the last word of the cardinal.
func (e english) ordinal(n int64) []string {
	out := e.cardinal(n)
	if n == 0 {
		return out
	}
	last := &out[len(out)-1]
	*last = "digits/h-" + strings.TrimPrefix(*last, "digits/")
	return out
}

func belowThousand(n int64) []string {
	var out []string
	if n >= 100 {
		out = append(out, digit(n/100), "digits/hundred")
		n %= 100
	}
	if n > 20 {
		out = append(out, digit(n/10*10))
		n %= 10
	}
	if n > 0 {
		out = append(out, digit(n))
	}
	return out
}

func digit(n int64) string { return "digits/" + strconv.FormatInt(n, 10) }

// Digits says each digit, star, pound and minus of text; anything else is
// left out (Asterisk: main/say.c say_digit_str_full).
func Digits(text string) []string {
	var out []string
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			out = append(out, "digits/"+string(r))
		case r == '*':
			out = append(out, "digits/star")
		case r == '#':
			out = append(out, "digits/pound")
		case r == '-':
			out = append(out, "digits/minus")
		}
	}
	return out
}

// Characters spells text: "AB-1" (Asterisk: main/say.c say_character_str_full).
// What has no name is left out.
func Characters(text string) []string { return spell(text, "letters/", "") }

// Phonetic spells text by the NATO alphabet: "alpha bravo dash one".
func Phonetic(text string) []string { return spell(text, "phonetic/", "_p") }

func spell(text, before, after string) []string {
	var out []string
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#':
			out = append(out, Digits(string(r))...)
		case r >= 'a' && r <= 'z':
			out = append(out, before+string(r)+after)
		default:
			if w := signName(r); w != "" {
				out = append(out, "letters/"+w)
			}
		}
	}
	return out
}

// signName is what a sign is called; "" if it has no name.
func signName(r rune) string {
	switch r {
	case ' ':
		return "space"
	case '!':
		return "exclaimation-point" // as Asterisk's file is named
	case '$':
		return "dollar"
	case '+':
		return "plus"
	case '-':
		return "dash"
	case '.':
		return "dot"
	case '/':
		return "slash"
	case '=':
		return "equals"
	case '@':
		return "at"
	case '_':
		return "underscore"
	}
	return ""
}
