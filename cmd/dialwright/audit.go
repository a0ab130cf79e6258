package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// auditCmd lists the audit trail.
type auditCmd struct {
	Denied    bool   `help:"Denials only."`
	Door      string `placeholder:"DOOR" help:"What came by this door only: rest, cli, console, callfile, vodia …"`
	Principal string `placeholder:"NAME" help:"What this one asked for only: a key, local, a user as its door names it."`
	Account   string `placeholder:"ACCOUNT" help:"On behalf of this account only."`
	Call      string `placeholder:"ID" help:"What this call was accepted for only."`
	From      string `placeholder:"TIME" help:"At or after: 2026-12-24T18:00:00+01:00."`
	To        string `placeholder:"TIME" help:"Before."`
	Limit     int    `short:"n" default:"50" help:"Most entries to list; 0 = all."`
}

// Help is the long help.
func (auditCmd) Help() string {
	return "Over HTTP (--server) the key needs the scope admin."
}

// Run lists.
func (c auditCmd) Run(e *env) error {
	query := url.Values{}
	if c.Denied {
		query.Set("denied", "true")
	}
	for name, v := range map[string]string{"door": c.Door, "principal": c.Principal, "account": c.Account, "call": c.Call, "from": c.From, "to": c.To} {
		if v != "" {
			query.Set(name, v)
		}
	}
	return e.with(func(cl *client.Client) error {
		entries, err := e.pages(cl, "/v1/audit", query, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(entries)
			return nil
		}
		var rows [][]string
		for _, raw := range entries {
			var a rest.AuditEntry
			if err := json.Unmarshal(raw, &a); err != nil {
				return err
			}
			rows = append(rows, auditRow(a))
		}
		e.table([]string{"SEQ", "AT", "DOOR", "PRINCIPAL", "REMOTE", "ACCOUNT", "CALL", "RESULT", "RULE"}, rows)
		return nil
	})
}

func auditRow(a rest.AuditEntry) []string {
	result := a.Call
	if !a.Accepted {
		result = strings.TrimSpace("denied " + a.Code)
	}
	rule := a.Rule
	if rule == "" {
		rule = a.Text
	}
	return []string{strconv.FormatInt(a.Seq, 10), clock(a.At), a.Door, a.Principal, a.Remote, a.Account, arrow(a.First, a.Second), result, rule}
}
