package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// Names of the cookie. Over HTTPS browsers keep it for exactly this host, so that none of its
// neighbours can put one there.
const (
	plainCookie  = "dialwright_session"
	secureCookie = "__Host-" + plainCookie
)

// maxCookies is how many cookies of that name are tried: a browser may have kept one of
// another path or domain.
const maxCookies = 4

// Subjects of sessions.
const (
	userSubject  = "user:"      // + name
	adminSubject = "once:admin" // an administrator without a name
)

func (x *exchange) cookieName() string {
	if x.secure() {
		return secureCookie
	}
	return plainCookie
}

// session gives the session that the cookie proves, and who has it now. cookie says that
// there was one.
func (x *exchange) session() (v auth.Visit, cookie, ok bool) {
	for i, c := range x.r.CookiesNamed(x.cookieName()) {
		if i >= maxCookies {
			break
		}
		cookie = true
		if s, ok := x.d.sessions.Find(c.Value); ok {
			if v, ok := x.d.stands(s); ok {
				v.Client = x.client
				return v, true, true
			}
			s.End()
		}
	}
	return auth.Visit{}, cookie, false
}

// Visit gives who the cookie of a request proves, and counts that as a use. The error is
// auth.ErrNoSession, ErrSession, ErrPlainHTTP or ErrForeign.
func (d *Door) Visit(r *http.Request) (auth.Visit, error) {
	x := d.exchange(r)
	switch {
	case len(r.CookiesNamed(x.cookieName())) == 0:
		return auth.Visit{}, auth.ErrNoSession
	case !x.private():
		return auth.Visit{}, auth.ErrPlainHTTP
	case x.foreign():
		return auth.Visit{}, auth.ErrForeign
	}
	v, _, ok := x.session()
	if !ok {
		return auth.Visit{}, auth.ErrSession
	}
	return v, nil
}

// Lasts counts a use of a session, and says whether who has it is still who it was. If not,
// it is over.
func (d *Door) Lasts(s *auth.Session) bool {
	if !s.Touch() {
		return false
	}
	if _, ok := d.stands(s); !ok {
		s.End()
		return false
	}
	return true
}

// stands gives who a session means now; false if it may not go on.
func (d *Door) stands(s *auth.Session) (auth.Visit, bool) {
	l := s.Login()
	if by, ok := strings.CutPrefix(l.By, userSubject); ok {
		if u, ok := d.enabled(by); !ok || u.Role != directory.RoleAdmin {
			return auth.Visit{}, false
		}
	}
	if l.Subject == adminSubject {
		return auth.Visit{
			Session: s, Display: "Administrator", Role: string(directory.RoleAdmin),
			Principal: auth.Principal{Name: DoorName, Person: true, Scopes: scopes(directory.RoleAdmin)},
		}, true
	}
	u, ok := d.enabled(strings.TrimPrefix(l.Subject, userSubject))
	if !ok || d.stamp(&u) != l.Stamp {
		return auth.Visit{}, false
	}
	return auth.Visit{
		Session: s, Name: u.Name.String(), Display: u.Display(), Role: string(u.Role), Phone: u.Phone,
		Principal: auth.Principal{Name: principal(u.Name), Account: u.Account, Person: true, Scopes: scopes(u.Role)},
	}, true
}

// stamp is what must stay as it is for a session to go on.
func (d *Door) stamp(u *directory.User) string {
	return strings.Join([]string{d.o.Users.Stamp(u.Name), string(u.Role), string(u.Account)}, "\n")
}

// enabled gives the user of a full name if it may log in.
func (d *Door) enabled(name string) (directory.User, bool) {
	n, ok := directory.ParseName(name)
	if !ok {
		return directory.User{}, false
	}
	u, ok := d.o.Users.User(n)
	return u, ok && !u.Disabled && u.Role != directory.RoleMinter
}

func principal(n directory.Name) string { return DoorName + ":" + n.String() }

// scopes are the rights of a role.
func scopes(r directory.Role) []auth.Scope {
	if r == directory.RoleAdmin {
		return []auth.Scope{auth.Admin}
	}
	return []auth.Scope{auth.CallsRead, auth.CallsWrite, auth.EventsRead, auth.EndpointsRead}
}

// Login opens a session for who knows a password, and sets its cookie. A session that the
// browser has had ends: nobody goes on with a value that somebody else may have put there.
// The error is auth.ErrWrongLogin, ErrPlainHTTP, ErrForeign, a LockedError, or that of the
// context.
func (d *Door) Login(w http.ResponseWriter, r *http.Request, user, password string) (auth.Visit, error) {
	x := d.exchange(r)
	x.w = w
	if own, named := x.ownPage(); named && !own { // a page that logs somebody in as another one (login CSRF)
		x.denied("", "origin", auth.ErrForeign)
		return auth.Visit{}, auth.ErrForeign
	}
	u, err := x.password(user, password)
	if err != nil {
		return auth.Visit{}, err
	}
	return x.open(auth.Login{Subject: userSubject + u.Name.String(), Stamp: d.stamp(&u)}, "logged in")
}

