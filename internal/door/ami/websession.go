package ami

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// webSession is an HTTP session. Only those that are logged in, or have asked for a
// challenge, are kept; other requests get an id that means nothing.
//
//	request without a session ─► Challenge ─► kept for 5 s ─┐
//	                         └──────────── Login ───────────┴─► kept under a new id until nobody asks for a while
type webSession struct {
	client
	id       string // of the cookie; guarded by the server's mu, like stranger
	stranger bool   // it is kept without being logged in

	waiting sync.Mutex // held by the one that waits for events

	busy   sync.Mutex // guards what follows
	asking int        // requests in progress
	idle   *time.Timer
	ended  bool
	next   context.CancelFunc // ends the one that waits, for the next one
}

const (
	cookieName     = "mansession_id"
	strangerTime   = 5 * time.Second // spec: ami 7
	sessionIDBytes = 16
)

var errTooMany = errors.New("too many clients that are not logged in")

// serveSession carries out an action of a session with a cookie.
func (x *exchange) serveSession() {
	s := x.s
	ws := s.findWeb(x.r)
	if ws != nil && !ws.user.Load().permitsIfAny(x.r.RemoteAddr) {
		ws = nil
	}
	if ws == nil || ws.user.Load() == nil {
		if !s.knock(x.c) {
			refuseHTTP(x.w, http.StatusServiceUnavailable, errTooMany.Error())
			return
		}
		defer s.knocked()
	}
	if ws == nil {
		ws = s.newWeb(x.r.RemoteAddr)
	}
	if !ws.begin() { // it has just ended
		ws = s.newWeb(x.r.RemoteAddr)
		ws.begin()
	}
	a, q := x.act(ws)
	s.keepWeb(ws, q.leaving)
	id := s.idOf(ws)
	ws.rest(x.c, q.leaving || !s.isKept(ws))
	cookie := fmt.Sprintf(`%s="%s"; Version=1; Max-Age=%d; HttpOnly; SameSite=Lax`, cookieName, id, webTimeout(x.c))
	if x.r.TLS != nil {
		cookie += "; Secure"
	}
	x.w.Header().Set("Set-Cookie", cookie)
	x.w.Header().Set("Pragma", "SuppressEvents")
	x.respond(a)
}

// permitsIfAny is permits for somebody who may not be logged in.
func (u *User) permitsIfAny(remote string) bool { return u == nil || u.permits(remote) }

// act carries out the action. The second one that waits for events ends the first
// (spec: ami 7).
func (x *exchange) act(ws *webSession) (answer, *request) {
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	q := x.request(&ws.client, ctx.Done())
	switch name := q.packet.Action(); {
	case strings.EqualFold(name, "Login") && x.c.RefuseGETLogin && !x.inBody:
		return q.fail("Log in with POST, so that the secret is in no URL"), q
	case strings.EqualFold(name, "WaitEvent") && ws.user.Load() != nil:
		ws.busy.Lock()
		if ws.next != nil {
			ws.next()
		}
		ws.next = cancel
		ws.busy.Unlock()
		ws.waiting.Lock()
		defer ws.waiting.Unlock()
	}
	return x.s.perform(q), q
}

// knock lets a request in that is not logged in: only so many at a time, since a wrong
// secret takes a second.
func (s *Server) knock(c *Config) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stopped || s.knocking >= cmp.Or(c.AuthLimit, defaultAuthLimit) {
		s.count.refused.Add(1)
		return false
	}
	s.knocking++
	return true
}

func (s *Server) knocked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knocking--
}

// newWeb makes a session that is not kept yet.
func (s *Server) newWeb(remote string) *webSession {
	ws := &webSession{client: client{s: s, remote: remote, since: time.Now(), web: true}, id: newID()}
	ws.reader = s.journal.read(0, nil)
	ws.cut = ws.end
	return ws
}

