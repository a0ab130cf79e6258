package vodia

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// link answers /remote_call.htm (spec: vodia 4).
func (x *exchange) link() {
	switch x.r.Method {
	case http.MethodGet:
		if prefetched(x.r.Header) {
			x.w.WriteHeader(http.StatusNoContent)
			return
		}
		x.open()
	case http.MethodHead: // a link checker
		x.w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		x.pressed()
	default:
		x.w.Header().Set("Allow", "GET, HEAD, POST")
		x.plain(fail(http.StatusMethodNotAllowed, "method", "Allowed here: GET, HEAD, POST."))
	}
}

// prefetched says whether a browser loads something that nobody has clicked on (yet): what
// it says today, and what it and others said before.
func prefetched(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, v := range h.Values(name) {
			v = strings.ToLower(v)
			if strings.HasPrefix(v, "prefetch") || strings.HasPrefix(v, "preview") || strings.HasPrefix(v, "prerender") {
				return true
			}
		}
	}
	return false
}

// open answers a link that somebody has opened.
func (x *exchange) open() {
	l, err := wire.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		x.plain(x.fault(err))
		return
	}
	o := order{typed: l.Dest, name: l.Name, confirm: !l.Connect}
	if o.dest, err = wire.CleanDest(l.Dest, x.c.AllowSIPURI); err != nil {
		x.plain(x.fault(err))
		return
	}
	by, bad := x.authority(&l, &o)
	if by.known() {
		o.by = &by
	}
	if bad == nil {
		o.user, bad = x.actsFor(l.User, &by)
	}
	switch {
	case bad != nil:
		x.audit(bad, o.by, o.user.Account)
		x.plain(bad)
	case by.linked || x.clicked(&by):
		x.dial(o)
	default:
		x.confirm(o)
	}
}

// authority says who has made a link, or who has opened it (spec: vodia 4.4). What a signed
// link allows is put into the order. With a failure it is who has signed a link that is not
// valid now, or nobody.
func (x *exchange) authority(l *wire.Link, o *order) (asker, *failure) {
	switch {
	case l.HasAuth && l.Extension:
		return x.signed(l, o)
	case l.HasAuth:
		return x.credentials(l)
	}
	return x.loggedIn()
}

// signed gives who has signed a link. An account that there is not, or without a link secret,
// looks like a wrong signature, and all count the same (spec: vodia 4.5, 4.10).
func (x *exchange) signed(l *wire.Link, o *order) (asker, *failure) {
	if l.User == "" {
		return asker{}, x.fault(wire.ErrUserMissing)
	}
	u, known := x.named(l.User)
	if bad := x.locked(u.Name); bad != nil {
		return asker{}, bad
	}
	secret := ""
	if known {
		secret, _ = x.d.o.Users.LinkSecret(u.Name)
	}
	err := l.Verify(u.Name.String(), secret, wire.Limits{MaxDuration: x.c.MaxLinkDuration, MaxSkew: x.c.MaxClockSkew, NoMD5: x.c.NoMD5Links}, x.d.now())
	switch {
	case errors.Is(err, wire.ErrCredentials):
		return asker{}, x.wrong(u.Name)
	case err != nil:
		bad := x.fault(err)
		if bad.status != http.StatusForbidden { // nobody can have signed it
			u = directory.User{}
		}
		return asker{user: u}, bad
	}
	o.confirm = o.confirm || x.c.MD5Prompt && !l.V2()
	if x.c.LinkReuse > 0 {
		o.use = useOf(l, u.Name, x.c.LinkReuse)
	}
	return asker{user: u, linked: true}, nil
}

// useOf is the use of a signed link. Its nonce, or signature, is remembered until it expires.
// The queue's key holds the link's window too: it is kept for longer, and by then the nonce may be
// another link's.
func useOf(l *wire.Link, n directory.Name, most int) *use {
	key := "link\n" + n.String() + "\n" + l.UseKey()
	sum := sha256.Sum256([]byte(key + "\n" + l.Time + "\n" + l.Duration))
	return &use{key: key, until: l.ValidUntil(), most: most, durable: "link-" + base64.RawURLEncoding.EncodeToString(sum[:])}
}

// credentials gives who the name and password in a link prove (spec: vodia 4.6). A failure
// is no challenge: the prompt of a browser cannot help.
func (x *exchange) credentials(l *wire.Link) (asker, *failure) {
	if x.c.NoCredentialLinks {
		return asker{}, deny(http.StatusForbidden, "credentials", wrongText)
	}
	c, ok := wire.ParseCredentials(l.Auth)
	if !ok { // a guess too, of whom the link names
		u, _ := x.named(l.User)
		if bad := x.locked(u.Name); bad != nil {
			return asker{}, bad
		}
		return asker{}, x.wrong(u.Name)
	}
	u, bad := x.password(c.Name, c.Password)
	return asker{user: u, linked: true}, bad
}

// actsFor gives the user whose phone is to ring, if the asker may act for it. typed may be
// empty: then it is the asker's own (spec: vodia 2.4, 4.6).
func (x *exchange) actsFor(typed string, by *asker) (directory.User, *failure) {
	u, ok := by.user, by.user.Name.Local != ""
	if typed != "" {
		u, ok = x.d.o.Users.Resolve(typed, x.r.Host, &by.user)
	}
	if !ok || !by.user.MayActFor(u.Name) {
		return directory.User{}, notAllowed()
	}
	return u, nil
}

// dial places the call of a link or a button and says so. A second click within a moment is
// told the same (spec: vodia 4.10).
func (x *exchange) dial(o order) {
	if _, _, bad := x.place(x.r.Context(), o); bad != nil {
		x.plain(bad)
		return
	}
	x.page(http.StatusOK, "placed", "no-referrer", pageData{Number: o.dest, Name: o.name, User: o.user.Name.String(), Confirm: o.confirm})
}

// fault is what the grammar refuses.
func (x *exchange) fault(err error) *failure {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok { // it gives no others
		x.d.log.Error("link not read", "door", DoorName, "error", err)
		return fail(http.StatusBadRequest, "bad_request", "The link could not be read.")
	}
	if e.Denied() {
		return deny(http.StatusForbidden, string(e.Code), e.Text)
	}
	return fail(http.StatusBadRequest, string(e.Code), cmp.Or(e.Text, string(e.Code)))
}
