package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Bounds of a form.
const (
	maxBody  = 8 << 10          // bytes
	bodyTime = 10 * time.Second // to come in
)

// login shows the form, and takes it.
func (x *exchange) login() {
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		x.ask(http.StatusOK, "", x.r.URL.Query().Get("next"), "")
	case http.MethodPost:
		x.takeLogin()
	default:
		x.noMethod("GET, HEAD, POST")
	}
}

func (x *exchange) ask(status int, user, next, problem string) {
	if problem == "" && !x.private() {
		problem = sentence(auth.ErrPlainHTTP)
	}
	x.page(status, "login", pageData{Title: "Log in", User: user, Next: nextPath(next), Error: problem})
}

// takeLogin opens a session for who knows the password. What is no browser has no business
// with forms.
func (x *exchange) takeLogin() {
	if own, _ := x.ownPage(); !own {
		x.denied("", "origin", auth.ErrForeign)
		x.refuse(auth.ErrForeign)
		return
	}
	form, err := x.form()
	if err != nil {
		x.page(http.StatusBadRequest, "message", pageData{Title: "Log in", Text: "The form could not be read."})
		return
	}
	user, next := form.Get("user"), form.Get("next")
	if _, err := x.d.Login(x.w, x.r, user, form.Get("password")); err != nil {
		status := x.status(err)
		x.ask(status, user, next, sentence(err))
		return
	}
	http.Redirect(x.w, x.r, nextPath(next), http.StatusSeeOther)
}

// form reads a form from the body.
func (x *exchange) form() (url.Values, error) {
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(bodyTime)) // a writer of a test has none
	b, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(b))
}

// logout ends the session of the browser.
func (x *exchange) logout() {
	if x.r.Method != http.MethodPost {
		x.noMethod("POST")
		return
	}
	if own, _ := x.ownPage(); !own {
		x.refuse(auth.ErrForeign)
		return
	}
	x.d.Logout(x.w, x.r)
	http.Redirect(x.w, x.r, loginPath, http.StatusSeeOther)
}

// refuse answers with a page that says why.
func (x *exchange) refuse(err error) {
	x.page(x.status(err), "message", pageData{Title: "Not logged in", Text: sentence(err)})
}

// status gives the status for an error of a login, and says when to come again.
func (x *exchange) status(err error) int {
	if locked, ok := errors.AsType[auth.LockedError](err); ok {
		x.after(locked.After)
		return http.StatusTooManyRequests
	}
	switch {
	case errors.Is(err, auth.ErrPlainHTTP), errors.Is(err, auth.ErrForeign), errors.Is(err, auth.ErrWrongLogin):
		return http.StatusForbidden
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// sentence gives the text of an error as one.
func sentence(err error) string {
	text := err.Error()
	return string(text[0]&^0x20) + text[1:] + "."
}
