package console

import (
	"encoding/json"
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// Keep carries sessions over an orderly restart, so that who looks at the console while the
// server is updated need not log in again. A server that is killed forgets them.
type Keep struct {
	// Key makes the digests of sessions and the marks of users: 32 bytes, secret, and the
	// same after a restart.
	Key []byte
	// Save keeps a text, and Take gives it once, "" = there is none.
	Save func(text string) error
	Take func() (string, error)
}

// kept is a session with what its user must still have.
type kept struct {
	auth.Kept
	Mark string `json:"mark"`
}

// keep saves the sessions that still stand.
func (d *Door) keep() {
	if d.o.Keep.Save == nil {
		return
	}
	var list []kept
	for _, k := range d.sessions.Keep() {
		if mark, ok := d.mark(k.Login); ok && (k.Login.Subject == adminSubject || k.Login.Stamp == d.stampOf(k.Login)) {
			list = append(list, kept{k, mark})
		}
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = d.o.Keep.Save(string(text))
	}
	if err != nil {
		d.log.Warn("sessions are not kept over the restart", "door", DoorName, "error", err)
	}
}

// restore goes on with what keep has saved. A user who has got another password, role or
// account meanwhile logs in again.
func (d *Door) restore() {
	if d.o.Keep.Take == nil {
		return
	}
	text, err := d.o.Keep.Take()
	if err != nil || text == "" {
		if err != nil {
			d.log.Warn("sessions cannot be read", "door", DoorName, "error", err)
		}
		return
	}
	var list []kept
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		d.log.Warn("sessions cannot be read", "door", DoorName, "error", err)
		return
	}
	var good []auth.Kept
	for _, k := range list {
		if mark, ok := d.mark(k.Login); ok && mark == k.Mark {
			k.Login.Stamp = d.stampOf(k.Login) // those of the process before mean nothing here
			good = append(good, k.Kept)
		}
	}
	if n := d.sessions.Restore(good); n > 0 {
		d.log.Info("sessions go on", "door", DoorName, "sessions", n)
	}
}

// mark gives what must not change over a restart for a session to go on; false if there is
// nobody any more who may have it.
func (d *Door) mark(l auth.Login) (string, bool) {
	if l.Subject == adminSubject {
		return "", l.By == ""
	}
	u, ok := d.enabled(strings.TrimPrefix(l.Subject, userSubject))
	if !ok || l.By != "" { // by the word of somebody else: that one may have lost the right
		return "", false
	}
	return d.o.Users.Mark(u.Name, d.o.Keep.Key) + "\n" + string(u.Role) + "\n" + string(u.Account), true
}

// stampOf is the stamp of a login's user as it is now, "" without one.
func (d *Door) stampOf(l auth.Login) string {
	n, ok := directory.ParseName(strings.TrimPrefix(l.Subject, userSubject))
	if !ok || l.Subject == adminSubject {
		return ""
	}
	u, ok := d.o.Users.User(n)
	if !ok {
		return ""
	}
	return d.stamp(&u)
}