func newID() string {
	b := make([]byte, sessionIDBytes)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// findWeb finds the session of a request's cookie, nil = none.
func (s *Server) findWeb(r *http.Request) *webSession {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webs[cookie.Value]
}

// keepWeb keeps a session after an action, if it is worth it. One that has just logged in
// gets a new id: whoever knew the old one is not logged in with it. Of those that are not
// logged in only so many are kept.
func (s *Server) keepWeb(ws *webSession, leaving bool) {
	loggedIn, challenged := ws.user.Load() != nil, ws.challenge() != ""
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.webs[ws.id] == ws
	_, counted := s.clients[&ws.client]
	switch {
	case leaving || s.state == stopped:
	case loggedIn && counted && (!kept || ws.stranger):
		delete(s.webs, ws.id)
		ws.id, ws.stranger = newID(), false
		s.webs[ws.id] = ws
	case !loggedIn && challenged && !kept && s.strangerWebs() < cmp.Or(s.o.Config().AuthLimit, defaultAuthLimit):
		ws.stranger = true
		s.webs[ws.id] = ws
	}
}

// strangerWebs counts the sessions that are not logged in; s.mu is held.
func (s *Server) strangerWebs() (n int) {
	for _, ws := range s.webs {
		if ws.stranger {
			n++
		}
	}
	return n
}

func (s *Server) idOf(ws *webSession) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ws.id
}

func (s *Server) isKept(ws *webSession) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webs[ws.id] == ws
}

// begin counts a request in progress: while there is one the session does not end by
// itself. It is false if the session has ended.
func (ws *webSession) begin() bool {
	ws.busy.Lock()
	defer ws.busy.Unlock()
	if ws.ended {
		return false
	}
	ws.asking++
	if ws.idle != nil {
		ws.idle.Stop()
	}
	return true
}

// rest ends what begin began. The last one lets the session end after a while, or at once.
func (ws *webSession) rest(c *Config, end bool) {
	ws.busy.Lock()
	ws.asking--
	if !end && ws.asking == 0 && !ws.ended {
		wait := strangerTime
		if ws.user.Load() != nil {
			wait = cmp.Or(c.HTTPTimeout, defaultHTTPTimeout)
		}
		ws.idle = time.AfterFunc(wait, ws.expire)
	}
	ws.busy.Unlock()
	if end {
		ws.end()
	}
}

// expire ends the session unless somebody has just asked for something.
func (ws *webSession) expire() {
	ws.busy.Lock()
	asking := ws.asking
	ws.busy.Unlock()
	if asking == 0 {
		ws.end()
	}
}

// end forgets the session. It may be called twice.
func (ws *webSession) end() {
	ws.busy.Lock()
	if ws.ended {
		ws.busy.Unlock()
		return
	}
	ws.ended = true
	if ws.idle != nil {
		ws.idle.Stop()
	}
	if ws.next != nil {
		ws.next()
	}
	ws.busy.Unlock()
	ws.reader.close()
	ws.s.mu.Lock()
	defer ws.s.mu.Unlock()
	if ws.s.webs[ws.id] == ws {
		delete(ws.s.webs, ws.id)
	}
	delete(ws.s.clients, &ws.client)
}

// serveDigest carries out an action of a request that logs in by itself (spec: ami 7).
func (x *exchange) serveDigest() {
	s := x.s
	var (
		user *User
		name string
		err  error
	)
	name, err = s.digest.Check(x.r.Method, x.r.RequestURI, x.r.Header.Get("Authorization"), func(name string) (string, bool) {
		user = findUser(x.c.Users, name)
		if user == nil || !user.plain() || user.Secret == "" || s.throttle.Throttled(triesOf(x.r.RemoteAddr, user)) {
			return "", false
		}
		return user.Secret, true
	})
	if errors.Is(err, auth.ErrWrongDigest) {
		s.throttle.Failed(triesOf(x.r.RemoteAddr, user))
		s.count.failed.Add(1)
		s.log.Warn("login failed", "door", "ami", "user", name, "remote", x.r.RemoteAddr, "reason", err, "http", true)
	}
	switch {
	case err != nil:
		for _, challenge := range s.digest.Challenge(errors.Is(err, auth.ErrStale)) {
			x.w.Header().Add("WWW-Authenticate", challenge)
		}
		refuseHTTP(x.w, http.StatusUnauthorized, "")
		return
	case !user.permits(x.r.RemoteAddr):
		s.log.Warn("login failed", "door", "ami", "user", name, "remote", x.r.RemoteAddr, "reason", noAddress, "http", true)
		refuseHTTP(x.w, http.StatusForbidden, "Permission denied")
		return
	}
	ws := s.newWeb(x.r.RemoteAddr)
	defer ws.end()
	ws.user.Store(user)
	if strings.EqualFold(x.packet.Action(), "WaitEvent") {
		ws.ask(wire.All)
	}
	a, _ := x.act(ws)
	x.respond(a)
}
