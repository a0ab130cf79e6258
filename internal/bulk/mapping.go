package bulk

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Source is where a value comes from: a column, or the same text for all rows.
type Source struct {
	Column *int   `json:"column,omitempty" minimum:"0" maximum:"999" doc:"Number of a column, from 0"`
	Value  string `json:"value,omitempty" maxLength:"8192" doc:"The same for all rows"`
}

// Mapping says where the parts of each call come from. Second, and First unless the second
// party is all that is rung, are needed.
type Mapping struct {
	First        *Source           `json:"first,omitempty" doc:"Who is rung first"`
	Second       *Source           `json:"second,omitempty" doc:"Who is then dialled and connected"`
	Account      *Source           `json:"account,omitempty" doc:"On whose behalf; absent = that of who submits"`
	CallerName   *Source           `json:"caller_name,omitempty"`
	CallerNumber *Source           `json:"caller_number,omitempty"`
	NotBefore    *Source           `json:"not_before,omitempty" doc:"A time: 2026-12-24T18:00:00Z, or 2026-12-24 18:00 or 24.12.2026 18:00 in the server's time zone"`
	NotAfter     *Source           `json:"not_after,omitempty" doc:"As not_before; a day alone means its end"`
	Priority     *Source           `json:"priority,omitempty" doc:"A whole number; lower goes first"`
	RetryMax     *Source           `json:"retry_max,omitempty" doc:"Further attempts after the first"`
	RetryWait    *Source           `json:"retry_wait,omitempty" doc:"Seconds, or 5m"`
	WaitTime     *Source           `json:"wait_time,omitempty" doc:"How long the first party may ring: seconds, or 1m"`
	Reference    *Source           `json:"reference,omitempty" doc:"Your own reference, shown in events and records"`
	Key          *Source           `json:"key,omitempty" doc:"Idempotency key; absent = one made of the import and the row"`
	Variables    map[string]Source `json:"variables,omitempty" doc:"Channel variables by their names"`
}

// maxMapped bounds the variables of a mapping.
const maxMapped = 100

// place finds a field's source by its name, nil if there is no such field.
func (m *Mapping) place(field string) **Source {
	for name, p := range m.places() {
		if name == field {
			return p
		}
	}
	return nil
}

// places gives the fields but variables, in the order in which they are shown.
func (m *Mapping) places() iter.Seq2[string, **Source] {
	return func(yield func(string, **Source) bool) {
		for _, f := range [...]struct {
			name string
			p    **Source
		}{
			{"first", &m.First}, {"second", &m.Second}, {"account", &m.Account}, {"caller_name", &m.CallerName}, {"caller_number", &m.CallerNumber},
			{"not_before", &m.NotBefore}, {"not_after", &m.NotAfter}, {"priority", &m.Priority}, {"retry_max", &m.RetryMax},
			{"retry_wait", &m.RetryWait}, {"wait_time", &m.WaitTime}, {"reference", &m.Reference}, {"key", &m.Key},
		} {
			if !yield(f.name, f.p) {
				return
			}
		}
	}
}

// variablePrefix begins the names of fields that are variables: "variables.CUSTOMER".
const variablePrefix = "variables."

// Fields lists what a mapping can say, but variables.
func Fields() []string {
	var out []string
	for name := range new(Mapping).places() {
		out = append(out, name)
	}
	return out
}

// Set puts a source in the place of a field: "second", "variables.CUSTOMER". The error is an
// *Invalid that lists the fields.
func (m *Mapping) Set(field string, s Source) error {
	if name, ok := strings.CutPrefix(field, variablePrefix); ok && name != "" {
		if m.Variables == nil {
			m.Variables = map[string]Source{}
		}
		m.Variables[name] = s
		return nil
	}
	p := m.place(field)
	if p == nil {
		return &Invalid{Field: field, Text: fmt.Sprintf("There is no field %.80q; there are %s and %sNAME.", field, strings.Join(Fields(), ", "), variablePrefix)}
	}
	*p = &s
	return nil
}

// all gives every field that has a source, variables last, by their names.
func (m *Mapping) all() iter.Seq2[string, Source] {
	return func(yield func(string, Source) bool) {
		for name, p := range m.places() {
			if *p != nil && !yield(name, **p) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m.Variables)) {
			if !yield(variablePrefix+name, m.Variables[name]) {
				return
			}
		}
	}
}

// check refuses a mapping that cannot be used with a table.
func (m *Mapping) check(t *Table) error {
	for name, s := range m.all() {
		switch {
		case s.Column != nil && s.Value != "":
			return &Invalid{Field: "mapping." + name, Text: "Give a column or a value, not both."}
		case s.Column != nil && (*s.Column < 0 || *s.Column >= len(t.Columns)):
			return &Invalid{Field: "mapping." + name + ".column", Text: fmt.Sprintf("There is no column %d: the list has %d, numbered from 0.", *s.Column, len(t.Columns))}
		case s.Column == nil && s.Value == "" && (name == "first" || name == "second"):
			return &Invalid{Field: "mapping." + name, Text: "Give a column or a value."}
		}
	}
	switch {
	case m.Second == nil:
		return &Invalid{Field: "mapping.second", Text: "Say which column holds the numbers that are called."}
	case m.First == nil:
		return &Invalid{Field: "mapping.first", Text: "Say who is rung first: a value for all rows, such as 101, or a column."}
	case len(m.Variables) > maxMapped:
		return &Invalid{Field: "mapping.variables", Text: fmt.Sprintf("At most %d variables are taken.", maxMapped)}
	}
	return nil
}

// Guess gives the mapping that the columns look like.
func (t *Table) Guess() Mapping {
	var m Mapping
	for i, c := range t.Columns {
		if p := m.place(c.Guess); p != nil {
			*p = &Source{Column: new(i)}
		}
	}
	return m
}
