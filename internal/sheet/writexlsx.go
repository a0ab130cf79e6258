package sheet

import (
	"archive/zip"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// sheetName is the one sheet of a workbook of ours.
const sheetName = "Sheet1"

// earliest is the first day of a workbook's calendar (ECMA-376 part 1 §18.17.4.1).
var earliest = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)

// bookWriter writes a workbook. excelize gathers the sheet in 16 MiB of memory and beyond
// that in a file; the zip goes straight to the receiver, not through memory.
type bookWriter struct {
	state
	w    io.Writer
	dir  string // temporary, removed at the end
	file *excelize.File
	rows *excelize.StreamWriter
	row  int // last row written
	line []any

	text, date int // styles
}

func newBookWriter(w io.Writer, columns []string, o options) (_ *bookWriter, err error) {
	if len(columns) > excelize.MaxColumns {
		return nil, fmt.Errorf("%d columns; a workbook has at most %d", len(columns), excelize.MaxColumns)
	}
	b := &bookWriter{state: state{columns: len(columns)}, w: w, line: make([]any, len(columns))}
	// A directory of our own: without one that can be written excelize would stay in memory.
	if b.dir, err = os.MkdirTemp(o.tmpDir, "dialwright-sheet-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.release()
		}
	}()
	b.file = excelize.NewFile(excelize.Options{TmpDir: b.dir})
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	if b.rows, err = b.file.NewStreamWriter(sheetName); err != nil {
		return nil, err
	}
	// The format Text (49) keeps a text a text even when somebody edits its cell.
	if b.text, err = b.file.NewStyle(&excelize.Style{NumFmt: 49}); err != nil {
		return nil, err
	}
	if b.date, err = b.file.NewStyle(&excelize.Style{CustomNumFmt: new("yyyy-mm-dd hh:mm:ss")}); err != nil {
		return nil, err
	}
	bold, err := b.file.NewStyle(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	if len(columns) > 0 {
		if err = b.rows.SetColWidth(1, len(columns), 20); err != nil {
			return nil, err
		}
	}
	if err = b.rows.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	for i, name := range columns {
		b.line[i] = excelize.Cell{StyleID: bold, Value: strings.ToValidUTF8(name, "\ufffd")}
	}
	return b, b.put()
}

// Row implements Writer.
func (b *bookWriter) Row(cells ...any) error {
	if err := b.check(cells); err != nil {
		return err
	}
	if b.row == excelize.TotalRows {
		return b.failed(ErrTooManyRows)
	}
	clear(b.line)
	for i, v := range cells {
		cell, err := b.cell(v)
		if err != nil {
			return b.failed(fmt.Errorf("column %d: %w", i+1, err))
		}
		b.line[i] = cell
	}
	return b.failed(b.put())
}

// put writes b.line as the next row.
func (b *bookWriter) put() error {
	b.row++
	return b.rows.SetRow(fmt.Sprintf("A%d", b.row), b.line)
}

// cell gives a cell as excelize takes it: never one with a formula.
func (b *bookWriter) cell(v any) (any, error) {
	switch v := v.(type) {
	case nil, int, bool:
		return v, nil
	case int64:
		if v > 1<<53 || v < -1<<53 { // a workbook's numbers are float64
			return excelize.Cell{StyleID: b.text, Value: fmt.Sprint(v)}, nil
		}
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil
		}
		return v, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return excelize.Cell{StyleID: b.text, Value: strings.ToValidUTF8(v, "\ufffd")}, nil
	case time.Time:
		switch v = v.UTC(); {
		case v.IsZero():
			return nil, nil
		case v.Before(earliest):
			return excelize.Cell{StyleID: b.text, Value: stamp(v)}, nil
		}
		return excelize.Cell{StyleID: b.date, Value: v}, nil
	}
	return nil, fmt.Errorf("a cell cannot hold a %T", v)
}

// Close implements Writer.
func (b *bookWriter) Close() error {
	ok, err := b.finish()
	defer b.release()
	if !ok {
		return err
	}
	if err := b.rows.Flush(); err != nil {
		return err
	}
	return b.file.Write(b.w)
}

// Abort implements Writer.
func (b *bookWriter) Abort() {
	b.err = errOver
	b.release()
}

// release removes what is in the temporary directory. It may be called twice.
func (b *bookWriter) release() {
	if b.file != nil {
		_ = b.file.Close() // it closes temporary files, which are removed here whatever it says
		b.file = nil
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir) // the system's own cleaning is left if this fails
		b.dir = ""
	}
}
