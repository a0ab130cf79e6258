package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
	"github.com/dialwright/dialwright/internal/link"
)

// linkCmd works on signed links.
type linkCmd struct {
	Create linkCreateCmd `cmd:"" help:"Make a link and print its address."`
	List   linkListCmd   `cmd:"" help:"List links, newest first."`
	Show   linkShowCmd   `cmd:"" help:"One link, with what it was used for."`
	Revoke linkRevokeCmd `cmd:"" help:"End links for good."`
}

// Help is the long help.
func (linkCmd) Help() string {
	return "Whoever opens a link and presses its button has USER's phone rung and, when it has answered, connected with NUMBER, on USER's account " +
		"and by its rules. Over HTTP (--server) making and ending links needs the scope calls:write, and a key sees the links of its account."
}

type linkCreateCmd struct {
	User      string   `arg:"" help:"Whose phone rings first: 123@tenant.com, or 123."`
	Number    string   `arg:"" help:"Who is then dialled and connected; quote it for the shell."`
	Name      string   `help:"Name shown with the number."`
	Note      string   `help:"Shown in lists only."`
	Expires   string   `placeholder:"WHEN" help:"Until when it is valid: a time (2026-12-24T18:00:00Z) or how long (24h, 30m, 7d); else links.life."`
	NotBefore string   `placeholder:"WHEN" help:"From when it is valid: a time, or how long from now."`
	Once      bool     `xor:"uses" help:"It may be used once."`
	Uses      int      `xor:"uses" placeholder:"N" help:"It may be used so often; else any number of times."`
	Origin    []string `placeholder:"ORIGIN" help:"It works from web pages of this origin only (https://crm.example.com); may be repeated."`
	Connect   bool     `help:"Do not ask to press 1 before the second party is dialled."`
	Direct    bool     `help:"A click on it dials at once, without the page in between. Not for mails: some scanners click too."`
}

// Run makes the link.
func (c linkCreateCmd) Run(e *env) error {
	in := rest.NewLink{
		User: c.User, Number: c.Number, Name: c.Name, Note: c.Note, Connect: c.Connect, Direct: c.Direct, Uses: c.Uses, Origins: c.Origin,
	}
	if c.Once {
		in.Uses = 1
	}
	if c.Uses < 0 {
		return errors.New("--uses must not be negative")
	}
	if err := c.window(&in, time.Now()); err != nil {
		return err
	}
	return e.with(func(cl *client.Client) error {
		var l rest.Link
		if err := cl.Post(e.ctx, "/v1/links", in, &l); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(l)
			return nil
		}
		fmt.Fprintln(e.stdout, l.URL)
		return nil
	})
}

// window sets from when and until when the link is valid.
func (c linkCreateCmd) window(in *rest.NewLink, now time.Time) error {
	from := now
	if c.NotBefore != "" {
		at, err := when(c.NotBefore, now)
		if err != nil {
			return fmt.Errorf("--not-before: %w", err)
		}
		in.NotBefore, from = &at, at
	}
	if c.Expires != "" {
		at, err := when(c.Expires, from)
		if err != nil {
			return fmt.Errorf("--expires: %w", err)
		}
		in.Expires = &at
	}
	return nil
}

// when reads a time, or a length of time after another, which may be in days.
func when(s string, after time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return after.AddDate(0, 0, n).UTC(), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-12-24T18:00:00Z nor a length of time such as 24h or 7d", s)
	}
	return after.Add(d).UTC(), nil
}

type linkListCmd struct {
	User  string `help:"Links of this user only."`
	State string `enum:",early,active,expired,used,revoked" default:"" placeholder:"STATE" help:"Links in this state only: early, active, expired, used, revoked."`
	Limit int    `short:"n" default:"50" help:"Most links to list; 0 = all."`
}

