package sheet_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/dialwright/dialwright/internal/sheet"
)

var noon = time.Date(2026, 11, 29, 13, 0, 0, 250e6, time.FixedZone("CET", 3600))

// write writes rows and gives the file.
func write(t testing.TB, f sheet.Format, columns []string, rows [][]any, opts ...sheet.Option) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sheet.NewWriter(&out, f, columns, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, r := range rows {
		if err := w.Row(r...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCSV(t *testing.T) {
	got := write(t, sheet.CSV, []string{"name", "n", "at"}, [][]any{
		{`O"Neil, Ada`, 7, noon},
		{"two\nlines", int64(-8), time.Time{}},
		{"", 1.5, nil},
		{" blank ", true},
	}, sheet.WithBOM())
	want := "\ufeffname,n,at\r\n" +
		"\"O\"\"Neil, Ada\",7,2026-11-29T12:00:00.250Z\r\n" +
		"\"two\nlines\",-8,\r\n" +
		",1.5,\r\n" +
		"\" blank \",true,\r\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// What a spreadsheet would carry out is text; what is a number or a telephone number stays.
func TestCSVFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1":                       "'=1+1",
		"=cmd|' /C calc'!A0":         "'=cmd|' /C calc'!A0",
		"@SUM(A1)":                   "'@SUM(A1)",
		"+1+cmd|' /C calc'!A0":       "'+1+cmd|' /C calc'!A0",
		"-2+3":                       "'-2+3",
		"\t=1":                       "'\t=1",
		"\rx":                        "'\rx",
		"\n=1":                       "'\n=1",
		"  =1":                       "'  =1",
		"\u00a0=1":                   "'\u00a0=1",
		"\ufeff=1":                   "'\ufeff=1",
		"\"=1":                       "'\"=1",
		"'=1":                        "''=1",
		"＝1":                         "'＝1",
		"＠x":                         "'＠x",
		"+":                          "'+",
		"-":                          "'-",
		"+49 30 123":                 "'+49 30 123",
		"+49-30-123":                 "'+49-30-123",
		"-1.2.3":                     "'-1.2.3",
		"-5,":                        "'-5,",
		"-5":                         "-5",
		"-2.5":                       "-2.5",
		"-2,5":                       "-2,5",
		"+4930123":                   "+4930123",
		"4930123":                    "4930123",
		"a=1":                        "a=1",
		"sip:101@example.org":        "sip:101@example.org",
		"=HYPERLINK(\"http://x\")\"": "'=HYPERLINK(\"http://x\")\"",
	} {
		t.Run(text, func(t *testing.T) {
			got := write(t, sheet.CSV, []string{"a", "b"}, [][]any{{text, "x"}})
			rows, err := csv.NewReader(bytes.NewReader(got)).ReadAll()
			// encoding/csv reads CRLF in a cell as LF and drops nothing else here.
			if err != nil || len(rows) != 2 || rows[1][0] != want || rows[1][1] != "x" {
				t.Errorf("%q, %v; want %q", rows, err, want)
			}
		})
	}
}

// A workbook's cells have types: a text is a text, whatever it begins with.
func TestWorkbook(t *testing.T) {
	hostile := []string{"=1+1", "@x", "-2+3", "\t=1", " =1 ", "+4930123", "<b>&", "_x0041_", "007"}
	rows := [][]any{{"text", 7, int64(1) << 60, 2.5, true, noon, nil}}
	for _, s := range hostile {
		rows = append(rows, []any{s})
	}
	got := write(t, sheet.XLSX, []string{"a", "b", "c", "d", "e", "at", "g"}, rows, sheet.WithTmpDir(t.TempDir()))
	f, err := excelize.OpenReader(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := f.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"a", "b", "c", "d", "e", "at", "g"}, {"text", "7", "1152921504606846976", "2.5", "TRUE", "2026-11-29 12:00:00"}}
	for _, s := range hostile {
		want = append(want, []string{s})
	}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Error(diff)
	}
	for i := range hostile {
		cell, _ := excelize.CoordinatesToCellName(1, i+3)
		formula, err := f.GetCellFormula("Sheet1", cell)
		kind, err2 := f.GetCellType("Sheet1", cell)
		if formula != "" || kind != excelize.CellTypeInlineString || errors.Join(err, err2) != nil {
			t.Errorf("%s: formula %q, type %v, %v", cell, formula, kind, errors.Join(err, err2))
		}
	}
}

