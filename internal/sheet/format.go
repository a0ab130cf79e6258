package sheet

import (
	"fmt"
	"strings"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	// CSV is RFC 4180: commas, CRLF, quotes where needed, UTF-8. Times are RFC 3339 in UTC.
	// A text that a spreadsheet would take for a formula begins with an apostrophe.
	CSV Format = "csv"
	// XLSX is a workbook with one sheet (ECMA-376). Times are dates in UTC, texts are texts
	// whatever they begin with. A text is cut after 32,767 characters, and there are at most
	// 1,048,575 rows below the header, as the programs have it.
	XLSX Format = "xlsx"
	// JSONL is one JSON object in each line, with the columns' names in their order.
	JSONL Format = "jsonl"
)

// ParseFormat reads the name of a format, in any case. The error names those that there are.
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case CSV, XLSX, JSONL:
		return f, nil
	}
	return "", fmt.Errorf("there is no format %q; there are csv, xlsx and jsonl", s)
}

// ContentType gives the media type, with the encoding where it needs one.
func (f Format) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8; header=present" // RFC 4180 §3
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	default:
		return "application/jsonl; charset=utf-8"
	}
}
