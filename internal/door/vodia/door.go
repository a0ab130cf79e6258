package vodia

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/usercall"
)

// DoorName is this door's name in call.Origin. The principal of its calls is DoorName +
// ":" + the name of who asked.
const DoorName = "vodia"

// Calls are the calls of users' phones. usercall.Table implements it.
type Calls interface {
	Of(phone string) []usercall.Call
	Watch(phone string, f func()) (stop func())
	Hangup(ctx context.Context, phone, id, who string) error
	Reject(ctx context.Context, phone, id, who string) error
	Answer(ctx context.Context, phone, id string) error
	Hold(ctx context.Context, phone, id string, on bool) error
	Transfer(ctx context.Context, phone, id, number string) error
	Join(ctx context.Context, phone, id, id2 string) error
	SendDTMF(ctx context.Context, phone, id, digits string) error
	Record(ctx context.Context, phone, id string, on bool) error
}

// Options are what the door is made of.
type Options struct {
	Users  *directory.Directory
	Clicks click.Placer
	Calls  Calls
	Ready  func() error                                      // why no call can be made now, nil = one can
	Deny   func(ctx context.Context, e originate.AuditEntry) // writes a denial into the audit trail
	Config func() *Config
	Log    *slog.Logger
	Now    func() time.Time // nil = time.Now

	// Ended waits until a call is over and gives its record, for the sockets of who made
	// it; nil = sockets do not tell why calls have ended.
	Ended func(ctx context.Context, id call.ID) (call.Call, error)
	// Registered says whether a device can be reached by a phone, for the lamps of
	// sockets; nil = all can.
	Registered func(phone string) bool
}

// Config is what can change while the door is open (config.Vodia).
type Config struct {
	Realm             string
	MaxLinkDuration   time.Duration
	MaxClockSkew      time.Duration
	LinkReuse         int // 0 = any number of times
	DedupeWindow      time.Duration
	NoMD5Links        bool
	NoCredentialLinks bool
	MD5Prompt         bool
	AllowPlainHTTP    bool
	AllowSIPURI       bool
	PromptRepeats     int
	PromptInterval    time.Duration
	FailTone          time.Duration
	AllowedOrigins    []string
	PublicHost        string
	TrustedProxies    []netip.Prefix
	SessionIdle       time.Duration
	SessionMax        time.Duration
	TokenLife         time.Duration
	PerMinute         int
	MaxSockets        int
}
