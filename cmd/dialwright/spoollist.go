package main

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// rows makes a file of each row of a list.
func (c spoolCmd) rows(at time.Time) (list []spooled, bad []error, err error) {
	table, err := readTable(c.CSV)
	if err != nil {
		return nil, nil, err
	}
	t, err := readTemplate(c.Template, table.header)
	if err != nil {
		return nil, nil, err
	}
	base := strings.TrimSuffix(filepath.Base(c.CSV), filepath.Ext(c.CSV))
	base = strings.ToValidUTF8(base[:min(len(base), 100)], "")
	run := rand.Text()[:8] // two runs over one list do not meet
	for i, row := range table.rows {
		f := spooled{name: fmt.Sprintf("%s-%s-%0*d.call", base, run, len(fmt.Sprint(len(table.rows))), i+1), at: at}
		err := row.err
		if err == nil {
			f.text, err = t.fill(row.values)
		}
		if err == nil {
			err = f.check()
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s:%d: %w", c.CSV, row.line, err))
			continue
		}
		list = append(list, f)
	}
	return list, bad, nil
}

// table is a list with a header.
type table struct {
	header []string
	rows   []tableRow
}

type tableRow struct {
	line   int // where it begins, from 1
	values map[string]string
	err    error // why it cannot be read, nil if it can
}

// readTable reads a CSV file in UTF-8. The separator is what the first line has
// most of: comma, semicolon or tab.
func readTable(path string) (*table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		n := 1 + bytes.Count(text[:firstInvalid(text)], []byte("\n"))
		return nil, fmt.Errorf("%s:%d: the list is not UTF-8; save it as CSV UTF-8", path, n)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.TrimLeadingSpace = r.Comma != '\t' // it would take the tabs around an empty field
	t := &table{}
	if t.header, err = r.Read(); err != nil {
		return nil, fmt.Errorf("%s: the list has no header row: %w", path, err)
	}
	for i, name := range t.header {
		t.header[i] = strings.TrimSpace(name)
		if t.header[i] == "" || slices.Contains(t.header[:i], t.header[i]) {
			return nil, fmt.Errorf("%s:1: column %d has no name of its own", path, i+1)
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			t.rows = append(t.rows, tableRow{line: wrong.StartLine, err: wrong.Err})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		row := tableRow{line: line, values: make(map[string]string, len(record))}
		for i, v := range record {
			row.values[t.header[i]] = strings.TrimSpace(v)
		}
		t.rows = append(t.rows, row)
	}
}

// firstInvalid gives the place of the first byte that is not UTF-8.
func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(text)
}

func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(first, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// template is a call file with {column} in its values.
type template struct{ lines []templateLine }

type templateLine struct {
	n          int
	key, value string
}

// column is a placeholder. ${name} is the dialplan's own and stays.
var column = regexp.MustCompile(`(\$?)\{([^{}$]+)\}`)

func readTemplate(path string, header []string) (*template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &template{}
	var errs []error
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		n++
		key, value, empty, ok := wire.Split(line)
		key = strings.TrimSpace(key)
		i := slices.IndexFunc(wire.Keys(), func(k string) bool {
			return strings.EqualFold(k, key) || k == "Set" && strings.EqualFold(key, "SetVar")
		})
		switch {
		case empty:
			continue
		case !ok:
			errs = append(errs, fmt.Errorf("%s:%d: no colon after a key", path, n))
		case i < 0:
			errs = append(errs, fmt.Errorf("%s:%d: unknown key %q", path, n, key))
		default:
			t.lines = append(t.lines, templateLine{n, wire.Keys()[i], value})
		}
		for _, m := range column.FindAllStringSubmatch(value, -1) {
			if m[1] == "" && !slices.Contains(header, m[2]) {
				errs = append(errs, fmt.Errorf("%s:%d: the list has no column {%s}; it has %s", path, n, m[2], strings.Join(header, ", ")))
			}
		}
	}
	return t, errors.Join(errs...)
}

// fill gives the text for a row.
func (t *template) fill(row map[string]string) (string, error) {
	var b strings.Builder
	var errs []error
	for _, l := range t.lines {
		value := column.ReplaceAllStringFunc(l.value, func(m string) string {
			if m[0] == '$' {
				return m
			}
			v := row[m[1:len(m)-1]]
			if v == "" && l.key == "Channel" {
				errs = append(errs, fmt.Errorf("column %s is empty: nobody could be called", m))
			}
			return v
		})
		line, err := wire.Line(l.key, strings.TrimSpace(value))
		if err != nil {
			errs = append(errs, fmt.Errorf("template line %d: %w", l.n, err))
		}
		b.WriteString(line)
	}
	return b.String(), errors.Join(errs...)
}
