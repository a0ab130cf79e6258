package dialproxy

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/wire/dialproxy"
)

// DoorName is this door's name in call.Origin. The principal of its calls is
// DoorName + ":" + the label.
const DoorName = "dialproxy"

// Originator admits calls to the queue and tells what becomes of them.
type Originator interface {
	// Submit admits a call. The error is a *originate.Refusal, one with RefusedDestination
	// and the field "then" if the dialplan has no such context or extension, or the cause of ctx.
	Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error)
	// AwaitFirst waits until the first leg of a call is answered, or the call has ended
	// without that. answered says which; why is the reason then.
	AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error)
	// Done says whether a call has ended.
	Done(ctx context.Context, id call.ID) (bool, error)
	// Deny writes into the audit trail that this door has refused a request. It does
	// not fail: what cannot be written is logged.
	Deny(ctx context.Context, e originate.AuditEntry)
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
	E164           bool // remove (N) only behind a country code (W12)
	POSTOnly       bool
	MaxDigits      int // 0 = 32
	Labels         map[string]Label
	AllowedOrigins []string       // web pages that may dial and read the answer: "https://crm.example.com"
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto count
	PerMinute      int            // requests of one address, 0 = 60, below 0 = no limit
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

// Refused says why a label dials a number for nobody, whoever asks and with whatever
// token; "" = it may.
func (c *Config) Refused(label string, l dialproxy.Label, n dialproxy.Number) string {
	switch {
	case c.tooLong(n):
		return fmt.Sprintf("The number has more than %d digits, which is dialproxy.max_digits.", c.digits())
	case c.Closed(label, l):
		return "The label has neither a token nor an allow= that keeps anybody out, and dialproxy.open is off."
	}
	return ""
}

// Closed says whether a label is nobody's to use: whoever knew its name could (spec:
// dialproxy 11, W1).
func (c *Config) Closed(label string, l dialproxy.Label) bool {
	return c.Labels[label].Token == "" && !l.Restricted() && !c.Open
}

func (c *Config) tooLong(n dialproxy.Number) bool { return len(n.Digits) > c.digits() }

// digits is how long a number may be.
func (c *Config) digits() int {
	if c.MaxDigits <= 0 {
		return maxDigits
	}
	return c.MaxDigits
}

// Bounds of the door.
const (
	maxDigits = 32 // of a number
	perMinute = 60 // requests of an address
	waiting   = 4  // requests of an address at once
)

// Door serves dialproxy.php. It is safe for concurrent use and needs no stop: it ends
// with the requests of its HTTP server.
type Door struct {
	o      Options
	log    *slog.Logger
	limits *limits
	tokens *tokens
	said   *saying
}

// New makes the door.
func New(o Options) *Door {
	return &Door{o: o, log: o.Log, limits: newLimits(), tokens: newTokens(), said: &saying{}}
}

// Serves says whether a path is the door's.
func (d *Door) Serves(path string) bool {
	return path == TelPage || slices.Contains(d.o.Config().Paths, path)
}

// ServeHTTP answers a request for any path.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := d.o.Config()
	if r.URL.Path == TelPage {
		telPage(w, r, c)
		return
	}
	x := &exchange{d: d, c: c, w: w, r: r, client: auth.Client(r, c.TrustedProxies), began: time.Now()}
	x.serve()
}

// newTokens makes the memory of tokens that were right.
func newTokens() *tokens {
	t := &tokens{hashes: make(chan struct{}, hashesAt), right: map[string][32]byte{}, throttle: new(auth.Throttle)}
	rand.Read(t.secret[:]) // never fails (crypto/rand)
	return t
}

// saying remembers what was said already, so that it is said once.
type saying struct {
	mu   sync.Mutex // guards said
	said map[string]bool
}

// maxSaid bounds it; then it begins anew.
const maxSaid = 1000

// once says whether a text comes for the first time.
func (s *saying) once(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said[text] {
		return false
	}
	if s.said == nil || len(s.said) >= maxSaid {
		s.said = map[string]bool{}
	}
	s.said[text] = true
	return true
}
