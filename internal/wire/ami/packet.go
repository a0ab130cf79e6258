package ami

import "strings"

// Packet is a packet of a client: its lines in order, names and values as they came
// (spec: ami 1, rule 5).
type Packet struct{ Headers []Header }

// Get gives the first value of a name that is not empty; names are compared without case.
func (p Packet) Get(name string) string {
	for _, h := range p.Headers {
		if h.Value != "" && strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Has says whether a header is there, empty or not.
func (p Packet) Has(name string) bool {
	for _, h := range p.Headers {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

// All gives every value of a name in order, for those that are cumulative (Variable).
func (p Packet) All(name string) []string {
	var out []string
	for _, h := range p.Headers {
		if strings.EqualFold(h.Name, name) {
			out = append(out, h.Value)
		}
	}
	return out
}

// Action and ActionID are the two headers that every action may have.
func (p Packet) Action() string   { return p.Get("Action") }
func (p Packet) ActionID() string { return p.Get("ActionID") }

// Bool reads a boolean as Asterisk's ast_true does: yes true y t 1 on, in any case
// (spec: ami 4.1).
func Bool(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}
