package ari

// The events about bridges, what is played and what is recorded (spec: ari 5.1).

// BridgeCreated tells that a bridge has come into being.
type BridgeCreated struct {
	Envelope
	Bridge Bridge `json:"bridge"`
}

// BridgeDestroyed is the last event of a bridge.
type BridgeDestroyed struct {
	Envelope
	Bridge Bridge `json:"bridge"`
}

// BridgeMerged tells that the members of a bridge have gone into another.
type BridgeMerged struct {
	Envelope
	Bridge     Bridge `json:"bridge"`
	BridgeFrom Bridge `json:"bridge_from"`
}

// BridgeVideoSourceChanged tells that another member is seen.
type BridgeVideoSourceChanged struct {
	Envelope
	Bridge           Bridge `json:"bridge"`
	OldVideoSourceID string `json:"old_video_source_id,omitempty"`
}

// ChannelEnteredBridge tells that a channel has joined; the bridge's list has it.
type ChannelEnteredBridge struct {
	Envelope
	Bridge  Bridge   `json:"bridge"`
	Channel *Channel `json:"channel,omitempty"`
}

// ChannelLeftBridge tells that a channel has left; the bridge's list has it no longer.
type ChannelLeftBridge struct {
	Envelope
	Bridge  Bridge  `json:"bridge"`
	Channel Channel `json:"channel"`
}

// BridgeBlindTransfer tells of a blind transfer out of a bridge.
type BridgeBlindTransfer struct {
	Envelope
	Channel        Channel  `json:"channel"` // that asked for it
	ReplaceChannel *Channel `json:"replace_channel,omitempty"`
	Transferee     *Channel `json:"transferee,omitempty"`
	Exten          string   `json:"exten"`
	Context        string   `json:"context"`
	Result         string   `json:"result"` // "Success", "Fail", "Invalid", "Not Permitted"
	IsExternal     bool     `json:"is_external"`
	Bridge         *Bridge  `json:"bridge,omitempty"`
}

// BridgeAttendedTransfer tells of an attended transfer; which of the destinations are
// there depends on DestinationType.
type BridgeAttendedTransfer struct {
	Envelope
	TransfererFirstLeg        Channel  `json:"transferer_first_leg"`
	TransfererSecondLeg       Channel  `json:"transferer_second_leg"`
	ReplaceChannel            *Channel `json:"replace_channel,omitempty"`
	Transferee                *Channel `json:"transferee,omitempty"`
	TransferTarget            *Channel `json:"transfer_target,omitempty"`
	Result                    string   `json:"result"` // as in BridgeBlindTransfer
	IsExternal                bool     `json:"is_external"`
	TransfererFirstLegBridge  *Bridge  `json:"transferer_first_leg_bridge,omitempty"`
	TransfererSecondLegBridge *Bridge  `json:"transferer_second_leg_bridge,omitempty"`
	DestinationType           string   `json:"destination_type"`             // "bridge", "application", "link", "threeway"
	DestinationBridge         string   `json:"destination_bridge,omitempty"` // id
	DestinationApplication    string   `json:"destination_application,omitempty"`
	DestinationLinkFirstLeg   *Channel `json:"destination_link_first_leg,omitempty"`
	DestinationLinkSecondLeg  *Channel `json:"destination_link_second_leg,omitempty"`
	DestinationThreeway       *Channel `json:"destination_threeway_channel,omitempty"`
	DestinationThreewayBridge *Bridge  `json:"destination_threeway_bridge,omitempty"`
}

// PlaybackStarted tells that a media URI starts: for each of a list, and after a pause.
type PlaybackStarted struct {
	Envelope
	Playback Playback `json:"playback"`
}

// PlaybackContinuing tells that a URI has ended and another follows.
type PlaybackContinuing struct {
	Envelope
	Playback Playback `json:"playback"`
}

// PlaybackFinished is the last event of a playback; its state is done or failed.
type PlaybackFinished struct {
	Envelope
	Playback Playback `json:"playback"`
}

// RecordingStarted tells that a recording has begun.
type RecordingStarted struct {
	Envelope
	Recording LiveRecording `json:"recording"`
}

// RecordingFinished tells that a recording is over; its state is done.
type RecordingFinished struct {
	Envelope
	Recording LiveRecording `json:"recording"`
}

// RecordingFailed tells that a recording could not start; its Cause says why.
type RecordingFailed struct {
	Envelope
	Recording LiveRecording `json:"recording"`
}
