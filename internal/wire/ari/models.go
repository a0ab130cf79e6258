package ari

import "encoding/json"

// CallerID is a name and a number; "" when unknown, never null.
type CallerID struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

// DialplanCEP is where a channel is.
type DialplanCEP struct {
	Context  string `json:"context"`
	Exten    string `json:"exten"`
	Priority int    `json:"priority" ari:"long"`
	AppName  string `json:"app_name"`
	AppData  string `json:"app_data"`
}

// Channel is a channel (spec: ari 8).
type Channel struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	State        string            `json:"state"`
	ProtocolID   string            `json:"protocol_id"`
	Caller       CallerID          `json:"caller"`
	Connected    CallerID          `json:"connected"`
	AccountCode  string            `json:"accountcode"`
	Dialplan     DialplanCEP       `json:"dialplan"`
	CreationTime Date              `json:"creationtime"`
	Language     string            `json:"language"`
	ChannelVars  map[string]string `json:"channelvars,omitempty"`
	CallerRDNIS  string            `json:"caller_rdnis,omitempty"`
	TenantID     string            `json:"tenantid,omitempty"`
}

// Bridge is a bridge (spec: ari 8).
type Bridge struct {
	ID            string            `json:"id"`
	Technology    string            `json:"technology"`
	BridgeType    string            `json:"bridge_type"`
	BridgeClass   string            `json:"bridge_class"`
	Creator       string            `json:"creator"`
	Name          string            `json:"name"`
	Channels      Strings           `json:"channels"`
	CreationTime  Date              `json:"creationtime"`
	VideoMode     string            `json:"video_mode,omitempty"`
	VideoSourceID string            `json:"video_source_id,omitempty"`
	BridgeVars    map[string]string `json:"bridgevars,omitempty"`
}

// Playback is media being played (spec: ari 8).
type Playback struct {
	ID           string `json:"id"`
	MediaURI     string `json:"media_uri"`
	NextMediaURI string `json:"next_media_uri,omitempty"`
	TargetURI    string `json:"target_uri"`
	Language     string `json:"language,omitempty"`
	State        string `json:"state"`
}

// LiveRecording is a recording in progress; durations are whole seconds, nil when
// they do not apply.
type LiveRecording struct {
	Name            string `json:"name"`
	Format          string `json:"format"`
	TargetURI       string `json:"target_uri"`
	State           string `json:"state"`
	Duration        *int   `json:"duration,omitempty"`
	TalkingDuration *int   `json:"talking_duration,omitempty"`
	SilenceDuration *int   `json:"silence_duration,omitempty"`
	Cause           string `json:"cause,omitempty"`
}

// StoredRecording is a recording that is over.
type StoredRecording struct {
	Name   string `json:"name"`
	Format string `json:"format"`
}

// List is a list that is [] in JSON when it is nil: clients expect no null.
type List[T any] []T

// MarshalJSON gives an array.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// The lists that models have.
type (
	Strings    = List[string]
	EventTypes = List[EventType]
	Channels   = List[Channel]
	Bridges    = List[Bridge]
)

// Application is an application with its subscriptions; no list is ever null.
type Application struct {
	Name             string     `json:"name"`
	ChannelIDs       Strings    `json:"channel_ids"`
	BridgeIDs        Strings    `json:"bridge_ids"`
	EndpointIDs      Strings    `json:"endpoint_ids"`
	DeviceNames      Strings    `json:"device_names"`
	EventsAllowed    EventTypes `json:"events_allowed"`
	EventsDisallowed EventTypes `json:"events_disallowed"`
}

// EventType is an entry of an event filter (spec: ari 3.6).
type EventType struct {
	Type string `json:"type"`
}

// Endpoint is a phone or trunk; State is "online", "offline", "unknown" or "".
type Endpoint struct {
	Technology string  `json:"technology"`
	Resource   string  `json:"resource"`
	State      string  `json:"state,omitempty"`
	ChannelIDs Strings `json:"channel_ids"`
}

// DeviceState is what a device is doing.
type DeviceState struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Mailbox counts messages.
type Mailbox struct {
	Name        string `json:"name"`
	OldMessages int    `json:"old_messages"`
	NewMessages int    `json:"new_messages"`
}

// Sound is a sound that can be played, with where it is.
type Sound struct {
	ID      string               `json:"id"`
	Text    string               `json:"text,omitempty"`
	Formats List[FormatLangPair] `json:"formats"`
}

// FormatLangPair is one file of a sound.
type FormatLangPair struct {
	Language string `json:"language"`
	Format   string `json:"format"`
}

// Variable is the value of a variable.
type Variable struct {
	Value string `json:"value"`
}

// Variables are several, by name.
type Variables struct {
	Variables map[string]string `json:"variables"`
}

// RawJSON is a part that is passed on as it came, for example the userevent of a
// ChannelUserevent.
type RawJSON = json.RawMessage
