package stasis

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// kind says what an application can be interested in.
type kind uint8

const (
	channels kind = iota
	bridges
	endpoints
	devices
	kinds
)

// allNames are what the interest in all of a kind is listed as (spec: ari 3.3 rule 1).
var allNames = [kinds]string{"__AST_CHANNEL_ALL_TOPIC", "__AST_BRIDGE_ALL_TOPIC", "__AST_ENDPOINT_ALL_TOPIC", "__AST_DEVICE_STATE_ALL_TOPIC"}

// source names one thing of a kind. Only endpoints have a technology, in capitals; an
// endpoint without a resource is its whole technology.
type source struct{ tech, id string }

// topic is one thing that applications are interested in: what has to be looked at
// when something happens to it.
type topic struct {
	kind      kind
	source    source
	name      string // as applications see it
	all       bool   // of the whole kind
	interests []interest

	in   *topic              // channel: the bridge that it is in
	last *pbx.BridgeSnapshot // bridge: as it is now, nil if there is none (any more)
}

// interest is that of one application.
type interest struct {
	app     *application
	count   int  // of subscriptions (spec: ari 3.3 rule 3)
	members int  // bridge: channels of interest to it that are in it (rule 4)
	ever    bool // bridge: has had one, or made it (spec: ari 10 D6)
}

// holds says whether it is interest in all events of the thing, which also keeps
// the application.
func (i *interest) holds() bool { return i != nil && (i.count > 0 || i.members > 0) }

// of finds the interest of an application, nil if it has none. The pointer is good
// until the topic changes.
func (t *topic) of(a *application) *interest {
	for i := range t.interests {
		if t.interests[i].app == a {
			return &t.interests[i]
		}
	}
	return nil
}

// drop forgets the interest of an application without looking at what that means.
func (t *topic) drop(a *application) {
	t.interests = slices.DeleteFunc(t.interests, func(i interest) bool { return i.app == a })
}

// topics are all there are: those of channels while somebody is interested or they
// are in a bridge, those of bridges while they live, others while somebody is
// interested.
type topics struct {
	by    [kinds]map[source]*topic
	all   [kinds]topic
	techs map[string]string // technologies in capitals, so that nothing is allocated for one
}

func newTopics() topics {
	ts := topics{techs: make(map[string]string)}
	for k := range kinds {
		ts.by[k] = make(map[source]*topic)
		ts.all[k] = topic{kind: k, name: allNames[k], all: true}
	}
	return ts
}

// find gives the topic of a thing, nil if there is none.
func (ts *topics) find(k kind, s source) *topic { return ts.by[k][s] }

// get gives the topic of a thing and makes it if need be.
func (ts *topics) get(k kind, s source, name string) *topic {
	t := ts.by[k][s]
	if t == nil {
		t = &topic{kind: k, source: s, name: name}
		ts.by[k][s] = t
	}
	return t
}

// tidy forgets a topic that is about nothing.
func (ts *topics) tidy(t *topic) {
	if !t.all && len(t.interests) == 0 && t.in == nil && t.last == nil && ts.by[t.kind][t.source] == t {
		delete(ts.by[t.kind], t.source)
	}
}

// tech gives a technology in capitals: they are compared without case (spec: ari 4
// endpoints).
func (ts *topics) tech(name string) string {
	up, ok := ts.techs[name]
	if !ok {
		up = strings.ToUpper(name)
		if len(ts.techs) < 64 { // there are a dozen
			ts.techs[name] = up
		}
	}
	return up
}
