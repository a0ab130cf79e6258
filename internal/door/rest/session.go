package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// Sessions are the logins of browsers. door/console keeps them.
type Sessions interface {
	// Visit gives who the cookie of a request proves, and counts that as a use. The error is
	// auth.ErrNoSession, ErrSession, ErrPlainHTTP or ErrForeign.
	Visit(r *http.Request) (auth.Visit, error)
	// Lasts counts a use, and says whether who has the session is still who it was.
	Lasts(s *auth.Session) bool
	// Login opens a session for who knows a password, and sets its cookie. The error is
	// auth.ErrWrongLogin, ErrPlainHTTP, ErrForeign, a LockedError, or that of the context.
	Login(w http.ResponseWriter, r *http.Request, user, password string) (auth.Visit, error)
	// Logout ends the session of a request, if it has one, and takes the cookie.
	Logout(w http.ResponseWriter, r *http.Request)
	// Invite makes an address that opens one session for a user, for the zero Name an
	// administrator without a name. url is "" if no browser can reach this server.
	Invite(ctx context.Context, n directory.Name, by auth.Principal) (url string, expires time.Time)
}

// csrfHeader is where a page shows the token of its session.
const csrfHeader = "X-CSRF-Token"

// sessionPath is that of the session itself: who logs in is nobody yet.
const sessionPath = "/v1/session"

// visitKey and exchangeKey are context keys: of the session that asks, and of the request
// and its answer, for who sets cookies.
type (
	visitKey    struct{}
	exchangeKey struct{}
)

type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

// visitFrom gives the session that asks, if one does.
func visitFrom(ctx context.Context) (auth.Visit, bool) {
	v, ok := ctx.Value(visitKey{}).(auth.Visit)
	return v, ok
}

// whoAsks gives the principal of a request: by its key, else by its cookie. What changes
// anything by the cookie alone needs the token of the session, which no other page can read.
func (s *Server) whoAsks(r *http.Request, key string) (*http.Request, error) {
	if s.o.Sessions != nil && authorization(r) == "" {
		v, err := s.o.Sessions.Visit(r)
		switch browser := r.Header.Get("Sec-Fetch-Site") == "same-origin"; {
		case err == nil && !safe(r.Method) && !v.Session.Proves(r.Header.Get(csrfHeader)):
			return nil, errCSRF
		case err == nil:
			ctx := context.WithValue(auth.NewContext(r.Context(), v.Principal), visitKey{}, v)
			r = r.WithContext(ctx)
			r.RemoteAddr = v.Client.String()
			return r, nil
		case !errors.Is(err, auth.ErrNoSession) || browser || r.URL.Path == sessionPath:
			return nil, err
		}
	}
	p, err := s.o.Keys.Check(r.Context(), key, remoteHost(r))
	if err != nil {
		return nil, err
	}
	return r.WithContext(auth.NewContext(r.Context(), p)), nil
}

