package switchvox

import (
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/usercall"
)

// DoorName is this door's name in call.Origin. The principal of its calls is DoorName +
// ":" + the login.
const DoorName = "switchvox"

// Originator admits calls to the queue and tells what becomes of them.
type Originator interface {
	// Submit admits a call. The error is a *originate.Refusal, or the cause of ctx.
	Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error)
	// AwaitFirst waits until the first leg of a call is answered, or the call has ended
	// without that. answered says which; why is the reason then.
	AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error)
	// Records gives the call records of a time, newest first; accounts empty = of all.
	Records(ctx context.Context, from, to time.Time) iter.Seq2[call.CDR, error]
	// Deny writes into the audit trail that this door has refused a request.
	Deny(ctx context.Context, e originate.AuditEntry)
}

// Calls are the calls that there are now. usercall.Table implements it.
type Calls interface {
	Of(phone string) []usercall.Call
	Hangup(ctx context.Context, phone, id, who string) error
}

// Destination gives the endpoint by which a number is dialled on behalf of a user: by the dialplan of its
// phone's context if there is one, else by routing. extension says whether the number is an extension of
// this system (a phone, a user, or one of the dialplan).
type Destination func(u directory.User, number string) (to call.Endpoint, extension bool)

// Options are what the door is made of.
type Options struct {
	Users       *directory.Directory
	Originator  Originator
	Calls       Calls
	Destination Destination
	Ready       func() error // why no call can be made now, nil = one can
	Config      func() *Config
	Log         *slog.Logger
	Now         func() time.Time // nil = time.Now
}

// Config is what can change while the door is open (config.Switchvox).
type Config struct {
	Realm              string
	Digest, Basic      bool
	NonceLife          time.Duration
	Tenant             string
	JSONNumbers        bool
	FirstErrorOnly     bool
	Dedupe             bool
	MinExtension       int
	MaxExtension       int
	AllowExternalFirst bool
	AllowedOrigins     []string
	Networks           []netip.Prefix // empty = all
	AllowPlainHTTP     bool
	TrustedProxies     []netip.Prefix
	Pending            int
	Variables          map[string]int // name → number
	Version            string
}
