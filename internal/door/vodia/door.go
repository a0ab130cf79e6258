package vodia

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
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
	ToggleHold(ctx context.Context, phone, id string) error
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

// Paths of the door.
const (
	linkPath    = "/remote_call.htm"
	sessionPath = "/rest/system/session"
	gluePath    = "/rest/pbxlogin"
	socketPath  = "/websocket"
	userPath    = "/rest/user/" // + account + "/calls", and the ID of a call
	loginPath   = demoPath + "/login"
	logoutPath  = demoPath + "/logout"
)

// Door serves Vodia's click-to-dial. It is safe for concurrent use.
type Door struct {
	o        Options
	log      *slog.Logger
	now      func() time.Time
	sessions *auth.Sessions
	sockets  *sockets
	tokens   *tokens
	lockout  *auth.Lockout
	rates    *rates
	recent   *recent // calls made a moment ago
	uses     *uses   // links and buttons that were used

	buttonKey [32]byte // of the buttons of pages that ask
}

// New makes the door.
func New(o Options) *Door {
	d := &Door{
		o: o, log: o.Log, now: o.Now, sockets: newSockets(), tokens: newTokens(), lockout: new(auth.Lockout), rates: newRates(), recent: newRecent(), uses: newUses(),
	}
	rand.Read(d.buttonKey[:]) // never fails (crypto/rand)
	if d.now == nil {
		d.now = time.Now
	}
	d.sessions = auth.NewSessions(auth.SessionOptions{Now: d.now, Life: func() (idle, longest time.Duration) {
		c := o.Config()
		return c.SessionIdle, c.SessionMax
	}})
	return d
}

// Serves says whether a path is the door's.
func (d *Door) Serves(path string) bool {
	switch path {
	case linkPath, sessionPath, gluePath, socketPath, loginPath, logoutPath:
		return true
	}
	if _, _, ok := splitCalls(path); ok {
		return true
	}
	return isStatic(path)
}

// splitCalls takes /rest/user/ACCOUNT/calls and /rest/user/ACCOUNT/calls/ID apart.
func splitCalls(path string) (account, id string, ok bool) {
	rest, ok := strings.CutPrefix(path, userPath)
	if !ok {
		return "", "", false
	}
	account, rest, _ = strings.Cut(rest, "/")
	resource, id, more := strings.Cut(rest, "/")
	return account, id, account != "" && resource == "calls" && (!more || id != "" && !strings.Contains(id, "/"))
}

// ServeHTTP answers a request for any path that the door serves.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := d.o.Config()
	x := &exchange{d: d, c: c, w: w, r: r, client: auth.Client(r, c.TrustedProxies)}
	if serveWeb(w, r, x.demo) {
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if after := d.rates.enter(x.client, c.PerMinute, d.now()); after > 0 {
		x.busy(after)
		return
	}
	switch r.URL.Path {
	case linkPath:
		x.link()
	case sessionPath:
		x.session()
	case gluePath:
		x.glue()
	case socketPath:
		d.serveSocket(x)
	case loginPath:
		x.loginForm()
	case logoutPath:
		x.logout()
	default:
		account, id, ok := splitCalls(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		x.calls(account, id)
	}
}

// busy answers an address that asks too often.
func (x *exchange) busy(after time.Duration) {
	f := fail(http.StatusTooManyRequests, "too_many", "Too many requests; try again later.")
	f.after = after
	x.cors()
	if strings.HasPrefix(x.r.URL.Path, "/rest/") {
		x.refuse(f)
		return
	}
	x.plain(f)
}

// Stop closes the sockets and ends all sessions, and returns when they are closed or ctx
// ends. No new ones are opened.
func (d *Door) Stop(ctx context.Context) error {
	defer d.sessions.EndAll() // after the sockets, which are told that the server stops
	return d.sockets.stop(ctx)
}