func TestLines(t *testing.T) {
	got := write(t, sheet.JSONL, []string{"name", "n", "at", "z"}, [][]any{{"=1 <b>", 7, noon}, {"\xff", 1.5, time.Time{}, false}})
	var lines []map[string]any
	for line := range strings.Lines(string(got)) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, v)
	}
	want := []map[string]any{
		{"name": "=1 <b>", "n": 7.0, "at": "2026-11-29T12:00:00.250Z", "z": nil},
		{"name": "\ufffd", "n": 1.5, "at": nil, "z": false},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasPrefix(got, []byte(`{"name":`)) {
		t.Errorf("columns are not in their order: %s", got)
	}
}

// broken fails after some bytes.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, os.ErrClosed
	}
	return len(p), nil
}

// A receiver that fails is told by Row or Close, and a workbook leaves no file behind.
func TestReceiverFails(t *testing.T) {
	for _, f := range []sheet.Format{sheet.CSV, sheet.XLSX, sheet.JSONL} {
		t.Run(string(f), func(t *testing.T) {
			dir := t.TempDir()
			w, err := sheet.NewWriter(&broken{left: 2000}, f, []string{"a", "b"}, sheet.WithTmpDir(dir))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < 10000 && err == nil; i++ {
				err = w.Row(i, strings.Repeat("x", i%100))
			}
			if err = errors.Join(err, w.Close()); !errors.Is(err, os.ErrClosed) {
				t.Errorf("error is %v", err)
			}
			w.Abort()
			if err := w.Row(1); err == nil {
				t.Error("a row after the end was taken")
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, f := range []sheet.Format{sheet.CSV, sheet.XLSX, sheet.JSONL} {
		w, err := sheet.NewWriter(&bytes.Buffer{}, f, []string{"a"}, sheet.WithTmpDir(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Row(1, 2); err == nil {
			t.Errorf("%s: a cell too many was taken", f)
		}
		w.Abort()
		if w, err = sheet.NewWriter(&bytes.Buffer{}, f, []string{"a"}, sheet.WithTmpDir(t.TempDir())); err != nil {
			t.Fatal(err)
		}
		if err := w.Row([]byte("x")); err == nil {
			t.Errorf("%s: a cell of another type was taken", f)
		}
		if err := w.Close(); err == nil {
			t.Errorf("%s: Close does not tell the error of Row", f)
		}
	}
	if _, err := sheet.NewWriter(&bytes.Buffer{}, sheet.XLSX, []string{"a"}, sheet.WithTmpDir("/nowhere/at/all")); err == nil {
		t.Error("a workbook without a temporary directory was begun")
	}
	if _, err := sheet.ParseFormat("pdf"); err == nil {
		t.Error("pdf is a format")
	}
	if f, err := sheet.ParseFormat("XLSX"); f != sheet.XLSX || err != nil {
		t.Error(f, err)
	}
}

// Whatever a cell holds, readers of CSV and of JSON lines get it back, CSV with at most an
// apostrophe more, and none begins like a formula.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"", "=1", "\t@", "a,b\"c", "-5", "\xff", " \u200b=", "+49 1", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		valid := strings.ToValidUTF8(s, "\ufffd")
		got := write(t, sheet.CSV, []string{"a", "b"}, [][]any{{s, "end"}})
		rows, err := csv.NewReader(bytes.NewReader(got)).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 || rows[1][1] != "end" {
			t.Fatalf("%q, %v", got, err)
		}
		flat := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") } // as encoding/csv reads
		if cell := rows[1][0]; cell != flat(valid) && cell != "'"+flat(valid) {
			t.Fatalf("%q became %q", s, cell)
		} else if trimmed := strings.TrimLeft(cell, " \""); trimmed != "" && slices.Contains([]byte("=@"), trimmed[0]) {
			t.Fatalf("%q begins like a formula", cell)
		}
		var line struct{ A, B string }
		if err := json.Unmarshal(write(t, sheet.JSONL, []string{"a", "b"}, [][]any{{s, "end"}}), &line); err != nil || line.A != valid || line.B != "end" {
			t.Fatalf("%+v, %v", line, err)
		}
	})
}
