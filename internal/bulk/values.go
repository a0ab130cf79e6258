package bulk

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	scientific = regexp.MustCompile(`^([0-9])[.,]?([0-9]*)[eE]\+?([0-9]{1,3})$`)
	decimal    = regexp.MustCompile(`^(\+?[0-9]{3,})[.,]0{1,2}$`)
	asFormula  = regexp.MustCompile(`^="([^"]*)"$`)
)

// phone gives the number that a cell holds, without what spreadsheets do to numbers: the
// apostrophe or the formula that keeps a leading zero ('030…, ="030…"), the decimals of a number
// (4930123456.0), and its form with an exponent as long as no digit is lost. What has lost
// digits is a problem: it would dial somebody else.
func phone(cell string) (n, problem string) {
	n = strings.TrimSpace(cell)
	if m := asFormula.FindStringSubmatch(n); m != nil {
		n = strings.TrimSpace(m[1])
	}
	if rest, ok := strings.CutPrefix(n, "'"); ok {
		n = strings.TrimSpace(rest)
	}
	if m := decimal.FindStringSubmatch(n); m != nil {
		return m[1], ""
	}
	m := scientific.FindStringSubmatch(n)
	if m == nil {
		return n, ""
	}
	exp, _ := strconv.Atoi(m[3]) // at most three digits
	decimals := strings.TrimRight(m[2], "0")
	if kept := len(m[2]); exp < 5 || len(decimals) > exp || kept < exp {
		return "", fmt.Sprintf("A spreadsheet has rounded the number to %s, and its digits are lost. Format the column as text there, enter the numbers again, and save the list.", shorten(n, 40))
	}
	return m[1] + m[2][:exp], ""
}

// layouts are how times are written, all in the server's time zone.
var layouts = []string{
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006, 15:04",
}

// moment reads a time. A day alone means its begin, or its end. Days with slashes are
// refused: half of the world puts the month first.
func moment(cell string, zone *time.Location, end bool) (time.Time, string) {
	if t, err := time.Parse(time.RFC3339, cell); err == nil {
		return t.UTC(), ""
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l, cell, zone)
		if err == nil && end && l == layouts[0] && strings.HasSuffix(cell, "T00:00:00") { // a day of a workbook
			t = t.AddDate(0, 0, 1)
		}
		if err == nil {
			return t.UTC(), ""
		}
	}
	for _, l := range []string{"2006-01-02", "2.1.2006"} {
		t, err := time.ParseInLocation(l, cell, zone)
		if err == nil && end {
			t = t.AddDate(0, 0, 1)
		}
		if err == nil {
			return t.UTC(), ""
		}
	}
	return time.Time{}, fmt.Sprintf("%.40q is no time. Write it as 2026-12-24 18:00 or 24.12.2026 18:00.", cell)
}

// seconds reads a length of time: a number of seconds, or 30s, 5m, 2h.
func seconds(cell string) (time.Duration, string) {
	const most = 366 * 24 * time.Hour
	if n, err := strconv.ParseFloat(cell, 64); err == nil && n >= 0 && n <= most.Seconds() {
		return time.Duration(n * float64(time.Second)), ""
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(cell, " ", "")); err == nil && d >= 0 && d <= most {
		return d, ""
	}
	return 0, fmt.Sprintf("%.40q is no length of time. Write seconds, or 30s, 5m, 2h.", cell)
}

// whole reads a whole number, "3" or "3.0".
func whole(cell string) (int, string) {
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil || n != float64(int32(n)) {
		return 0, fmt.Sprintf("%.40q is no whole number.", cell)
	}
	return int(n), ""
}
