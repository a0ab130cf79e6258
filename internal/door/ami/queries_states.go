package ami

import (
	"context"
	"strings"

	"github.com/dialwright/dialwright/internal/hint"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// stateActions ask what extensions, devices and people are doing.
func (s *Server) stateActions() []action {
	return []action{
		{"ExtensionState", "Tell the state of an extension that has a hint.", wire.Call | wire.Reporting, s.extensionState},
		{"ExtensionStateList", "List the extensions that have hints, with their states.", wire.Call | wire.Reporting, s.extensionStateList},
		{"DeviceStateList", "List devices with their states.", wire.Call | wire.Reporting, s.deviceStateList},
		{"PresenceState", "Tell the presence of somebody.", wire.Call | wire.Reporting, s.presenceState},
		{"PresenceStateList", "List presences.", wire.Call | wire.Reporting, s.presenceStateList},
	}
}

// addState adds the headers of an extension's state, which ExtensionState and the items
// of the list share.
func addState(m *wire.Message, s hint.State) *wire.Message {
	return m.Add("Exten", s.Exten).Add("Context", s.Context).Add("Hint", s.Hint).Add("Status", itoa(int(s.Status))).Add("StatusText", s.Status.String())
}

func (s *Server) extensionState(_ context.Context, q *request) answer {
	exten := q.get("Exten")
	if exten == "" {
		return q.fail("Extension not specified")
	}
	st := hint.State{Exten: exten, Context: q.get("Context"), Status: hint.Unknown}
	if st.Context == "" {
		st.Context = hint.DefaultContext
	}
	if s.o.Hints != nil {
		st = s.o.Hints.State(st.Context, exten)
	}
	return answer{addState(q.success().Add("Message", "Extension Status"), st)}
}

// extensionStateList lists what has a state: a pattern has none of its own.
func (s *Server) extensionStateList(_ context.Context, q *request) answer {
	var items []*wire.Message
	if s.o.Hints != nil {
		for _, st := range s.o.Hints.List() {
			if !strings.HasPrefix(st.Exten, "_") {
				items = append(items, addState(q.item("ExtensionStatus"), st))
			}
		}
	}
	return q.list("Extension Statuses will follow", "ExtensionStateListComplete", items)
}

func (s *Server) deviceStateList(_ context.Context, q *request) answer {
	var items []*wire.Message
	if s.o.Devices != nil {
		for _, d := range s.o.Devices.All() {
			items = append(items, q.item("DeviceStateChange").Add("Device", d.Name).Add("State", string(d.State)))
		}
	}
	return q.list("Device State Changes will follow", "DeviceStateListComplete", items)
}

// presenceState answers for everybody that nothing is set: there are no presences here.
// Asterisk has one provider (Asterisk: func_presencestate.c).
func (s *Server) presenceState(_ context.Context, q *request) answer {
	provider := q.get("Provider")
	kind, _, _ := strings.Cut(provider, ":")
	switch {
	case provider == "":
		return q.fail("No provider specified")
	case !strings.EqualFold(kind, "CustomPresence"):
		return q.fail("Invalid provider address or failure in provider")
	}
	return answer{q.success().Add("Message", "Presence State").Add("State", "not_set")}
}

func (s *Server) presenceStateList(_ context.Context, q *request) answer {
	return q.list("Presence State Changes will follow", "PresenceStateListComplete", nil)
}
