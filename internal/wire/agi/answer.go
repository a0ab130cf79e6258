package agi

import (
	"strconv"
	"strings"
)

// The answers that are the same for every command.
const (
	Unknown = "510 Invalid or unknown command"
	NotDead = "511 Command Not Permitted on a dead channel or intercept routine"
	Hangup  = "HANGUP" // no answer: FastAGI is told so that the party has hung up
	Trying  = "100 result=0 Trying..."
)

// Answer is what a command gave: "200 result=1 (value) endpos=8000".
type Answer struct {
	Result string // "0", "-1", digits; never empty
	Text   string // in parentheses; only if Tells
	Tells  bool
	Note   string // plain text behind the result: "Gosub complete"
	EndPos int64  // samples at 8 kHz; only if Played
	Played bool
}

// Result gives the answer of a command that has a number to tell.
func Result(n int) Answer { return Answer{Result: strconv.Itoa(n)} }

// Value gives the answer "result=1 (text)".
func Value(text string) Answer { return Answer{Result: "1", Text: text, Tells: true} }

// WithText adds a text in parentheses.
func (a Answer) WithText(text string) Answer {
	a.Text, a.Tells = text, true
	return a
}

// At adds where a file stopped.
func (a Answer) At(samples int64) Answer {
	a.EndPos, a.Played = samples, true
	return a
}

// String writes the line without its end. What would begin a new line in it
// is a blank: a value must not look like another answer.
func (a Answer) String() string {
	var b strings.Builder
	b.WriteString("200 result=" + oneLine(a.Result))
	if a.Tells {
		b.WriteString(" (" + oneLine(a.Text) + ")")
	}
	if a.Note != "" {
		b.WriteString(" " + oneLine(a.Note))
	}
	if a.Played {
		b.WriteString(" endpos=" + strconv.FormatInt(a.EndPos, 10))
	}
	return b.String()
}

// oneLine makes one line of a text.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ").Replace(s)
}

// Misused answers a command whose arguments are wrong: three lines.
func Misused(c *Command) string {
	return "520-Invalid command syntax.  Proper usage follows:\nUsage: " + c.Usage + "\n520 End of proper usage."
}
