package vodia

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
)

// sessionMethods are those of /rest/system/session. PUT, the login of 2015 with an unsalted
// MD5 of the password, is not among them (spec: vodia 12).
const sessionMethods = "GET, POST, DELETE, OPTIONS"

// session answers /rest/system/session (spec: vodia 6).
func (x *exchange) session() {
	x.cors()
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		x.json(http.StatusOK, x.capabilities())
	case http.MethodOptions:
		x.preflight()
	case http.MethodPost, http.MethodDelete:
		if x.foreign() { // login CSRF, and a logout by another page
			x.denied(notOurs(), nil)
			return
		}
		if x.r.Method == http.MethodPost {
			x.postSession()
			return
		}
		x.deleteSession()
	default:
		x.noMethod(sessionMethods)
	}
}

// denied tells the audit trail, and answers as JSON.
func (x *exchange) denied(f *failure, by *asker) {
	x.audit(f, by, "")
	x.refuse(f)
}

// capabilities says what a client can use here. It needs no login, and a password that is
// sent along opens no session.
func (x *exchange) capabilities() any {
	return map[string]any{
		"name": "Dialwright", "3rd": true, "session": true, "websocket": true,
		"links": map[string]bool{"md5": !x.c.NoMD5Links, "v2": true, "credentials": !x.c.NoCredentialLinks},
	}
}

// sessionRequest is the body of a POST. What is not there is "".
type sessionRequest struct {
	Name     string
	Value    string
	Username string
	Domain   string
	Admin    bool
}

// errSession says that a body is not what this resource takes.
var errSession = errors.New("not a session request")

