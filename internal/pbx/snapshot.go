package pbx

import (
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Snapshot is a channel as it was at one moment. It is immutable and shared:
// events of the same moment point at the same one (spec: ari 8, Channel).
type Snapshot struct {
	ID          string         `json:"id"`          // "<unix seconds>.<counter>", or what was asked for
	Name        string         `json:"name"`        // "PJSIP/101-0000001a"
	ProtocolID  string         `json:"protocol_id"` // SIP Call-ID
	State       State          `json:"state"`
	Caller      call.CallerID  `json:"caller"`
	Connected   call.CallerID  `json:"connected"`
	RDNIS       string         `json:"caller_rdnis,omitempty"` // number that sent the call here, or that it was sent on from
	TenantID    string         `json:"tenantid,omitempty"`
	Dialled     string         `json:"dialled,omitempty"` // incoming: number as dialled
	Account     call.AccountID `json:"account,omitempty"`
	AccountCode string         `json:"accountcode,omitempty"` // for the record only: whose rights count is Account
	Context     string         `json:"context"`
	Extension   string         `json:"extension"`
	Priority    int            `json:"priority"`
	App         string         `json:"app"` // application in progress, for dialplan.app_name
	AppData     string         `json:"app_data"`
	Language    string         `json:"language"`
	CreatedAt   time.Time      `json:"creationtime"`
	AnsweredAt  time.Time      `json:"answered_at,omitzero"`
	LinkedID    string         `json:"linkedid"`
	Technology  string         `json:"technology"`
	Endpoint    string         `json:"endpoint"` // resource as dialled or as it came in
	Phone       string         `json:"phone,omitempty"`
	Trunk       string         `json:"trunk,omitempty"`
	Incoming    bool           `json:"incoming,omitempty"`
	Bridge      string         `json:"bridge,omitempty"` // id of its bridge
	Held        bool           `json:"held,omitempty"`   // the phone has put us on hold
	Variables   []Reported     `json:"channelvars,omitempty"`
	ManagerVars []Reported     `json:"-"`               // those of ShowToManagers that are set
	HangupCause int            `json:"cause,omitempty"` // Q.850, once it has hung up
	HungUp      bool           `json:"hung_up,omitempty"`
	Call        call.ID        `json:"-"` // call of the queue that it is a leg of, "" = none
	CallLeg     string         `json:"-"` // which: "a" or "b"
	PhoneHeld   bool           `json:"-"` // Held is the phone's own doing: see Channel.HoldOther
}

// Reported is a variable that was set to be shown in every event of its channel.
type Reported struct{ Name, Value string }

// BridgeSnapshot is a bridge as it was at one moment (spec: ari 8, Bridge).
type BridgeSnapshot struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Type       BridgeType `json:"bridge_type"`
	Technology string     `json:"technology"` // simple_bridge, native_rtp, softmix, holding_bridge
	Creator    string     `json:"creator"`
	Class      string     `json:"bridge_class"`
	Channels   []string   `json:"channels"` // ids, in the order in which they came
	CreatedAt  time.Time  `json:"creationtime"`

	VideoMode   string     `json:"video_mode,omitempty"`      // talker, sfu, single, none
	VideoSource string     `json:"video_source_id,omitempty"` // id of a channel
	Variables   []Reported `json:"bridgevars,omitempty"`
}

// PlaybackSnapshot is a playback as it was at one moment (spec: ari 8, Playback).
type PlaybackSnapshot struct {
	ID       string        `json:"id"`
	MediaURI string        `json:"media_uri"`
	NextURI  string        `json:"next_media_uri,omitempty"`
	Target   string        `json:"target_uri"` // "channel:ID" or "bridge:ID"
	Language string        `json:"language,omitempty"`
	State    PlaybackState `json:"state"`
}

// RecordingSnapshot is a live recording as it was at one moment (spec: ari 8, LiveRecording).
type RecordingSnapshot struct {
	Name     string         `json:"name"`
	Format   string         `json:"format"`
	Target   string         `json:"target_uri"`
	State    RecordingState `json:"state"`
	Duration time.Duration  `json:"duration"`
	Talking  time.Duration  `json:"talking_duration"` // only with MaxSilence
	Silence  time.Duration  `json:"silence_duration"` // only with MaxSilence
	Cause    string         `json:"cause,omitempty"`  // failed: why
}
