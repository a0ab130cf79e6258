package callfile

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// bom is the byte order mark that editors of some systems put before a text.
const bom = "\xef\xbb\xbf"

// Parse reads the text of a call file. compat reads it as Asterisk 22 does,
// traps included. It cannot fail: see File.Err and File.Warnings.
func Parse(text []byte, compat bool) *File {
	f := &File{WaitTime: DefaultWaitTime, RetryTime: DefaultRetryTime, Priority: 1, compat: compat}
	if !compat && bytes.HasPrefix(text, []byte(bom)) {
		text = text[len(bom):]
		f.warn(1, "a byte order mark is skipped")
	}
	for n := 1; len(text) > 0; n++ {
		var line []byte
		line, text = cutLine(text)
		if len(line) > MaxLine {
			f.warn(n, "the line is longer than %d bytes and is skipped", MaxLine)
			continue
		}
		if i := bytes.IndexByte(line, 0); i >= 0 {
			if !compat {
				f.warn(n, "the line is cut at a NUL byte")
				f.line(n, line[:i])
				continue
			}
			// Asterisk takes the line for too long, and what it then skips is the
			// next one (spec: callfile 2.1 NUL byte).
			f.warn(n, "the line holds a NUL byte and is skipped with the next one")
			_, text = cutLine(text)
			n++
			continue
		}
		f.line(n, line)
	}
	if f.unsaid > 0 {
		last := f.Warnings[len(f.Warnings)-1].Line
		f.Warnings = append(f.Warnings, Warning{last, fmt.Sprintf("%d more warnings follow and are left out", f.unsaid)})
	}
	return f
}

// cutLine separates the first line, with its line feed, from the rest.
func cutLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1], text[i+1:]
	}
	return text, nil
}

// maxWarnings bounds the warnings of one file: what is no call file at all may
// have millions of lines.
const maxWarnings = 100

func (f *File) warn(line int, format string, args ...any) {
	if len(f.Warnings) >= maxWarnings {
		f.unsaid++
		return
	}
	f.Warnings = append(f.Warnings, Warning{line, fmt.Sprintf(format, args...)})
}

// Split takes one line apart. empty: it has nothing but blanks and a comment. ok
// is false if it has no colon. The key is as it stands there, blanks included.
func Split(line string) (key, value string, empty, ok bool) {
	s := trimRight(uncomment(line))
	key, value, ok = strings.Cut(s, ":")
	return key, trimLeft(value), s == "", ok
}

// line takes one line.
func (f *File) line(n int, raw []byte) {
	key, value, empty, ok := Split(string(raw))
	if empty {
		return
	}
	if !ok {
		f.warn(n, "syntax error: no colon after a key; the line is skipped")
		return
	}
	if trimmed := trimRight(trimLeft(key)); trimmed != key && !f.compat && trimmed != "" {
		f.warn(n, "blanks around the key %.80q are passed over", trimmed)
		key = trimmed
	}
	if !f.set(n, key, value) {
		f.warn(n, "unknown keyword %.80q; the line is skipped", key)
	}
}

// uncomment cuts comments: first #, then ; (spec: callfile 2.2).
func uncomment(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			s = s[:i]
			break
		}
	}
	if !strings.Contains(s, ";") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != ';' {
			out = append(out, s[i])
			continue
		}
		if i == 0 || s[i-1] != '\\' {
			break
		}
		out[len(out)-1] = ';' // takes the backslash's place
	}
	return string(out)
}

func blank(c byte) bool { return c < 0x21 }

func trimRight(s string) string {
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimLeft(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	return s
}

// number reads what C's scanf reads with %d: blanks, a sign, digits; what
// follows does not matter (spec: callfile 2.1 numbers). It stays within ±1e9.
func number(s string) (n int, ok bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n = min(n*10+int(s[i]-'0'), 1e9)
	}
	if negative {
		n = -n
	}
	return n, i > 0
}

// truth reads a boolean: everything but these words is no.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// seconds reads a time of at least a second, or warns and gives def.
func (f *File) seconds(n int, key, value string, def time.Duration) time.Duration {
	v, ok := number(value)
	if !ok || v < 1 {
		f.warn(n, "%s %.40q is not a number of seconds; %d is taken", key, value, int(def/time.Second))
		return def
	}
	return time.Duration(v) * time.Second
}
