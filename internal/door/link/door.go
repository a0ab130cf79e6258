package link

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// DoorName is this door's name in call.Origin. The principal of its calls is
// link.Principal of the link's ID.
const DoorName = "link"

// Links is what the door needs of the links. *link.Book is one.
type Links interface {
	Open(ctx context.Context, id, signature string) (link.Link, error)
	User(l *link.Link) (directory.User, error)
	Begin(ctx context.Context, id string, u link.Use) (number int64, err error)
	Settle(ctx context.Context, id string, number int64, placed call.ID, refused string) error
	Log(ctx context.Context, id string, u link.Use) error
}

// Trail is the audit trail.
type Trail interface {
	// Deny writes down that this door has refused a request. It does not fail: what cannot
	// be written is logged.
	Deny(ctx context.Context, e originate.AuditEntry)
}

// Options are what the door is made of; all are required.
type Options struct {
	Links  Links
	Placer click.Placer
	Trail  Trail
	Config func() *Config
	Log    *slog.Logger
}

// Config is what can change while the door is open.
type Config struct {
	Base           string         // what links begin with; a page of its origin is ours too
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto count
	PerMinute      int            // requests of one address, 0 = 60, below 0 = no limit
}

// Door serves the links. It is safe for concurrent use and needs no stop: it ends with
// the requests of its HTTP server.
type Door struct {
	o        Options
	log      *slog.Logger
	limits   *limits
	guesses  *auth.Throttle
	again    *again
	frameKey [32]byte // signs what shows that a page was framed by a page that may
}

// New makes the door.
func New(o Options) *Door {
	d := &Door{o: o, log: o.Log, limits: newLimits(), guesses: new(auth.Throttle), again: newAgain()}
	rand.Read(d.frameKey[:]) // never fails (crypto/rand)
	return d
}

// Serves says whether a path is the door's.
func (d *Door) Serves(path string) bool { return strings.HasPrefix(path, link.Prefix) }

// exchange is one request with its answer.
type exchange struct {
	d      *Door
	c      *Config
	w      http.ResponseWriter
	r      *http.Request
	client netip.Addr
}

// ServeHTTP answers a request below link.Prefix.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := d.o.Config()
	x := &exchange{d: d, c: c, w: w, r: r, client: auth.Client(r, c.TrustedProxies)}
	x.headers()
	switch r.Method {
	case http.MethodHead:
		w.WriteHeader(http.StatusNoContent) // spec: vodia 4.8
		return
	case http.MethodGet:
		if early(r.Header) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	case http.MethodPost, http.MethodOptions:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		x.give(nil, problem(http.StatusMethodNotAllowed, "method", "A link is opened by GET and used by POST."))
		return
	}
	leave, after := d.limits.enter(x.client, c.perMinute())
	if leave == nil {
		x.give(nil, tooMany(after))
		return
	}
	defer leave()
	x.serve()
}

// serve finds the link and does what is asked for.
func (x *exchange) serve() {
	l, err := x.open()
	switch {
	case errors.Is(err, link.ErrUnknown):
		x.give(nil, x.unknown())
	case err != nil:
		x.d.log.Error("link cannot be read", "door", DoorName, "error", err)
		x.give(nil, unavailable())
	case x.r.Method == http.MethodOptions:
		x.preflight(&l)
	case x.r.Method == http.MethodPost:
		x.cors(&l)
		x.post(&l)
	default:
		x.get(&l)
	}
}

// open finds the link that the path names.
func (x *exchange) open() (link.Link, error) {
	id, signature, ok := link.ParsePath(x.r.URL.EscapedPath())
	if !ok {
		return link.Link{}, link.ErrUnknown
	}
	return x.d.o.Links.Open(x.r.Context(), id, signature)
}

// unknown answers a link that there is not, or that is forged. Who has tried many of them
// is told to wait, and no longer written down.
func (x *exchange) unknown() answer {
	addr := key(x.client).String()
	if x.d.guesses.Throttled(addr) {
		return tooMany(time.Minute)
	}
	x.d.guesses.Failed(addr)
	x.deny(nil, "signature", "unknown or forged link")
	return fault(link.ErrUnknown, nil)
}

// get shows the page, or dials if the link may and a person has opened it.
func (x *exchange) get(l *link.Link) {
	if x.r.URL.Query().Has(placedQuery) {
		x.give(l, placedAnswer(l, ""))
		return
	}
	u, err := x.d.o.Links.User(l)
	if usable := l.Usable(time.Now()); usable != nil {
		err = usable
	}
	switch {
	case err != nil:
		x.give(l, fault(err, l))
	case len(l.Origins) > 0 && !framed(x.r.Header):
		x.give(l, fault(link.ErrOrigin, l))
	case l.Direct && activated(x.r.Header):
		a := x.dial(l)
		if a.placed {
			a.redirect = "?" + placedQuery // of the same path, which a proxy may have cut off (links.base_url)
		}
		x.give(l, a)
	default:
		x.ask(l, u)
	}
}

// post dials, if the page that asks may.
func (x *exchange) post(l *link.Link) {
	if why := x.foreign(l); why != "" {
		x.refused(l, link.ErrOrigin, "cross-origin", why)
		x.give(l, fault(link.ErrOrigin, l))
		return
	}
	x.give(l, x.dial(l))
}
