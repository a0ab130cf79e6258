package console

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// Bounds of invitations.
const (
	inviteLife  = 10 * time.Minute
	inviteSlots = 100 // that wait at once; the oldest goes
)

// invites are the addresses that log in once. They live in memory only, under a digest of
// their tokens, which have 128 bits of randomness.
type invites struct {
	mu   sync.Mutex // guards list
	list map[[sha256.Size]byte]invite
}

type invite struct {
	login auth.Login
	until time.Time
}

func newInvites() *invites { return &invites{list: map[[sha256.Size]byte]invite{}} }

// add keeps an invitation and gives its token: [A-Z2-7]{26}.
func (l *invites) add(in invite, now time.Time) string {
	token := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	var eldest [sha256.Size]byte
	for key, old := range l.list {
		if !now.Before(old.until) {
			delete(l.list, key)
		} else if first, ok := l.list[eldest]; !ok || old.until.Before(first.until) {
			eldest = key
		}
	}
	if len(l.list) >= inviteSlots {
		delete(l.list, eldest)
	}
	l.list[sha256.Sum256([]byte(token))] = in
	return token
}

// find gives the invitation of a token if it waits; take takes it, so that nobody else has it.
func (l *invites) find(token string, take bool, now time.Time) (invite, bool) {
	key := sha256.Sum256([]byte(token))
	l.mu.Lock()
	defer l.mu.Unlock()
	in, ok := l.list[key]
	if ok && (take || !now.Before(in.until)) {
		delete(l.list, key)
	}
	return in, ok && now.Before(in.until)
}

// Invite makes an address that opens one session for a user, for the zero Name an
// administrator without a name. by is who asks for it: if that is somebody with a session,
// the new one goes when that one is no administrator any more. url is "" if no browser can
// reach this server.
func (d *Door) Invite(ctx context.Context, n directory.Name, by auth.Principal) (url string, expires time.Time) {
	base := d.o.Base()
	if base == "" {
		return "", time.Time{}
	}
	l := auth.Login{Subject: adminSubject}
	if n != (directory.Name{}) {
		u, _ := d.o.Users.User(n)
		l = auth.Login{Subject: userSubject + n.String(), Stamp: d.stamp(&u)}
	}
	if name, ok := strings.CutPrefix(by.Name, DoorName+":"); ok && by.Person {
		l.By = userSubject + name
	}
	now := d.now()
	expires = now.Add(inviteLife)
	token := d.invites.add(invite{login: l, until: expires}, now)
	d.log.Info("one-time login made", "door", DoorName, "principal", by.Name, "for", n.String())
	d.o.Note(context.WithoutCancel(ctx), originate.AuditEntry{
		At: now, Accepted: true, Origin: call.Origin{Door: DoorName, Principal: by.Name}, First: n.String(), Text: "one-time login made",
	})
	return base + oncePath + token, expires
}

// once shows a button that logs in, and takes it. Only the button uses the token up: what
// looks at addresses beforehand, such as scanners of mail and browsers that guess where one
// goes next, sends no forms.
func (x *exchange) once(token string) {
	read := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	addr := addressKey(x.client)
	switch {
	case !read && x.r.Method != http.MethodPost:
		x.noMethod("GET, HEAD, POST")
		return
	case !x.private():
		x.refuse(auth.ErrPlainHTTP)
		return
	case x.d.guesses.Throttled(addr):
		x.refuse(auth.LockedError{After: time.Minute})
		return
	}
	if !read {
		if own, _ := x.ownPage(); !own { // a page that logs somebody in as another one
			x.denied("", "origin", auth.ErrForeign)
			x.refuse(auth.ErrForeign)
			return
		}
	}
	in, ok := x.d.invites.find(token, !read, x.d.now())
	if !ok {
		x.d.guesses.Failed(addr)
		x.page(http.StatusGone, "message", pageData{Title: "This address works no longer", Text: "It logs in once, and within ten minutes. Ask for another one: dialwright console."})
		return
	}
	if read {
		x.page(http.StatusOK, "once", pageData{Title: "Log in", User: strings.TrimPrefix(in.login.Subject, userSubject), Nameless: in.login.Subject == adminSubject})
		return
	}
	if _, err := x.open(in.login, "logged in by a one-time address"); err != nil {
		x.refuse(err)
		return
	}
	http.Redirect(x.w, x.r, appPath, http.StatusSeeOther)
}
