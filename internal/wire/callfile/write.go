package callfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Mark is a line that the server writes into a file while it works on it
// (spec: callfile 5.1).
type Mark string

// The marks.
const (
	StartRetry   Mark = "StartRetry"   // an attempt begins; the time is when a next one may
	EndRetry     Mark = "EndRetry"     // it has failed, and another follows
	AbortRetry   Mark = "AbortRetry"   // its server died
	DelayedRetry Mark = "DelayedRetry" // written in compatible mode only (spec: callfile 9, W17)
)

// Line gives a mark as it is appended: an empty line, then "Mark: pid count
// (unix time)".
func (m Mark) Line(pid, count int, at time.Time) string {
	return fmt.Sprintf("\n%s: %d %d (%d)\n", m, pid, count, at.Unix())
}

// Status is how the work on a file ended.
type Status string

// The statuses.
const (
	Completed Status = "Completed" // answered
	Expired   Status = "Expired"   // all attempts are used up
	Failed    Status = "Failed"    // not a valid call file
)

// Line gives the line that is appended to an archived file. It has no line feed
// in front: see Glued.
func (s Status) Line() string { return "Status: " + string(s) + "\n" }

// Origin gives the part of a file that its producer wrote: the text without
// the marks that a server has appended. It stays the same while the server works
// on the file.
func Origin(text []byte) []byte {
	for {
		body, ok := bytes.CutSuffix(text, []byte("\n"))
		if !ok {
			return text
		}
		start := bytes.LastIndexByte(body, '\n')
		if start < 0 || !isMark(body[start+1:]) {
			return text
		}
		text = text[:start] // with the line feed of the empty line before it
	}
}

// isMark reports whether a line is one that Mark.Line gives.
func isMark(line []byte) bool {
	for _, m := range [...]Mark{StartRetry, EndRetry, AbortRetry, DelayedRetry} {
		if len(line) > len(m) && line[len(m)] == ':' && strings.EqualFold(string(line[:len(m)]), string(m)) {
			return true
		}
	}
	return false
}

// Glued reports whether what is appended to text would continue its last line.
func Glued(text []byte) bool { return len(text) > 0 && text[len(text)-1] != '\n' }

// Line gives a line of a call file that Parse reads as this key and value. It
// refuses what no call file can carry: line breaks and other control characters,
// blanks at the ends, a # after a blank, and lines that are too long.
func Line(key, value string) (string, error) {
	switch {
	case !slices.Contains(Keys(), key):
		return "", fmt.Errorf("%s: not a key of a call file", key)
	case !utf8.ValidString(value):
		return "", fmt.Errorf("%s: the value is not UTF-8", key)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "", fmt.Errorf("%s: the value %.60q holds a line break or another control character", key, value)
	case value != trimRight(trimLeft(value)):
		return "", fmt.Errorf("%s: the value %.60q begins or ends with a blank, which would be cut off", key, value)
	case strings.Contains(value, " #") || strings.Contains(value, "\t#"):
		return "", fmt.Errorf("%s: in %.60q a # follows a blank; it would begin a comment and cannot be protected", key, value)
	}
	sep := ": "
	if strings.HasPrefix(value, "#") {
		sep = ":" // after the colon itself # is an ordinary character
	}
	line := key + sep + strings.ReplaceAll(value, ";", `\;`) + "\n"
	if len(line) > MaxLine {
		return "", fmt.Errorf("%s: the line would have %d bytes; %d are read", key, len(line), MaxLine)
	}
	return line, nil
}
