package vodia

import "encoding/json"

// Message is one of the server's (spec: vodia 8.4): one of the types below. Encode writes it.
type Message interface {
	json.Marshaler
	message()
}

// Encode writes a message as the text of a frame.
func Encode(m Message) []byte {
	b, err := marshal(m)
	if err != nil { // only texts, numbers and lists of them
		panic(err)
	}
	return b
}

// The messages.
type (
	// CallState is the complete list of a user's calls: {"action":"call-state","calls":[…]}.
	CallState struct{ Calls []Call }

	// CallEnded says why a call has ended (ours; known clients ignore it). Reason is a word,
	// such as "busy".
	CallEnded struct{ ID, ToNumber, Reason string }

	// Refused says that a message was not carried out (ours). Code is as of HTTP.
	Refused struct {
		Request string // its action, "" = unknown
		Code    int
		Message string
	}

	// CallerID says that the other side is somebody else now.
	CallerID struct{ CallID, Name, Number string }

	// RecordStarted and RecordStopped say that a recording has begun and ended: rec-start, rec-stop.
	RecordStarted struct{}
	RecordStopped struct{}

	// UserState is the presence of one account.
	UserState struct {
		Account    string
		Name       string
		Registered bool
		Calls      []Call
	}

	// DomainState lists the accounts of a tenant.
	DomainState struct{ Accounts []Account }

	// LampState answers Lamps: {"action":"blf","account":"500","state":"…"}.
	LampState struct {
		Account string
		State   string // "idle", "ringing", "busy" or "offline"
	}

	// RingToneList answers RingTones. It has no action: the member names the message (spec:
	// vodia 8.2).
	RingToneList struct{ Names []string }
)

// Account is one of a tenant.
type Account struct {
	Account    string // "123"
	Name       string // of its owner
	Registered bool   // a phone of it can be reached
}

func (CallState) message()     {}
func (CallEnded) message()     {}
func (Refused) message()       {}
func (CallerID) message()      {}
func (RecordStarted) message() {}
func (RecordStopped) message() {}
func (UserState) message()     {}
func (DomainState) message()   {}
func (LampState) message()     {}
func (RingToneList) message()  {}

// MarshalJSON is json.Marshaler. calls is always a list.
func (m CallState) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action string `json:"action"`
		Calls  []Call `json:"calls"`
	}{"call-state", append([]Call{}, m.Calls...)})
}

// MarshalJSON is json.Marshaler.
func (m CallEnded) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action   string `json:"action"`
		ID       string `json:"id"`
		ToNumber string `json:"to-number"`
		Reason   string `json:"reason"`
	}{"call-ended", m.ID, m.ToNumber, m.Reason})
}

// MarshalJSON is json.Marshaler.
func (m Refused) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action  string `json:"action"`
		Request string `json:"request"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{"error", m.Request, m.Code, m.Message})
}

// MarshalJSON is json.Marshaler.
func (m CallerID) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action string `json:"action"`
		CallID string `json:"callid"`
		Name   string `json:"name"`
		Number string `json:"number"`
	}{"callerid", m.CallID, m.Name, m.Number})
}

// MarshalJSON is json.Marshaler.
func (RecordStarted) MarshalJSON() ([]byte, error) { return []byte(`{"action":"rec-start"}`), nil }

// MarshalJSON is json.Marshaler.
func (RecordStopped) MarshalJSON() ([]byte, error) { return []byte(`{"action":"rec-stop"}`), nil }

// MarshalJSON is json.Marshaler. What this server does not know of an account is as it is of
// one that has not said it.
func (m UserState) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action     string `json:"action"`
		Account    string `json:"account"`
		Name       string `json:"name"`
		Type       string `json:"type"`
		Registered bool   `json:"registered"`
		Calls      []Call `json:"calls"`
		DND        bool   `json:"dnd"`
		ChatStatus string `json:"chatstatus"`
	}{"user-state", m.Account, m.Name, extensions, m.Registered, append([]Call{}, m.Calls...), false, ""})
}

// extensions is the type of accounts that are people's.
const extensions = "extensions"

// MarshalJSON is json.Marshaler.
func (m DomainState) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action   string    `json:"action"`
		Accounts []Account `json:"accounts"`
	}{"domain-state", append([]Account{}, m.Accounts...)})
}

// MarshalJSON is json.Marshaler.
func (a Account) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Account    string `json:"account"`
		Name       string `json:"name"`
		Type       string `json:"type"`
		Registered bool   `json:"registered"`
	}{a.Account, a.Name, extensions, a.Registered})
}

// MarshalJSON is json.Marshaler.
func (m LampState) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Action  string `json:"action"`
		Account string `json:"account"`
		State   string `json:"state"`
	}{"blf", m.Account, m.State})
}

// MarshalJSON is json.Marshaler.
func (m RingToneList) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		RingTones []string `json:"ringtones"`
	}{append([]string{}, m.Names...)})
}
