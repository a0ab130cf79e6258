package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// filterFlags select calls in listings.
type filterFlags struct {
	Account string `help:"Calls of this account only."`
	Batch   string `help:"Calls of this batch only."`
	Number  string `help:"Calls with this as part of either endpoint."`
	Limit   int    `short:"n" default:"50" help:"Most calls to list; 0 = all."`
}

func (f filterFlags) query() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"account": f.Account, "batch": f.Batch, "number": f.Number} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// queueCmd lists calls that have not ended.
type queueCmd struct {
	filterFlags
}

// Run lists.
func (q queueCmd) Run(e *env) error {
	query := q.query()
	query.Set("state", "scheduled,queued,dialing,ringing,answered,confirming,connecting,connected,waiting-retry")
	query.Set("order", "oldest")
	return e.listCalls(query, q.Limit, []string{"ID", "STATE", "CALL", "DUE", "ATTEMPT", "PRIORITY", "BATCH"}, func(c rest.Call) []string {
		return []string{c.ID, c.State, arrow(c.First, c.Second), clock(c.DueAt), fmt.Sprintf("%d/%d", c.Attempts, c.MaxAttempts), strconv.Itoa(c.Priority), c.Batch}
	})
}

// historyCmd lists calls.
type historyCmd struct {
	filterFlags
	State       []string `placeholder:"STATE" help:"Calls in these states only."`
	Disposition string   `help:"Calls that ended so only: ANSWERED, BUSY, 'NO ANSWER', CONGESTION, FAILED, CANCELLED, INTERRUPTED."`
}

// Run lists.
func (h historyCmd) Run(e *env) error {
	query := h.query()
	if len(h.State) > 0 {
		query.Set("state", strings.Join(h.State, ","))
	}
	if h.Disposition != "" {
		query.Set("disposition", strings.ToUpper(h.Disposition))
	}
	return e.listCalls(query, h.Limit, []string{"ID", "AT", "CALL", "STATE", "DISPOSITION", "CAUSE", "REASON"}, func(c rest.Call) []string {
		cause := ""
		if c.Cause != 0 {
			cause = strconv.Itoa(c.Cause)
		}
		return []string{c.ID, clock(c.CreatedAt), arrow(c.First, c.Second), c.State, c.Disposition, cause, c.Reason}
	})
}

// listCalls pages through a listing.
func (e *env) listCalls(query url.Values, limit int, header []string, row func(rest.Call) []string) error {
	return e.with(func(cl *client.Client) error {
		calls, err := e.pages(cl, "/v1/calls", query, limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(calls)
			return nil
		}
		var rows [][]string
		for _, raw := range calls {
			var c rest.Call
			if err := json.Unmarshal(raw, &c); err != nil {
				return err
			}
			rows = append(rows, row(c))
		}
		e.table(header, rows)
		return nil
	})
}

// pages reads a listing page by page: up to limit elements, 0 = all.
func (e *env) pages(cl *client.Client, path string, query url.Values, limit int) ([]json.RawMessage, error) {
	list := []json.RawMessage{}
	for {
		page := 1000
		if limit > 0 {
			page = min(page, limit-len(list))
		}
		query.Set("limit", strconv.Itoa(page))
		var got struct {
			Calls, Entries, Records []json.RawMessage // of calls; of the audit trail; of call detail records
			Links, Users            []json.RawMessage
			Next                    string
		}
		if err := cl.Get(e.ctx, path, query, &got); err != nil {
			return nil, err
		}
		list = slices.Concat(list, got.Calls, got.Entries, got.Records, got.Links, got.Users)
		if got.Next == "" || limit > 0 && len(list) >= limit {
			return list, nil
		}
		query.Set("cursor", got.Next)
	}
}

// idsArg are the calls that a command is about.
type idsArg struct {
	Calls []string `arg:"" name:"call" help:"Call IDs."`
}

