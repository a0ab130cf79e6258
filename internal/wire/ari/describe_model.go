package ari

import (
	"reflect"
	"strings"
)

// model is an entry of "models" in the API description, made from a Go type.
type model struct {
	name  string
	value any
	about string
}

type described struct {
	ID            string                       `json:"id"`
	Description   string                       `json:"description"`
	Discriminator string                       `json:"discriminator,omitempty"`
	SubTypes      []string                     `json:"subTypes,omitempty"`
	Properties    map[string]describedProperty `json:"properties"`
}

type describedProperty struct {
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// describe gives the properties of the Go type, without those of an embedded envelope:
// they are in the models Message and Event, which all events extend.
func (m model) describe() described {
	d := described{ID: m.name, Description: m.about, Properties: map[string]describedProperty{}}
	t := reflect.TypeOf(m.value)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind, optional, _ := strings.Cut(f.Tag.Get("ari"), ",")
		if kind == "" {
			kind = typeName(f.Type)
		}
		d.Properties[name] = describedProperty{
			Type:     kind,
			Required: options != "omitempty" && optional != "optional",
		}
	}
	switch m.value.(type) {
	case message:
		d.Discriminator, d.SubTypes = "type", []string{"MissingParams", "Event"}
	case event:
		for _, e := range Events() {
			d.SubTypes = append(d.SubTypes, TypeOf(e))
		}
	}
	return d
}

// typeName gives the name that the API description has for a Go type. The tag
// `ari:"long"` on a field overrides it, and `ari:",optional"` says that clients must not
// count on a field that is always sent.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Date]():
		return "Date"
	case reflect.TypeFor[RawJSON](), reflect.TypeFor[EventType]():
		return "object"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "List[" + typeName(t.Elem()) + "]"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "double"
	case reflect.Map:
		return "object"
	case reflect.Struct:
		return t.Name()
	}
	return "int"
}

// message and event are the models that all others on the WebSocket extend.
type (
	message struct {
		Type       string `json:"type"`
		AsteriskID string `json:"asterisk_id,omitempty"`
	}
	event struct {
		Application string `json:"application"`
		Timestamp   Date   `json:"timestamp"`
		Cursor      string `json:"cursor,omitempty"`
	}
	missingParams struct {
		Params []string `json:"params"`
	}
	// dialed is declared and has no properties.
	dialed struct{}
)

func asteriskModels() []model {
	return []model{
		{"AsteriskInfo", AsteriskInfo{}, "What the server says about itself."},
		{"BuildInfo", BuildInfo{}, "How the server was built."},
		{"SystemInfo", SystemInfo{}, "Version and name of the server."},
		{"ConfigInfo", ConfigInfo{}, "What the server may do."},
		{"SetId", SetID{}, "User and group that the server runs as."},
		{"StatusInfo", StatusInfo{}, "Since when the server runs."},
		{"AsteriskPing", AsteriskPing{}, "Answer to a ping."},
		{"Module", Module{}, "A part of the server."},
		{"LogChannel", LogChannel{}, "A place that log lines go to."},
		{"Variable", Variable{}, "The value of a variable."},
		{"Variables", Variables{}, "Values of variables by name."},
		{"ConfigTuple", ConfigTuple{}, "An attribute of a configuration object."},
	}
}

func endpointModels() []model {
	return []model{
		{"Endpoint", Endpoint{}, "A phone or trunk."},
		{"TextMessage", TextMessage{}, "A text message."},
	}
}

func channelModels() []model {
	return []model{
		{"Channel", Channel{}, "A channel: the server's end of one leg of a call."},
		{"CallerID", CallerID{}, "Name and number."},
		{"DialplanCEP", DialplanCEP{}, "Where in the dialplan a channel is."},
		{"Dialed", dialed{}, "A channel that was dialled."},
		{"RTPstat", RTPstat{}, "What a channel has sent and received."},
	}
}

func bridgeModels() []model {
	return []model{{"Bridge", Bridge{}, "Channels that hear each other."}}
}

func recordingModels() []model {
	return []model{
		{"StoredRecording", StoredRecording{}, "A recording that is over."},
		{"LiveRecording", LiveRecording{}, "A recording in progress."},
	}
}

func soundModels() []model {
	return []model{
		{"Sound", Sound{}, "A sound that can be played."},
		{"FormatLangPair", FormatLangPair{}, "Language and format of a sound's file."},
	}
}

func playbackModels() []model {
	return []model{{"Playback", Playback{}, "Media being played."}}
}

func deviceStateModels() []model {
	return []model{{"DeviceState", DeviceState{}, "What a device is doing."}}
}

func mailboxModels() []model {
	return []model{{"Mailbox", Mailbox{}, "How many messages somebody has."}}
}

func applicationModels() []model {
	return []model{{"Application", Application{}, "An application with what it hears of."}}
}

// eventModels has a model for every type that may come on a WebSocket: npm ari-client
// throws on an event without one (spec: ari 2.6 rule 4).
func eventModels() []model {
	list := []model{
		{"Message", message{}, "What every message on the WebSocket has."},
		{"Event", event{}, "What every event has."},
		{"MissingParams", missingParams{}, "Parameters are missing. It is never sent."},
		{"ContactInfo", ContactInfo{}, "An address at which an endpoint can be reached."},
		{"Peer", Peer{}, "The registration of an endpoint."},
		{"ReferTo", ReferTo{}, "Where a transfer is to go."},
		{"ReferredBy", ReferredBy{}, "Who asks for a transfer."},
		{"RequiredDestination", RequiredDestination{}, "The number or call that a transfer names."},
		{"AdditionalParam", AdditionalParam{}, "A parameter of the protocol that came with a transfer."},
		{"RESTHeader", RESTHeader{}, "A header of a request over the WebSocket."},
		{"RESTQueryStringParameter", RESTQueryStringParameter{}, "A parameter of a request over the WebSocket."},
		{"RESTRequest", RESTRequest{}, "A request over the WebSocket."},
	}
	for _, e := range Events() {
		name := TypeOf(e)
		list = append(list, model{name, e, eventAbout[name]})
	}
	return list
}
