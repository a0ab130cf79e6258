package ami

import (
	"bytes"
	"regexp"
	"strings"
)

// What is wrong with a filter. The texts are those of the answer (spec: ami 5.3).
const (
	ErrFilterSyntax = Refusal("Filter did not compile.  Check the syntax of the filter given.")
	ErrFilterFormat = Refusal("Filter was formatted incorrectly.  Check the syntax of the filter given.")
)

// Filter is one rule that lets events through or holds them back (spec: ami 5.3). It is
// made by ParseFilter and does not change; the zero value lets everything through.
type Filter struct {
	Exclude bool
	Name    string // of the event, "" = every
	Header  string // whose values are looked at, "" = the whole text of the event
	Method  Method
	Pattern string // without the "!" of one that excludes

	regex *regexp.Regexp // of Regex
}

// Method is how a pattern is compared.
type Method int

// The methods; their names in criteria are none, regex, exact, starts_with, ends_with and
// contains.
const (
	NoMethod Method = iota // there is no pattern
	Regex                  // POSIX extended regular expression, found anywhere
	Exact
	StartsWith
	EndsWith
	Contains
)

// ParseFilter makes a filter of its criteria, "action(exclude),name(Newexten)" without
// outer parentheses, and its pattern. With empty criteria it is of the legacy kind: a
// regular expression for the whole event. Errors: ErrFilterSyntax, ErrFilterFormat.
func ParseFilter(criteria, pattern string) (Filter, error) {
	f := Filter{Method: Regex}
	pattern, f.Exclude = strings.CutPrefix(pattern, "!")
	f.Pattern = pattern
	if strings.TrimSpace(criteria) != "" {
		f.Method = NoMethod
		if err := f.criteria(criteria); err != nil {
			return Filter{}, err
		}
	}
	if (pattern == "") != (f.Method == NoMethod) || f.Method == NoMethod && f.Name == "" && f.Header == "" {
		return Filter{}, ErrFilterFormat
	}
	if f.Method == Regex {
		var err error
		if f.regex, err = compilePOSIX(pattern); err != nil {
			return Filter{}, ErrFilterSyntax
		}
	}
	return f, nil
}

// ParseFilterLine makes a filter of a line of manager.conf: key is "eventfilter" or
// "eventfilter(criteria)". Errors are those of ParseFilter.
func ParseFilterLine(key, pattern string) (Filter, error) {
	_, criteria, ok := strings.Cut(strings.TrimSpace(key), "(")
	if !ok {
		return ParseFilter("", pattern)
	}
	criteria, ok = strings.CutSuffix(criteria, ")")
	if !ok || strings.TrimSpace(criteria) == "" {
		return Filter{}, ErrFilterFormat
	}
	return ParseFilter(criteria, pattern)
}

// criteria reads the list of criteria, each at most once.
func (f *Filter) criteria(list string) error {
	seen := map[string]bool{}
	for c := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(c), "(")
		value, closed := strings.CutSuffix(value, ")")
		if value = strings.TrimSpace(value); !ok || !closed || value == "" || seen[key] || !f.criterion(key, value) {
			return ErrFilterFormat
		}
		seen[key] = true
	}
	return nil
}

func (f *Filter) criterion(key, value string) bool {
	switch key {
	case "action":
		f.Exclude = value == "exclude" // beats the "!" of the pattern
		return value == "include" || value == "exclude"
	case "name":
		f.Name = value
	case "header":
		f.Header = strings.TrimSuffix(value, ":")
		return f.Header != ""
	case "method":
		m, ok := methodOf(value)
		f.Method = m
		return ok
	default:
		return false
	}
	return true
}

func methodOf(name string) (Method, bool) {
	for i, n := range [...]string{"none", "regex", "exact", "starts_with", "ends_with", "contains"} {
		if n == name {
			return Method(i), true
		}
	}
	return NoMethod, false
}

// Match says whether an event fits. text is the whole event as it is written, with CRLF;
// its empty line does not count.
func (f *Filter) Match(name string, text []byte) bool {
	text = bytes.TrimSuffix(text, []byte("\r\n\r\n"))
	switch {
	case f.Name != "" && f.Name != name:
		return false
	case f.Header == "":
		return f.fits(text)
	}
	for line := range bytes.SplitSeq(text, []byte("\r\n")) {
		if len(line) <= len(f.Header) || line[len(f.Header)] != ':' || string(line[:len(f.Header)]) != f.Header {
			continue
		}
		if value := bytes.TrimLeft(line[len(f.Header)+1:], " \t"); len(value) > 0 && f.fits(value) {
			return true
		}
	}
	return false
}

// fits compares the pattern.
func (f *Filter) fits(text []byte) bool {
	switch f.Method {
	case Regex:
		return f.regex != nil && f.regex.Match(text)
	case Exact:
		return string(text) == f.Pattern
	case StartsWith:
		return len(text) >= len(f.Pattern) && string(text[:len(f.Pattern)]) == f.Pattern
	case EndsWith:
		return len(text) >= len(f.Pattern) && string(text[len(text)-len(f.Pattern):]) == f.Pattern
	case Contains:
		return bytes.Contains(text, []byte(f.Pattern))
	}
	return true
}

// Pass says whether an event is sent, by all filters of some lists together: some filter
// that includes must fit, if there is any, and none that excludes (spec: ami 5.3).
func Pass(name string, text []byte, lists ...[]Filter) bool {
	includes, included := false, false
	for _, filters := range lists {
		for i := range filters {
			f := &filters[i]
			switch {
			case f.Exclude:
				if f.Match(name, text) {
					return false
				}
			case !included:
				includes = true
				included = f.Match(name, text)
			}
		}
	}
	return included || !includes
}
