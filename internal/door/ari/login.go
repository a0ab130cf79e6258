package ari

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Refusals of a login (spec: ari 2.2).
var (
	errLogin     = wire.Errorf(http.StatusUnauthorized, "Authentication required")
	errACL       = wire.Errorf(http.StatusForbidden, "Access denied by ACL")
	errThrottled = wire.Errorf(http.StatusTooManyRequests, "Too many wrong passwords from this address; try again in a minute")
)

// login finds the user of a request. A header Authorization counts even if it is
// wrong; else the api_key of the query, and else that of a form, which is then read.
// Without any of them nothing is counted as a wrong password.
func (s *Server) login(x *exchange, p *wire.Params) (*User, error) {
	name, password, given := credentials(x, p)
	if !given {
		return nil, errLogin
	}
	u, err := s.logins.check(x.r.Context(), x.c.Users, name, password, host(x.r.RemoteAddr))
	if err != nil {
		return nil, err
	}
	if !permitted(u, x.r.RemoteAddr) {
		return nil, errACL
	}
	return u, nil
}

// credentials gives what a client presents, and takes it out of the parameters.
func credentials(x *exchange, p *wire.Params) (name, password string, given bool) {
	key, inQuery := p.Query["api_key"]
	delete(p.Query, "api_key")
	if x.r.Header.Get("Authorization") != "" {
		name, password, given = x.r.BasicAuth()
		return name, password, given
	}
	if !inQuery && strings.HasPrefix(x.r.Header.Get("Content-Type"), wire.TypeForm) && x.readBody(p) == nil {
		key = p.Form["api_key"]
		delete(p.Form, "api_key")
	}
	if len(key) == 0 {
		return "", "", false
	}
	return strings.Cut(key[len(key)-1], ":")
}

// permitted says whether a user may come from an address.
func permitted(u *User, remote string) bool {
	if len(u.Permit) == 0 && len(u.Deny) == 0 {
		return true
	}
	a, err := netip.ParseAddr(host(remote))
	return err == nil && auth.Permitted(a, u.Permit, u.Deny)
}

const (
	rememberedLogins = 1024
	rememberedFor    = 10 * time.Minute
	hashesAtOnce     = 2
)

// logins checks passwords. Since a hash costs much by design, a password that was
// right is remembered for a while, under a keyed digest of itself.
type logins struct {
	secret   []byte
	hashes   chan struct{} // one token for each hash being computed
	throttle *auth.Throttle

	mu    sync.Mutex // guards right
	right map[[sha256.Size]byte]time.Time
}

func newLogins(t *auth.Throttle) *logins {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails (crypto/rand)
	return &logins{
		secret: secret, hashes: make(chan struct{}, hashesAtOnce), throttle: t,
		right: make(map[[sha256.Size]byte]time.Time),
	}
}

// check gives the user of a name and password. A name that there is not costs what a
// wrong password costs. Errors: errLogin, errThrottled, the cause of ctx.
func (l *logins) check(ctx context.Context, users []User, name, password, addr string) (*User, error) {
	i := slices.IndexFunc(users, func(u User) bool { return u.Name == name && u.Password != "" })
	u := decoy(users)
	if i >= 0 {
		u = &users[i]
	}
	digest := l.digest(u, name, password)
	if i >= 0 && l.remembered(digest) {
		return u, nil
	}
	if l.throttle.Throttled(addr) {
		return nil, errThrottled
	}
	right, err := l.matches(ctx, u, password)
	if inClear(u) && !right { // takes as long as for a user with a hash
		_, err = l.matches(ctx, decoy(users), password)
	}
	switch {
	case err != nil:
		return nil, err
	case !right || i < 0:
		l.throttle.Failed(addr)
		return nil, errLogin
	}
	l.remember(digest)
	return u, nil
}

// decoy is checked for a name that there is not: somebody whose check takes long.
func decoy(users []User) *User {
	for i := range users {
		if !inClear(&users[i]) {
			return &users[i]
		}
	}
	return &User{Password: "-"}
}

// inClear says whether a user's password is stored as it is.
func inClear(u *User) bool { return u.Format == "" || u.Format == "plain" }

// digest stands for a login: one that has been right is wrong when the user's stored
// password has changed.
func (l *logins) digest(u *User, name, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, l.secret)
	for _, part := range [...]string{name, u.Format, u.Password, password} {
		sum := sha256.Sum256([]byte(part))
		mac.Write(sum[:])
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// matches compares a password with the stored one, in constant time.
func (l *logins) matches(ctx context.Context, u *User, password string) (bool, error) {
	if inClear(u) {
		stored, given := sha256.Sum256([]byte(u.Password)), sha256.Sum256([]byte(password))
		return subtle.ConstantTimeCompare(stored[:], given[:]) == 1, nil
	}
	select {
	case l.hashes <- struct{}{}:
		defer func() { <-l.hashes }()
	case <-ctx.Done():
		return false, errors.Join(errLogin, context.Cause(ctx))
	}
	if u.Format == "argon2id" {
		return auth.CheckHash(u.Password, password), nil
	}
	return auth.CheckCrypt(u.Password, password), nil
}

func (l *logins) remembered(digest [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.right[digest]
	if ok && time.Now().After(until) {
		delete(l.right, digest)
		return false
	}
	return ok
}

func (l *logins) remember(digest [sha256.Size]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.right) >= rememberedLogins {
		clear(l.right) // more are not in use at once; they cost one check each
	}
	l.right[digest] = time.Now().Add(rememberedFor)
}
