package console

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// DoorName is this door's name in the audit trail and in calls. The principal of who has
// logged in is DoorName + ":" + the name of the user, or DoorName alone for an administrator
// without a name.
const DoorName = "console"

// Options are what the door is made of.
type Options struct {
	Users  *directory.Directory
	Files  fs.FS                                             // index.html and assets/ of the console; they never change
	Note   func(ctx context.Context, e originate.AuditEntry) // writes into the audit trail
	Base   func() string                                     // what addresses begin with, "https://pbx.example.com"; "" = no browser can reach this server
	Config func() *Config
	Log    *slog.Logger
	Now    func() time.Time // nil = time.Now
	Keep   Keep             // carries sessions over a restart; zero = none
}

// Config is what can change while the door is open (config.Console).
type Config struct {
	SessionIdle    time.Duration
	SessionMax     time.Duration
	AllowPlainHTTP bool
	TrustedProxies []netip.Prefix
}

// Paths of the door.
const (
	appPath    = "/console/"
	assetsPath = appPath + "assets/"
	loginPath  = appPath + "login"
	logoutPath = appPath + "logout"
	oncePath   = appPath + "once/" // + token
	stylePath  = appPath + "pages.css"
	iconPath   = appPath + "icon.svg" // one of the files
	noIconPath = "/favicon.ico"       // browsers ask for it where a page names no icon
)

// Door serves the console. It is safe for concurrent use.
type Door struct {
	o        Options
	log      *slog.Logger
	now      func() time.Time
	sessions *auth.Sessions
	lockout  *auth.Lockout
	guesses  *auth.Throttle // of tokens
	told     *auth.Throttle // denials in the audit trail
	invites  *invites
	hashes   chan struct{} // one token per password being looked at
	files    *files
	stopped  sync.Once // keeps the sessions, which are gone afterwards
}

// atOnce is how many passwords are looked at, or wait for that, at once.
const atOnce = 16

// New makes the door. The error says why its files cannot be read.
func New(o Options) (*Door, error) {
	d := &Door{
		o: o, log: o.Log, now: o.Now, lockout: new(auth.Lockout), guesses: new(auth.Throttle), told: new(auth.Throttle), invites: newInvites(),
		hashes: make(chan struct{}, atOnce),
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.sessions = auth.NewSessions(auth.SessionOptions{Now: d.now, Key: o.Keep.Key, Life: func() (idle, longest time.Duration) {
		c := o.Config()
		return c.SessionIdle, c.SessionMax
	}})
	var err error
	if d.files, err = loadFiles(o.Files); err != nil {
		return nil, err
	}
	d.restore()
	return d, nil
}

// Serves says whether a path is the door's.
func (d *Door) Serves(path string) bool {
	return path == "/" || path == noIconPath || path+"/" == appPath || strings.HasPrefix(path, appPath)
}

// ServeHTTP answers a request for any path that the door serves.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := d.exchange(r)
	x.w = w
	x.headers()
	path := r.URL.Path
	switch token, once := strings.CutPrefix(path, oncePath); {
	case once:
		x.once(token)
	case path == loginPath:
		x.login()
	case path == logoutPath:
		x.logout()
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		x.noMethod("GET, HEAD")
	case path == "/", path+"/" == appPath:
		http.Redirect(w, r, appPath, http.StatusSeeOther)
	case path == stylePath:
		pageStyle.serve(w, r)
	default:
		if path == noIconPath {
			path = iconPath
		}
		if f := d.files.find(path); f != nil {
			f.serve(w, r)
			return
		}
		x.page(http.StatusNotFound, "message", pageData{Title: "Not found", Text: "There is nothing at this address."})
	}
}

// Stop ends all sessions, and those that would be opened. The next start goes on with those
// that may be kept.
func (d *Door) Stop(context.Context) error {
	d.stopped.Do(d.keep)
	d.sessions.EndAll()
	return nil
}
