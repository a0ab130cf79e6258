package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// importCmd makes calls of a list.
type importCmd struct {
	List string `arg:"" help:"CSV or XLSX file; - = standard input."`

	DryRun         bool     `short:"n" help:"Say what would become of each row; dial nobody. Exit status 1 if a row would not be dialled."`
	Map            []string `sep:"none" placeholder:"FIELD=COLUMN" help:"Which column holds a field, by its name or as #2; may be repeated. Columns with usual names are found without."`
	Set            []string `sep:"none" placeholder:"FIELD=VALUE" help:"The same value for all rows: first=101; may be repeated."`
	Batch          string   `help:"Name of the batch; else one is made up."`
	Paused         bool     `help:"Pause the batch before its first call can start."`
	SkipDuplicates bool     `help:"Of rows with the same number, dial the first only."`
	Header         *bool    `negatable:"" help:"The first row names the columns; else as it looks."`
	Sheet          string   `help:"Of a workbook: which sheet; else the first."`
	Encoding       string   `placeholder:"NAME" help:"Of CSV: utf-8, utf-16le, utf-16be or windows-1252; else as it looks."`
	Delimiter      string   `placeholder:"CHAR" help:"Of CSV; else as it looks."`
	Refused        string   `placeholder:"FILE" help:"Write the rows that were not taken to this CSV file, each with its reason."`
	Detach         bool     `help:"Do not wait until all rows are submitted."`
}

// Help is the long help.
func (importCmd) Help() string {
	return "Fields: " + strings.Join(bulk.Fields(), ", ") + ", and variables.NAME for channel variables. Needed are second, the number that is called, " +
		"and first, who is rung before it. The rows are submitted in the background, also after a restart of the server; nobody is dialled twice."
}

// Run uploads, then checks or submits.
func (c importCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		i, err := c.upload(e, cl)
		if err != nil {
			return err
		}
		plan, err := c.plan(&i)
		if err == nil && c.DryRun {
			err = c.check(e, cl, &i, plan)
		}
		if err != nil || c.DryRun {
			// Nobody else knows of it.
			return errors.Join(err, cl.Delete(e.ctx, "/v1/imports/"+i.ID, nil, nil))
		}
		return c.submit(e, cl, &i, plan)
	})
}

// upload sends the list.
func (c importCmd) upload(e *env, cl *client.Client) (i rest.Import, err error) {
	var file io.Reader = os.Stdin
	query := url.Values{}
	if c.List != "-" {
		f, err := os.Open(c.List)
		if err != nil {
			return i, err
		}
		defer f.Close()
		file = f
		query.Set("name", filepath.Base(c.List))
	}
	for k, v := range map[string]string{"sheet": c.Sheet, "encoding": c.Encoding, "delimiter": c.Delimiter} {
		if v != "" {
			query.Set(k, v)
		}
	}
	if err := cl.Upload(e.ctx, "/v1/imports", query, file, &i); err != nil {
		return i, err
	}
	if e.cli.JSON {
		return i, nil
	}
	about := []string{strings.ToUpper(i.Format)}
	for _, s := range []string{i.Encoding, i.Sheet} {
		if s != "" {
			about = append(about, clean(s))
		}
	}
	fmt.Fprintf(e.stdout, "%s: %s, %d %s, %d %s\n", clean(i.Name), strings.Join(about, " "), i.Rows, noun(i.Rows, "row"), len(i.Columns), noun(len(i.Columns), "column"))
	for _, w := range i.Warnings {
		fmt.Fprintln(e.stderr, clean(w))
	}
	return i, nil
}

// plan says what each field is taken from: what was asked for, else what the columns look like.
func (c importCmd) plan(i *rest.Import) (rest.ImportPlan, error) {
	p := rest.ImportPlan{Mapping: i.Mapping, SkipDuplicates: c.SkipDuplicates, Header: c.Header}
	header := i.Header
	if c.Header != nil {
		header = *c.Header
	}
	for _, m := range c.Map {
		field, name, ok := strings.Cut(m, "=")
		if !ok || name == "" {
			return p, fmt.Errorf("--map %q: write it as FIELD=COLUMN", m)
		}
		n, err := columnOf(i, name, header)
		if err == nil {
			err = p.Mapping.Set(field, bulk.Source{Column: &n})
		}
		if err != nil {
			return p, fmt.Errorf("--map %s: %w", m, err)
		}
	}
	for _, m := range c.Set {
		field, value, ok := strings.Cut(m, "=")
		if !ok || value == "" {
			return p, fmt.Errorf("--set %q: write it as FIELD=VALUE", m)
		}
		if err := p.Mapping.Set(field, bulk.Source{Value: value}); err != nil {
			return p, fmt.Errorf("--set %s: %w", m, err)
		}
	}
	return p, nil
}

