package ari

import (
	"slices"
	"strings"
)

// Operation is one thing that a client can ask for. The door finds its handler by Key,
// and its route by Method and Path; the API description is made from the rest.
type Operation struct {
	Resource string // document of the API description it is in: "channels"
	Nickname string // name within the resource: "originateWithId"
	Method   string // "POST"
	Path     string // below /ari, with parameters in braces: "/channels/{channelId}"
	Params   []Parameter
	Response string    // "void", the name of a model, "List[Channel]", "binary"
	Refusals []Refusal // that it may give, beside those that all may: 401, 403, 413, 500, 503
	Summary  string
	Notes    string // more, "" = none
	Upgrade  bool   // the answer is a WebSocket
}

// Key is what handlers are listed by: "channels.originateWithId".
func (o *Operation) Key() string { return o.Resource + "." + o.Nickname }

// Success is the status of an answer to the operation when all went well and it was
// not said otherwise: 200 with a body, 204 without.
func (o *Operation) Success() int {
	if o.Response == "void" {
		return 204
	}
	return 200
}

// Places of parameters, as the API description calls them. A parameter in a query may
// come in a form or in a JSON body too (spec: ari 2.3).
const (
	InPath  = "path"
	InQuery = "query"
	InBody  = "body"
)

// Parameter is one parameter of an operation.
type Parameter struct {
	Name     string
	In       string // InPath, InQuery, InBody
	Type     string // "string", "int", "long", "boolean", "containers", "object"
	Required bool
	List     bool     // comma separated
	Default  string   // in the text of its type, "" = none
	Allowed  []string // what it may be, nil = anything
	Natural  bool     // not negative
	About    string
}

// Refusal is a status that an operation may answer, and when it does.
type Refusal struct {
	Status int
	When   string
}

// Allows says whether a parameter may have this value.
func (p *Parameter) Allows(value string) bool {
	return len(p.Allowed) == 0 || slices.Contains(p.Allowed, value)
}

// Operations gives the table: all operations in the order of the API description.
func Operations() []Operation {
	return slices.Concat(
		asteriskOperations(),
		endpointOperations(),
		channelOperations(),
		channelCallOperations(),
		bridgeOperations(),
		recordingOperations(),
		soundOperations(),
		playbackOperations(),
		deviceStateOperations(),
		mailboxOperations(),
		eventOperations(),
		applicationOperations(),
	)
}

// part is what an operation is put together from: parameters, refusals, notes.
type part interface{ addTo(*Operation) }

func (p Parameter) addTo(o *Operation) { o.Params = append(o.Params, p) }
func (r Refusal) addTo(o *Operation)   { o.Refusals = append(o.Refusals, r) }

// parts are several, for operations that share them.
type parts []part

func (l parts) addTo(o *Operation) {
	for _, p := range l {
		p.addTo(o)
	}
}

type note string

func (n note) addTo(o *Operation) { o.Notes = string(n) }

// op makes an operation of a route like "GET /channels/{channelId}". Its path
// parameters come first, and are described by pathAbout.
func op(resource, nickname, route, response, summary string, ps ...part) Operation {
	method, path, _ := strings.Cut(route, " ")
	o := Operation{Resource: resource, Nickname: nickname, Method: method, Path: path, Response: response, Summary: summary}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			o.Params = append(o.Params, Parameter{Name: name, In: InPath, Type: "string", Required: true, About: pathAbout[name]})
		}
	}
	parts(ps).addTo(&o)
	return o
}

// pathAbout describes the parameters that are in paths. It is never changed.
var pathAbout = map[string]string{
	"applicationName": "Name of the application.",
	"bridgeId":        "Id of the bridge.",
	"channelId":       "Id of the channel.",
	"configClass":     "Kind of configuration that the object belongs to.",
	"deviceName":      "Name of the device, such as PJSIP/100 or Stasis:lamp.",
	"eventName":       "Name of the event, which the receivers find in eventname.",
	"id":              "Id of the object.",
	"logChannelName":  "Name of the log channel.",
	"mailboxName":     "Name of the mailbox, box@context.",
	"moduleName":      "Name of the module.",
	"objectType":      "Type of the object.",
	"playbackId":      "Id of the playback.",
	"recordingName":   "Name of the recording, without its file type.",
	"resource":        "Name of the endpoint within its technology.",
	"snoopId":         "Id that the new channel gets.",
	"soundId":         "Id of the sound, which is its name without language and file type.",
	"tech":            "Technology, such as PJSIP. Capitals do not matter.",
}

func text(name, about string) Parameter {
	return Parameter{Name: name, In: InQuery, Type: "string", About: about}
}

func integer(name, about string) Parameter {
	return Parameter{Name: name, In: InQuery, Type: "int", About: about}
}

func flag(name, about string) Parameter {
	return Parameter{Name: name, In: InQuery, Type: "boolean", Default: "false", About: about}
}

// container is a member of a JSON body that is no text.
func container(name, about string) Parameter {
	return Parameter{Name: name, In: InBody, Type: "containers", About: about}
}

func (p Parameter) need() Parameter                  { p.Required = true; return p }
func (p Parameter) many() Parameter                  { p.List = true; return p }
func (p Parameter) def(s string) Parameter           { p.Default = s; return p }
func (p Parameter) oneOf(values ...string) Parameter { p.Allowed = values; return p }
func (p Parameter) natural() Parameter               { p.Natural = true; return p }

func refuse(status int, when string) Refusal { return Refusal{Status: status, When: when} }
