package ari

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Params are the parameters of one operation, gathered from a JSON body, the query
// string and a form, in this order of precedence (spec: ari 2.3). The zero value
// has none. SetBody and ReadBody fill Body or Form.
type Params struct {
	Query url.Values     // the last occurrence of a name counts
	Form  url.Values     // body of application/x-www-form-urlencoded
	Body  map[string]any // body of application/json, decoded with UseNumber; nil = none

	raw map[string]json.RawMessage // the members of Body as they came; nil if Body was set by hand
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
// their text (spec: ari 2.3 rule 4). A null, a list or an object counts as not
// given.
func (p *Params) Lookup(name string) (string, bool) {
	if s, ok := scalar(p.Body[name]); ok {
		return s, true
	}
	for _, from := range []url.Values{p.Query, p.Form} {
		if v := from[name]; len(v) > 0 {
			return v[len(v)-1], true
		}
	}
	return "", false
}

// scalar gives the text of a JSON value that is neither null nor made of others.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// List gives a list parameter: comma separated in a query or form, where quotes,
// backslashes and parentheses protect a comma as they do in application arguments;
// a string or an array in a body, whose texts are not split (spec: ari 2.3 rule 3).
// Empty elements are left out.
func (p *Params) List(name string) []string {
	var list []string
	if all, ok := p.Body[name].([]any); ok {
		for _, v := range all {
			s, _ := scalar(v)
			list = append(list, s)
		}
	} else if s, ok := scalar(p.Body[name]); ok {
		list = append(list, s)
	} else {
		list = SplitArgs(p.String(name))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// Int gives a number, def if it was not given. Digits at the start of the text
// count, text without any is 0, as atoi reads it in Asterisk; what does not fit into
// 32 bits becomes the nearest that does. Of a JSON number the fraction is cut off.
func (p *Params) Int(name string, def int) int {
	s, ok := p.Lookup(name)
	if !ok {
		return def
	}
	if _, number := p.Body[name].(json.Number); number {
		f, _ := strconv.ParseFloat(s, 64) // out of range: an infinity, which clamp takes
		return int(clamp(f))
	}
	return leadingInt(s)
}

// leadingInt reads the number that s begins with, as atoi does.
func leadingInt(s string) int {
	s = strings.TrimLeft(s, " \t\r\n\v\f")
	digits := 0
	if digits < len(s) && (s[digits] == '-' || s[digits] == '+') {
		digits++
	}
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	f, _ := strconv.ParseFloat(s[:digits], 64) // "" and "-": 0
	return int(clamp(f))
}

func clamp(f float64) float64 { return min(max(f, math.MinInt32), math.MaxInt32) }

// Milliseconds gives a number of milliseconds as a duration.
func (p *Params) Milliseconds(name string, def int) time.Duration {
	return time.Duration(p.Int(name, def)) * time.Millisecond
}

// Seconds gives a number of seconds as a duration.
func (p *Params) Seconds(name string, def int) time.Duration {
	return time.Duration(p.Int(name, def)) * time.Second
}

// Bool gives a flag: yes, true, y, t, 1, on in any case (spec: ari 2.3 rule 4).
func (p *Params) Bool(name string) bool { return truth(p.String(name)) }

// truth reads a flag. Asterisk: main/utils.c ast_true.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// Raw gives a member of the JSON body as it came, for objects that are passed on
// (the userevent of a user event, a filter); nil if there is none or it is null.
func (p *Params) Raw(name string) json.RawMessage {
	v, ok := p.Body[name]
	if !ok || v == nil {
		return nil
	}
	if raw, ok := p.raw[name]; ok {
		return raw
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // not made by a decoder
	}
	return raw
}

// errVariables and the two below are Asterisk's refusals of a container "variables"
// (observed: Asterisk 22.10, vectors 18).
var (
	errVariables     = &Error{Status: http.StatusBadRequest, Message: "Field 'variables' must be an object"}
	errVariableValue = &Error{Status: http.StatusBadRequest,
		Message: "Each value in 'variables' must be a string or an object with 'value' and optional 'report_events'"}
	errVariableObject = &Error{Status: http.StatusBadRequest,
		Message: "Each object value in 'variables' must include string field 'value'"}
)

// Variables gives the container "variables" of the body in the order in which it was
// written; of a name written twice the last value counts, at the first place. A value
// that is neither a string nor an object {value, report_events} is a 400 *Error, and
// so is a number: here Asterisk refuses, other than for parameters (spec: ari 2.3
// rule 5).
func (p *Params) Variables() ([]NameValue, error) {
	raw := p.Raw("variables")
	if raw == nil {
		return nil, nil
	}
	members, ok := objectMembers(raw)
	if !ok {
		return nil, errVariables
	}
	list := make([]NameValue, 0, len(members))
	for _, m := range members {
		v, err := variable(m)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(old NameValue) bool { return old.Name == v.Name }); i >= 0 {
			list[i] = v
			continue
		}
		list = append(list, v)
	}
	return list, nil
}

// variable reads one member of "variables".
func variable(m member) (NameValue, error) {
	switch v := m.value.(type) {
	case string:
		return NameValue{Name: m.name, Value: v}, nil
	case map[string]any:
		value, ok := v["value"].(string)
		if !ok {
			return NameValue{}, errVariableObject
		}
		report, _ := scalar(v["report_events"])
		return NameValue{Name: m.name, Value: value, ReportEvents: truth(report)}, nil
	}
	return NameValue{}, errVariableValue
}

// Fields gives the container "fields" of updateObject, in order: what it says in
// {"fields": [{"attribute": "a", "value": "b"}]}. Entries of another shape are a 400
// *Error.
func (p *Params) Fields() ([]ConfigTuple, error) {
	raw := p.Raw("fields")
	if raw == nil {
		return nil, nil
	}
	var list []ConfigTuple
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, Errorf(http.StatusBadRequest, "Field 'fields' must be an array of objects with strings 'attribute' and 'value'")
	}
	for _, f := range list {
		if f.Attribute == "" {
			return nil, Errorf(http.StatusBadRequest, "Each object in 'fields' must include string field 'attribute'")
		}
	}
	return list, nil
}
