package ami

import (
	"context"
	"slices"

	"github.com/dialwright/dialwright/internal/dialplan"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// dialplanActions list the dialplan.
func (s *Server) dialplanActions() []action {
	return []action{
		{"ShowDialPlan", "List contexts and extensions of the dialplan.", wire.Config | wire.Reporting, s.showDialPlan},
	}
}

// listing is one answer of ShowDialPlan.
type listing struct {
	q                            *request
	plan                         *dialplan.Plan
	exten                        string // "" = all
	items                        []*wire.Message
	contexts, extens, priorities int
	found                        bool            // the extension matched something
	seen                         map[string]bool // contexts, against circles of includes
}

// showDialPlan lists one context or all, and of them all extensions or those that match
// one as dialled, which includes are searched for too (observed: Asterisk 22.10, trace s5;
// Asterisk: pbx.c manager_show_dialplan_helper).
func (s *Server) showDialPlan(_ context.Context, q *request) answer {
	plan := &dialplan.Plan{}
	if s.o.Plan != nil {
		plan = s.o.Plan()
	}
	in, exten := q.get("Context"), q.get("Extension")
	contexts := plan.Contexts()
	if in != "" {
		if !plan.HasContext(in) {
			return q.fail("Did not find context " + in)
		}
		contexts = []string{in}
	}
	l := &listing{q: q, plan: plan, exten: exten}
	for _, name := range contexts {
		l.seen = map[string]bool{}
		l.context(name)
	}
	switch {
	case exten != "" && !l.found && in != "":
		return q.fail("Did not find extension " + exten + "@" + in)
	case exten != "" && !l.found:
		return q.fail("Did not find extension " + exten + " in any context")
	}
	return q.list("DialPlan list will follow", "ShowDialPlanComplete", l.items,
		wire.Header{Name: "ListExtensions", Value: itoa(l.extens)},
		wire.Header{Name: "ListPriorities", Value: itoa(l.priorities)},
		wire.Header{Name: "ListContexts", Value: itoa(l.contexts)})
}

// context lists one context and its includes.
func (l *listing) context(name string) {
	if l.seen[name] || !l.plan.HasContext(name) {
		return
	}
	l.seen[name] = true
	l.contexts++
	steps, hints := l.plan.Steps(name), l.plan.Hints(name)
	type key struct {
		exten, cid string
		hasCID     bool
	}
	var order []key
	for _, h := range hints {
		if k := (key{exten: h.Exten}); !slices.ContainsFunc(steps, func(s *dialplan.Step) bool { return s.Exten == h.Exten && !s.HasCID }) {
			order = append(order, k) // it has nothing but a hint
		}
	}
	for _, s := range steps {
		if k := (key{s.Exten, s.CID, s.HasCID}); !slices.Contains(order, k) {
			order = append(order, k)
		}
	}
	for _, k := range order {
		if l.exten != "" && !dialplan.Matches(k.exten, l.exten) {
			continue
		}
		l.found = true
		l.extens++
		for _, h := range hints {
			if h.Exten == k.exten && !k.hasCID {
				l.priorities++
				l.items = append(l.items, l.item(name).Add("Extension", h.Exten).Add("Priority", "hint").Add("Application", h.Devices).Add("Registrar", "pbx_config"))
			}
		}
		for _, s := range steps {
			if k == (key{s.Exten, s.CID, s.HasCID}) {
				l.step(name, s)
			}
		}
	}
	for _, i := range l.plan.Includes(name) {
		if l.exten != "" {
			l.context(i.Context)
			continue
		}
		l.items = append(l.items, l.item(name).Add("IncludeContext", i.Text).Add("Registrar", "pbx_config"))
	}
}

func (l *listing) item(context string) *wire.Message {
	return l.q.item("ListDialplan").Add("Context", context)
}

func (l *listing) step(context string, s *dialplan.Step) {
	l.priorities++
	m := l.item(context).Add("Extension", s.Exten)
	if s.Label != "" {
		m.Add("ExtensionLabel", s.Label)
	}
	registrar := "pbx_config"
	if s.App == "Park" || s.App == "ParkedCall" { // those of a lot, see dialplan.Extra
		if s.At.File == "" {
			registrar = "res_parking"
		}
	}
	l.items = append(l.items, m.Add("Priority", itoa(s.Priority)).Add("Application", s.App).Add("AppData", s.Args).Add("Registrar", registrar))
}
