package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// maxRecord bounds a row of a CSV file, in bytes of UTF-8. Text in quotes may go over many
// lines; when a quote is never closed, what is not found within this bound is not looked for.
const maxRecord = 256 << 10

// csvRows reads the rows of a CSV file (RFC 4180, with the habits of spreadsheets). It is not
// encoding/csv, because that skips empty lines, after which its rows have other numbers
// than a spreadsheet shows; reads to the end of the file, into memory, after a quote that is not
// closed; and ends at the first row that is wrong.
type csvRows struct {
	in    io.Reader
	buf   []byte // what has been read and not yet used begins at off
	off   int
	end   bool // in has nothing more
	comma byte
	row   int
}

func openCSV(f io.ReaderAt, size int64, head []byte, o ReadOptions) (*Reader, error) {
	enc := strings.ToLower(o.Encoding)
	if enc == "" {
		var err error
		if enc, err = encodingOf(f, size, head); err != nil {
			return nil, err
		}
	}
	decoder, ok := decoders[enc]
	if !ok {
		return nil, &FileError{fmt.Sprintf("The encoding %.40q is not known. Use utf-8, utf-16le, utf-16be or windows-1252.", o.Encoding)}
	}
	c := &csvRows{in: transform.NewReader(io.NewSectionReader(f, 0, size), decoder.NewDecoder())}
	if err := c.begin(o.Delimiter); err != nil {
		return nil, err
	}
	return &Reader{meta: Meta{Format: "csv", Encoding: enc, Delimiter: string(c.comma)}, rows: c}, nil
}

// begin finds out the delimiter: as asked for, as a first line "sep=;" says, which is not a row
// (observed: Excel 365), or the one that makes the most regular table of the first rows.
func (c *csvRows) begin(delimiter string) error {
	if err := c.more(); err != nil {
		return err
	}
	start := c.buf
	if len(bytes.TrimSpace(start)) == 0 && c.end {
		return &FileError{"There is nothing in the file."}
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	said := bytes.TrimSuffix(line, []byte("\r"))
	if len(said) == len("sep=;") && bytes.EqualFold(said[:4], []byte("sep=")) && strings.IndexByte(delimiters, said[4]) >= 0 {
		c.comma = said[4]
		c.off = min(len(line)+1, len(start))
	}
	switch {
	case delimiter != "":
		if len(delimiter) != 1 || delimiter[0] >= utf8.RuneSelf || strings.Contains("\"\r\n", delimiter) {
			return &FileError{"The delimiter must be one character, such as ; or ,."}
		}
		c.comma = delimiter[0]
	case c.comma == 0:
		c.comma = guessDelimiter(start)
	}
	return nil
}

// delimiters are those that are guessed, the likeliest first.
const delimiters = ";,\t|"

// guessDelimiter looks at the first rows: the best delimiter cuts most of them into the same
// number of cells, and more than one.
func guessDelimiter(start []byte) byte {
	best, most := byte(','), 0
	for _, comma := range []byte(delimiters) {
		c := &csvRows{buf: start, end: true, comma: comma}
		counts := map[int]int{}
		for range 30 {
			row, err := c.next()
			if err != nil {
				break
			}
			if n := len(row.Cells); n > 1 {
				counts[n]++
			}
		}
		for cells, rows := range counts {
			if score := rows*1000 + min(cells, 999); score > most {
				best, most = comma, score
			}
		}
	}
	return best
}

// more reads a further piece.
func (c *csvRows) more() error {
	const piece = 64 << 10
	c.buf = append(c.buf[:0], c.buf[c.off:]...)
	c.off = 0
	n := len(c.buf)
	c.buf = slices.Grow(c.buf, piece)[:n+piece]
	got, err := io.ReadFull(c.in, c.buf[n:])
	c.buf = c.buf[:n+got]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.end, err = true, nil
	}
	return err
}

