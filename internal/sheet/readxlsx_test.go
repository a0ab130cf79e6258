package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// workbook makes a workbook with some sheets.
func workbook(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(t testing.TB, f *excelize.File, cell string, value any, format string) {
	t.Helper()
	err := f.SetCellValue("Sheet1", cell, value)
	if err == nil && format != "" {
		var style int
		style, err = f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		err = errors.Join(err, f.SetCellStyle("Sheet1", cell, cell, style))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWorkbook(t *testing.T) {
	day := time.Date(2026, 12, 24, 18, 30, 0, 0, time.UTC)
	data := workbook(t, func(f *excelize.File) {
		for i, h := range []string{"Name", "Telefon", "Ab"} {
			set(t, f, string(rune('A'+i))+"1", h, "")
		}
		set(t, f, "A2", " Müller <script> ", "")
		set(t, f, "B2", 493012345678, "")
		set(t, f, "C2", day, "")
		set(t, f, "A4", "row 3 is empty", "")
		set(t, f, "B4", 493012345678, "0.00E+00")
		set(t, f, "C4", day, "dd.mm.yyyy hh:mm")
		set(t, f, "B5", 4930123456, "000-0000")
		set(t, f, "C5", 1234567, "000-0000")
		set(t, f, "A6", true, "")
		set(t, f, "B6", "030 12", "")
		set(t, f, "C6", day, "d. mmm yyyy")
		if _, err := f.NewSheet("Zweites"); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellValue("Zweites", "A1", "other"); err != nil {
			t.Fatal(err)
		}
	})
	meta, got, err := readAll(t, data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Meta{Format: "xlsx", Sheet: "Sheet1", Sheets: []string{"Sheet1", "Zweites"}}, meta); d != "" {
		t.Error(d)
	}
	want := [][]string{
		{"Name", "Telefon", "Ab"},
		{"Müller <script>", "493012345678", "2026-12-24T18:30:00"},
		{},
		{"row 3 is empty", "493012345678", "2026-12-24T18:30:00"},
		{"", "4930123456", "1234567"},
		{"TRUE", "030 12", "2026-12-24T18:30:00"},
	}
	for i, row := range got {
		if len(row) == 0 {
			got[i] = []string{}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, got, err := readAll(t, data, ReadOptions{Sheet: "Zweites"}); err != nil || len(got) != 1 || got[0][0] != "other" {
		t.Errorf("%q %v", got, err)
	}
	if _, _, err := readAll(t, data, ReadOptions{Sheet: "Drittes"}); !errorIsFile(err) || !strings.Contains(err.Error(), "it has Sheet1, Zweites") {
		t.Error(err)
	}
}

// A formula is worth what the spreadsheet has computed; it is never computed here.
func TestWorkbookFormula(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		set(t, f, "A1", "x", "")
		if err := f.SetCellFormula("Sheet1", "B1", `=HYPERLINK("http://evil.example/","click")`); err != nil {
			t.Fatal(err)
		}
	})
	_, got, err := readAll(t, data, ReadOptions{})
	if err != nil || len(got) != 1 || len(got[0]) != 2 || got[0][1] != "" {
		t.Errorf("%q %v", got, err)
	}
}

// zipped makes an archive of parts.
func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchives(t *testing.T) {
	small := workbook(t, func(f *excelize.File) { set(t, f, "A1", "x", "") })
	bomb := zipped(t, map[string]string{"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": strings.Repeat("0", 2<<20)})
	// The directory says that the part is small.
	liar := bytes.Clone(bomb)
	at := bytes.LastIndex(liar, []byte("xl/worksheets/sheet1.xml")) - 46
	binary.LittleEndian.PutUint32(liar[at+24:], 10)
	for name, data := range map[string][]byte{
		"bomb": bomb, "liar": liar, "no workbook": zipped(t, map[string]string{"a.csv": "a;b"}), "cut": small[:len(small)/2],
		"pictures":  zipped(t, map[string]string{"xl/workbook.xml": "", "xl/media/1.png": strings.Repeat("0", maxOther+1)}),
		"no sheets": zipped(t, map[string]string{"xl/workbook.xml": "<workbook/>", "[Content_Types].xml": "<Types/>"}),
	} {
		_, rows, err := readAll(t, data, ReadOptions{MaxUnpacked: 1 << 20})
		if name == "pictures" {
			_, rows, err = readAll(t, data, ReadOptions{})
		}
		if !errorIsFile(err) {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
			continue
		}
		t.Log(name, err)
	}
}

// Small archives whose XML would fill gigabytes once it is parsed.
func TestOverfullWorkbooks(t *testing.T) {
	const begin, row = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`, `<row r="1"><c r="A1"><v>1</v></c></row>`
	parts := func(name, text string) map[string]string {
		p := map[string]string{
			"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
			"_rels/.rels":                `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
			"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
			"xl/worksheets/sheet1.xml":   begin + row + "</sheetData></worksheet>",
		}
		if name != "" {
			p[name] = text
		}
		return p
	}
	if _, got, err := readAll(t, zipped(t, parts("", "")), ReadOptions{}); err != nil || len(got) != 1 || got[0][0] != "1" {
		t.Fatal(got, err)
	}
	for name, p := range map[string]map[string]string{
		"styles":                 parts("xl/styles.xml", "<styleSheet><cellXfs>"+strings.Repeat("<xf/>", maxElements+1)),
		"one row":                parts("xl/worksheets/sheet1.xml", begin+"<row>"+strings.Repeat("<c/>", maxUnitTags+1)),
		"one row, prefixes":      parts("xl/worksheets/sheet1.xml", begin+"<x:row>"+strings.Repeat("<x:c/>", maxUnitTags+1)),
		"hidden in comments":     parts("xl/worksheets/sheet1.xml", begin+"<row>"+strings.Repeat("<c/><!-- <row> -->", maxUnitTags+1)),
		"hidden in CDATA":        parts("xl/worksheets/sheet1.xml", begin+"<row>"+strings.Repeat("<c/><![CDATA[<row>]]>", maxUnitTags+1)),
		"hidden in instructions": parts("xl/worksheets/sheet1.xml", begin+"<row>"+strings.Repeat("<c/><?x <row>?>", maxUnitTags+1)),
		"document type":          parts("xl/worksheets/sheet1.xml", "<!DOCTYPE x>"+begin+row),
		"cells without a row":    parts("xl/worksheets/sheet1.xml", begin+"<row/>"+strings.Repeat("<c/>", maxElements+1)),
		"large row":              parts("xl/worksheets/sheet1.xml", begin+"<row>"+strings.Repeat("<c><v>"+strings.Repeat("1", 1<<16)+"</v></c>", 70)),
		"attributes":             parts("xl/worksheets/sheet1.xml", begin+"<row "+strings.Repeat(`a="" `, maxGap/5+1)+"/>"),
		"one text":               parts("xl/sharedStrings.xml", "<sst><si>"+strings.Repeat("<r/>", maxUnitTags+1)),
		"texts":                  parts("xl/sharedStrings.xml", "<sst>"+strings.Repeat("<si/>", maxTexts+1)),
		"rows among texts":       parts("xl/sharedStrings.xml", "<sst><row>"),
		"another part":           parts("xl/a.bin", strings.Repeat("<a/>", maxElements+1)),
	} {
		if _, _, err := readAll(t, zipped(t, p), ReadOptions{}); !errorIsFile(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The first sheet is the first that its author sees.
func TestHiddenSheet(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		set(t, f, "A1", "secret", "")
		_, err := f.NewSheet("List")
		if err = errors.Join(err, f.SetCellValue("List", "A1", "seen")); err != nil {
			t.Fatal(err)
		}
		f.SetActiveSheet(1)
		if err := f.SetSheetVisible("Sheet1", false); err != nil {
			t.Fatal(err)
		}
	})
	if meta, got, err := readAll(t, data, ReadOptions{}); err != nil || meta.Sheet != "List" || got[0][0] != "seen" {
		t.Error(meta, got, err)
	}
	if _, got, err := readAll(t, data, ReadOptions{Sheet: "Sheet1"}); err != nil || got[0][0] != "secret" {
		t.Error(got, err)
	}
}

// What a large workbook is unpacked to is gone after Close, and never is all in memory.
func TestLargeWorkbook(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a large workbook takes seconds")
	}
	const rows = largeRows
	dir := t.TempDir()
	data := workbook(t, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			err := w.SetRow(fmt.Sprintf("A%d", i+1), []any{fmt.Sprintf("Customer %d", i), 493000000000 + i, "some text", i, "K" + fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	start := time.Now()
	r, err := Open(bytes.NewReader(data), int64(len(data)), ReadOptions{TmpDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	n, most := 0, uint64(0)
	for ; ; n++ {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(493000000000 + n); row.Cells[1] != want {
			t.Fatalf("row %d: %q, want %s", row.Number, row.Cells, want)
		}
		if n%(rows/5) == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 || n != rows {
		t.Errorf("%d rows, left %v, %v", n, left, err)
	}
	t.Logf("%d rows, %d bytes, in %v, heap %d MiB", n, len(data), time.Since(start), most>>20)
}

func FuzzWorkbook(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Add(workbook(f, func(x *excelize.File) { set(f, x, "A1", "x", ""); set(f, x, "B2", 45000.5, "dd.mm.yyyy") }))
	f.Add(zipped(f, map[string]string{"xl/workbook.xml": "<workbook/>", "[Content_Types].xml": "<Types/>"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append([]byte("PK\x03\x04"), bytes.TrimPrefix(data, []byte("PK\x03\x04"))...)
		_, rows, err := readAll(t, data, ReadOptions{TmpDir: t.TempDir(), MaxUnpacked: 1 << 20})
		if err != nil && !errorIsFile(err) {
			t.Fatal(err)
		}
		if len(rows) > 1<<21 {
			t.Fatal(len(rows))
		}
	})
}

// FuzzSheetXML changes the part of a workbook that holds the cells: within an archive its
// checksum would keep most of the changes out.
func FuzzSheetXML(f *testing.F) {
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c><c r="C1" s="1"><v>45000</v></c></row><row r="9"/></sheetData></worksheet>`)
	f.Add(`<worksheet><sheetData><row r="-1"><c r="ZZZ1"><f>1+1</f><v>NaN</v></c></row></sheetData>`)
	f.Add(`<worksheet><sheetData><row><c t="s"><v>-5</v></c><c t="d"><v>x</v></c><c s="-1"><v>1e999</v></c></row>`)
	whole := workbook(f, func(x *excelize.File) { set(f, x, "A1", "x", "") })
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		f.Fatal(err)
	}
	parts := map[string]string{}
	for _, p := range z.File {
		r, err := p.Open()
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			f.Fatal(err)
		}
		parts[p.Name] = string(text)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		parts["xl/worksheets/sheet1.xml"] = xml
		_, _, err := readAll(t, zipped(t, parts), ReadOptions{TmpDir: t.TempDir(), MaxUnpacked: 1 << 20})
		if err != nil && !errorIsFile(err) {
			t.Fatal(err)
		}
	})
}
