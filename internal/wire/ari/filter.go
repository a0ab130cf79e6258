package ari

import "net/http"

var errFilter = &Error{Status: http.StatusBadRequest, Message: "Invalid format definition"}

// Filter reads the body of an event filter (spec: ari 3.6):
//
//	{"allowed": [{"type": "StasisStart"}], "disallowed": [{"type": "ChannelVarset"}]}
//
// A list that is nil stays as it is; an empty one does not restrict. Without a body, or
// with {}, both are empty. The body may be in a member "filter" too, since that is the
// parameter's name in the API description. Errors are a 400 *Error.
func (p *Params) Filter() (allowed, disallowed *[]string, err error) {
	body := p.Body
	if inner, ok := body["filter"].(map[string]any); ok {
		body = inner
	}
	if len(body) == 0 {
		return &[]string{}, &[]string{}, nil
	}
	if allowed, err = filterList(body, "allowed"); err != nil {
		return nil, nil, err
	}
	if disallowed, err = filterList(body, "disallowed"); err != nil {
		return nil, nil, err
	}
	return allowed, disallowed, nil
}

// filterList reads one of the lists, nil if it is not there. Types need not be known.
func filterList(body map[string]any, name string) (*[]string, error) {
	v, ok := body[name]
	if !ok {
		return nil, nil
	}
	entries, ok := v.([]any)
	if !ok {
		return nil, errFilter
	}
	types := []string{}
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		t, ok := entry["type"].(string)
		if !ok {
			return nil, errFilter
		}
		types = append(types, t)
	}
	return &types, nil
}

// Types gives the entries of a filter's list.
func Types(names []string) EventTypes {
	list := make(EventTypes, len(names))
	for i, n := range names {
		list[i] = EventType{Type: n}
	}
	return list
}
