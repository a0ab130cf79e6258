package switchvox

import (
	"strconv"
	"time"
)

// Lengths bounds how many characters an extension has.
type Lengths struct{ Min, Max int }

// Info are the parameters of switchvox.extensions.getInfo.
type Info struct {
	Extensions []string // numbers: digits and *
	Accounts   []string // account_ids
}

// ParseInfo reads them. At least one of the lists is needed.
func ParseInfo(r Request, l Lengths) (Info, []Error) {
	x := &reader{p: r.Params}
	i := Info{Extensions: x.p.list("extensions", "extension"), Accounts: x.p.list("account_ids", "account_id")}
	if len(i.Extensions)+len(i.Accounts) == 0 {
		x.fail(errMissingList)
	}
	for _, e := range i.Extensions {
		x.extension(e, l)
	}
	x.accounts(i.Accounts)
	return i, x.errs
}

func (x *reader) extension(s string, l Lengths) {
	switch {
	case !only(s, "*"):
		x.fail(errExtension(s))
	case len(s) < l.Min || len(s) > l.Max:
		x.fail(errLength(s, l))
	}
}

func (x *reader) accounts(list []string) {
	for _, a := range list {
		if !digits(a) {
			x.fail(errAccount(a))
		}
	}
}

// ParseHangUp reads the parameter of switchvox.currentCalls.hangUp: the call's id.
func ParseHangUp(r Request) (string, []Error) {
	const name = "current_call_id"
	id := r.Params.text(name)
	if id == "" {
		return "", []Error{Missing(name)}
	}
	return id, nil
}

// Page says which part of a list is wanted.
type Page struct {
	Number  int // from 1
	PerPage int // entries
}

// Bounds of a page.
const (
	defaultPerPage = 50
	maxPerPage     = 1000
	maxPages       = 1_000_000
)

// Bounds gives which of so many entries are on the page, from inclusive, to exclusive.
func (p Page) Bounds(total int) (from, to int) {
	from = min((p.Number-1)*p.PerPage, total)
	return from, min(from+p.PerPage, total)
}

// Pages gives how many pages so many entries have; none have one.
func (p Page) Pages(total int) int { return max(1, (total+p.PerPage-1)/p.PerPage) }

// Attrs gives the attributes of a list that has pages.
func (p Page) Attrs(total int) []Attr {
	return []Attr{N("page_number", p.Number), N("items_per_page", p.PerPage), N("total_pages", p.Pages(total)), N("total_items", total)}
}

func (x *reader) page() Page {
	return Page{PerPage: x.count("items_per_page", defaultPerPage, maxPerPage), Number: x.count("page_number", 1, maxPages)}
}

// count reads a number from 1 on. What is beyond the bound is the bound.
func (x *reader) count(name string, normal, most int) int {
	s := x.p.text(name)
	if s == "" {
		return normal
	}
	n, err := strconv.Atoi(s)
	if !digits(s) || n < 1 && err == nil {
		x.fail(errParameter(name))
		return normal
	}
	if err != nil { // more digits than a number has
		return most
	}
	return min(n, most)
}

// Search are the parameters of switchvox.extensions.search. What is zero does not restrict.
type Search struct {
	Min, Max     string // extensions, by their number
	Types        []string
	Since, Until time.Time // when they were created
	Sort         string    // "number", "display", "first_name", "last_name", "type", "date_created", "account_id"
	Descending   bool
	Page         Page
}

// Sorts are what extensions can be sorted by; "extension" is another word for "number".
func Sorts() []string {
	return []string{"number", "extension", "display", "first_name", "last_name", "type", "date_created", "account_id"}
}

// ParseSearch reads them. Times without a zone are of the zone in.
func ParseSearch(r Request, l Lengths, in *time.Location) (Search, []Error) {
	x := &reader{p: r.Params}
	s := Search{Min: x.p.text("min_extension"), Max: x.p.text("max_extension")}
	for _, e := range []string{s.Min, s.Max} {
		if e != "" {
			x.extension(e, l)
		}
	}
	s.Types = x.p.list("extension_types", "extension_type")
	s.Since, s.Until = x.time("min_create_date", in, false), x.time("max_create_date", in, true)
	s.Sort = x.oneOf("sort_field", "number", Sorts()...)
	if s.Sort == "extension" {
		s.Sort = "number"
	}
	s.Descending = x.order(false)
	s.Page = x.page()
	return s, x.errs
}

// order reads sort_order.
func (x *reader) order(normal bool) (descending bool) {
	switch x.oneOf("sort_order", "", "ASC", "asc", "DESC", "desc") {
	case "ASC", "asc":
		return false
	case "DESC", "desc":
		return true
	}
	return normal
}

func (x *reader) oneOf(name, normal string, all ...string) string {
	s := x.p.text(name)
	if s == "" {
		return normal
	}
	for _, a := range all {
		if a == s {
			return s
		}
	}
	x.fail(errParameter(name))
	return normal
}

// TimeLayout is how times are written: without a zone (spec: switchvox 9.2).
const TimeLayout = "2006-01-02 15:04:05"

// time reads a day or a time. end: a day is meant up to its end.
func (x *reader) time(name string, in *time.Location, end bool) time.Time {
	s := x.p.text(name)
	if s == "" {
		return time.Time{}
	}
	if at, err := time.ParseInLocation(TimeLayout, s, in); err == nil {
		return at
	}
	at, err := time.ParseInLocation(time.DateOnly, s, in)
	if err != nil {
		x.fail(errParameter(name))
		return time.Time{}
	}
	if end {
		return at.AddDate(0, 0, 1).Add(-time.Second)
	}
	return at
}

// Logs are the parameters of switchvox.callLogs.search.
type Logs struct {
	Since, Until time.Time // zero = from the first on, up to now
	Accounts     []string  // account_ids, empty = all
	Ascending    bool      // oldest first
	Page         Page
}

// ParseLogs reads them. Times without a zone are of the zone in.
func ParseLogs(r Request, in *time.Location) (Logs, []Error) {
	x := &reader{p: r.Params}
	l := Logs{Since: x.time("start_date", in, false), Until: x.time("end_date", in, true), Accounts: x.p.list("account_ids", "account_id")}
	x.accounts(l.Accounts)
	l.Ascending = !x.order(true)
	l.Page = x.page()
	return l, x.errs
}