// readSession reads a body. The content type is not looked at: browsers send text/plain to
// stay clear of preflights (spec: vodia 6.5). username may be a number.
func readSession(body []byte) (sessionRequest, error) {
	var in struct {
		Name     string          `json:"name"`
		Value    string          `json:"value"`
		Username json.RawMessage `json:"username"`
		Domain   string          `json:"domain"`
		Admin    bool            `json:"admin"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return sessionRequest{}, errSession
	}
	out := sessionRequest{Name: in.Name, Value: in.Value, Domain: strings.ToLower(in.Domain), Admin: in.Admin}
	if u := string(in.Username); u != "" && u != "null" {
		if json.Unmarshal(in.Username, &out.Username) != nil {
			var n json.Number
			if json.Unmarshal(in.Username, &n) != nil {
				return sessionRequest{}, errSession
			}
			out.Username = n.String()
		}
	}
	if out.Name != "3rd" && out.Name != "session" {
		return sessionRequest{}, errSession
	}
	return out, nil
}

// postSession makes a token, or exchanges one for a session.
func (x *exchange) postSession() {
	body, bad := x.body()
	if bad != nil {
		x.refuse(bad)
		return
	}
	in, err := readSession(body)
	switch {
	case err != nil:
		x.refuse(fail(http.StatusBadRequest, "bad_request", `A JSON object is needed whose name is "3rd" or "session".`))
	case in.Name == "3rd":
		x.postMint(in)
	case !x.private():
		x.denied(notPrivate(), nil)
	default:
		x.redeem(in.Value)
	}
}

// redeem takes a token for a session (spec: vodia 6.3). A token that is wrong, used or
// too old gives false.
func (x *exchange) redeem(value string) {
	session, a, ok := x.d.redeem(value)
	if !ok {
		x.audit(deny(http.StatusForbidden, "token", "A login token was wrong, used or too old."), nil, "")
		x.json(http.StatusOK, false)
		return
	}
	x.d.log.Info("session opened by a token", "door", DoorName, "principal", a.principal(), "remote", x.client)
	x.setCookie(session)
	x.json(http.StatusOK, true)
}

// postMint makes a token for who may vouch for somebody (spec: vodia 6.2).
func (x *exchange) postMint(in sessionRequest) {
	by, present, bad := x.basic()
	switch {
	case !present && !x.private():
		bad = notPrivate()
	case !present:
		bad = fail(http.StatusUnauthorized, "unauthenticated", "The login of an administrator is needed.")
	}
	if bad != nil {
		x.denied(bad, nil)
		return
	}
	s, known, bad := x.scope(in, &by)
	if bad != nil {
		x.denied(bad, &by)
		return
	}
	token, ok := "", false
	if known {
		if token, ok = x.d.mint(x.c, s, subjectOf(by.user.Name)); !ok {
			x.refuse(fail(http.StatusTooManyRequests, "too_many", "Too many tokens wait to be used."))
			return
		}
	}
	if !ok {
		x.json(http.StatusOK, false) // clients test for exactly that
		return
	}
	x.d.log.Info("token made", "door", DoorName, "principal", by.principal(), "for", s.user.String(), "tenant", s.tenant, "remote", x.client)
	x.json(http.StatusOK, token)
}

// scope finds out for whom a token is wanted, and whether it may be. known is false if there is
// nobody of that name.
func (x *exchange) scope(in sessionRequest, by *asker) (s scope, known bool, bad *failure) {
	tenants := x.d.o.Users.Tenants()
	name := in.Username
	if local, tenant, has := strings.Cut(name, "@"); has {
		name, in.Domain = local, strings.ToLower(tenant)
	}
	switch {
	case in.Domain != "":
	case len(tenants) == 1:
		in.Domain = tenants[0]
	case len(tenants) > 1:
		return scope{}, false, fail(http.StatusBadRequest, "domain_missing", "Say for which tenant: there are several.")
	}
	if n := x.d.o.Users.Meant("admin@"+in.Domain, ""); n.Tenant != "" { // it may be another name of the tenant (tenants.hosts)
		in.Domain = n.Tenant
	}
	s = scope{tenant: in.Domain, admin: in.Admin}
	if len(tenants) == 0 {
		s.tenant = "" // any tenant is the system's own
	}
	var u directory.User
	exists := false
	if name != "" && !in.Admin {
		full := name
		if in.Domain != "" {
			full += "@" + in.Domain
		}
		if u, exists = x.d.o.Users.Resolve(full, "", nil); exists {
			s.tenant = u.Name.Tenant
			s.user = u.Name
		} else {
			s.user = directory.Name{Local: name, Tenant: s.tenant}
		}
		if !exists && name == "admin" { // the older spelling
			s.user, s.admin = directory.Name{}, true
		}
	}
	if !mayMint(&by.user, s) || exists && outranks(&u, &by.user) {
		return s, false, deny(http.StatusForbidden, "not_allowed", "You may not make tokens for this.")
	}
	if s.user.Local == "" {
		return s, s.tenant == "" && len(tenants) == 0 || slices.Contains(tenants, s.tenant), nil
	}
	return s, exists && !u.Disabled, nil
}

// deleteSession ends the session.
func (x *exchange) deleteSession() {
	if !x.sameSite() {
		x.denied(notOurs(), nil)
		return
	}
	x.endSession()
	x.json(http.StatusOK, true)
}

// glue answers /rest/pbxlogin for pages of our own: what the script of spec vodia 9 needs to
// log in again by itself (spec: vodia 7).
func (x *exchange) glue() {
	if x.r.Method != http.MethodGet {
		x.noMethod(http.MethodGet)
		return
	}
	if x.r.Header.Get("Sec-Fetch-Site") == "cross-site" || x.foreign() {
		x.denied(notOurs(), nil)
		return
	}
	if !x.private() {
		x.denied(notPrivate(), nil)
		return
	}
	a, ok := x.cookie()
	if !ok { // not Basic: a script asks, and no prompt of a browser helps it
		x.json(http.StatusUnauthorized, map[string]string{"error": "unauthenticated", "message": loginText})
		return
	}
	n := a.user.Name
	if n.Local == "" || a.session.Login().Subject != subjectOf(n) {
		x.denied(deny(http.StatusForbidden, "not_allowed", "The session is not that of an extension."), &a)
		return
	}
	token, ok := x.d.mint(x.c, scope{user: n, tenant: n.Tenant}, "")
	if !ok {
		x.refuse(fail(http.StatusTooManyRequests, "too_many", "Too many tokens wait to be used."))
		return
	}
	x.json(http.StatusOK, map[string]string{"session": token, "server": x.host(), "user": n.Local, "domain": n.Tenant})
}
