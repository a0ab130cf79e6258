package switchvox

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// Bounds of searches of call records.
const (
	searchesAt = 2      // at once
	maxRecords = 10_000 // that are found by one: the newest
)

// searchLogs is switchvox.callLogs.search.
func (x *exchange) searchLogs(r wire.Request) []byte {
	l, faults := wire.ParseLogs(r, x.d.o.Now().Location())
	if len(faults) > 0 {
		return x.fail(faults...)
	}
	select {
	case x.d.searches <- struct{}{}:
		defer func() { <-x.d.searches }()
	case <-x.r.Context().Done():
		return nil
	}
	people := x.people()
	list, err := x.records(l, people)
	if err != nil {
		x.d.log.Error("call records cannot be read", "door", DoorName, "error", err)
		return x.fail(wire.Unavailable())
	}
	if l.Ascending {
		slices.Reverse(list)
	}
	out := wire.Element{Name: "calls", Attrs: l.Page.Attrs(len(list))}
	from, to := l.Page.Bounds(len(list))
	for _, c := range list[from:to] {
		out.Children = append(out.Children, x.logged(c, people))
	}
	return x.result(out)
}

// people gives the extensions by the phones that ring for them.
func (x *exchange) people() map[string]directory.User {
	out := map[string]directory.User{}
	for _, u := range x.extensions() {
		if u.Phone != "" {
			out[u.Phone] = u
		}
	}
	return out
}

// records gives the records that are looked for, newest first.
func (x *exchange) records(l wire.Logs, people map[string]directory.User) ([]call.CDR, error) {
	sight := x.sees()
	var out []call.CDR
	for c, err := range x.d.o.Originator.Records(x.r.Context(), l.Since, l.Until) {
		if err != nil {
			return nil, err
		}
		a, b := people[party(c.First)], people[party(call.Endpoint(c.Destination))]
		wanted := len(l.Accounts) == 0 || a.ID != "" && slices.Contains(l.Accounts, a.ID) || b.ID != "" && slices.Contains(l.Accounts, b.ID)
		if !wanted || !sight.of(c.Account, phone(c.First), phone(call.Endpoint(c.Destination))) {
			continue
		}
		if out = append(out, c); len(out) >= maxRecords {
			break
		}
	}
	return out, nil
}

// party gives the phone or number of an endpoint: "101" of PJSIP/101, of PJSIP/101@trunk and
// of Local/101@default.
func party(e call.Endpoint) string {
	s, _, _ := strings.Cut(e.Resource(), "@")
	s, _, _ = strings.Cut(s, "/")
	return s
}

// phone gives the phone that an endpoint is, "" if it is none: numbers outside and those of a dialplan may
// be called as a phone is.
func phone(e call.Endpoint) string {
	if e.Tech() != "PJSIP" || strings.ContainsAny(e.Resource(), "@/") {
		return ""
	}
	return e.Resource()
}

// logged shows a call that has been. It begins with the first phone, so it is outgoing.
func (x *exchange) logged(c call.CDR, people map[string]directory.User) wire.Element {
	side := func(name string, e call.Endpoint) []wire.Attr {
		u := people[party(e)]
		out := []wire.Attr{wire.A(name+"_name", unknown), wire.A(name+"_number", party(e))}
		if u.ID != "" {
			out = []wire.Attr{wire.Digits(name+"_account_id", u.ID), wire.A(name+"_name", u.Display()), wire.A(name+"_number", u.Name.Local)}
		}
		return out
	}
	attrs := []wire.Attr{wire.A("id", string(c.Call)), wire.A("origination", "outgoing"), wire.A("start_time", x.local(c.StartedAt))}
	attrs = append(append(attrs, side("from", c.First)...), side("to", call.Endpoint(c.Destination))...)
	attrs = append(attrs, wire.N("total_duration", c.Duration), wire.N("talk_duration", c.Billable))
	events := wire.Element{Name: "events"}
	event := func(kind, display, at string) {
		events.Children = append(events.Children, wire.Element{Name: "event", Attrs: []wire.Attr{wire.A("start_time", at), wire.A("type", kind), wire.A("display", display)}})
	}
	event("OUTGOING_CALL", "Called "+party(c.First), x.local(c.StartedAt))
	if !c.AnsweredAt.IsZero() {
		event("ANSWERED", "Answered by "+party(c.First), x.local(c.AnsweredAt))
	}
	event("HANGUP", "Ended: "+strings.ToLower(string(c.Disposition)), x.local(c.EndedAt))
	return wire.Element{Name: "call", Attrs: attrs, Children: []wire.Element{events}}
}
