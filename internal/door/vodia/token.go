package vodia

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// Bounds of tokens that wait to be used.
const (
	tokenSlots = 10_000
	tokensOf   = 1_000            // of one maker
	tokenLife  = 10 * time.Second // spec: vodia 13
)

// scope is for whom a token is (spec: vodia 6).
type scope struct {
	user   directory.Name // the user; zero = nobody in particular, of the tenant
	tenant string         // "" for a user without one
	admin  bool           // the tenant's administrator; user is zero then
}

// mayMint says whether somebody may vouch for a scope. An administrator may for all, one of
// a tenant for the tenant's, a minter for the users that it lists; and nobody else. That
// nobody gets more rights than its own by that is checked when the user is known (outranks).
func mayMint(u *directory.User, s scope) bool {
	switch {
	case u.Disabled:
		return false
	case u.Role == directory.RoleAdmin:
		return true
	case u.Role == directory.RoleTenantAdmin:
		return u.Name.Tenant == s.tenant
	case u.Role == directory.RoleMinter && s.user.Local != "":
		return slices.ContainsFunc(u.Mints, func(m string) bool {
			return strings.EqualFold(m, "*@"+s.tenant) && s.tenant != "" || m == s.user.String()
		})
	}
	return false
}

// outranks says whether a token for a user would give its maker rights that it has not.
func outranks(u, maker *directory.User) bool {
	switch maker.Role {
	case directory.RoleAdmin:
		return false
	case directory.RoleTenantAdmin:
		return u.Role == directory.RoleAdmin
	}
	return u.Role != directory.RoleUser
}

// tokens are the one-time tokens that have not been used (spec: vodia 6.1). They are kept
// under keyed digests, as sessions are.
type tokens struct {
	key [32]byte

	mu  sync.Mutex // guards all
	all map[[sha256.Size]byte]token
}

// token is what one stands for.
type token struct {
	scope scope
	by    string // subject of its maker, "" = the user itself
	until time.Time
}

func newTokens() *tokens {
	t := &tokens{all: map[[sha256.Size]byte]token{}}
	rand.Read(t.key[:]) // never fails (crypto/rand)
	return t
}

// make gives a token of 20 characters [a-z0-9]; false if too many wait already.
func (t *tokens) make(n token, now time.Time) (string, bool) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	value := make([]byte, 0, 20)
	for len(value) < cap(value) {
		var b [32]byte
		rand.Read(b[:])
		for _, c := range b {
			if int(c) < 252 && len(value) < cap(value) { // 252 = 7 × 36: each letter is as likely
				value = append(value, letters[c%36])
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	own := 0
	for key, other := range t.all {
		switch {
		case now.After(other.until):
			delete(t.all, key)
		case other.by == n.by && (n.by != "" || other.scope.user == n.scope.user):
			own++
		}
	}
	if own >= tokensOf || len(t.all) >= tokenSlots {
		return "", false
	}
	t.all[t.sum(string(value))] = n
	return string(value), true
}

// use gives what a token stands for and uses it up; false if there is none, or not any more.
func (t *tokens) use(value string, now time.Time) (token, bool) {
	key := t.sum(value)
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.all[key]
	delete(t.all, key)
	return n, ok && !now.After(n.until)
}

func (t *tokens) sum(value string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, t.key[:])
	mac.Write([]byte(value))
	mac.Sum(out[:0])
	return out
}

// mint makes a token.
func (d *Door) mint(c *Config, s scope, by string) (string, bool) {
	life := c.TokenLife
	if life <= 0 {
		life = tokenLife
	}
	now := d.now()
	return d.tokens.make(token{scope: s, by: by, until: now.Add(life)}, now)
}

// redeem uses a token up and opens the session that it stands for. The user may have been
// disabled meanwhile.
func (d *Door) redeem(value string) (session string, a asker, ok bool) {
	t, ok := d.tokens.use(value, d.now())
	if !ok {
		return "", asker{}, false
	}
	l := auth.Login{Subject: tenantSubject + t.scope.tenant, By: t.by}
	switch {
	case t.scope.user.Local != "":
		l = d.login(t.scope.user, t.by)
	case t.scope.admin:
		l.Subject = tenantAdminSubject + t.scope.tenant
	}
	u, ok := d.stands(l)
	if !ok {
		return "", asker{}, false
	}
	session, s := d.sessions.Open(l)
	return session, asker{user: u, session: s}, true
}
