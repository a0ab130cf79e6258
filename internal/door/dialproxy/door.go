package dialproxy

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Originator admits calls to the queue and tells what becomes of them.
type Originator interface {
	Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error)
	// AwaitFirst waits until the first leg of a call is answered, or the call has ended
	// without that. answered says which; why is the reason then.
	AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error)
}

// Actionlist gives the value of a key of the actionlist in AstDB.
type Actionlist interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
}

// Options are what the door is made of; all are required.
type Options struct {
	Originator Originator
	DB         Actionlist
	Config     func() *Config
	Log        *slog.Logger
}

// Config is what can change while the door is open.
type Config struct {
	Paths          []string // "/dialproxy.php"
	Prefixes       string   // DIALING_PREFIX_NUMBERS, "" = unset
	Pause          time.Duration
	Debug          bool // answer debug=1
	Open           bool // labels need neither token nor allow= (spec: dialproxy 11, W1)
	Strict         bool // strict_status: 400, 403, 404, 502, 504 and no telling of labels (W8, W11)
	E164           bool // remove (N) only after +C (W12)
	POSTOnly       bool
	MaxDigits      int // 0 = 32
	Labels         map[string]Label
	AllowedOrigins []string       // web pages that may dial and read the answer
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts
	PerMinute      int            // requests of one address, 0 = 60
	Waiting        int            // requests of one address that wait, 0 = 4
	Account        call.AccountID
}

// Label is what the configuration says of a label beside its actionlist entry.
type Label struct {
	Token     string // plain, or "$argon2id$…"; "" = none needed
	POSTOnly  bool
	Prefixes  *string // instead of Config.Prefixes
	Account   call.AccountID
	PerMinute int // 0 = no limit of its own
	AtOnce    int // calls at once, 0 = no limit
}