// authorization gives what a request shows itself. Credentials by Basic and Digest are those of
// other doors: browsers send them along to all paths once a person has logged in at one.
func authorization(r *http.Request) string {
	text := r.Header.Get("Authorization")
	switch scheme, _, _ := strings.Cut(text, " "); strings.ToLower(scheme) {
	case "basic", "digest":
		return ""
	}
	return text
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// errCSRF is the answer to a page that does not have the token of the session.
var errCSRF = newProblem(http.StatusForbidden, "csrf", "The header "+csrfHeader+" does not hold the token of this session; GET "+sessionPath+" gives it.")

// sessionProblem gives the answer to errors of sessions; nil = it is none of them.
func sessionProblem(err error) *Problem {
	if locked, ok := errors.AsType[auth.LockedError](err); ok {
		p := newProblem(http.StatusTooManyRequests, "throttled", sentence(err))
		p.retryAfter = max(locked.After, time.Second)
		return p
	}
	switch {
	case errors.Is(err, auth.ErrNoSession), errors.Is(err, auth.ErrSession):
		return newProblem(http.StatusUnauthorized, "session", sentence(err))
	case errors.Is(err, auth.ErrWrongLogin):
		return newProblem(http.StatusUnauthorized, "login", sentence(err))
	case errors.Is(err, auth.ErrPlainHTTP):
		return newProblem(http.StatusForbidden, "plain-http", sentence(err))
	case errors.Is(err, auth.ErrForeign):
		return newProblem(http.StatusForbidden, "cross-origin", sentence(err))
	}
	return nil
}

// sentence gives the text of an error as one.
func sentence(err error) string {
	text := err.Error()
	return string(text[0]&^0x20) + text[1:] + "."
}

// anyone says whether a request may go on without a principal: who logs in has none yet, who
// logs out may have lost it, and who asks for nobody in particular takes that for an answer. A session that lasts ends with its token only.
func (s *Server) anyone(r *http.Request) bool {
	if r.URL.Path != sessionPath || s.o.Sessions == nil {
		return false
	}
	switch r.Method {
	case http.MethodPost:
		return true
	case http.MethodGet:
		return r.URL.Query().Get("anyone") == "true" && r.Header.Get("Authorization") == "" && s.nobody(r)
	case http.MethodDelete:
		return s.nobody(r)
	}
	return false
}

// nobody says whether a request has no session that lasts.
func (s *Server) nobody(r *http.Request) bool {
	_, err := s.o.Sessions.Visit(r)
	return errors.Is(err, auth.ErrNoSession) || errors.Is(err, auth.ErrSession)
}

// sessionLook is how often a stream looks whether its session lasts.
const sessionLook = 2 * time.Second

// errOver ends the streams of a session that has ended.
var errOver = auth.ErrSession

// during gives a context that ends with the session of a stream, or with its key, for the
// reason errOver. An open stream is a use of its session.
func (s *Server) during(ctx context.Context) (context.Context, context.CancelFunc) {
	lasts, over := func() bool { return s.o.Keys.Lasts(principal(ctx)) }, (<-chan struct{})(nil)
	if v, ok := visitFrom(ctx); ok {
		lasts, over = func() bool { return s.o.Sessions.Lasts(v.Session) }, v.Session.Done()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with ctx, which who serves the stream cancels
		look := time.NewTicker(sessionLook)
		defer look.Stop()
		for lasts() {
			select {
			case <-ctx.Done():
				return
			case <-over:
			case <-look.C:
			}
		}
		cancel(errOver)
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// doorOf names the door of a principal in calls, links and the audit trail.
func doorOf(p auth.Principal) string {
	switch {
	case p.Person:
		return "console"
	case p.Name == auth.Local().Name:
		return "cli"
	}
	return "rest"
}

// sessions gives the sessions, or says that there are none.
func (s *Server) sessions() (Sessions, error) {
	if s.o.Sessions == nil {
		return nil, &Refusal{Code: "not-found", Text: "The console is switched off. Set console.enabled."}
	}
	return s.o.Sessions, nil
}

// Session is who asks, and what they may do.
type Session struct {
	Name      string    `json:"name" example:"123@tenant.com" doc:"Name of the user or of the key; empty for an administrator without a name"`
	Display   string    `json:"display,omitempty" example:"Ada Moss"`
	Role      string    `json:"role" enum:"admin,tenant-admin,user,key,local" doc:"Role of the user; key for an API key, local for the control socket"`
	Account   string    `json:"account" doc:"On whose behalf calls are made"`
	Phone     string    `json:"phone,omitempty" doc:"Phone of the user"`
	Scopes    []string  `json:"scopes" nullable:"false"`
	CSRF      string    `json:"csrf,omitempty" doc:"What the header X-CSRF-Token must hold in requests of this session that change anything"`
	ExpiresAt time.Time `json:"expires_at,omitzero" required:"false" doc:"When the session ends at the latest"`
	Node      string    `json:"node,omitempty"`
	Version   string    `json:"version,omitempty"`
}

type sessionOutput struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         Session
}

type getSessionInput struct {
	Anyone bool `query:"anyone" doc:"Nobody is an answer too: 204 instead of 401 for a browser without a session, or with one that has ended. Pages ask so whether somebody is logged in; an error would stand in the browser's console."`
}

func (s *Server) getSession(ctx context.Context, _ *getSessionInput) (*sessionOutput, error) {
	p, known := auth.FromContext(ctx)
	if !known { // who asked for anyone
		return &sessionOutput{Status: http.StatusNoContent, CacheControl: "no-store"}, nil
	}
	v, _ := visitFrom(ctx)
	return s.viewSession(p, v), nil
}

// viewSession shows a principal; v is its session, if it has one.
func (s *Server) viewSession(p auth.Principal, v auth.Visit) *sessionOutput {
	out := &sessionOutput{Status: http.StatusOK, CacheControl: "no-store", Body: Session{
		Name: p.Name, Role: "key", Account: string(s.accountOf(p)), Scopes: []string{}, Node: s.o.Node, Version: s.o.Version,
	}}
	b := &out.Body
	for _, scope := range p.Scopes {
		b.Scopes = append(b.Scopes, string(scope))
	}
	if p.Name == auth.Local().Name {
		b.Role = "local"
	}
	if v.Session != nil {
		b.Name, b.Display, b.Role, b.Phone = v.Name, v.Display, v.Role, v.Phone
		b.CSRF, b.ExpiresAt = v.Session.Token(), v.Session.Deadline().UTC().Truncate(time.Second)
	}
	return out
}

type loginInput struct {
	Body struct {
		User     string `json:"user" maxLength:"320" example:"123@tenant.com"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func (s *Server) postSession(ctx context.Context, in *loginInput) (*sessionOutput, error) {
	sessions, err := s.sessions()
	if err != nil {
		return nil, err
	}
	x, _ := ctx.Value(exchangeKey{}).(exchange)
	v, err := sessions.Login(x.w, x.r, in.Body.User, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return s.viewSession(v.Principal, v), nil
}

func (s *Server) deleteSession(ctx context.Context, _ *struct{}) (*struct{}, error) {
	sessions, err := s.sessions()
	if err != nil {
		return nil, err
	}
	x, _ := ctx.Value(exchangeKey{}).(exchange)
	sessions.Logout(x.w, x.r)
	return nil, nil
}

type inviteInput struct {
	Body struct {
		User string `json:"user,omitempty" maxLength:"320" example:"123@tenant.com" doc:"Who is logged in by it; absent = an administrator without a name"`
	}
}

type inviteOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		URL       string    `json:"url" doc:"Address to open in a browser; it works once"`
		ExpiresAt time.Time `json:"expires_at" doc:"Until when it waits to be opened"`
	}
}

func (s *Server) invite(ctx context.Context, in *inviteInput) (*inviteOutput, error) {
	sessions, err := s.sessions()
	if err != nil {
		return nil, err
	}
	var n directory.Name
	if in.Body.User != "" {
		var users Users
		if users, n, err = s.named(in.Body.User); err != nil {
			return nil, err
		}
		switch u, ok := users.User(n); {
		case !ok:
			return nil, noUser(in.Body.User)
		case u.Disabled || u.Role == directory.RoleMinter:
			return nil, &Refusal{Code: "invalid", Field: "user", Text: "The user " + n.String() + " may not log in: it is disabled, or a minter."}
		}
	}
	out := &inviteOutput{CacheControl: "no-store"}
	out.Body.URL, out.Body.ExpiresAt = sessions.Invite(ctx, n, principal(ctx))
	if out.Body.URL == "" {
		return nil, &Refusal{Code: "state", Text: "The console is served by the HTTP listener, which is switched off. Set http.listen."}
	}
	return out, nil
}

// registerSession lists the operations of sessions.
func (s *Server) registerSession(op func(method, path, id, tag, summary string) huma.Operation) {
	get := op("GET", sessionPath, "get-session", "session", "Who asks, by key or by session, and what they may do")
	get.Errors = []int{http.StatusUnauthorized}
	handle(s, get, s.getSession)
	login := op("POST", sessionPath, "login", "session", "Log a user in: opens a session and sets its cookie")
	login.DefaultStatus = http.StatusOK
	login.Security = []map[string][]string{{}}
	login.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}
	handle(s, login, s.postSession)
	logout := op("DELETE", sessionPath, "logout", "session", "End the session of the cookie")
	logout.Errors = []int{http.StatusForbidden}
	handle(s, logout, s.deleteSession)
	invite := op("POST", "/v1/session/once", "create-once", "session", "Make an address that logs a browser in once")
	invite.DefaultStatus = http.StatusCreated
	invite.Errors = []int{http.StatusConflict, http.StatusUnprocessableEntity}
	operation(s, invite, auth.Admin, s.invite)
}
