// Package usercall shows the calls of a user's phone as the person sees them, and carries
// out what the person wants done with them: end, refuse, answer, hold, transfer. A call is
// here what one talks of, not a channel: leg A and leg B of a click are one call, and so are
// an incoming channel and the phone that it rings.
//
//	clicked:   alerting ─ phone answers ─► ringback ─ other side answers ─► connected ◄─► holding, onhold
//	incoming:  alerting ─ phone answers ───────────────────────────────────► connected
//	dialled by the phone itself:           ringback ───────────────────────► connected
//
// A call that ends disappears.
package usercall

import (
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// State is where a call of a user is (spec: vodia 8.6).
type State string

// The states.
const (
	Alerting  State = "alerting"  // the user's phone rings, or is about to
	Ringback  State = "ringback"  // the other side is being dialled or rings
	Connected State = "connected" // both talk
	Holding   State = "holding"   // the user holds the other side
	OnHold    State = "onhold"    // the other side holds the user
)

// Call is one call of a phone.
type Call struct {
	ID        string // handle: the call's ID in the queue, else the ID of the phone's channel
	Phone     string // the phone, a key of [phones]
	State     State
	Incoming  bool          // somebody has called the phone, and it was not clicked
	From, To  call.CallerID // for a clicked call From is the user and To the destination
	Door      string        // by which a clicked call came, "" = it was not clicked
	Reference string        // Origin.Reference of a clicked call: what the door says that is
	Start     time.Time
	Connected time.Time // zero until both have talked
	Recording bool
	Parked    bool
	CallIDs   []string // SIP Call-IDs of its legs
	Account   call.AccountID
	Trunk     string    // trunk by which its other side goes, "" = none
	Codecs    [2]string // of the user's and of the other side's audio, "" = unknown
}

// Why something cannot be done with a call.
var (
	ErrNoCall      = errors.New("there is no such call")
	ErrState       = errors.New("this is not possible in the call's state")
	ErrUnsupported = errors.New("the phone does not support this")
)
