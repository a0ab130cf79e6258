package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/sheet"
)

// page is how many rows are read from the store at a time.
const page = 500

// resultColumns follow the list's own.
var resultColumns = []string{
	"row", "call", "first", "second", "state", "disposition", "outcome", "cause", "attempts", "created_at", "connected_at", "ended_at", "reference",
}

// Results writes the calls of a batch with what became of each, a row for a call: first what an
// import submitted, in the order of its rows and with the list's own columns, then the others. What
// follows an error is not to be taken for the whole. Lists that by may not see are left out: a name
// of a batch whose calls are no longer kept may be anybody's. ErrBusy before anything is written.
func (b *Book) Results(ctx context.Context, batch call.BatchID, by By, w io.Writer, f sheet.Format) error {
	table := task{by.Own, "table"}
	if !b.begin(table, maxTables) {
		return ErrBusy
	}
	defer b.end(table)
	imports, err := b.o.Store.Imports(ctx, Filter{Batch: batch})
	if err != nil {
		return err
	}
	imports = slices.DeleteFunc(imports, func(i Import) bool { return !by.sees(&i) })
	slices.Reverse(imports) // the oldest first
	var names []string
	for i := range imports {
		names = append(names, imports[i].names()...)
	}
	if len(imports) > 1 {
		names = union(names)
	}
	columns := unique(append(slices.Clone(names), resultColumns...), len(names))
	out, err := sheet.NewWriter(w, f, columns, sheet.WithTmpDir(b.tmp()))
	if err != nil {
		return err
	}
	defer out.Abort()
	r := &results{b: b, out: out, width: len(names), given: map[call.ID]bool{}}
	for i := range imports {
		if err := r.importRows(ctx, &imports[i], places(&imports[i], names, len(imports) > 1)); err != nil {
			return err
		}
	}
	if err := r.otherCalls(ctx, batch); err != nil {
		return err
	}
	return out.Close()
}

// names gives the names of a list's columns.
func (i *Import) names() []string {
	header := i.Table.Header
	if i.Plan != nil {
		header = i.Plan.Header
	}
	out := make([]string, len(i.Table.Columns))
	for n := range out {
		out[n] = i.Table.Name(n, header)
	}
	return out
}

// union gives every name once, in their order.
func union(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// places gives where the columns of a list stand among all: in their order if there is one list,
// else by their names.
func places(i *Import, names []string, several bool) []int {
	own := i.names()
	out := make([]int, len(own))
	for n, name := range own {
		out[n] = n
		if several {
			out[n] = slices.Index(names, name)
		}
	}
	return out
}

// unique makes the first n names differ from each other and from the rest, which stay.
func unique(names []string, n int) []string {
	used := map[string]bool{}
	for _, name := range names[n:] {
		used[name] = true
	}
	for i, name := range names[:n] {
		for k := 2; used[names[i]]; k++ {
			names[i] = fmt.Sprintf("%s (%d)", name, k)
		}
		used[names[i]] = true
	}
	return names
}

// results is one table of results under way.
type results struct {
	b     *Book
	out   sheet.Writer
	width int              // of the lists' own columns
	given map[call.ID]bool // calls that are in the table
}

// importRows writes the rows of a list that became calls.
func (r *results) importRows(ctx context.Context, i *Import, at []int) (err error) {
	if i.Plan == nil {
		return nil
	}
	rows, err := r.b.openRows(i.ID, i.Plan.Header)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	var own row
	for after := 0; ; {
		list, err := r.b.o.Store.RowCalls(ctx, i.ID, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, rc := range list {
			for own.Number < rc.Row {
				if own, err = rows.next(); err != nil {
					return fmt.Errorf("row %d of the list cannot be read: %w", rc.Row, err)
				}
			}
			cells := make([]any, r.width, r.width+len(resultColumns))
			for n, cell := range own.Cells {
				if n < len(at) {
					cells[at[n]] = cell
				}
			}
			r.given[rc.ID] = true
			if err := r.out.Row(append(cells, outcome(rc.Row, rc.ID, rc.Call)...)...); err != nil {
				return err
			}
			after = rc.Row
		}
	}
}

// otherCalls writes the calls of the batch that no list asked for.
func (r *results) otherCalls(ctx context.Context, batch call.BatchID) error {
	for after := int64(0); ; {
		list, last, err := r.b.o.Store.BatchCalls(ctx, batch, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		after = last
		for i := range list {
			if r.given[list[i].ID] {
				continue
			}
			cells := make([]any, r.width, r.width+len(resultColumns))
			if err := r.out.Row(append(cells, outcome(0, list[i].ID, &list[i])...)...); err != nil {
				return err
			}
		}
	}
}

// outcome gives the cells of resultColumns.
func outcome(row int, id call.ID, c *call.Call) []any {
	var number any
	if row > 0 {
		number = row
	}
	if c == nil {
		return []any{number, string(id), nil, nil, nil, nil, "The call is no longer kept.", nil, nil, nil, nil, nil, nil}
	}
	var disposition, cause any
	var connected time.Time
	if o := c.Last; o != nil {
		disposition, connected = string(o.Disposition), o.ConnectedAt
		cause = o.A.Cause
		if o.Failure != nil {
			cause = o.Failure.Cause
		}
	}
	words := c.Reason
	if words == "" {
		words = "The call is " + string(c.State) + "."
	}
	return []any{
		number, string(id), string(c.Request.First), string(c.Request.Then.Second), string(c.State), disposition, words, cause, c.Attempts,
		c.CreatedAt, connected, c.EndedAt, c.Request.Origin.Reference,
	}
}

// Refused writes the rows of an import that were not taken, with the list's own columns first.
// The error is ErrUnknown, or as in Results.
func (b *Book) Refused(ctx context.Context, id string, by By, w io.Writer, f sheet.Format) (err error) {
	i, err := b.Get(ctx, id, by)
	if err != nil {
		return err
	}
	table := task{by.Own, "table"}
	if !b.begin(table, maxTables) {
		return ErrBusy
	}
	defer b.end(table)
	names := i.names()
	out, err := sheet.NewWriter(w, f, unique(append(slices.Clone(names), "row", "code", "reason"), len(names)), sheet.WithTmpDir(b.tmp()))
	if err != nil {
		return err
	}
	defer out.Abort()
	if i.Plan == nil {
		return out.Close()
	}
	rows, err := b.openRows(id, i.Plan.Header)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	var own row
	for after := 0; ; {
		list, err := b.o.Store.RefusedRows(ctx, id, after, page)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return out.Close()
		}
		for _, o := range list {
			for own.Number < o.Row {
				if own, err = rows.next(); err != nil {
					return fmt.Errorf("row %d of the list cannot be read: %w", o.Row, err)
				}
			}
			cells := make([]any, len(names), len(names)+3)
			for n, cell := range own.Cells {
				if n < len(cells) {
					cells[n] = cell
				}
			}
			if err := out.Row(append(cells, o.Row, string(o.Code), o.Text)...); err != nil {
				return err
			}
			after = o.Row
		}
	}
}
