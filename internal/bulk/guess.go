package bulk

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dialwright/dialwright/internal/number"
)

// known are the names of columns, in English and German, of each field, as folded writes
// them; the surest first.
var known = []struct {
	field string
	names []string
}{
	{"second", []string{"second", "zielrufnummer", "zielnummer", "telefonnummer", "telefon", "phonenumber", "phone", "rufnummer", "telephone", "telefonnr", "telnr", "tel",
		"mobile", "mobil", "mobilnummer", "mobiltelefon", "handy", "handynummer", "cell", "cellphone", "mobilephone", "number", "nummer", "rufnr", "to", "destination", "ziel", "festnetz", "telefongeschaeftlich", "telefonprivat", "businessphone", "homephone", "workphone"}},
	{"first", []string{"first", "agent", "agentextension", "extension", "nebenstelle", "durchwahl", "from", "von", "mitarbeiter", "benutzertelefon", "apparat"}},
	{"account", []string{"account", "dialaccount"}},
	{"caller_number", []string{"callernumber", "callerid", "absendernummer", "absenderrufnummer", "anzeigenummer", "clip"}},
	{"caller_name", []string{"callername", "absendername", "anzeigename"}},
	{"not_before", []string{"notbefore", "callat", "callafter", "anrufab", "anrufzeit", "fruehestens", "wiedervorlage", "termin", "callback"}},
	{"not_after", []string{"notafter", "callbefore", "expires", "anrufbis", "spaetestens", "gueltigbis"}},
	{"priority", []string{"priority", "prio", "prioritaet"}},
	{"retry_max", []string{"retrymax", "retries", "maxretries", "wiederholungen", "versuche"}},
	{"retry_wait", []string{"retrywait", "retrytime", "wartezeit"}},
	{"wait_time", []string{"waittime", "ringtime", "klingelzeit", "klingeldauer"}},
	{"reference", []string{"reference", "referenz", "ref", "externalid", "customerid", "kundennummer", "kundennr", "kdnr", "aktenzeichen", "vorgangsnummer", "ticket", "id"}},
	{"key", []string{"idempotencykey", "key"}},
}

// folded writes a column's name without case, blanks and punctuation, and umlauts as two
// letters: "Telefon-Nr. (geschäftlich)" becomes "telefonnrgeschaeftlich".
func folded(name string) string {
	name = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss").Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// survey collects what a table looks like while its rows pass by.
type survey struct {
	table  Table
	filled []int // cells with something in them, by column, below the first row
	phones []int // those that look like a telephone number
}

// maxSamples is how many values are shown of a column, maxSample how long each may be.
const (
	maxSamples = 3
	maxSample  = 80
)

// row looks at a row that is not empty.
func (s *survey) row(cells []string) {
	s.table.Rows++
	for len(s.filled) < len(cells) {
		s.filled, s.phones = append(s.filled, 0), append(s.phones, 0)
		s.table.Columns = append(s.table.Columns, Column{Samples: []string{}})
	}
	if s.table.Rows == 1 {
		s.table.First = cells
		return
	}
	for i, c := range cells {
		if c == "" {
			continue
		}
		s.filled[i]++
		if isPhone(c) {
			s.phones[i]++
		}
		if col := &s.table.Columns[i]; len(col.Samples) < maxSamples {
			col.Samples = append(col.Samples, shorten(c, maxSample))
		}
	}
}

// isPhone reports whether a cell looks like a telephone number of the public network.
func isPhone(cell string) bool {
	n, problem := phone(cell)
	n = number.Compact(strings.ReplaceAll(n, "/", ""))
	return problem == "" && number.IsDialable(n) && len(n) >= 6 && len(n) <= 18
}

// done guesses what the columns mean.
func (s *survey) done() Table {
	t := &s.table
	t.Header = s.looksLikeHeader()
	taken := map[string]bool{}
	guess := func(i int, field string) {
		t.Columns[i].Guess, taken[field] = field, true
	}
	if t.Header {
		for _, k := range known { // a surer name wins over one that comes before it
			best := -1
			for i, name := range t.First {
				at := slices.Index(k.names, folded(name))
				if at >= 0 && t.Columns[i].Guess == "" && (best < 0 || at < slices.Index(k.names, folded(t.First[best]))) {
					best = i
				}
			}
			if best >= 0 {
				guess(best, k.field)
			}
		}
	}
	if !taken["second"] {
		best := -1
		for i := range t.Columns {
			mostly := s.phones[i]*10 >= s.filled[i]*8 && s.phones[i] > 0
			if !t.Header && i < len(t.First) && s.filled[i] == 0 && isPhone(t.First[i]) {
				mostly = true // a list of one row
			}
			if mostly && t.Columns[i].Guess == "" && (best < 0 || s.phones[i] > s.phones[best]) {
				best = i
			}
		}
		if best >= 0 {
			guess(best, "second")
		}
	}
	return *t
}

// looksLikeHeader reports whether the first row names the columns: it has no number in it,
// and a name that is known, or nothing of what stands in the rows below.
func (s *survey) looksLikeHeader() bool {
	named, filled := false, 0
	for i, c := range s.table.First {
		if c == "" {
			continue
		}
		filled++
		if isPhone(c) || strings.IndexFunc(c, func(r rune) bool { return !unicode.IsDigit(r) && !unicode.IsPunct(r) && !unicode.IsSpace(r) }) < 0 {
			return false
		}
		for _, k := range known {
			named = named || slices.Contains(k.names, folded(c))
		}
		named = named || s.phones[i] > 0 && s.phones[i]*10 >= s.filled[i]*8
	}
	return named && filled > 0
}

// warn adds what should be looked at before the list is used.
func (s *survey) warn(text string) {
	if len(s.table.Warnings) < 20 {
		s.table.Warnings = append(s.table.Warnings, text)
	}
}

// duplicates gives the names that several columns have, each once.
func duplicates(names []string) []string {
	var out []string
	for i, n := range names {
		if n != "" && slices.Index(names, n) < i && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// shorten cuts s to about n characters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
