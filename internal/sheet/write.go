package sheet

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Writer writes the rows of a table. It is for one goroutine.
type Writer interface {
	// Row writes one row. The cells are string, int, int64, float64, bool, time.Time or nil;
	// a zero time is as nil: an empty cell, null in JSON. Missing cells at the end are nil,
	// more cells than columns are a mistake. After an error every call gives it again.
	Row(cells ...any) error
	// Close ends the table. Only if it returns nil everything was written; after an error of
	// Row it returns that and writes nothing. It does not close the writer below. After the
	// first time it does nothing.
	Close() error
	// Abort gives up instead of Close: nothing more is written and nothing is left behind.
	// It may follow Close, and then does nothing.
	Abort()
}

// ErrTooManyRows: a workbook holds no more.
var ErrTooManyRows = errors.New("a workbook has at most 1,048,576 rows; CSV has no such limit")

// errOver: Row after Close or Abort.
var errOver = errors.New("table is closed")

// Option changes how a table is written. The ones that make no sense for a format change
// nothing in it.
type Option func(*options)

type options struct {
	bom    bool
	tmpDir string
}

// WithBOM begins CSV with a byte order mark: Excel takes a file for UTF-8 only then.
func WithBOM() Option { return func(o *options) { o.bom = true } }

// WithTmpDir says where a workbook is gathered; else in the system's temporary directory.
func WithTmpDir(dir string) Option { return func(o *options) { o.tmpDir = dir } }

// NewWriter begins a table with a header of columns. The error is that of w, or of the
// temporary directory for a workbook. Either Close or Abort must follow.
func NewWriter(w io.Writer, f Format, columns []string, opts ...Option) (Writer, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	switch f {
	case CSV:
		return newCSVWriter(w, columns, o)
	case XLSX:
		return newBookWriter(w, columns, o)
	case JSONL:
		return newLineWriter(w, columns)
	}
	return nil, fmt.Errorf("there is no format %q", f)
}

// state is what all writers have in common: how many columns, and what went wrong.
type state struct {
	columns int
	err     error // given by every later call
}

// check says whether a row may be written.
func (s *state) check(cells []any) error {
	if s.err == nil && len(cells) > s.columns {
		s.err = fmt.Errorf("a row of %d cells in a table of %d columns", len(cells), s.columns)
	}
	return s.err
}

// failed keeps err for later calls.
func (s *state) failed(err error) error {
	if err != nil {
		s.err = err
	}
	return err
}

// finish says whether there is something to end: not after an error, and once.
func (s *state) finish() (bool, error) {
	if errors.Is(s.err, errOver) {
		return false, nil
	}
	err := s.err
	s.err = errOver
	return err == nil, err
}

// timeLayout is RFC 3339 with the milliseconds that the store keeps.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// stamp writes a time for CSV and JSON, "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}
