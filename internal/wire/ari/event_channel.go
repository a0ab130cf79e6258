package ari

// The events about channels (spec: ari 5.1). Optional channels are nil when they are
// not there; a text that is sent even when it is "" has no omitempty.

// ChannelCreated tells that a channel has come into being.
type ChannelCreated struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelDestroyed is the last event of a channel.
type ChannelDestroyed struct {
	Envelope
	Cause     int     `json:"cause"`                // Q.850, 0-127
	CauseTxt  string  `json:"cause_txt"`            // "Normal Clearing"
	TechCause int     `json:"tech_cause,omitempty"` // SIP status of an off-nominal end, 0 = none
	Channel   Channel `json:"channel"`
}

// ChannelStateChange tells that Channel.State has changed.
type ChannelStateChange struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelHangupRequest tells that somebody wants to hang up: by REST Cause is 32 and
// Soft true, after a rejection Cause and TechCause are those of the peer, and after a
// BYE there is neither (observed: Asterisk 22.10).
type ChannelHangupRequest struct {
	Envelope
	Cause     int     `json:"cause,omitempty"`      // 0 = none
	TechCause int     `json:"tech_cause,omitempty"` // 0 = none
	Soft      bool    `json:"soft,omitempty"`
	Channel   Channel `json:"channel"`
}

// ChannelVarset tells of a variable, Value "" when it was unset. Channel is nil when
// it is a global one.
type ChannelVarset struct {
	Envelope
	Variable string   `json:"variable"`
	Value    string   `json:"value"`
	Channel  *Channel `json:"channel,omitempty"`
}

// ChannelDialplan tells which step of the dialplan a channel is about to run.
type ChannelDialplan struct {
	Envelope
	DialplanApp     string  `json:"dialplan_app"`
	DialplanAppData string  `json:"dialplan_app_data"`
	Channel         Channel `json:"channel"`
}

// ChannelCallerId tells that the caller's name or number has changed. The numbers of
// the presentation and their texts are those of Presentation.
type ChannelCallerId struct {
	Envelope
	CallerPresentation    int     `json:"caller_presentation"`
	CallerPresentationTxt string  `json:"caller_presentation_txt"`
	Channel               Channel `json:"channel"`
}

// ChannelConnectedLine tells that the connected name or number has changed.
type ChannelConnectedLine struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelDtmfReceived tells of a digit that the channel has sent, at its end.
type ChannelDtmfReceived struct {
	Envelope
	Digit      string  `json:"digit"` // 0-9, A-D, * or #
	DurationMS int     `json:"duration_ms"`
	Channel    Channel `json:"channel"`
}

// ChannelHold tells that the phone has put the call on hold.
type ChannelHold struct {
	Envelope
	MusicClass string  `json:"musicclass,omitempty"`
	Channel    Channel `json:"channel"`
}

// ChannelUnhold tells that the phone has taken the call off hold.
type ChannelUnhold struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelTalkingStarted tells that talking has begun, after TALK_DETECT(set).
type ChannelTalkingStarted struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelTalkingFinished tells that silence has lasted long enough.
type ChannelTalkingFinished struct {
	Envelope
	Duration int     `json:"duration"` // ms of the talking
	Channel  Channel `json:"channel"`
}

// ChannelToneDetected tells of a tone, after TONE_DETECT.
type ChannelToneDetected struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ChannelUserevent is an event of somebody's own, and what it is about, if anything.
type ChannelUserevent struct {
	Envelope
	EventName string    `json:"eventname"`
	Channel   *Channel  `json:"channel,omitempty"`
	Bridge    *Bridge   `json:"bridge,omitempty"`
	Endpoint  *Endpoint `json:"endpoint,omitempty"`
	UserEvent RawJSON   `json:"userevent"` // an object, which has the member eventname too; nil is sent as null
}

// Dial tells of a call attempt: it begins with DialStatus "", then come the values of
// spec: ari 5.2. Forward and DialString are always sent.
type Dial struct {
	Envelope
	Caller     *Channel `json:"caller,omitempty"`        // only if a dialplan Dial made the call
	Peer       Channel  `json:"peer"`                    // the channel that is dialled
	Forward    string   `json:"forward" ari:",optional"` // where the phone sends the call instead
	Forwarded  *Channel `json:"forwarded,omitempty"`
	DialString string   `json:"dialstring" ari:",optional"` // the endpoint without its technology
	DialStatus string   `json:"dialstatus"`
}

// ChannelTransfer tells that a phone asks for a transfer which the application is to
// carry out.
type ChannelTransfer struct {
	Envelope
	State      string     `json:"state,omitempty"`
	ReferTo    ReferTo    `json:"refer_to"`
	ReferredBy ReferredBy `json:"referred_by"`
}

// ReferTo is where a transfer is to go.
type ReferTo struct {
	RequestedDestination RequiredDestination `json:"requested_destination"`
	DestinationChannel   *Channel            `json:"destination_channel,omitempty"`
	ConnectedChannel     *Channel            `json:"connected_channel,omitempty"`
	Bridge               *Bridge             `json:"bridge,omitempty"`
}

// ReferredBy is who asks for a transfer.
type ReferredBy struct {
	SourceChannel    Channel  `json:"source_channel"`
	ConnectedChannel *Channel `json:"connected_channel,omitempty"`
	Bridge           *Bridge  `json:"bridge,omitempty"`
}

// RequiredDestination is the number a transfer names, or the call of an attended one.
type RequiredDestination struct {
	ProtocolID               string            `json:"protocol_id,omitempty"` // SIP Call-ID
	Destination              string            `json:"destination,omitempty"`
	AdditionalProtocolParams []AdditionalParam `json:"additional_protocol_params,omitempty"`
}

// AdditionalParam is a parameter of the protocol that came with a transfer.
type AdditionalParam struct {
	ParameterName  string `json:"parameter_name"`
	ParameterValue string `json:"parameter_value"`
}
