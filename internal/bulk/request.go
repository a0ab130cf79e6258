package bulk

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// maker makes requests of rows. The same plan makes the same request of a row at any time: by
// that a repeat is recognised.
type maker struct {
	id    string // of the import
	plan  *Plan
	zone  *time.Location
	width int // cells that a row may have; 0 = any
	vars  []string
}

func newMaker(i *Import, p *Plan, zone *time.Location) *maker {
	m := &maker{id: i.ID, plan: p, zone: zone}
	if p.Header {
		m.width = len(i.Table.First)
	}
	for name := range p.Mapping.all() {
		if v, ok := strings.CutPrefix(name, variablePrefix); ok {
			m.vars = append(m.vars, v)
		}
	}
	return m
}

// keyOf is the idempotency key of a row.
func keyOf(id string, row int) string { return "import-" + id + "#" + strconv.Itoa(row) }

// request makes the request of a row, or says why there is none.
func (m *maker) request(r *row) (call.Request, *originate.Refusal) {
	if r.Problem != "" {
		return call.Request{}, refused("", r.Problem)
	}
	if m.width > 0 && len(r.Cells) > m.width {
		return call.Request{}, refused("", fmt.Sprintf("The row has %d cells, the header %d: a delimiter too many has shifted them. Put quotes around the cell that holds it.", len(r.Cells), m.width))
	}
	p := &m.plan.Mapping
	get := func(s *Source) string {
		switch {
		case s == nil:
			return ""
		case s.Column == nil:
			return s.Value
		case *s.Column < len(r.Cells):
			return r.Cells[*s.Column]
		}
		return ""
	}
	q := call.Request{
		Key:     get(p.Key),
		Account: call.AccountID(get(p.Account)),
		Batch:   m.plan.Batch,
		Then:    call.Then{Kind: call.ThenConnect},
		Origin:  call.Origin{Door: m.plan.By.Door, Principal: m.plan.By.Principal, Remote: m.plan.By.Remote, Reference: get(p.Reference)},
	}
	if q.Key == "" {
		q.Key = keyOf(m.id, r.Number)
	}
	switch {
	case q.Account == "":
		q.Account = m.plan.By.Own
	case q.Account != m.plan.By.Own && !m.plan.By.All:
		return q, &originate.Refusal{Code: originate.RefusedAccount, Field: "account", Text: fmt.Sprintf("%s may not act for the account %.80q.", m.plan.By.Principal, q.Account)}
	}
	var first, second string
	f := filler{get: get}
	f.phone("first", p.First, &first)
	f.phone("second", p.Second, &second)
	f.phone("caller_number", p.CallerNumber, &q.CallerID.Number)
	q.CallerID.Name = get(p.CallerName)
	f.into("not_before", p.NotBefore, func(s string) (problem string) { q.NotBefore, problem = moment(s, m.zone, false); return })
	f.into("not_after", p.NotAfter, func(s string) (problem string) { q.NotAfter, problem = moment(s, m.zone, true); return })
	f.into("wait_time", p.WaitTime, func(s string) (problem string) { q.WaitTime, problem = seconds(s); return })
	f.into("retry_wait", p.RetryWait, func(s string) (problem string) { q.Retry.Wait, problem = seconds(s); return })
	f.into("retry_max", p.RetryMax, func(s string) (problem string) { q.Retry.Max, problem = whole(s); return })
	f.into("priority", p.Priority, func(s string) (problem string) { q.Priority, problem = whole(s); return })
	q.First, q.Then.Second = call.Endpoint(first), call.Endpoint(second)
	for _, name := range m.vars {
		s := p.Variables[name]
		q.Variables = append(q.Variables, call.Variable{Name: name, Value: get(&s)})
	}
	switch {
	case f.refusal != nil:
		return q, f.refusal
	case second == "":
		return q, refused("second", "The row has no number to call.")
	case first == "":
		return q, refused("first", "The row does not say who is rung first.")
	}
	return q, nil
}

// refused says that a row itself is wrong.
func refused(field, text string) *originate.Refusal {
	return &originate.Refusal{Code: originate.RefusedInvalid, Field: field, Text: text}
}

// filler reads fields until one cannot be read.
type filler struct {
	get     func(*Source) string
	refusal *originate.Refusal
}

// into reads a field that is not empty.
func (f *filler) into(field string, s *Source, read func(string) (problem string)) {
	text := f.get(s)
	if text == "" || f.refusal != nil {
		return
	}
	if problem := read(text); problem != "" {
		f.refusal = refused(field, problem)
	}
}

func (f *filler) phone(field string, s *Source, into *string) {
	f.into(field, s, func(text string) (problem string) {
		*into, problem = phone(text)
		return problem
	})
}