// password gives the user that a name and a password prove. Unknown and disabled users,
// minters and wrong passwords look alike, in time too, and all count.
func (x *exchange) password(typed, password string) (directory.User, error) {
	if !x.private() {
		x.denied("", "plain_http", auth.ErrPlainHTTP)
		return directory.User{}, auth.ErrPlainHTTP
	}
	u, known := x.named(typed)
	name, whose := u.Name.String(), "" // whose: for the audit trail, which keeps nothing that may be a password in the wrong field
	if known {
		whose = name
	}
	if err := x.locked(u.Name); err != nil {
		x.denied(whose, "locked", err)
		return directory.User{}, err
	}
	select {
	case x.d.hashes <- struct{}{}:
		defer func() { <-x.d.hashes }()
	default:
		return directory.User{}, auth.LockedError{After: 5 * time.Second}
	}
	ctx := x.r.Context()
	right := x.d.o.Users.CheckPassword(ctx, u.Name, password) && known && u.Role != directory.RoleMinter
	if !right && ctx.Err() != nil {
		return directory.User{}, context.Cause(ctx) // it waited for its turn in vain
	}
	if err := x.locked(u.Name); err != nil { // by guesses made at the same time
		return directory.User{}, err
	}
	if !right {
		if x.d.lockout.Failed(addressKey(x.client), name, x.d.now()) {
			x.d.log.Warn("too many wrong passwords", "door", DoorName, "remote", x.client)
		}
		x.denied(whose, "credentials", auth.ErrWrongLogin)
		return directory.User{}, auth.ErrWrongLogin
	}
	x.d.lockout.Succeeded(addressKey(x.client), name)
	return u, nil
}

// named gives the user that a name means. If there is none, known is false and the name is
// one under which failures count: no real one, never long, and the same for all spellings
// that would be one user's, so that a lock does not tell who exists.
func (x *exchange) named(typed string) (u directory.User, known bool) {
	if u, known = x.d.o.Users.Resolve(typed, x.r.Host, nil); known {
		return u, true
	}
	name := x.d.o.Users.Meant(typed, x.r.Host).String()
	if name == "" {
		name = strings.ToValidUTF8(typed[:min(len(typed), 100)], "")
	}
	return directory.User{Name: directory.Name{Local: "?" + name}}, false // no user's (directory.ParseName)
}

// locked refuses passwords of a name that are not looked at now.
func (x *exchange) locked(n directory.Name) error {
	after := x.d.lockout.Locked(addressKey(x.client), n.String(), x.d.now())
	if after <= 0 {
		return nil
	}
	return auth.LockedError{After: after}
}

// open opens a session, and ends the one that the browser had.
func (x *exchange) open(l auth.Login, how string) (auth.Visit, error) {
	if old, _, ok := x.session(); ok {
		old.Session.End()
	}
	value, s := x.d.sessions.Open(l)
	v, ok := x.d.stands(s)
	if !ok { // disabled meanwhile
		s.End()
		return auth.Visit{}, auth.ErrWrongLogin
	}
	v.Client = x.client
	x.setCookie(&http.Cookie{Value: value})
	x.d.log.Info(how, "door", DoorName, "principal", v.Principal.Name, "remote", x.client)
	x.note(originate.AuditEntry{
		Accepted: true, Origin: call.Origin{Principal: v.Principal.Name}, Account: v.Principal.Account, First: v.Name, Text: how,
	})
	return v, nil
}

// Logout ends the session of a request, if it has one, and takes the cookie.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) {
	x := d.exchange(r)
	x.w = w
	if v, _, ok := x.session(); ok {
		v.Session.End()
		d.log.Info("logged out", "door", DoorName, "principal", v.Principal.Name, "remote", x.client)
	}
	x.setCookie(&http.Cookie{MaxAge: -1})
}

// setCookie gives a session to the browser, or takes it. It goes with the window: browsers
// forget it when they are closed.
func (x *exchange) setCookie(c *http.Cookie) {
	c.Name, c.Path, c.HttpOnly, c.Secure, c.SameSite = x.cookieName(), "/", true, x.secure(), http.SameSiteStrictMode
	http.SetCookie(x.w, c)
}

// denied tells the audit trail and the log that nobody was logged in. user is the name of the
// user that was meant, "" if there is none. Of what one address is denied in a row ten are told,
// then one every six seconds: who knows no password must not fill the disk.
func (x *exchange) denied(user, rule string, why error) {
	addr := addressKey(x.client)
	if x.d.told.Throttled(addr) {
		return
	}
	x.d.told.Failed(addr)
	code := originate.RefusedGuard
	if rule == "locked" {
		code = originate.RefusedRate
	}
	x.d.log.Warn("login refused", "door", DoorName, "remote", x.client, "reason", rule)
	x.note(originate.AuditEntry{Origin: call.Origin{Principal: DoorName}, First: user, Code: code, Rule: DoorName + " " + rule, Text: why.Error()})
}

// note writes into the audit trail, even if the client has gone.
func (x *exchange) note(e originate.AuditEntry) {
	e.At, e.Origin.Door, e.Origin.Remote = x.d.now(), DoorName, x.client.String()
	x.d.o.Note(context.WithoutCancel(x.r.Context()), e)
}
