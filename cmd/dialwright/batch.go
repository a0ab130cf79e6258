package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// batchCmd works on batches.
type batchCmd struct {
	List    batchListCmd    `cmd:"" help:"List batches with their numbers, newest first."`
	Show    batchShowCmd    `cmd:"" help:"One batch with its numbers."`
	Pause   batchPauseCmd   `cmd:"" help:"Start no further attempts of batches; live calls go on."`
	Resume  batchResumeCmd  `cmd:"" help:"Go on with batches."`
	Cancel  batchCancelCmd  `cmd:"" help:"Withdraw all calls of batches, and end the lists that are being submitted to them."`
	Results batchResultsCmd `cmd:"" help:"A table of its calls with what became of each; the columns of an imported list come first."`
	Refused batchRefusedCmd `cmd:"" help:"A table of the rows of an imported list that did not become calls, each with its reason."`
}

type batchListCmd struct {
	Limit int `short:"n" default:"20" help:"Most batches to list; 0 = all."`
}

// Run lists.
func (c batchListCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		list, err := e.batches(cl, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list)
			return nil
		}
		var rows [][]string
		for _, b := range list {
			rows = append(rows, []string{
				b.Batch, clock(b.CreatedAt), b.Account, batchState(&b), strconv.Itoa(b.Calls), strconv.Itoa(b.Waiting), strconv.Itoa(b.Live),
				strconv.Itoa(b.Ended), strconv.Itoa(b.Cancelled), dispositions(&b),
			})
		}
		e.table([]string{"BATCH", "CREATED", "ACCOUNT", "STATE", "CALLS", "WAITING", "LIVE", "ENDED", "CANCELLED", "DISPOSITIONS"}, rows)
		return nil
	})
}

// batches reads the listing page by page: up to limit batches, 0 = all.
func (e *env) batches(cl *client.Client, limit int) ([]rest.BatchView, error) {
	list := []rest.BatchView{}
	query := url.Values{}
	for {
		page := 200
		if limit > 0 {
			page = min(page, limit-len(list))
		}
		query.Set("limit", strconv.Itoa(page))
		var got struct {
			Batches []rest.BatchView
			Next    string
		}
		if err := cl.Get(e.ctx, "/v1/batches", query, &got); err != nil {
			return nil, err
		}
		if list = append(list, got.Batches...); got.Next == "" || limit > 0 && len(list) >= limit {
			return list, nil
		}
		query.Set("cursor", got.Next)
	}
}

// batchState says in a word what a batch does.
func batchState(b *rest.BatchView) string {
	switch {
	case b.Waiting+b.Live == 0:
		return "done"
	case b.Paused:
		return "paused"
	}
	return "running"
}

// dispositions lists how calls ended: "ANSWERED 3, BUSY 1".
func dispositions(b *rest.BatchView) string {
	var out []string
	for _, d := range slices.Sorted(maps.Keys(b.Dispositions)) {
		out = append(out, fmt.Sprintf("%s %d", d, b.Dispositions[d]))
	}
	return strings.Join(out, ", ")
}

// batchArg is the batch that a command is about.
type batchArg struct {
	Batch string `arg:"" help:"Name of the batch."`
}

func (b batchArg) path() string { return "/v1/batches/" + url.PathEscape(b.Batch) }

type batchShowCmd struct{ batchArg }

// Run shows it.
func (c batchShowCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var b rest.BatchView
		if err := cl.Get(e.ctx, c.path(), nil, &b); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(b)
			return nil
		}
		lines := [][2]string{
			{"batch", b.Batch}, {"state", batchState(&b)}, {"account", b.Account}, {"created", clock(b.CreatedAt)}, {"import", b.Import},
			{"calls", strconv.Itoa(b.Calls)}, {"waiting", strconv.Itoa(b.Waiting)}, {"live", strconv.Itoa(b.Live)}, {"ended", strconv.Itoa(b.Ended)},
			{"cancelled", strconv.Itoa(b.Cancelled)}, {"dispositions", dispositions(&b)},
		}
		if b.LastAt != nil {
			lines = append(lines, [2]string{"last ended", clock(*b.LastAt)})
		}
		for _, l := range lines {
			if l[1] != "" {
				fmt.Fprintf(e.stdout, "%-12s %s\n", l[0], clean(l[1]))
			}
		}
		return nil
	})
}

// batchNames are the batches that a command is about.
type batchNames struct {
	Batches []string `arg:"" name:"batch" help:"Names of batches."`
}

type batchPauseCmd struct{ batchNames }

// Run pauses each.
func (c batchPauseCmd) Run(e *env) error { return c.each(e, "pause", "paused") }

type batchResumeCmd struct{ batchNames }

// Run resumes each.
func (c batchResumeCmd) Run(e *env) error { return c.each(e, "resume", "goes on") }

type batchCancelCmd struct{ batchNames }

// Run cancels each.
func (c batchCancelCmd) Run(e *env) error { return c.each(e, "cancel", "cancelled") }

// each does the same with each batch, up to the first for which it cannot be done.
func (c batchNames) each(e *env, do, done string) error {
	return e.with(func(cl *client.Client) error {
		for _, name := range c.Batches {
			var out json.RawMessage
			if err := cl.Post(e.ctx, batchArg{name}.path()+"/"+do, nil, &out); err != nil {
				return fmt.Errorf("%s: %w", clean(name), err)
			}
			if e.cli.JSON {
				e.printLine(out)
				continue
			}
			var n struct{ Cancelled int }
			if err := json.Unmarshal(out, &n); err != nil {
				return err
			}
			if text := done; n.Cancelled > 0 {
				fmt.Fprintf(e.stdout, "%s %s: %d %s withdrawn\n", clean(name), text, n.Cancelled, noun(n.Cancelled, "call"))
			} else {
				fmt.Fprintf(e.stdout, "%s %s\n", clean(name), text)
			}
		}
		return nil
	})
}

// tableFlags say how a table is written.
type tableFlags struct {
	Format string `enum:"csv,xlsx,jsonl" default:"csv" help:"csv, xlsx or jsonl."`
	Output string `short:"o" placeholder:"FILE" help:"Write to this file instead of standard output; it is there only when it is whole."`
}

func (f tableFlags) query() url.Values { return url.Values{"format": {f.Format}} }

type batchResultsCmd struct {
	batchArg
	tableFlags
}

// Run writes the table.
func (c batchResultsCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		return e.fetchFile(cl, c.path()+"/results", c.query(), c.Output)
	})
}

type batchRefusedCmd struct {
	batchArg
	tableFlags
}

// Run writes the table of the batch's newest list.
func (c batchRefusedCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var b rest.BatchView
		if err := cl.Get(e.ctx, c.path(), nil, &b); err != nil {
			return err
		}
		if b.Import == "" {
			return fmt.Errorf("no list was imported into the batch %s, or it is no longer kept", clean(c.Batch))
		}
		return e.fetchFile(cl, "/v1/imports/"+b.Import+"/refused", c.query(), c.Output)
	})
}
