package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// readAll reads a file; rows that cannot be read are given as "! problem".
func readAll(t testing.TB, data []byte, o ReadOptions) (Meta, [][]string, error) {
	t.Helper()
	r, err := Open(bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		return Meta{}, nil, err
	}
	defer r.Close()
	var out [][]string
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Meta(), out, nil
		}
		if err != nil {
			return r.Meta(), out, err
		}
		if row.Number != len(out)+1 {
			t.Fatalf("row %d has number %d", len(out)+1, row.Number)
		}
		if row.Problem != "" {
			if row.Cells != nil {
				t.Errorf("row %d has a problem and cells", row.Number)
			}
			row.Cells = []string{"! " + row.Problem}
		}
		out = append(out, row.Cells)
	}
}

func utf16Bytes(s string, big, mark bool) []byte {
	var out []byte
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name      string
		in        string
		enc, sep  string
		want      [][]string
		fileError string
	}{
		{name: "plain", in: "Name,Telefon\nMüller,030 1\n", enc: "utf-8", sep: ",", want: [][]string{{"Name", "Telefon"}, {"Müller", "030 1"}}},
		{name: "no line feed at the end", in: "a;b\n1;2", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"1", "2"}}},
		{name: "CR LF", in: "a;b\r\n1;2\r\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"1", "2"}}},
		{name: "CR", in: "a;b\r1;2\r", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"1", "2"}}},
		{name: "byte order mark", in: "\xef\xbb\xbfa\tb\n1\t2\n", enc: "utf-8", sep: "\t", want: [][]string{{"a", "b"}, {"1", "2"}}},
		{name: "UTF-16 LE", in: string(utf16Bytes("a|ü\n1|2\n", false, true)), enc: "utf-16le", sep: "|", want: [][]string{{"a", "ü"}, {"1", "2"}}},
		{name: "UTF-16 BE", in: string(utf16Bytes("a,ü\n1,2\n", true, true)), enc: "utf-16be", sep: ",", want: [][]string{{"a", "ü"}, {"1", "2"}}},
		{name: "UTF-16 LE without a mark", in: string(utf16Bytes("Name;Number\nAda;102\n", false, false)), enc: "utf-16le", sep: ";", want: [][]string{{"Name", "Number"}, {"Ada", "102"}}},
		{name: "Windows-1252", in: "Stra\xdfe;Preis\nM\xfcnster;1 \x80\n", enc: "windows-1252", sep: ";", want: [][]string{{"Straße", "Preis"}, {"Münster", "1 €"}}},
		{name: "sep line", in: "sep=;\r\na,b;c\r\n", enc: "utf-8", sep: ";", want: [][]string{{"a,b", "c"}}},
		{name: "SEP line, tab", in: "SEP=\t\na;b\tc\n", enc: "utf-8", sep: "\t", want: [][]string{{"a;b", "c"}}},
		{name: "quotes", in: "\"a;b\";\"say \"\"hi\"\"\"\n\"two\nlines\";x\n", enc: "utf-8", sep: ";", want: [][]string{{"a;b", `say "hi"`}, {"two\nlines", "x"}}},
		{name: "quote within a text", in: "a;b\n5\" pipe;1\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {`5" pipe`, "1"}}},
		{name: "empty lines count", in: "a;b\n\n1;2\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {""}, {"1", "2"}}},
		{name: "ragged", in: "a;b\n1\n1;2;3\n;\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"1"}, {"1", "2", "3"}, {"", ""}}},
		{name: "more commas than delimiters", in: "Name;Number\nMoss, Ada;1\nHopper, Grace, Dr.;2\n", enc: "utf-8", sep: ";", want: [][]string{{"Name", "Number"}, {"Moss, Ada", "1"}, {"Hopper, Grace, Dr.", "2"}}},
		{name: "one column", in: "102\n103\n", enc: "utf-8", sep: ",", want: [][]string{{"102"}, {"103"}}},
		{name: "quote not closed", in: "a;b\n\"x;1\ny;2\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"! " + tooLong}, {"y", "2"}}},
		{name: "quote closed too soon", in: "a;b\n\"x\"y;1\nz;2\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"! A quote stands in the middle of a text in quotes; write it twice."}, {"z", "2"}}},
		{name: "NUL", in: "a;b\nx\x00;1\n", enc: "utf-8", sep: ";", want: [][]string{{"a", "b"}, {"! Cell 1 holds a NUL character. Is this a text file?"}}},
		{name: "empty", in: "", fileError: "The file is empty."},
		{name: "blank", in: " \r\n\n", fileError: "There is nothing in the file."},
		{name: "old Excel", in: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", fileError: "Excel 97-2003"},
		{name: "PDF", in: "%PDF-1.7", fileError: "This is no table."},
		{name: "broken archive", in: "PK\x03\x04 and then nothing", fileError: "cannot be read as a workbook"},
	} {
		t.Run(c.name, func(t *testing.T) {
			meta, got, err := readAll(t, []byte(c.in), ReadOptions{})
			if c.fileError != "" {
				if e, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(e.Text, c.fileError) {
					t.Fatalf("error %v, want %q", err, c.fileError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if meta.Format != "csv" || meta.Encoding != c.enc || meta.Delimiter != c.sep {
				t.Errorf("%+v", meta)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	_, got, err := readAll(t, []byte("a,b;c\n"), ReadOptions{Delimiter: ";"})
	if err != nil || !slices.Equal(got[0], []string{"a,b", "c"}) {
		t.Errorf("%q %v", got, err)
	}
	_, got, err = readAll(t, []byte("\xc3\xa4\n"), ReadOptions{Encoding: "Windows-1252"})
	if err != nil || got[0][0] != "Ã¤" {
		t.Errorf("%q %v", got, err)
	}
	for _, o := range []ReadOptions{{Delimiter: ";;"}, {Delimiter: `"`}, {Delimiter: "\n"}, {Delimiter: "é"}, {Encoding: "ebcdic"}} {
		if _, _, err := readAll(t, []byte("a\n"), o); !errorIsFile(err) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func errorIsFile(err error) bool {
	_, ok := errors.AsType[*FileError](err)
	return ok
}

// A row that is wrong costs one line, however lines end, also where a read ends between CR and LF.
func TestCSVLinesAfterProblem(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		for pad := range 3 {
			first := strings.Repeat("x", 64<<10-len("\"a\"b")-1-pad) + end
			in := first + "\"a\"b" + end + "030;1" + end + "\"" + end
			_, got, err := readAll(t, []byte(in), ReadOptions{Delimiter: ";", Encoding: "utf-8"})
			if err != nil || len(got) != 4 || len(got[2]) != 2 || got[2][0] != "030" {
				t.Errorf("%q, %d: %d rows, %v", end, pad, len(got), err)
			}
		}
	}
}

