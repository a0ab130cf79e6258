package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// recordsCmd lists call detail records.
type recordsCmd struct {
	Door        string `placeholder:"DOOR" help:"Calls that came by this door only: rest, cli, callfile, ari."`
	Account     string `placeholder:"NAME" help:"Calls of this account only."`
	Number      string `placeholder:"TEXT" help:"Calls with this in an endpoint only."`
	Disposition string `help:"Calls that ended so only: ANSWERED, BUSY, 'NO ANSWER', CONGESTION, FAILED, CANCELLED, INTERRUPTED."`
	Limit       int    `default:"50" help:"Most records; 0 = all."`
}

// Run lists.
func (c recordsCmd) Run(e *env) error {
	query := url.Values{}
	for k, v := range map[string]string{"door": c.Door, "account": c.Account, "number": c.Number, "disposition": strings.ToUpper(c.Disposition)} {
		if v != "" {
			query.Set(k, v)
		}
	}
	return e.with(func(cl *client.Client) error {
		list, err := e.pages(cl, "/v1/records", query, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list)
			return nil
		}
		var rows [][]string
		for _, raw := range list {
			var r call.CDR
			if err := json.Unmarshal(raw, &r); err != nil {
				return err
			}
			rows = append(rows, []string{
				clock(r.EndedAt), r.Door, strings.TrimSpace(r.Source.Name + " " + r.Source.Number), string(r.First), r.Channel, r.DestChannel, string(r.Disposition),
				strconv.Itoa(r.Duration), strconv.Itoa(r.Billable), strconv.Itoa(r.Cause), r.UserField,
			})
		}
		e.table([]string{"ENDED", "DOOR", "SOURCE", "DIALLED", "CHANNEL", "CONNECTED WITH", "DISPOSITION", "SECONDS", "BILLABLE", "CAUSE", "USER FIELD"}, rows)
		return nil
	})
}

// bridgesCmd lists bridges, or destroys them.
type bridgesCmd struct {
	Destroy bool   `help:"Destroy all bridges of applications, or of --creator, at once."`
	Hangup  bool   `help:"With --destroy: hang up their channels too."`
	Creator string `placeholder:"NAME" help:"With --destroy: bridges made by this instead: Dial, ConfBridge."`
}

// Run lists or destroys.
func (c bridgesCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		if c.Destroy {
			query := url.Values{"hangup": {strconv.FormatBool(c.Hangup)}}
			if c.Creator != "" {
				query.Set("creator", c.Creator)
			}
			var out struct {
				Destroyed int `json:"destroyed"`
			}
			if err := cl.Delete(e.ctx, "/v1/bridges", query, &out); err != nil {
				return err
			}
			if e.cli.JSON {
				e.printJSON(out)
				return nil
			}
			fmt.Fprintf(e.stdout, "%d bridges destroyed\n", out.Destroyed)
			return nil
		}
		var out struct{ Bridges []rest.Bridge }
		if err := cl.Get(e.ctx, "/v1/bridges", nil, &out); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(out.Bridges)
			return nil
		}
		var rows [][]string
		for _, b := range out.Bridges {
			rows = append(rows, []string{b.ID, clock(b.CreatedAt), b.Type, b.Creator, b.Name, strings.Join(b.Channels, " ")})
		}
		e.table([]string{"ID", "SINCE", "TYPE", "CREATOR", "NAME", "CHANNELS"}, rows)
		return nil
	})
}
