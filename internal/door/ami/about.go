package ami

import (
	"cmp"
	"slices"
)

// ActionInfo tells of an action.
type ActionInfo struct {
	Name, Summary string
	Class         string // classes of which one suffices, "<none>" for every user
}

// Events lists the names of the events that users may be sent without asking, in order.
func Events() []string {
	out := []string{"FullyBooted", eventHangupRequest, eventSoftHangup, eventDialBegin, eventDialState, eventDialEnd}
	for _, n := range eventNames {
		out = append(out, n.name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Actions tells of every action that the door knows, by name.
func (s *Server) Actions() []ActionInfo {
	var out []ActionInfo
	for _, a := range s.table {
		out = append(out, ActionInfo{Name: a.name, Summary: a.summary, Class: a.class.String()})
	}
	slices.SortFunc(out, func(a, b ActionInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
