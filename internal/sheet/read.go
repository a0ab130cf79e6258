package sheet

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Bounds of what is read. A spreadsheet's own are 16,384 columns and 32,767 characters in
// a cell; a list of calls needs neither.
const (
	MaxColumns = 1000
	MaxCell    = 8 << 10 // bytes in UTF-8
)

// Meta says what a file was found to be.
type Meta struct {
	Format    string   // "csv" or "xlsx"
	Encoding  string   // of CSV: "utf-8", "utf-16le", "utf-16be" or "windows-1252"
	Delimiter string   // of CSV: ",", ";", "\t" or "|"
	Sheet     string   // of XLSX: the sheet that is read
	Sheets    []string // of XLSX: all that there are, in their order
}

// ReadOptions say how a file is read. Zero fields leave it to what the file looks like.
type ReadOptions struct {
	Encoding  string // one of Meta.Encoding
	Delimiter string // one character
	Sheet     string // name of the sheet; "" = the first
	// TmpDir is where large parts of a workbook are unpacked to; "" = the system's. Close
	// removes them.
	TmpDir string
	// MaxUnpacked bounds what a workbook unpacks to, in bytes; 0 = 256 MiB.
	MaxUnpacked int64
}

// Row is one row of a table.
type Row struct {
	Number int // as a spreadsheet numbers it: from 1, header and empty rows counted
	// Cells are texts in UTF-8 without blanks around them. Numbers of a workbook are written
	// out (493012345678), its dates as 2026-12-24T18:00:00.
	Cells []string
	// Problem says in words why the row cannot be read, "" if it can; then there are no cells.
	Problem string
}

// Empty reports whether there is nothing in the row.
func (r *Row) Empty() bool {
	if r.Problem != "" {
		return false
	}
	for _, c := range r.Cells {
		if c != "" {
			return false
		}
	}
	return true
}

// FileError says why a file is no table that can be read, and what to do.
type FileError struct{ Text string }

// Error gives the text.
func (e *FileError) Error() string { return e.Text }

// Reader reads the rows of a table one by one, in bounded memory whatever the file is. It is
// for one goroutine.
type Reader struct {
	meta Meta
	rows source
}

// source is a kind of file.
type source interface {
	// next gives a row, or io.EOF.
	next() (Row, error)
	close() error
}

// Open finds out what a file is, CSV or XLSX, whatever its name, and gives a reader of its
// rows. f must stay open until Close. What cannot be a table is a *FileError, here or from
// Next.
func Open(f io.ReaderAt, size int64, o ReadOptions) (*Reader, error) {
	head := make([]byte, min(size, 64<<10))
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	switch {
	case len(head) == 0:
		return nil, &FileError{"The file is empty."}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openWorkbook(f, size, o)
	case bytes.HasPrefix(head, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return nil, &FileError{"This is a workbook of Excel 97-2003 (.xls), or one with a password. Save it without a password as .xlsx or CSV."}
	case bytes.HasPrefix(head, []byte("%PDF-")), bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return nil, &FileError{"This is no table. Save the list as CSV or .xlsx."}
	}
	return openCSV(f, size, head, o)
}

// Meta says what the file was found to be.
func (r *Reader) Meta() Meta { return r.meta }

// Next gives the next row, empty ones too, or io.EOF. A row that cannot be read says so itself,
// and the next call goes on after it; an error ends the reading.
func (r *Reader) Next() (Row, error) { return r.rows.next() }

// Close removes what was unpacked.
func (r *Reader) Close() error { return r.rows.close() }

// clip shortens s to at most n bytes, for showing it.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
