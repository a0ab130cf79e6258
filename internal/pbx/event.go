package pbx

import (
	"time"

	"github.com/dialwright/dialwright/internal/cause"
)

// EventType says what happened. The names are those of ARI (spec: ari 5.1), so
// that the doors translate fields and not ideas.
type EventType string

// The events of the switch.
const (
	ChannelCreated           EventType = "ChannelCreated"
	ChannelStateChange       EventType = "ChannelStateChange"
	ChannelDestroyed         EventType = "ChannelDestroyed"         // Cause, TechCause; last event of a channel, exactly once
	ChannelHangupRequest     EventType = "ChannelHangupRequest"     // Cause, TechCause, Soft
	ChannelVarset            EventType = "ChannelVarset"            // Variable, Value
	ChannelCallerID          EventType = "ChannelCallerId"          //
	ChannelConnectedLine     EventType = "ChannelConnectedLine"     //
	ChannelAccountCode       EventType = "ChannelAccountCode"       // ours, for AMI: Value = the old one
	ChannelDialplan          EventType = "ChannelDialplan"          // the snapshot says where
	ChannelEnteredBridge     EventType = "ChannelEnteredBridge"     // Bridge already contains it
	ChannelLeftBridge        EventType = "ChannelLeftBridge"        // Bridge no longer contains it
	ChannelDTMF              EventType = "ChannelDtmfReceived"      // Digit, Duration
	ChannelDTMFBegun         EventType = "ChannelDtmfBegun"         // ours, for AMI: Digit; Value = DigitReceived or DigitSent
	ChannelDTMFSent          EventType = "ChannelDtmfSent"          // ours, for AMI: to the party; Digit, Duration
	ChannelMusicStarted      EventType = "ChannelMusicStarted"      // ours, for AMI: Value = class of music on hold
	ChannelMusicStopped      EventType = "ChannelMusicStopped"      // ours, for AMI
	ChannelHold              EventType = "ChannelHold"              // by the phone
	ChannelUnhold            EventType = "ChannelUnhold"            // by the phone
	ChannelTransfer          EventType = "ChannelTransfer"          // Target: the phone asks for a transfer
	ChannelUserEvent         EventType = "ChannelUserevent"         // Variable = name, Value
	Dial                     EventType = "Dial"                     // Peer, Channel = caller or nil, DialStatus, DialString, Target = forward
	BridgeCreated            EventType = "BridgeCreated"            //
	BridgeDestroyed          EventType = "BridgeDestroyed"          //
	BridgeVideoSourceChanged EventType = "BridgeVideoSourceChanged" // Data: VideoSource
	BridgeBlindTransfer      EventType = "BridgeBlindTransfer"      // Channel, Bridge, Data: *BlindTransfer
	BridgeAttendedTransfer   EventType = "BridgeAttendedTransfer"   // Channel, Bridge, Data: *AttendedTransfer
	PlaybackStarted          EventType = "PlaybackStarted"          // again for each URI and after a pause
	PlaybackContinues        EventType = "PlaybackContinuing"       //
	PlaybackFinished         EventType = "PlaybackFinished"         //
	RecordingStarted         EventType = "RecordingStarted"         //
	RecordingFinished        EventType = "RecordingFinished"        //
	RecordingFailed          EventType = "RecordingFailed"          //
	ChannelTalkStarted       EventType = "ChannelTalkingStarted"    // after TALK_DETECT(set)
	ChannelTalkFinished      EventType = "ChannelTalkingFinished"   // Duration = of the talking
	ChannelToneDetected      EventType = "ChannelToneDetected"      // after TONE_DETECT
	DeviceStateChanged       EventType = "DeviceStateChanged"       // Device
	EndpointStateChange      EventType = "EndpointStateChange"      // Endpoint
	PeerStatusChange         EventType = "PeerStatusChange"         // Endpoint
	ContactStatusChange      EventType = "ContactStatusChange"      // Endpoint
	ChannelProgramEnded      EventType = "ChannelProgramEnded"      // ours, for AMI: a dialplan has ended because the party has hung up
	ChannelHandlerStarted    EventType = "ChannelHandlerStarted"    // ours: a handler took the channel
	ChannelHandlerEnded      EventType = "ChannelHandlerEnded"      // ours: and has let go of it

	// EventsLost tells a subscriber that its buffer was full: from here on
	// events are missing. The next event it gets says in Missed how many.
	EventsLost EventType = "EventsLost"
)

// Event.Value of ChannelDTMFBegun: which way the digit goes.
const (
	DigitReceived = "Received"
	DigitSent     = "Sent"
)

// Event is one thing that happened in the switch. Events of one channel (and
// of one bridge) come in the order in which they happened; Seq rises over all.
type Event struct {
	Seq        uint64
	At         time.Time
	Type       EventType
	Channel    *Snapshot // the channel it happened to; Dial: the caller, nil if there is none
	Peer       *Snapshot // Dial: the dialled channel
	Bridge     *BridgeSnapshot
	Playback   *PlaybackSnapshot
	Recording  *RecordingSnapshot
	Cause      cause.Code
	TechCause  int  // SIP status of an off-nominal end, 0 = none
	Soft       bool // hangup asked for by us
	Variable   string
	Value      string
	DialStatus string // "", PROCEEDING, RINGING, PROGRESS, ANSWER, BUSY, CONGESTION, CHANUNAVAIL, NOANSWER, CANCEL
	DialString string
	Digit      rune
	Duration   time.Duration
	Target     string
	Device     *DeviceSnapshot
	Endpoint   *EndpointSnapshot
	Data       any    // of events that a door has told (Tell); immutable
	Missed     uint64 // events this subscriber lost just before this one
}

// about reports whether id is that of the channel, the dialled channel, or the
// bridge of the event.
func (e *Event) about(id string) bool {
	return e.Channel != nil && e.Channel.ID == id || e.Peer != nil && e.Peer.ID == id || e.Bridge != nil && e.Bridge.ID == id
}

// EventFilter selects events. Empty lists do not restrict.
type EventFilter struct {
	Types []EventType
	About []string          // ids of channels and bridges
	Match func(*Event) bool // further condition; must be quick, must not block or keep the event
}

func (f *EventFilter) matches(e *Event) bool {
	if len(f.Types) > 0 {
		ok := false
		for _, t := range f.Types {
			ok = ok || t == e.Type
		}
		if !ok {
			return false
		}
	}
	if len(f.About) > 0 {
		ok := false
		for _, id := range f.About {
			ok = ok || e.about(id)
		}
		if !ok {
			return false
		}
	}
	return f.Match == nil || f.Match(e)
}
