package vodia

import (
	"net/http"
	"net/url"

	"github.com/dialwright/dialwright/internal/directory"
)

// The login of our own pages. The vendor's is its portal.

// demo shows the page that demonstrates the elements, to who has logged in.
func (x *exchange) demo(w http.ResponseWriter, r *http.Request) {
	a, ok := asker{}, false
	if x.private() {
		a, ok = x.cookie()
	}
	if !ok {
		to := loginPath
		if n := number(r.URL.Query()); n != "" {
			to += "?" + url.Values{"number": {n}}.Encode()
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	servePage(w, r, a.user.Name.String(), x.host(), x.secure())
}

// host is host[:port] at which browsers reach this server.
func (x *exchange) host() string {
	if x.c.PublicHost != "" {
		return x.c.PublicHost
	}
	return x.r.Host
}

// ownPage says whether a form was sent by a page of this server: browsers say so, and what
// is no browser has no business with forms.
func (x *exchange) ownPage() bool {
	origins, sites := x.r.Header.Values("Origin"), x.r.Header.Values("Sec-Fetch-Site")
	if len(sites) > 0 && (len(sites) > 1 || sites[0] != "same-origin") {
		return false
	}
	if len(origins) > 0 {
		return len(origins) == 1 && x.ours(origins[0])
	}
	return len(sites) == 1
}

// loginForm shows the form, and takes it.
func (x *exchange) loginForm() {
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		x.askLogin(http.StatusOK, "", number(x.r.URL.Query()), "")
	case http.MethodPost:
		x.takeLogin()
	default:
		x.w.Header().Set("Allow", "GET, HEAD, POST")
		x.plain(fail(http.StatusMethodNotAllowed, "method", "This method is not allowed here."))
	}
}

func (x *exchange) askLogin(status int, account, number, problem string) {
	x.page(status, "login", "same-origin", pageData{Action: loginPath, Account: account, Number: number, Error: problem})
}

// takeLogin opens a session for who knows the password.
func (x *exchange) takeLogin() {
	if !x.ownPage() { // a page that logs somebody in as another one (login CSRF)
		f := notOurs()
		x.audit(f, nil, "")
		x.plain(f)
		return
	}
	form, bad := x.form()
	if bad != nil {
		x.plain(bad)
		return
	}
	account, n := form.Get("account"), number(form)
	u, bad := x.password(account, form.Get("password"))
	if bad == nil && u.Role == directory.RoleMinter { // it makes tokens, and nothing else
		bad = notAllowed()
	}
	if bad != nil {
		x.audit(bad, nil, "")
		x.after(bad.after)
		x.askLogin(bad.status, account, n, bad.text)
		return
	}
	value, _ := x.d.sessions.Open(x.d.login(u.Name, ""))
	x.setCookie(value)
	to := demoPath
	if n != "" {
		to += "?" + url.Values{"number": {n}}.Encode()
	}
	http.Redirect(x.w, x.r, to, http.StatusSeeOther)
}

// form reads a form from the body.
func (x *exchange) form() (url.Values, *failure) {
	b, bad := x.body()
	if bad != nil {
		return nil, bad
	}
	v, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "bad_request", "The form could not be read.")
	}
	return v, nil
}

// logout ends the session of the browser.
func (x *exchange) logout() {
	if x.r.Method != http.MethodPost {
		x.w.Header().Set("Allow", "POST")
		x.plain(fail(http.StatusMethodNotAllowed, "method", "This method is not allowed here."))
		return
	}
	if !x.ownPage() {
		x.plain(notOurs())
		return
	}
	x.endSession()
	http.Redirect(x.w, x.r, loginPath, http.StatusSeeOther)
}

// endSession ends the session that the cookie proves, and takes the cookie.
func (x *exchange) endSession() {
	if a, ok := x.cookie(); ok {
		a.session.End()
	}
	x.clearCookie()
}
