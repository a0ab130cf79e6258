package vodia

import (
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
)

// cookieName is the vendor's (spec: vodia 6.3).
const cookieName = "session"

// maxCookies is how many cookies of that name are tried: a browser may have kept one of
// another path or domain.
const maxCookies = 4

// Texts that are the same whatever was wrong.
const (
	wrongText = "The user or the password is wrong, or the link is not valid." // link and password alike
	loginText = "Please log in."
)

// basic gives who the header Authorization proves. present is false without one of that kind.
func (x *exchange) basic() (a asker, present bool, bad *failure) {
	name, password, present := x.r.BasicAuth()
	if !present {
		return asker{}, false, nil
	}
	u, bad := x.password(name, password)
	if bad != nil && bad.code == "credentials" {
		bad.status = http.StatusUnauthorized // a prompt can help (spec: vodia 4.4)
	}
	return asker{user: u}, true, bad
}

// password gives the user that a name and a password prove. Unknown and disabled users and
// wrong passwords look alike, in time too, and all count (spec: vodia 4.4, 4.10).
func (x *exchange) password(typed, password string) (directory.User, *failure) {
	if !x.private() {
		return directory.User{}, notPrivate()
	}
	u, known := x.named(typed)
	if bad := x.locked(u.Name); bad != nil {
		return directory.User{}, bad
	}
	ctx := x.r.Context()
	right := x.d.o.Users.CheckPassword(ctx, u.Name, password) && known
	if !right && ctx.Err() != nil {
		return directory.User{}, notReady() // it waited for its turn in vain
	}
	if bad := x.locked(u.Name); bad != nil { // by guesses made at the same time
		return directory.User{}, bad
	}
	if !right {
		return directory.User{}, x.wrong(u.Name)
	}
	x.d.lockout.Succeeded(addressKey(x.client).String(), u.Name.String())
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

// locked refuses secrets of a name that are not looked at now.
func (x *exchange) locked(n directory.Name) *failure {
	after := x.d.lockout.Locked(addressKey(x.client).String(), n.String(), x.d.now())
	if after <= 0 {
		return nil
	}
	f := deny(http.StatusTooManyRequests, "locked", "Too many failures; try again later.")
	f.after = max(after, time.Second)
	return f
}

// wrong counts a wrong secret and gives the answer.
func (x *exchange) wrong(n directory.Name) *failure {
	if x.d.lockout.Failed(addressKey(x.client).String(), n.String(), x.d.now()) {
		x.d.log.Warn("too many wrong secrets", "door", DoorName, "remote", x.client)
	}
	return deny(http.StatusForbidden, "credentials", wrongText)
}

// cookie gives who the session cookie proves.
func (x *exchange) cookie() (a asker, ok bool) {
	for i, c := range x.r.CookiesNamed(cookieName) {
		if i >= maxCookies {
			break
		}
		if a, ok := x.d.asks(c.Value); ok {
			return a, true
		}
	}
	return asker{}, false
}

// loggedIn gives who a password in the header or a session proves, in this order.
func (x *exchange) loggedIn() (a asker, bad *failure) {
	a, present, bad := x.basic()
	if present {
		return a, bad
	}
	if !x.private() {
		return asker{}, notPrivate()
	}
	if a, ok := x.cookie(); ok {
		return a, nil
	}
	return asker{}, fail(http.StatusUnauthorized, "unauthenticated", loginText)
}

// sameSite says whether a browser, if one asks, asks by a page of this server: what changes
// something by a session needs an Origin that may, which has been checked, or this (spec:
// vodia 5.1).
func (x *exchange) sameSite() bool {
	return x.r.Header.Get("Origin") != "" || x.r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// setCookie gives the session to the browser. Only a page of another site that is listed gets
// one that it can send from there (spec: vodia 6.4). Browsers keep no Secure cookie that came
// over plain HTTP, but for this machine: where the operator allows that, it is left out.
func (x *exchange) setCookie(value string) {
	c := &http.Cookie{Name: cookieName, Value: value, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode}
	switch origin := x.r.Header.Get("Origin"); {
	case origin != "" && !x.ours(origin) && x.listed(origin):
		c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	case x.c.AllowPlainHTTP && !x.secure() && !x.client.IsLoopback():
		c.Secure = false
	}
	http.SetCookie(x.w, c)
}

// clearCookie takes the session from the browser, whichever kind it has.
func (x *exchange) clearCookie() {
	c := &http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode, MaxAge: -1}
	http.SetCookie(x.w, c)
	c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	http.SetCookie(x.w, c)
}
