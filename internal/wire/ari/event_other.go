package ari

// The events about applications, devices and endpoints (spec: ari 5.1).

// StasisStart tells that a channel has entered the application.
type StasisStart struct {
	Envelope
	Args           Strings  `json:"args"`
	Channel        Channel  `json:"channel"`
	ReplaceChannel *Channel `json:"replace_channel,omitempty"` // whose place it takes
}

// StasisEnd tells that a channel has left the application.
type StasisEnd struct {
	Envelope
	Channel Channel `json:"channel"`
}

// ApplicationReplaced is the last event of an application on a WebSocket: another has
// taken it over.
type ApplicationReplaced struct{ Envelope }

// ApplicationRegistered greets on an outbound WebSocket, once for each application.
type ApplicationRegistered struct{ Envelope }

// ApplicationUnregistered tells on an outbound WebSocket that the configuration has no
// such application any longer.
type ApplicationUnregistered struct{ Envelope }

// ApplicationMoveFailed tells that a channel could not go to another application, and
// stays.
type ApplicationMoveFailed struct {
	Envelope
	Channel     Channel `json:"channel"`
	Destination string  `json:"destination"`
	Args        Strings `json:"args"`
}

// ApplicationResync is ours: a client has asked to go on from a cursor whose events are
// no longer kept. It is sent in their place, and says what there is now. Clients that
// never send a cursor never get it.
type ApplicationResync struct {
	Envelope
	Reason   string   `json:"reason"`
	Channels Channels `json:"channels"` // in the application
	Bridges  Bridges  `json:"bridges"`  // of interest to it
}

// DeviceStateChanged tells that a device does something else.
type DeviceStateChanged struct {
	Envelope
	DeviceState DeviceState `json:"device_state"`
}

// EndpointStateChange tells that an endpoint's state or channels have changed.
type EndpointStateChange struct {
	Envelope
	Endpoint Endpoint `json:"endpoint"`
}

// ContactStatusChange tells that an address of an endpoint has become reachable, or no
// longer is.
type ContactStatusChange struct {
	Envelope
	Endpoint    Endpoint    `json:"endpoint"`
	ContactInfo ContactInfo `json:"contact_info"`
}

// ContactInfo is an address at which an endpoint can be reached.
type ContactInfo struct {
	URI           string `json:"uri"`
	ContactStatus string `json:"contact_status"`           // Unreachable, Reachable, Unknown, NonQualified, Removed
	AOR           string `json:"aor"`                      // address of record
	RoundtripUsec string `json:"roundtrip_usec,omitempty"` // µs, a number as text
}

// PeerStatusChange tells that an endpoint's registration has changed.
type PeerStatusChange struct {
	Envelope
	Endpoint Endpoint `json:"endpoint"`
	Peer     Peer     `json:"peer"`
}

// Peer is the registration of an endpoint.
type Peer struct {
	PeerStatus string `json:"peer_status"` // Reachable, Unreachable, Registered, Unregistered, Rejected
	Cause      string `json:"cause,omitempty"`
	Address    string `json:"address,omitempty"`
	Port       string `json:"port,omitempty"`
	Time       string `json:"time,omitempty"`
}

// TextMessageReceived is a text message from an endpoint.
type TextMessageReceived struct {
	Envelope
	Message  TextMessage `json:"message"`
	Endpoint *Endpoint   `json:"endpoint,omitempty"`
}

// TextMessage is a text message (SIP MESSAGE).
type TextMessage struct {
	From      string            `json:"from"`
	To        string            `json:"to"`
	Body      string            `json:"body"`
	Variables map[string]string `json:"variables,omitempty"`
}

// CallBroadcast offers a channel to several applications (dialplan StasisBroadcast).
type CallBroadcast struct {
	Envelope
	Channel Channel `json:"channel"`
	Caller  string  `json:"caller,omitempty"`
	Called  string  `json:"called,omitempty"`
}

// CallClaimed tells which application got a channel that was offered.
type CallClaimed struct {
	Envelope
	Channel   Channel `json:"channel"`
	WinnerApp string  `json:"winner_app"`
}

// RESTResponse answers a RESTRequest on the same WebSocket (spec: ari 3.5). Without a
// body, ContentType and MessageBody are "" and not sent.
type RESTResponse struct {
	Envelope
	TransactionID string `json:"transaction_id"`
	RequestID     string `json:"request_id"`
	StatusCode    int    `json:"status_code"`
	ReasonPhrase  string `json:"reason_phrase"`
	URI           string `json:"uri"` // without its query
	ContentType   string `json:"content_type,omitempty"`
	MessageBody   string `json:"message_body,omitempty"`
}
