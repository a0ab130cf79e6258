package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// exportCmd writes calls as a table.
type exportCmd struct {
	Format      string   `enum:"csv,xlsx,jsonl," default:"" placeholder:"FORMAT" help:"csv, xlsx or jsonl; else what the name of the file says, else csv."`
	Output      string   `short:"o" placeholder:"FILE" help:"File to write; it is there only when it is whole. Else standard output."`
	BOM         bool     `name:"bom" help:"Begin CSV with a byte order mark, without which Excel does not take it for UTF-8."`
	Account     string   `help:"Calls of this account only."`
	Batch       string   `help:"Calls of this batch only."`
	Number      string   `placeholder:"TEXT" help:"Calls with this as part of either endpoint."`
	Door        string   `placeholder:"DOOR" help:"Calls that came by this door only: rest, cli, console, callfile, vodia, …"`
	Principal   string   `placeholder:"NAME" help:"Calls that this key or user asked for."`
	Reference   string   `placeholder:"TEXT" help:"Calls with exactly this reference."`
	State       []string `placeholder:"STATE" help:"Calls in these states only."`
	Disposition string   `help:"Calls that ended so only: ANSWERED, BUSY, 'NO ANSWER', CONGESTION, FAILED, CANCELLED, INTERRUPTED."`
	From        string   `placeholder:"WHEN" help:"Calls asked for since then: a time (2026-12-24, 2026-12-24T18:00:00Z) or how long ago (24h, 7d)."`
	To          string   `placeholder:"WHEN" help:"Calls asked for before then."`
	Oldest      bool     `help:"Oldest first; else newest first."`
}

// Help is the long help.
func (exportCmd) Help() string {
	return "Dates are those of this machine's time zone, times in the table are UTC. In CSV an apostrophe is put before texts that a spreadsheet would take " +
		"for a formula. Over HTTP (--server) a key exports the calls of its account."
}

// Run writes the table.
func (c exportCmd) Run(e *env) error {
	query, err := c.query(time.Now())
	if err != nil {
		return err
	}
	name := c.Output
	if name == "-" {
		name = ""
	}
	if name == "" && e.tty && query.Get("format") == "xlsx" {
		return errors.New("a workbook is not for a terminal; name a file with -o")
	}
	return e.with(func(cl *client.Client) error { return e.fetchFile(cl, "/v1/export/calls", query, name) })
}

func (c exportCmd) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	for name, v := range map[string]string{
		"format": c.format(), "account": c.Account, "batch": c.Batch, "number": c.Number, "door": c.Door, "principal": c.Principal,
		"reference": c.Reference, "state": strings.Join(c.State, ","), "disposition": strings.ToUpper(c.Disposition),
	} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for name, text := range map[string]string{"from": c.From, "to": c.To} {
		if text == "" {
			continue
		}
		at, err := pastTime(text, now)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", name, err)
		}
		q.Set(name, at.UTC().Format(time.RFC3339Nano))
	}
	if c.BOM {
		q.Set("bom", "true")
	}
	if c.Oldest {
		q.Set("order", "oldest")
	}
	return q, nil
}

// format is what was asked for, or what the file's name says.
func (c exportCmd) format() string {
	if c.Format != "" {
		return c.Format
	}
	switch suffix := strings.ToLower(strings.TrimPrefix(filepath.Ext(c.Output), ".")); suffix {
	case "xlsx", "jsonl":
		return suffix
	}
	return "csv"
}

// pastTime reads a time, a day of the local calendar, or how long ago.
func pastTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	if n, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseUint(n, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(days)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-12-24, 2026-12-24T18:00:00Z, 24h or 7d", text)
}