// cancelCmd withdraws calls.
type cancelCmd struct {
	idsArg
}

// Run cancels each; the first refusal does not keep the others from it.
func (c cancelCmd) Run(e *env) error { return e.endCalls(c.Calls, "cancel") }

// hangupCmd hangs up calls.
type hangupCmd struct {
	idsArg
}

// Run hangs up each.
func (h hangupCmd) Run(e *env) error { return e.endCalls(h.Calls, "hangup") }

func (e *env) endCalls(ids []string, how string) error {
	return e.with(func(cl *client.Client) error {
		var errs []error
		for _, id := range ids {
			var c rest.Call
			if err := cl.Post(e.ctx, "/v1/calls/"+url.PathEscape(id)+"/"+how, nil, &c); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", id, err))
				continue
			}
			if e.cli.JSON {
				e.printLine(c)
			} else {
				fmt.Fprintf(e.stdout, "%s %s\n", c.ID, c.State)
			}
		}
		return errors.Join(errs...)
	})
}

// eventsCmd follows events.
type eventsCmd struct {
	After int64    `default:"-1" placeholder:"N" help:"Begin after this event; 0 = with the oldest, absent = with the next."`
	Call  string   `placeholder:"CALL" help:"Events of this call only."`
	Batch string   `help:"Events of this batch only."`
	Type  []string `help:"Events of these types only."`
	Count int      `short:"n" help:"Leave after so many events; 0 = never."`
}

// Run follows until an interrupt.
func (c eventsCmd) Run(e *env) error {
	query := url.Values{}
	if c.Call != "" {
		query.Set("call", c.Call)
	}
	if c.Batch != "" {
		query.Set("batch", c.Batch)
	}
	if len(c.Type) > 0 {
		query["type"] = c.Type
	}
	return e.with(func(cl *client.Client) error {
		n := 0
		for ev, err := range cl.Events(e.ctx, c.After, query, nil) {
			if gap, ok := errors.AsType[*client.ErrMissed](err); ok {
				fmt.Fprintln(e.stderr, "dialwright:", gap)
				continue
			}
			if err != nil {
				return err
			}
			if e.cli.JSON {
				e.printLine(ev)
			} else {
				fmt.Fprintf(e.stdout, "%8d  %s  %s  %-15s %s\n", ev.Seq, ev.At.Local().Format("15:04:05.000"), ev.Call, ev.Type, clean(eventText(ev)))
			}
			if n++; n == c.Count {
				return nil
			}
		}
		return nil
	})
}

// phonesCmd lists phones.
type phonesCmd struct{}

// Run lists.
func (phonesCmd) Run(e *env) error {
	var out struct{ Phones []call.EndpointState }
	return e.endpoints("/v1/phones", &out, func() []call.EndpointState { return out.Phones })
}

// trunksCmd lists trunks.
type trunksCmd struct{}

// Run lists.
func (trunksCmd) Run(e *env) error {
	var out struct{ Trunks []call.EndpointState }
	return e.endpoints("/v1/trunks", &out, func() []call.EndpointState { return out.Trunks })
}

func (e *env) endpoints(path string, out any, list func() []call.EndpointState) error {
	return e.with(func(cl *client.Client) error {
		if err := cl.Get(e.ctx, path, nil, out); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list())
			return nil
		}
		var rows [][]string
		for _, s := range list() {
			registered := "no"
			if s.Registered {
				registered = "yes"
			}
			expires := ""
			if !s.ExpiresAt.IsZero() {
				expires = time.Until(s.ExpiresAt).Round(time.Second).String()
			}
			rows = append(rows, []string{s.Name, s.State, registered, strconv.Itoa(s.Channels), expires, strings.Join(s.Contacts, " "), s.LastError})
		}
		e.table([]string{"NAME", "STATE", "REGISTERED", "CHANNELS", "EXPIRES", "CONTACTS", "LAST ERROR"}, rows)
		return nil
	})
}
