// Package click places the call that every click-to-dial asks for: ring a user's phone,
// and when the person answers, dial a destination and join the two. Links, sockets and forms
// differ in how they ask; here is what they all mean (spec: vodia 1, 4.9).
package click

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
)

// Why a click places no call, beside *originate.Refusal.
var (
	ErrNoPhone  = errors.New("the user has no phone")                        // nothing is configured that could ring
	ErrNoDevice = errors.New("no device is registered for the user's phone") // spec: vodia 4.9, 409
)

// Intent is one click.
type Intent struct {
	Origin   call.Origin    // door, who asks ("vodia:123@tenant.com"), from where; Reference: the destination as typed
	User     directory.User // whose phone rings; its Account pays
	Dest     string         // number to dial: [+]digits, A-D, *, #; or a SIP address where the door allows it
	DestName string         // shown with Dest on the user's phone, "" = none
	Confirm  bool           // ask to press 1 before dialling
	Prompts  int            // how often to ask, 0 = 3
	Interval time.Duration  // how long each answer is waited for, 0 = 5 s
	FailTone time.Duration  // how long busy or congestion is heard, 0 = not at all
	Key      string         // idempotency key, "" = none
	NotAfter time.Time      // when it is too late to ring, zero = in 5 s
}

// Placer places clicks. App implements it for the doors.
type Placer interface {
	// Place submits the call. It is durable when Place returns. The error is ErrNoPhone,
	// ErrNoDevice, a *originate.Refusal, or that of ctx.
	Place(ctx context.Context, in Intent) (call.Call, error)
}
