package ua

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// keptBinding is a Binding as it is written to disk. The flow is not kept.
type keptBinding struct {
	Contact      string         `json:"contact"`
	Path         []string       `json:"path,omitempty"`
	ExpiresAt    time.Time      `json:"expires_at"`
	Q            float64        `json:"q"`
	UserAgent    string         `json:"user_agent,omitempty"`
	Instance     string         `json:"instance,omitempty"`
	Received     netip.AddrPort `json:"received,omitzero"`
	CallID       string         `json:"call_id"`
	CSeq         uint32         `json:"cseq"`
	RegisteredAt time.Time      `json:"registered_at"`
}

// MarshalJSON writes what survives a restart, with the Call-ID and CSeq by which
// a late REGISTER is recognised (RFC 3261 §10.3 step 7).
func (b Binding) MarshalJSON() ([]byte, error) {
	k := keptBinding{
		Contact: b.Contact.String(), ExpiresAt: b.ExpiresAt.UTC(), Q: b.Q, UserAgent: b.UserAgent, Instance: b.Instance,
		Received: b.Received, CallID: b.callID, CSeq: b.cseq, RegisteredAt: b.registered.UTC(),
	}
	for _, u := range b.Path {
		k.Path = append(k.Path, u.String())
	}
	return json.Marshal(k)
}

// UnmarshalJSON reads what MarshalJSON wrote, and checks it as if a phone had
// sent it. The binding has no flow.
func (b *Binding) UnmarshalJSON(text []byte) error {
	var k keptBinding
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	contact, err := parseURI("<" + k.Contact + ">")
	if err != nil {
		return err
	}
	var path []sip.Uri
	for _, p := range k.Path {
		u, err := parseURI("<" + p + ">")
		if err != nil {
			return err
		}
		path = append(path, u)
	}
	*b = Binding{
		Contact: contact, Path: path, ExpiresAt: k.ExpiresAt, Q: k.Q, UserAgent: cleanText(k.UserAgent), Instance: cleanText(k.Instance),
		Received: k.Received, callID: k.CallID, cseq: k.CSeq, registered: k.RegisteredAt,
	}
	return nil
}
