package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	File string `json:"file,omitempty"` // as given to Load, "" when no file is to blame
	Line int    `json:"line,omitempty"` // from 1, 0 when unknown
	Key  string `json:"key,omitempty"`  // "phones.101.password", "routes[2].trunk"
	Text string `json:"text"`           // what is wrong and what to do
}

// String gives "dialwright.toml:12: phones.101.password: is missing; …".
func (m Mistake) String() string {
	var b strings.Builder
	if m.File != "" {
		b.WriteString(m.File)
		if m.Line > 0 {
			fmt.Fprintf(&b, ":%d", m.Line)
		}
		b.WriteString(": ")
	}
	if m.Key != "" {
		b.WriteString(m.Key + ": ")
	}
	b.WriteString(m.Text)
	return b.String()
}

// Mistakes is the error of Load: all that is wrong, in the order of files and
// lines.
type Mistakes []Mistake

// Error gives one line per mistake.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders by file (in the order in which they were read), line and key.
func (ms Mistakes) sorted(files []string) Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Text, b.Text), // so that equal ones are neighbours
		)
	})
	return slices.CompactFunc(ms, func(a, b Mistake) bool { return a == b })
}

// nearest gives the word of known that was probably meant by word, or "".
func nearest(word string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		if d := distance(word, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or change between a and b
// (Levenshtein). Long words count as far apart without being looked at.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
