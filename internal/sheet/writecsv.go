package sheet

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// csvWriter writes RFC 4180. encoding/csv is not used: with CRLF it drops a lone carriage
// return and changes a line feed inside of a cell.
type csvWriter struct {
	state
	w *bufio.Writer
}

func newCSVWriter(w io.Writer, columns []string, o options) (*csvWriter, error) {
	c := &csvWriter{state: state{columns: len(columns)}, w: bufio.NewWriterSize(w, 32<<10)}
	if o.bom {
		_, _ = c.w.WriteString("\ufeff") // Flush gives its error
	}
	header := make([]any, len(columns))
	for i, name := range columns {
		header[i] = name
	}
	return c, c.Row(header...)
}

// Row implements Writer.
func (c *csvWriter) Row(cells ...any) error {
	if err := c.check(cells); err != nil {
		return err
	}
	for i := range c.columns {
		if i > 0 {
			_ = c.w.WriteByte(',') // a bufio.Writer keeps its error
		}
		if i >= len(cells) {
			continue
		}
		text, err := csvCell(cells[i])
		if err != nil {
			return c.failed(fmt.Errorf("column %d: %w", i+1, err))
		}
		_, _ = c.w.WriteString(text)
	}
	_, err := c.w.WriteString("\r\n") // RFC 4180 §2.1
	return c.failed(err)
}

// Close implements Writer.
func (c *csvWriter) Close() error {
	ok, err := c.finish()
	if !ok {
		return err
	}
	return c.w.Flush()
}

// Abort implements Writer.
func (c *csvWriter) Abort() { c.err = errOver }

// csvCell writes a cell with its quotes.
func csvCell(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return quoted(neutral(strings.ToValidUTF8(v, "\ufffd"))), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case time.Time:
		return stamp(v), nil
	}
	return "", fmt.Errorf("a cell cannot hold a %T", v)
}

// quoted gives a cell quotes if it needs them (RFC 4180 §2.6), also around blanks, which
// some readers cut, and around a semicolon or tab, which some take for a delimiter.
func quoted(s string) string {
	if s == "" || !strings.ContainsAny(s, ",;\t\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// neutral puts an apostrophe before a text that a spreadsheet program would take for a
// formula: one whose first character after blanks, quotes and what is not seen is = + - or
// @, also in their full-width forms, or that begins with a tab, a carriage return or a line
// feed (OWASP: CSV Injection). A sign before nothing but digits, with one decimal point or
// comma at most, is a number and stays as it is: -5, +4930123, -2.5. "+49 30 123" is none:
// a program would subtract or complain.
func neutral(s string) string {
	if s == "" {
		return s
	}
	if s[0] == '\t' || s[0] == '\r' || s[0] == '\n' {
		return "'" + s
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, func(r rune) bool {
		return r == '"' || r == '\'' || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}))
	switch first {
	case '=', '@', '＝', '＋', '－', '＠', '−':
		return "'" + s
	case '+', '-':
		if !signedNumber(s) {
			return "'" + s
		}
	}
	return s
}

// signedNumber reports whether s is a sign and digits, with at most one decimal point or
// comma between them.
func signedNumber(s string) bool {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return false
	}
	point := false
	for i, r := range s[1:] {
		switch {
		case r >= '0' && r <= '9':
		case (r == '.' || r == ',') && !point && i > 0 && i < len(s)-2:
			point = true
		default:
			return false
		}
	}
	return len(s) > 1
}
