package vodia

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
)

// serveSocket answers GET /websocket (spec: vodia 8.1). All that can be refused is refused
// before the protocol is switched, so that a page of a stranger never gets a socket.
func (d *Door) serveSocket(x *exchange) {
	if x.r.Method != http.MethodGet {
		x.noMethod(http.MethodGet)
		return
	}
	if !wantsUpgrade(x.r) {
		x.w.Header().Set("Connection", "Upgrade")
		x.w.Header().Set("Upgrade", "websocket")
		x.refuse(fail(http.StatusUpgradeRequired, "upgrade", "This address is for WebSockets."))
		return
	}
	e, bad := x.enter()
	if bad != nil {
		x.audit(bad, e.by(), "")
		e.leave()
		x.refuseSocket(bad)
		return
	}
	defer e.leave()
	if bad := d.sockets.reserve(e.name, x.c.MaxSockets); bad != nil {
		x.audit(bad, e.by(), "")
		x.refuseSocket(bad)
		return
	}
	defer d.sockets.release(e.name)
	conn, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // enter has looked at the origin
	if err != nil {
		d.log.Info("socket not opened", "door", DoorName, "remote", x.client, "error", err)
		return
	}
	newSocket(x, conn, e).run(x.r.Context())
}

// wantsUpgrade says whether a request is to become a WebSocket.
func wantsUpgrade(r *http.Request) bool {
	return r.ProtoMajor == 1 && hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

// hasToken says whether a header with a comma separated list has a token, whatever its case.
func hasToken(h http.Header, name, token string) bool {
	return slices.ContainsFunc(h.Values(name), func(list string) bool {
		return slices.ContainsFunc(strings.Split(list, ","), func(t string) bool { return strings.EqualFold(strings.TrimSpace(t), token) })
	})
}

// refuseSocket answers as refuse does, but asks for no password: a prompt of the browser
// helps no script.
func (x *exchange) refuseSocket(f *failure) {
	x.after(f.after)
	x.json(f.status, map[string]string{"error": f.code, "message": f.text})
}

// entry is who opens a socket, and for whom.
type entry struct {
	asker asker
	own   bool           // the session was opened for this socket, and ends with it
	name  directory.Name // whose calls it shows
}

// by gives the asker for the audit trail, nil if nobody is known.
func (e *entry) by() *asker {
	if e.asker.session == nil {
		return nil
	}
	return &e.asker
}

// leave ends what was begun for the socket alone.
func (e *entry) leave() {
	if e.own {
		e.asker.session.End()
	}
}

// enter finds out who may open a socket for whom. What has been found is given with a
// failure too.
func (x *exchange) enter() (e entry, bad *failure) {
	switch {
	case x.foreign(): // cross-site hijacking (spec: vodia 12)
		return e, notOurs()
	case !x.private():
		return e, notPrivate()
	}
	q := x.r.URL.Query()
	if e, bad = x.socketSession(q.Get("session")); bad != nil {
		return e, bad
	}
	e.name, bad = x.socketUser(q, &e.asker)
	return e, bad
}

// socketSession gives who the session proves: the one in the query if there is one, which
// may be a token that nobody has used yet, else the cookie's. Browsers that block cookies of
// other sites send none (spec: vodia 8.1).
func (x *exchange) socketSession(value string) (entry, *failure) {
	if value == "" {
		a, ok := x.cookie()
		if !ok {
			return entry{}, fail(http.StatusUnauthorized, "unauthenticated", loginText)
		}
		return entry{asker: a}, nil
	}
	if a, ok := x.d.asks(value); ok {
		return entry{asker: a}, nil
	}
	_, a, ok := x.d.redeem(value)
	if !ok {
		return entry{}, deny(http.StatusUnauthorized, "token", "The session has ended, or the login token was used or is too old.")
	}
	x.d.log.Info("session opened by a token", "door", DoorName, "principal", a.principal(), "remote", x.client)
	return entry{asker: a, own: true}, nil
}

// socketUser gives whose calls a socket is to show: ?domain=TENANT&user=EXTENSION, or who
// has logged in if there is no user.
func (x *exchange) socketUser(q url.Values, by *asker) (directory.Name, *failure) {
	typed, domain := q.Get("user"), q.Get("domain")
	switch {
	case typed == "" && domain == "" || strings.Contains(typed, "@"):
	case typed == "":
		typed = by.user.Name.Local + "@" + domain
	case domain != "":
		typed += "@" + domain
	}
	if domain == "" && !strings.Contains(typed, "@") && typed != by.user.Name.String() && len(x.d.o.Users.Tenants()) > 1 {
		return directory.Name{}, fail(http.StatusBadRequest, "domain_missing", "Say in domain for which tenant: there are several.")
	}
	if typed == "" {
		typed = by.user.Name.String()
	}
	u, ok := x.d.o.Users.Resolve(typed, x.r.Host, &by.user)
	switch {
	case ok && !u.Disabled && by.user.MayActFor(u.Name):
		return u.Name, nil
	case !ok && by.user.Role == directory.RoleAdmin: // who may know
		return directory.Name{}, fail(http.StatusNotFound, "no_user", "There is no such extension.")
	}
	return directory.Name{}, deny(http.StatusForbidden, "not_allowed", "The session is not that of this extension.")
}
