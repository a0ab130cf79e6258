package switchvox

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// maxLogin bounds the bytes of a login's name.
const maxLogin = 256

// wrongLogin is all that is told of a login that is not right. The name is not: people write
// passwords into the wrong field.
const wrongLogin = "wrong user or password"

// verdict is what becomes of a login.
type verdict int

const (
	unread  verdict = iota // there is none that could be read: 401
	stale                  // its nonce is not, or no longer, one of ours: 401
	wrong                  // 403, for on a 401 old clients ask for ever (spec: switchvox R5)
	locked                 // 403, not looked at
	welcome                // right
)

// login finds out who asks. false: the request has been answered.
func (x *exchange) login() bool {
	v := unread
	header := x.r.Header.Get("Authorization")
	scheme, _, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Digest") && x.c.Digest:
		v = x.digest(header)
	case strings.EqualFold(scheme, "Basic") && x.c.Basic:
		v = x.basic()
	}
	switch v {
	case unread, stale:
		x.challenge(v == stale)
	case wrong:
		x.user = directory.User{} // it is not the one that it says
		x.d.log.Warn("request refused", "door", DoorName, "remote", x.client, "reason", wrongLogin)
		x.audit("login", wrongLogin)
		x.plain(http.StatusForbidden)
	case locked:
		x.plain(http.StatusForbidden)
	}
	return v == welcome
}

// challenge asks for a login. Both ways have the same realm and Digest is the first, because
// clients mix the two up otherwise (spec: switchvox R1, R2).
func (x *exchange) challenge(stale bool) {
	h := x.w.Header()
	if x.c.Digest {
		s := `Digest realm="` + x.c.Realm + `", nonce="` + x.d.nonces.Make(x.c.Realm, x.client.String(), x.d.o.Now()) + `", qop="auth", algorithm=MD5`
		if stale {
			s += ", stale=true"
		}
		h.Add("WWW-Authenticate", s)
	}
	if x.c.Basic {
		h.Add("WWW-Authenticate", `Basic realm="`+x.c.Realm+`"`)
	}
	x.plain(http.StatusUnauthorized)
}

func (x *exchange) basic() verdict {
	name, password, ok := x.r.BasicAuth()
	if !ok || len(name) > maxLogin {
		return unread
	}
	if x.locked(name) {
		return locked
	}
	u, n, known := x.find(name)
	return x.judge(name, u, x.d.o.Users.CheckPassword(x.r.Context(), n, password) && known)
}

// digest checks a proof of the password, in one of its two forms.
func (x *exchange) digest(header string) verdict {
	d, ok := wire.ParseDigest(header)
	if !ok || len(d.Username) > maxLogin {
		return unread
	}
	d.Method = x.r.Method
	addr := x.client.String()
	if !x.d.nonces.Check(d.Nonce, x.c.Realm, addr, x.d.o.Now(), x.c.NonceLife) {
		return stale
	}
	if x.locked(d.Username) {
		return locked
	}
	u, n, known := x.find(d.Username)
	ha1, has := x.d.o.Users.DigestHA1(n)
	if !has {
		ha1 = x.d.nobody
	}
	right := subtle.ConstantTimeCompare([]byte(d.Response(ha1)), []byte(strings.ToLower(d.Proof))) == 1
	count, counts := d.Count()
	v := x.judge(d.Username, u, right && has && known && x.fits(d) && (d.QOP == "" || counts && d.Cnonce != ""))
	if v == welcome && d.QOP != "" && !x.d.nonces.Count(d.Nonce, x.c.Realm, addr, count) {
		return stale // somebody sends it a second time
	}
	return v
}

// fits says whether a proof is for this request.
func (x *exchange) fits(d wire.Digest) bool {
	return d.Realm == x.c.Realm && (d.Algorithm == "" || strings.EqualFold(d.Algorithm, "MD5")) && (d.QOP == "" || d.QOP == "auth") && x.names(d.URI)
}

// names says whether a URI is the request's: as in its first line, or with the server in front.
func (x *exchange) names(uri string) bool {
	if uri == x.r.RequestURI {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && u.Host != "" && u.RequestURI() == x.r.RequestURI
}

// judge counts a wrong password, and says what becomes of the login. Logins that come at once have
// all found the door open; those that the others have locked out meanwhile are told nothing, right or
// wrong.
func (x *exchange) judge(name string, u directory.User, right bool) verdict {
	if !right || u.Disabled {
		if !x.d.locks.failed(addressKey(x.client), name, x.d.o.Now()) {
			return locked
		}
		return wrong
	}
	if x.locked(name) {
		return locked
	}
	x.d.locks.succeeded(addressKey(x.client), name)
	x.user = u
	return welcome
}

func (x *exchange) locked(name string) bool {
	return x.d.locks.locked(addressKey(x.client), name, x.d.o.Now())
}

// find gives the user of a login's name: one of the tenant's, or somebody who acts for
// everybody. n is the name to check a secret by; it takes as long if there is nobody.
func (x *exchange) find(login string) (u directory.User, n directory.Name, ok bool) {
	n = directory.Name{Local: login, Tenant: x.c.Tenant}
	if u, ok = x.d.o.Users.User(n); ok || x.c.Tenant == "" {
		return u, n, ok
	}
	all := directory.Name{Local: login}
	if u, ok = x.d.o.Users.User(all); ok && u.Role == directory.RoleAdmin {
		return u, all, true
	}
	return directory.User{}, n, false
}