// Run lists.
func (c linkListCmd) Run(e *env) error {
	query := url.Values{}
	for k, v := range map[string]string{"user": c.User, "state": c.State} {
		if v != "" {
			query.Set(k, v)
		}
	}
	return e.with(func(cl *client.Client) error {
		list, err := e.pages(cl, "/v1/links", query, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list)
			return nil
		}
		var rows [][]string
		for _, raw := range list {
			var l rest.Link
			if err := json.Unmarshal(raw, &l); err != nil {
				return err
			}
			rows = append(rows, []string{l.ID, l.State, arrow(l.User, l.Number), l.Name, usesText(l), clock(l.Expires), l.CreatedBy, l.Note})
		}
		e.table([]string{"ID", "STATE", "CALL", "NAME", "USED", "EXPIRES", "MADE BY", "NOTE"}, rows)
		return nil
	})
}

// usesText gives how often a link was used, of how many times: "1/3", "5".
func usesText(l rest.Link) string {
	if l.Uses == 0 {
		return strconv.Itoa(l.Used)
	}
	return fmt.Sprintf("%d/%d", l.Used, l.Uses)
}

// linkID gives the ID of a link that is given by its ID or by its address.
func linkID(s string) string {
	if _, after, ok := strings.Cut(s, link.Prefix); ok {
		s, _, _ = strings.Cut(after, ".")
	}
	return s
}

type linkShowCmd struct {
	ID string `arg:"" help:"ID of the link, or its address."`
}

// Run shows the link and its uses.
func (c linkShowCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var l rest.LinkDetail
		if err := cl.Get(e.ctx, "/v1/links/"+url.PathEscape(linkID(c.ID)), nil, &l); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(l)
			return nil
		}
		e.showLink(l.Link)
		var rows [][]string
		for _, u := range l.History {
			outcome := u.Outcome
			if outcome == "" {
				outcome = u.Refused
			}
			rows = append(rows, []string{clock(u.At), u.Remote, u.Origin, u.Call, outcome})
		}
		if len(rows) > 0 {
			fmt.Fprintln(e.stdout)
			e.table([]string{"AT", "REMOTE", "PAGE", "CALL", "OUTCOME"}, rows)
		}
		return nil
	})
}

// showLink prints what a link is, a line for each part that it has.
func (e *env) showLink(l rest.Link) {
	lines := [][2]string{
		{"link", l.ID}, {"url", l.URL}, {"state", l.State}, {"call", arrow(l.User, l.Number)}, {"name", l.Name}, {"note", l.Note},
		{"used", usesText(l)}, {"valid from", clock(l.NotBefore)}, {"valid until", clock(l.Expires)}, {"only from", strings.Join(l.Origins, " ")},
		{"account", l.Account}, {"made", clock(l.CreatedAt) + " by " + l.CreatedBy},
	}
	if l.Connect {
		lines = append(lines, [2]string{"press 1", "not asked for"})
	}
	if l.Direct {
		lines = append(lines, [2]string{"a click", "dials at once"})
	}
	if !l.RevokedAt.IsZero() {
		lines = append(lines, [2]string{"withdrawn", clock(l.RevokedAt) + " by " + l.RevokedBy})
	}
	for _, line := range lines {
		if line[1] != "" {
			fmt.Fprintf(e.stdout, "%-12s %s\n", line[0], clean(line[1]))
		}
	}
}

type linkRevokeCmd struct {
	Links []string `arg:"" name:"id" help:"IDs of links, or their addresses."`
}

// Run ends each; the first that cannot be does not keep the others from it.
func (c linkRevokeCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var errs []error
		for _, id := range c.Links {
			var l rest.Link
			if err := cl.Post(e.ctx, "/v1/links/"+url.PathEscape(linkID(id))+"/revoke", nil, &l); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", linkID(id), err))
				continue
			}
			if e.cli.JSON {
				e.printLine(l)
			} else {
				fmt.Fprintf(e.stdout, "%s %s\n", l.ID, l.State)
			}
		}
		return errors.Join(errs...)
	})
}
