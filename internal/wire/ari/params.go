package ari

import (
	"net/url"
	"time"
)

// Params are the parameters of one operation, gathered from a JSON body, the query
// string and a form, in this order of precedence (spec: ari 2.3). The zero value
// has none.
type Params struct {
	Query url.Values     // the last occurrence of a name counts
	Form  url.Values     // body of application/x-www-form-urlencoded
	Body  map[string]any // body of application/json, decoded with UseNumber; nil = none
}

// NameValue is one variable of a request, in the order of the body. ReportEvents
// asks that it be shown in every later event of its channel (spec: ari 8.1 rule 3).
type NameValue struct {
	Name, Value  string
	ReportEvents bool
}

// Has says whether a parameter was given, even if empty.
func (p *Params) Has(name string) bool { _, ok := p.Lookup(name); return ok }

// String gives a parameter, "" if it was not given.
func (p *Params) String(name string) string { s, _ := p.Lookup(name); return s }

// Lookup gives a parameter as text; numbers and booleans of a JSON body count as
// their text (spec: ari 2.3 rule 4).
func (p *Params) Lookup(name string) (string, bool) { panic("TODO wire") }

// List gives a list parameter: comma separated in a query or form, a string or an
// array in a body (spec: ari 2.3 rule 3). Empty elements are left out.
func (p *Params) List(name string) []string { panic("TODO wire") }

// Int gives a number, def if it was not given; text that is no number counts as 0,
// as in Asterisk.
func (p *Params) Int(name string, def int) int { panic("TODO wire") }

// Milliseconds and Seconds give a number as a duration.
func (p *Params) Milliseconds(name string, def int) time.Duration {
	return time.Duration(p.Int(name, def)) * time.Millisecond
}

// Seconds gives a number of seconds as a duration.
func (p *Params) Seconds(name string, def int) time.Duration {
	return time.Duration(p.Int(name, def)) * time.Second
}

// Bool gives a flag: yes, true, y, t, 1, on (spec: ari 2.3 rule 4).
func (p *Params) Bool(name string) bool { panic("TODO wire") }

// Variables gives the container "variables" of the body in a stable order. A value that
// is neither text, number, boolean nor an object {value, report_events} is a 400 *Error.
func (p *Params) Variables() ([]NameValue, error) { panic("TODO wire") }
