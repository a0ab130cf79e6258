package sheet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// lineWriter writes JSON lines.
type lineWriter struct {
	state
	w     *bufio.Writer
	names [][]byte // `"name":`
}

func newLineWriter(w io.Writer, columns []string) (*lineWriter, error) {
	l := &lineWriter{state: state{columns: len(columns)}, w: bufio.NewWriterSize(w, 32<<10)}
	for _, name := range columns {
		b, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		l.names = append(l.names, append(b, ':'))
	}
	return l, nil
}

// Row implements Writer.
func (l *lineWriter) Row(cells ...any) error {
	if err := l.check(cells); err != nil {
		return err
	}
	sep := byte('{')
	for i, name := range l.names {
		_ = l.w.WriteByte(sep) // a bufio.Writer keeps its error
		_, _ = l.w.Write(name)
		sep = ','
		value := []byte("null")
		if i < len(cells) {
			var err error
			if value, err = jsonCell(cells[i]); err != nil {
				return l.failed(fmt.Errorf("column %d: %w", i+1, err))
			}
		}
		_, _ = l.w.Write(value)
	}
	if len(l.names) == 0 {
		_ = l.w.WriteByte('{')
	}
	_, err := l.w.WriteString("}\n")
	return l.failed(err)
}

// Close implements Writer.
func (l *lineWriter) Close() error {
	ok, err := l.finish()
	if !ok {
		return err
	}
	return l.w.Flush()
}

// Abort implements Writer.
func (l *lineWriter) Abort() { l.err = errOver }

// jsonCell writes a cell.
func jsonCell(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil, int, int64, bool:
		return json.Marshal(v)
	case string:
		return json.Marshal(strings.ToValidUTF8(v, "\ufffd"))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) { // JSON has none
			return []byte("null"), nil
		}
		return json.Marshal(v)
	case time.Time:
		if v.IsZero() {
			return []byte("null"), nil
		}
		return json.Marshal(stamp(v))
	}
	return nil, fmt.Errorf("a cell cannot hold a %T", v)
}
