package switchvox

import (
	"context"
	"crypto/rand"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
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
	// Records gives the call records of a time, newest first; zero times do not restrict.
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

// Identity gives what the second phone of a user's calls is shown; zero is for the account to say.
type Identity func(u directory.User) call.CallerID

// Options are what the door is made of.
type Options struct {
	Users       *directory.Directory
	Originator  Originator
	Calls       Calls
	Destination Destination
	Identity    Identity
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
	PassVariables      []string       // set, though reported as not found; "*" = all
	Version            string
}

// pending is how many requests of a login may wait where the configuration does not say.
const pending = 100

// Door serves /xml and /json. It is safe for concurrent use and needs no stop: it ends with
// the requests of its HTTP server.
type Door struct {
	o        Options
	log      *slog.Logger
	nonces   *auth.Nonces
	locks    *lockout
	waits    *waits
	searches chan struct{} // searches of call records at once
	nobody   string        // HA1 of users that there are not
}

// New makes the door.
func New(o Options) *Door {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Door{
		o: o, log: o.Log, nonces: auth.NewNonces(), locks: newLockout(), waits: newWaits(), searches: make(chan struct{}, searchesAt),
		nobody: wire.HA1(rand.Text(), "", rand.Text()),
	}
}

// Serves says whether a path is the door's.
func (d *Door) Serves(path string) bool { return path == "/xml" || path == "/json" }

// ServeHTTP answers a request for one of the paths.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := d.o.Config()
	x := &exchange{d: d, c: c, w: w, r: r, client: auth.Client(r, c.TrustedProxies), style: wire.Style{Numbers: c.JSONNumbers}}
	if r.URL.Path == "/json" {
		x.style.Format = wire.JSON
	}
	x.serve()
}