// columnOf finds a column by its name, or by its number from 1: "#2".
func columnOf(i *rest.Import, name string, header bool) (int, error) {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "#")); err == nil && strings.HasPrefix(name, "#") {
		if n < 1 || n > len(i.Columns) {
			return 0, fmt.Errorf("the list has %d columns", len(i.Columns))
		}
		return n - 1, nil
	}
	var found, all []string
	at := 0
	for _, c := range i.Columns {
		all = append(all, c.Name)
		if strings.EqualFold(c.Name, name) {
			found, at = append(found, "#"+strconv.Itoa(c.Index+1)), c.Index
		}
	}
	switch {
	case len(found) == 0 && !header:
		return 0, fmt.Errorf("the list has no header; its columns are %s", clean(strings.Join(all, ", ")))
	case len(found) == 0:
		return 0, fmt.Errorf("there is no such column; there are %s", clean(strings.Join(all, ", ")))
	case len(found) > 1:
		return 0, fmt.Errorf("several columns have this name; say %s", strings.Join(found, " or "))
	}
	return at, nil
}

// check prints what would become of the list.
func (c importCmd) check(e *env, cl *client.Client, i *rest.Import, p rest.ImportPlan) error {
	var r bulk.Report
	if err := cl.Post(e.ctx, "/v1/imports/"+i.ID+"/check", p, &r); err != nil {
		return err
	}
	if e.cli.JSON {
		e.printJSON(r)
	} else {
		e.showReport(&r)
	}
	if r.Refused > 0 {
		return status(exitError)
	}
	return nil
}

// showReport prints a report for people.
func (e *env) showReport(r *bulk.Report) {
	var rows [][]string
	for _, p := range r.Preview {
		what := p.Dials
		if p.Error != "" {
			what = "not dialled: " + p.Error
		}
		rows = append(rows, []string{strconv.Itoa(p.Row), p.Second, what})
	}
	if len(rows) > 0 {
		fmt.Fprintln(e.stdout)
		e.table([]string{"ROW", "NUMBER", "WOULD DIAL"}, rows)
	}
	fmt.Fprintln(e.stdout)
	if r.Refused == 0 {
		fmt.Fprintf(e.stdout, "%d of %d rows would be dialled\n", r.Accepted, r.Rows)
	} else {
		fmt.Fprintf(e.stdout, "%d of %d rows will not be dialled:\n", r.Refused, r.Rows)
	}
	for _, x := range r.Reasons {
		fmt.Fprintf(e.stdout, "  %d: %s (%s)\n", x.Count, clean(x.Text), rowNumbers(&x))
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(e.stdout, "  note: %s (%s)\n", clean(x.Text), rowNumbers(&x))
	}
}

// rowNumbers lists the first rows of a reason: "rows 7, 19 and 148 more".
func rowNumbers(x *bulk.Reason) string {
	shown := x.Rows[:min(len(x.Rows), 10)]
	texts := make([]string, len(shown))
	for i, n := range shown {
		texts[i] = strconv.Itoa(n)
	}
	out := noun(x.Count, "row") + " " + strings.Join(texts, ", ")
	if more := x.Count - len(shown); more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// submit submits the list and follows it.
func (c importCmd) submit(e *env, cl *client.Client, i *rest.Import, p rest.ImportPlan) error {
	path := "/v1/imports/" + i.ID
	if err := cl.Post(e.ctx, path+"/submit", rest.ImportSubmission{ImportPlan: p, Batch: c.Batch, Paused: c.Paused}, i); err != nil {
		return errors.Join(err, cl.Delete(e.ctx, path, nil, nil))
	}
	for !c.Detach && i.State == string(bulk.Submitting) {
		if err := e.pause(200 * time.Millisecond); err != nil {
			return fmt.Errorf("%w; the server goes on with the list, `dialwright batch cancel %s` ends it", err, i.Batch)
		}
		if err := cl.Get(e.ctx, path, nil, i); err != nil {
			return err
		}
		if e.tty && !e.cli.JSON {
			fmt.Fprintf(e.stderr, "\r%d of %d", i.Processed, i.Rows)
		}
	}
	if e.tty && !e.cli.JSON {
		fmt.Fprint(e.stderr, "\r\x1b[K")
	}
	return c.submitted(e, cl, i)
}

// submitted prints how it ended.
func (c importCmd) submitted(e *env, cl *client.Client, i *rest.Import) error {
	if c.Refused != "" && !c.Detach {
		if err := e.fetchFile(cl, "/v1/imports/"+i.ID+"/refused", nil, c.Refused); err != nil {
			return err
		}
	}
	switch {
	case e.cli.JSON:
		e.printJSON(i)
	case c.Detach:
		fmt.Fprintf(e.stdout, "import %s is being submitted to batch %s\n", i.ID, clean(i.Batch))
	default:
		fmt.Fprintf(e.stdout, "batch %s: %d %s accepted, %d %s refused\n", clean(i.Batch), i.Accepted, noun(i.Accepted, "call"), i.Refused, noun(i.Refused, "row"))
	}
	switch {
	case i.State == string(bulk.Failed):
		return fmt.Errorf("the list was not submitted whole: %s", clean(i.Error))
	case i.Refused > 0 && !e.cli.JSON && c.Refused == "":
		fmt.Fprintf(e.stderr, "why rows were refused: dialwright batch refused %s\n", clean(i.Batch))
	}
	return nil
}

// pause waits, unless an interrupt comes.
func (e *env) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

// fetchFile writes a table to a file, which is there only if it is whole; "" = standard output.
func (e *env) fetchFile(cl *client.Client, path string, query url.Values, name string) error {
	if name == "" {
		return cl.Fetch(e.ctx, path, query, e.stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".dialwright-")
	if err != nil {
		return err
	}
	err = cl.Fetch(e.ctx, path, query, f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
