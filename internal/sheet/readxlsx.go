package sheet

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Bounds of a workbook.
const (
	maxUnpacked = 256 << 20 // all its parts, in bytes
	maxInMemory = 4 << 20   // sheets and texts beyond are unpacked into files
	maxOther    = 32 << 20  // its other parts together, which are held in memory
	maxParts    = 5000
)

// workbookRows reads the rows of one sheet of a workbook (ECMA-376 SpreadsheetML).
type workbookRows struct {
	f *excelize.File
	// The same rows twice: with numbers as they are stored, and as they are shown. A date
	// is a number that is shown as a date.
	raw, shown *excelize.Rows
	since1904  bool
	row        int
}

// openWorkbook opens a workbook and its sheet. What it says about its own size is looked at
// before anything is unpacked; the zip reader holds it to that.
func openWorkbook(f io.ReaderAt, size int64, o ReadOptions) (_ *Reader, err error) {
	defer contain(&err)
	limit := cmp.Or(o.MaxUnpacked, maxUnpacked)
	if err := inspectZip(f, size, uint64(limit)); err != nil {
		return nil, err
	}
	opts := excelize.Options{
		UnzipSizeLimit: limit, UnzipXMLSizeLimit: min(maxInMemory, limit), TmpDir: o.TmpDir, ShortDatePattern: "yyyy-mm-dd", RawCellValue: true,
	}
	book, err := excelize.OpenReader(io.NewSectionReader(f, 0, size), opts)
	if err != nil {
		return nil, notAWorkbook(err)
	}
	w := &workbookRows{f: book}
	meta := Meta{Format: "xlsx", Sheets: book.GetSheetList()}
	err = w.open(&meta, o.Sheet)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return &Reader{meta: meta, rows: w}, nil
}

func notAWorkbook(err error) error {
	return &FileError{"The file cannot be read as a workbook: " + clip(err.Error(), 200) + ". Save it again as .xlsx, or as CSV."}
}

// inspectZip refuses archives that would unpack to more than there is room for.
func inspectZip(f io.ReaderAt, size int64, limit uint64) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return notAWorkbook(err)
	}
	var all, other uint64
	workbook := false
	for _, p := range z.File {
		name := strings.ToLower(strings.ReplaceAll(p.Name, `\`, "/"))
		all += min(p.UncompressedSize64, limit+1) // it cannot run over
		if !strings.HasPrefix(name, "xl/worksheets/sheet") && name != "xl/sharedstrings.xml" {
			other += min(p.UncompressedSize64, limit+1)
		}
		workbook = workbook || name == "xl/workbook.xml" || name == "[content_types].xml"
		if all > limit {
			return &FileError{fmt.Sprintf("The workbook unpacks to more than %d MiB. Save the list alone, without pictures and other sheets, or as CSV.", limit>>20)}
		}
	}
	switch {
	case !workbook:
		return &FileError{"This is an archive, not a workbook. Unpack it and send the list itself."}
	case other > maxOther || len(z.File) > maxParts:
		return errOverfull
	}
	loose := 0
	for _, p := range z.File {
		if err := scanPart(p, strings.ToLower(strings.ReplaceAll(p.Name, `\`, "/")), &loose); err != nil {
			return err
		}
	}
	return nil
}

// open begins to read a sheet, "" = the first.
func (w *workbookRows) open(meta *Meta, sheet string) error {
	switch {
	case len(meta.Sheets) == 0:
		return &FileError{"The workbook has no sheet."}
	case sheet == "":
		sheet = w.firstShown(meta.Sheets)
	case !slices.Contains(meta.Sheets, sheet):
		return &FileError{fmt.Sprintf("The workbook has no sheet %.80q; it has %s.", sheet, clip(strings.Join(meta.Sheets, ", "), 400))}
	}
	meta.Sheet = sheet
	props, err := w.f.GetWorkbookProps()
	if err != nil {
		return notAWorkbook(err)
	}
	w.since1904 = props.Date1904 != nil && *props.Date1904
	if w.raw, err = w.f.Rows(sheet); err == nil {
		w.shown, err = w.f.Rows(sheet)
	}
	if err != nil {
		return notAWorkbook(err)
	}
	return nil
}

// firstShown gives the first sheet that its author sees; if all are hidden, the first.
func (w *workbookRows) firstShown(sheets []string) string {
	for _, name := range sheets {
		if shown, err := w.f.GetSheetVisible(name); err == nil && shown {
			return name
		}
	}
	return sheets[0]
}

// contain makes an error of a panic. The library has none on purpose, but it reads files of
// strangers, and a list that breaks it must not end the server's calls.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = notAWorkbook(fmt.Errorf("%v", r))
	}
}

// next implements source.
func (w *workbookRows) next() (_ Row, err error) {
	defer contain(&err)
	if !w.raw.Next() || !w.shown.Next() {
		if err := w.raw.Error(); err != nil {
			return Row{}, notAWorkbook(err)
		}
		return Row{}, io.EOF
	}
	w.row++
	row := Row{Number: w.row}
	raw, err := w.raw.Columns()
	if err != nil {
		return row, notAWorkbook(err)
	}
	shown, err := w.shown.Columns(excelize.Options{RawCellValue: false, ShortDatePattern: "yyyy-mm-dd"})
	if err != nil {
		return row, notAWorkbook(err)
	}
	if len(raw) > MaxColumns {
		return row, &FileError{fmt.Sprintf("Row %d has more than %d cells. Is this a list?", row.Number, MaxColumns)}
	}
	row.Cells = make([]string, len(raw))
	for i, v := range raw {
		row.Cells[i] = strings.TrimSpace(v)
		if i < len(shown) && shown[i] != v {
			row.Cells[i] = w.number(v, shown[i])
		}
	}
	row.check()
	return row, nil
}

// number gives the text of a cell that is shown otherwise than it is stored: a date as one,
// other numbers as they are stored, so that no digit is rounded or hidden. What the text is, a
// number or not, is for others to judge.
func (w *workbookRows) number(raw, shown string) string {
	v, err := strconv.ParseFloat(raw, 64)
	if err != nil || shown == "TRUE" || shown == "FALSE" {
		return strings.TrimSpace(shown)
	}
	if t, err := excelize.ExcelDateToTime(v, w.since1904); err == nil && isDate(shown, t) {
		return t.Round(time.Second).Format("2006-01-02T15:04:05")
	}
	return strings.TrimSpace(raw)
}

// isDate reports whether a text shows a date: at least day, month and year stand in it, and
// every group of digits is a part of that time. A number in groups, 123-4567, is none.
func isDate(shown string, t time.Time) bool {
	t = t.Round(time.Second)
	hour := t.Hour()
	parts := []int{t.Year(), t.Year() % 100, int(t.Month()), t.Day(), hour, (hour+11)%12 + 1, t.Minute(), t.Second(), 0}
	groups := strings.FieldsFunc(shown, func(r rune) bool { return r < '0' || r > '9' })
	named := strings.Contains(strings.ToLower(shown), strings.ToLower(t.Format("Jan")))
	if len(groups) < 3 && !(named && len(groups) >= 2) {
		return false
	}
	for _, g := range groups {
		if n, err := strconv.Atoi(g); err != nil || !slices.Contains(parts, n) {
			return false
		}
	}
	return true
}

func (w *workbookRows) close() error {
	var errs []error
	for _, r := range []*excelize.Rows{w.raw, w.shown} {
		if r != nil {
			_ = r.Close() // it repeats what Next has said
		}
	}
	return errors.Join(append(errs, w.f.Close())...)
}