// next implements source. A row that cannot be read costs its first line: the next one is
// read as if it were a row's begin.
func (c *csvRows) next() (Row, error) {
	for {
		text := c.buf[c.off:]
		if len(text) == 0 && c.end {
			return Row{}, io.EOF
		}
		cells, used, problem := c.record(text, c.end)
		if problem == tooLong && !c.end && len(text) < maxRecord {
			if err := c.more(); err != nil {
				return Row{}, err
			}
			continue
		}
		c.row++
		row := Row{Number: c.row, Cells: cells, Problem: problem}
		if problem != "" {
			row.Cells = nil
			return row, c.skipLine()
		}
		c.off += used
		row.check()
		return row, nil
	}
}

// skipLine goes on to the next line, however long this one is. Lines may end as on an old Macintosh.
func (c *csvRows) skipLine() error {
	for {
		rest := c.buf[c.off:]
		n := bytes.IndexAny(rest, "\r\n")
		switch {
		case n < 0:
			c.off = len(c.buf)
		case rest[n] == '\n' || n+1 < len(rest) && rest[n+1] != '\n':
			c.off += n + 1
			return nil
		case n+1 < len(rest):
			c.off += n + 2
			return nil
		default: // whether a line feed follows is not known yet
			c.off += n
			if c.end {
				c.off++
			}
		}
		if c.end {
			return nil
		}
		if err := c.more(); err != nil {
			return err
		}
	}
}

// record reads one row from the begin of text, and gives its cells and the bytes that it takes.
// last: nothing follows text. Else a row that does not end in it is tooLong so far.
func (c *csvRows) record(text []byte, last bool) (cells []string, used int, problem string) {
	for i := 0; ; {
		if len(cells) == MaxColumns {
			return nil, 0, fmt.Sprintf("The row has more than %d cells. Is the delimiter right?", MaxColumns)
		}
		cell, next, problem := c.cell(text, i, last)
		if problem != "" {
			return nil, 0, problem
		}
		cells, i = append(cells, strings.TrimSpace(cell)), next
		switch {
		case i == len(text) && !last:
			return nil, 0, tooLong
		case i == len(text):
			return cells, i, ""
		case text[i] == c.comma:
			i++
		case text[i] == '\r' && i+1 == len(text) && !last:
			return nil, 0, tooLong
		case text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n':
			return cells, i + 2, ""
		default: // '\n', or the '\r' of an old Macintosh
			return cells, i + 1, ""
		}
	}
}

const tooLong = "The row is too long, or a quote is opened in it and never closed."

// cell reads a cell that begins at i, and gives where it ends: at a delimiter, a line's end
// or the end of text.
func (c *csvRows) cell(text []byte, i int, last bool) (cell string, next int, problem string) {
	if i == len(text) || text[i] != '"' {
		n := slices.IndexFunc(text[i:], func(b byte) bool { return b == c.comma || b == '\n' || b == '\r' })
		if n < 0 {
			n = len(text) - i
		}
		return string(text[i : i+n]), i + n, ""
	}
	var b strings.Builder
	for i++; ; {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return "", 0, tooLong
		}
		b.Write(text[i : i+n])
		switch i += n + 1; {
		case i < len(text) && text[i] == '"':
			b.WriteByte('"')
			i++
		case i == len(text) && !last:
			return "", 0, tooLong
		case i == len(text) || text[i] == c.comma || text[i] == '\n' || text[i] == '\r':
			return b.String(), i, ""
		default:
			return "", 0, "A quote stands in the middle of a text in quotes; write it twice."
		}
	}
}

// check refuses cells that no request could hold.
func (r *Row) check() {
	for i, cell := range r.Cells {
		switch {
		case len(cell) > MaxCell:
			r.Problem = fmt.Sprintf("Cell %d is longer than %d bytes.", i+1, MaxCell)
		case strings.ContainsRune(cell, 0):
			r.Problem = fmt.Sprintf("Cell %d holds a NUL character. Is this a text file?", i+1)
		case !utf8.ValidString(cell):
			r.Problem = fmt.Sprintf("Cell %d is not in the encoding of the file.", i+1)
		default:
			continue
		}
		r.Cells = nil
		return
	}
}

func (c *csvRows) close() error { return nil }
