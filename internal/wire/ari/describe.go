package ari

import "slices"

// APIVersion is the version of ARI that this package speaks (spec: ari, Asterisk 22.10).
const APIVersion = "10.0.0"

// resources are the documents of the API description, in Asterisk's order, with the
// version of their format: npm ari-client loads all of them and reads no other shape
// (spec: ari 2.6).
func resources() []resource {
	return []resource{
		{"asterisk", "The server itself", "1.1", asteriskModels},
		{"endpoints", "Phones and trunks", "1.1", endpointModels},
		{"channels", "Channels", "1.1", channelModels},
		{"bridges", "Bridges", "1.1", bridgeModels},
		{"recordings", "Recordings", "1.1", recordingModels},
		{"sounds", "Sounds", "1.1", soundModels},
		{"playbacks", "Playbacks", "1.1", playbackModels},
		{"deviceStates", "Device states", "1.1", deviceStateModels},
		{"mailboxes", "Mailboxes", "1.1", mailboxModels},
		{"events", "Events and the WebSocket", "1.2", eventModels},
		{"applications", "Applications", "1.1", applicationModels},
	}
}

// resource is one document.
type resource struct {
	name, about, swagger string
	models               func() []model
}

// BasePath gives the address below which the paths of the description lie, "" when the
// host is not known: the description is then without it.
func BasePath(host, prefix string, https bool) string {
	if host == "" {
		return ""
	}
	scheme := "http"
	if https {
		scheme = "https"
	}
	return scheme + "://" + host + prefix + "/ari"
}

// Resources gives the list of documents, /ari/api-docs/resources.json, to be encoded as
// JSON.
func Resources(basePath string) any {
	list := listing{header: header{APIVersion: APIVersion, SwaggerVersion: "1.1", BasePath: basePath}}
	for _, r := range resources() {
		list.APIs = append(list.APIs, listed{Path: "/api-docs/" + r.name + ".{format}", Description: r.about})
	}
	return list
}

// Description gives the document of a resource, /ari/api-docs/<name>.json, to be encoded
// as JSON; false if there is none of that name.
func Description(name, basePath string) (any, bool) {
	i := slices.IndexFunc(resources(), func(r resource) bool { return r.name == name })
	if i < 0 {
		return nil, false
	}
	r := resources()[i]
	d := document{
		header:       header{APIVersion: "2.0.0", SwaggerVersion: r.swagger, BasePath: basePath},
		ResourcePath: "/api-docs/" + name + ".{format}",
		Models:       map[string]described{},
	}
	for _, o := range Operations() {
		if o.Resource == name {
			d.add(r, &o)
		}
	}
	for _, m := range r.models() {
		d.Models[m.name] = m.describe()
	}
	return d, true
}

// The shapes below are those of Swagger 1.1.

type header struct {
	APIVersion     string `json:"apiVersion"`
	SwaggerVersion string `json:"swaggerVersion"`
	BasePath       string `json:"basePath,omitempty"`
}

type listing struct {
	header
	APIs []listed `json:"apis"`
}

type listed struct {
	Path        string `json:"path"`
	Description string `json:"description"`
}

type document struct {
	header
	ResourcePath string               `json:"resourcePath"`
	APIs         []describedPath      `json:"apis"`
	Models       map[string]described `json:"models"`
}

type describedPath struct {
	Path        string               `json:"path"`
	Description string               `json:"description"`
	Operations  []describedOperation `json:"operations"`
}

type describedOperation struct {
	HTTPMethod        string               `json:"httpMethod"`
	Upgrade           string               `json:"upgrade,omitempty"`
	WebSocketProtocol string               `json:"websocketProtocol,omitempty"`
	Summary           string               `json:"summary"`
	Notes             string               `json:"notes,omitempty"`
	Nickname          string               `json:"nickname"`
	ResponseClass     string               `json:"responseClass"`
	Parameters        []describedParameter `json:"parameters,omitempty"`
	ErrorResponses    []describedRefusal   `json:"errorResponses,omitempty"`
}

type describedParameter struct {
	Name          string           `json:"name"`
	Description   string           `json:"description"`
	ParamType     string           `json:"paramType"`
	Required      bool             `json:"required"`
	AllowMultiple bool             `json:"allowMultiple"`
	DataType      string           `json:"dataType"`
	DefaultValue  any              `json:"defaultValue,omitempty"`
	Allowable     *describedValues `json:"allowableValues,omitempty"`
}

type describedValues struct {
	ValueType string   `json:"valueType"` // "LIST", "RANGE"
	Values    []string `json:"values,omitempty"`
	Min       *int     `json:"min,omitempty"`
}

type describedRefusal struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

// add puts an operation below its path, which it shares with its other methods.
func (d *document) add(r resource, o *Operation) {
	i := slices.IndexFunc(d.APIs, func(p describedPath) bool { return p.Path == o.Path })
	if i < 0 {
		i = len(d.APIs)
		d.APIs = append(d.APIs, describedPath{Path: o.Path, Description: r.about})
	}
	d.APIs[i].Operations = append(d.APIs[i].Operations, o.describe())
}

func (o *Operation) describe() describedOperation {
	d := describedOperation{
		HTTPMethod:    o.Method,
		Summary:       o.Summary,
		Notes:         o.Notes,
		Nickname:      o.Nickname,
		ResponseClass: o.Response,
	}
	if o.Upgrade {
		d.Upgrade, d.WebSocketProtocol = "websocket", "ari"
	}
	for _, p := range o.Params {
		d.Parameters = append(d.Parameters, p.describe())
	}
	for _, r := range o.Refusals {
		d.ErrorResponses = append(d.ErrorResponses, describedRefusal{Code: r.Status, Reason: r.When})
	}
	return d
}

func (p *Parameter) describe() describedParameter {
	d := describedParameter{
		Name:          p.Name,
		Description:   p.About,
		ParamType:     p.In,
		Required:      p.Required,
		AllowMultiple: p.List,
		DataType:      p.Type,
		DefaultValue:  p.defaultValue(),
	}
	switch {
	case len(p.Allowed) > 0:
		d.Allowable = &describedValues{ValueType: "LIST", Values: p.Allowed}
	case p.Natural:
		d.Allowable = &describedValues{ValueType: "RANGE", Min: new(int)}
	}
	return d
}

// defaultValue gives the default as a value of its type, nil if there is none.
func (p *Parameter) defaultValue() any {
	if p.Default == "" {
		return nil
	}
	switch p.Type {
	case "int", "long":
		return leadingInt(p.Default)
	case "boolean":
		return truth(p.Default)
	}
	return p.Default
}
