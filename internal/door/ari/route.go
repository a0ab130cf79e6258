package ari

import (
	"net/http"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// node is a place in the tree of paths: what can be asked for there, and what lies
// below. A literal segment wins over a parameter, and there is no way back from it:
// GET /channels/create is no channel of the name "create" (spec: ari 2.1 rule 6).
type node struct {
	literals   map[string]*node
	parameter  *node  // nil = none
	name       string // of the parameter
	operations map[string]*route
}

// route is an operation that has been found.
type route struct {
	key     string
	do      operation
	upgrade bool // it is the event WebSocket
	makes   bool // it makes a channel or calls one, which costs more than the others
}

// newRoutes makes the tree. An operation without a handler answers 501.
func newRoutes(table []wire.Operation, handlers map[string]operation) *node {
	root := &node{}
	for _, op := range table {
		n := root
		for segment := range strings.SplitSeq(strings.TrimPrefix(op.Path, "/"), "/") {
			n = n.below(segment)
		}
		if n.operations == nil {
			n.operations = make(map[string]*route)
		}
		do, ok := handlers[op.Key()]
		if !ok {
			do = notImplemented
		}
		n.operations[op.Method] = &route{key: op.Key(), do: do, upgrade: op.Upgrade, makes: makesCalls(op.Key())}
	}
	return root
}

// below gives the node of a segment of a pattern, and makes it.
func (n *node) below(segment string) *node {
	if name, ok := strings.CutPrefix(segment, "{"); ok {
		if n.parameter == nil {
			n.parameter, n.name = &node{}, strings.TrimSuffix(name, "}")
		}
		return n.parameter
	}
	next, ok := n.literals[segment]
	if !ok {
		if n.literals == nil {
			n.literals = make(map[string]*node)
		}
		next = &node{}
		n.literals[segment] = next
	}
	return next
}

// find looks up a path below /ari and decodes its segments, each on its own; nil if
// there is no such resource. A segment that is empty ends the path (Asterisk:
// res_ari.c ast_ari_invoke).
func (n *node) find(path string) (*node, map[string]string) {
	var parameters map[string]string
	if path != "" && path[0] != '/' { // /arix
		return nil, nil
	}
	for rest := strings.TrimPrefix(path, "/"); rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if segment == "" {
			break
		}
		segment = wire.Unescape(segment)
		next, ok := n.literals[segment]
		if !ok {
			if n.parameter == nil {
				return nil, nil
			}
			if parameters == nil {
				parameters = make(map[string]string, 2)
			}
			parameters[n.name] = segment
			next = n.parameter
		}
		n = next
	}
	return n, parameters
}

// methods lists what can be asked for, in Asterisk's order. The event WebSocket is not
// counted (observed: Asterisk 22.10).
func (n *node) methods() []string {
	list := []string{http.MethodOptions}
	for _, m := range [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if r, ok := n.operations[m]; ok && !r.upgrade {
			list = append(list, m)
		}
	}
	return list
}
