package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// printJSON prints v indented.
func (e *env) printJSON(v any) {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // stdout has gone if this fails
}

// printLine prints v as one line of JSON, for streams.
func (e *env) printLine(v any) {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // stdout has gone if this fails
}

// table prints rows under a header, in columns.
func (e *env) table(header []string, rows [][]string) {
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, r := range rows {
		for i, cell := range r {
			if cell == "" {
				cell = "-"
			}
			r[i] = clean(cell)
		}
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	_ = w.Flush() // stdout has gone if this fails
}

// clean makes text of others safe for a terminal: peers choose their reason
// phrases.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '�'
		}
		return r
	}, s)
}

// clock gives the local time of day, with the date if it is not today's.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.Local()
	if time.Since(t).Abs() > 20*time.Hour {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("15:04:05")
}

// since gives the distance from a start, "+1.234s".
func since(start, t time.Time) string { return fmt.Sprintf("+%.3fs", t.Sub(start).Seconds()) }

// arrow joins what was asked for: "101 → 102".
func arrow(first, second string) string {
	if second == "" {
		return first
	}
	return first + " → " + second
}