// A row beyond the bounds is its own problem, and the rows after it have their numbers.
func TestCSVBounds(t *testing.T) {
	long := strings.Repeat("x", MaxCell+1)
	wide := strings.Repeat(";", MaxColumns)
	huge := strings.Repeat("y", 2*maxRecord)
	in := "a;b\n" + long + ";1\n" + wide + "\n" + huge + "\n\"" + huge + "\nlast;1\n"
	_, got, err := readAll(t, []byte(in), ReadOptions{Delimiter: ";"})
	if err != nil || len(got) != 6 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i, want := range []string{"a", "! Cell 1 is longer", "! The row has more than 1000", "! " + tooLong, "! " + tooLong, "last"} {
		if !strings.HasPrefix(got[i][0], want) {
			t.Errorf("row %d: %.60q, want %q", i+1, got[i][0], want)
		}
	}
}

// Pieces of the file end anywhere, in characters, in CR LF and in quotes too.
func TestCSVPieces(t *testing.T) {
	var b strings.Builder
	var want [][]string
	for i := range 9000 {
		cells := []string{fmt.Sprint(i), strings.Repeat("ä", i%17), `a "quote"`, "x\ny"}
		want = append(want, cells)
		fmt.Fprintf(&b, "%s;%s;\"a \"\"quote\"\"\";\"x\ny\"\r\n", cells[0], cells[1])
	}
	_, got, err := readAll(t, []byte(b.String()), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Nothing crashes or loops; what encoding/csv reads without a complaint is read the same here.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "sep=;\na;b", "\"x\ny\";\"\"\"\"\n", "\xff\xfea\x00,\x00", "\"open\n\"a\"b\n", "\r\r\n\n", "\x80\x81;\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		meta, rows, err := readAll(t, data, ReadOptions{})
		if err != nil {
			if !errorIsFile(err) {
				t.Fatal(err)
			}
			return
		}
		if len(rows) > len(data)+1 {
			t.Fatalf("%d rows of %d bytes", len(rows), len(data))
		}
		if meta.Format != "csv" || meta.Encoding != "utf-8" || bytes.ContainsAny(data, "\r\x00\ufeff") || bytes.HasPrefix(bytes.ToLower(data), []byte("sep=")) {
			return
		}
		theirs := csv.NewReader(bytes.NewReader(data))
		theirs.Comma, theirs.FieldsPerRecord = rune(meta.Delimiter[0]), -1
		want, err := theirs.ReadAll()
		if err != nil {
			return
		}
		for _, w := range want {
			for i := range w {
				w[i] = strings.TrimSpace(w[i])
			}
		}
		// It skips empty lines.
		ours := slices.DeleteFunc(rows, func(r []string) bool { return len(r) == 1 && r[0] == "" })
		want = slices.DeleteFunc(want, func(r []string) bool { return len(r) == 1 && r[0] == "" })
		if d := cmp.Diff(want, ours); d != "" && len(want)+len(ours) > 0 {
			t.Error(d)
		}
	})
}
