package bulk

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dialwright/dialwright/internal/sheet"
)

// row is a row of a list as it is kept: one line of JSON.
type row struct {
	Number  int      `json:"n"` // as a spreadsheet shows it
	Cells   []string `json:"c,omitempty"`
	Problem string   `json:"p,omitempty"` // why it could not be read
}

// maxLine bounds a line: MaxColumns cells of MaxCell bytes would be more, and are refused.
const maxLine = 512 << 10

// reduce reads a table once and writes its rows, without the empty ones, to w.
func reduce(in *sheet.Reader, w io.Writer, maxRows int, maxBytes int64) (Table, error) {
	s := survey{table: Table{Meta: in.Meta(), Columns: []Column{}}}
	out := bufio.NewWriterSize(w, 64<<10)
	var size int64
	unread, inner := 0, 0
	for {
		r, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if e, ok := errors.AsType[*sheet.FileError](err); ok {
			return s.table, &Invalid{Text: e.Text}
		}
		if err != nil {
			return s.table, err
		}
		if r.Empty() {
			continue
		}
		kept := row{Number: r.Number, Cells: trimmed(r.Cells), Problem: r.Problem}
		line, err := json.Marshal(kept)
		if err != nil {
			return s.table, err
		}
		if len(line) > maxLine {
			kept = row{Number: r.Number, Problem: "The row holds too much for a call."}
			if line, err = json.Marshal(kept); err != nil {
				return s.table, err
			}
		}
		size += int64(len(line)) + 1
		switch {
		case s.table.Rows > maxRows: // one more for a header
			return s.table, &Invalid{Text: fmt.Sprintf("The list has more than %d rows. Split it, or raise imports.max_rows.", maxRows)}
		case size > maxBytes:
			return s.table, &Invalid{Text: fmt.Sprintf("The list holds more than %d MiB of text. Leave out what no call needs, or raise imports.max_size.", maxBytes>>20)}
		}
		if kept.Problem != "" {
			unread++
		}
		for _, c := range kept.Cells {
			if strings.HasPrefix(c, "=") && asFormula.FindString(c) == "" {
				inner++
			}
		}
		s.row(kept.Cells)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return s.table, err
		}
	}
	if s.table.Rows == 0 {
		return s.table, &Invalid{Text: "There is nothing in the list."}
	}
	if unread > 0 {
		s.warn(fmt.Sprintf("%d of the rows cannot be read; the check says which and why.", unread))
	}
	if inner > 0 {
		s.warn(fmt.Sprintf("%d of the cells hold formulas. They are taken as text and never computed.", inner))
	}
	t := s.done()
	if t.Header {
		s.table = t
		for _, name := range duplicates(t.First) {
			s.warn(fmt.Sprintf("Several columns are called %q; they differ by their numbers.", shorten(name, 80)))
		}
		t = s.table
	}
	if t.Rows > maxRows && t.DataRows(t.Header) > maxRows {
		return t, &Invalid{Text: fmt.Sprintf("The list has more than %d rows. Split it, or raise imports.max_rows.", maxRows)}
	}
	if t.Header && t.Rows == 1 {
		s.warn("There is a header and nothing below it.")
		t.Warnings = s.table.Warnings
	}
	return t, out.Flush()
}

// trimmed leaves out empty cells at the end.
func trimmed(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// rowFile reads the rows of an import.
type rowFile struct {
	f  *os.File
	in *bufio.Scanner
	// skip the first: it is the header
	header bool
}

// path is where the rows of an import are.
func (b *Book) path(id string) string { return filepath.Join(b.o.Dir, id+".rows") }

// openRows opens the rows that ask for calls.
func (b *Book) openRows(id string, header bool) (*rowFile, error) {
	f, err := os.Open(b.path(id))
	if err != nil {
		return nil, fmt.Errorf("rows of import %s: %w", id, err)
	}
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 64<<10), maxLine+16)
	return &rowFile{f: f, in: in, header: header}, nil
}

// next gives a row, or io.EOF.
func (r *rowFile) next() (row, error) {
	if !r.in.Scan() {
		if err := r.in.Err(); err != nil {
			return row{}, err
		}
		return row{}, io.EOF
	}
	if r.header {
		r.header = false
		return r.next()
	}
	var out row
	err := json.Unmarshal(r.in.Bytes(), &out)
	return out, err
}

func (r *rowFile) close() error { return r.f.Close() }
