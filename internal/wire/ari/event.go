package ari

import (
	"encoding/json"
	"reflect"
)

// Envelope is what every event begins with (spec: ari 3.2).
type Envelope struct {
	Type        string `json:"type"`
	Timestamp   Date   `json:"timestamp"`
	Application string `json:"application"`
	AsteriskID  string `json:"asterisk_id"` // like a MAC address

	// Cursor is ours: from where a client that reconnects can go on. Only clients
	// that have asked for it are sent it.
	Cursor string `json:"cursor,omitempty"`
}

// Head gives the envelope, which makes whatever embeds it an Event.
func (e *Envelope) Head() *Envelope { return e }

// Event is one of the event types of this package, by pointer.
type Event interface {
	// Head gives the envelope, to be filled in.
	Head() *Envelope
}

// Encode gives an event in JSON. Its type is the name of its struct, and is filled in.
func Encode(e Event) ([]byte, error) {
	e.Head().Type = TypeOf(e)
	return json.Marshal(e)
}

// TypeOf gives an event's type, "StasisStart" for a *StasisStart.
func TypeOf(e Event) string { return reflect.TypeOf(e).Elem().Name() }

// Events gives an empty event of each type, in the order of the API description.
func Events() []Event {
	return []Event{
		&DeviceStateChanged{},
		&PlaybackStarted{}, &PlaybackContinuing{}, &PlaybackFinished{},
		&RecordingStarted{}, &RecordingFinished{}, &RecordingFailed{},
		&ApplicationMoveFailed{}, &ApplicationRegistered{}, &ApplicationUnregistered{}, &ApplicationReplaced{}, &ApplicationResync{},
		&BridgeCreated{}, &BridgeDestroyed{}, &BridgeMerged{}, &BridgeVideoSourceChanged{},
		&BridgeBlindTransfer{}, &BridgeAttendedTransfer{},
		&ChannelCreated{}, &ChannelDestroyed{}, &ChannelEnteredBridge{}, &ChannelLeftBridge{}, &ChannelStateChange{},
		&ChannelDtmfReceived{}, &ChannelDialplan{}, &ChannelCallerId{}, &ChannelUserevent{}, &ChannelHangupRequest{},
		&ChannelVarset{}, &ChannelHold{}, &ChannelUnhold{}, &ChannelToneDetected{}, &ChannelTalkingStarted{}, &ChannelTalkingFinished{},
		&ContactStatusChange{}, &PeerStatusChange{}, &EndpointStateChange{},
		&Dial{}, &StasisEnd{}, &StasisStart{}, &TextMessageReceived{}, &ChannelConnectedLine{}, &ChannelTransfer{},
		&RESTResponse{}, &CallBroadcast{}, &CallClaimed{},
	}
}

// New gives an empty event of a type, false if there is no such type.
func New(kind string) (Event, bool) {
	for _, e := range Events() {
		if TypeOf(e) == kind {
			return e, true
		}
	}
	return nil, false
}
