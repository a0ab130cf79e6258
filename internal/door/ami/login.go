package ami

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// failurePause is how long a failed login waits for its answer (spec: ami 2.1). It holds
// nothing but its own connection.
const failurePause = time.Second

// Why a login failed, for the log. Clients are not told.
const (
	noUser    = "unknown user"
	noAddress = "address not permitted"
	noSecret  = "wrong secret"
	noTries   = "too many wrong secrets from this address"
	isGone    = "user is gone or has another secret now"
	inUse     = "user is logged in already"
)

// login is the action Login (spec: ami 2).
func (s *Server) login(ctx context.Context, q *request) answer {
	if q.user != nil {
		return q.done("Already authenticated")
	}
	c := s.o.Config()
	name := q.get("Username")
	u, why := s.check(ctx, c, q)
	if why == "" {
		u, why = s.admit(q.client, u)
	}
	if why != "" {
		return s.refuse(ctx, q, name, why)
	}
	mask, ok := wire.ParseMask(q.get("Events"))
	if !ok {
		mask = wire.All
	}
	q.client.ask(mask)
	if !u.HideConnects {
		s.log.Info("logged in", "door", "ami", "user", u.Name, "remote", q.remote, "http", q.client.web)
	}
	a := q.done("Authentication accepted")
	if !q.client.web && q.client.reader.hears()&wire.System != 0 { // observed: Asterisk 22.10, vector h1: not over HTTP
		a = append(a, s.fullyBooted())
	}
	return a
}

// refuse answers a failed login, after a pause, and closes.
func (s *Server) refuse(ctx context.Context, q *request, name, why string) answer {
	s.count.failed.Add(1)
	s.log.Warn("login failed", "door", "ami", "user", name, "remote", q.remote, "reason", why, "http", q.client.web)
	pause := time.NewTimer(failurePause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	case <-q.gone:
	}
	q.leaving = true
	if why == inUse {
		return q.fail("Login Already In Use")
	}
	return q.fail("Authentication failed")
}

// check finds the user that a login names and proves to be; why is "" if it does.
func (s *Server) check(ctx context.Context, c *Config, q *request) (u *User, why string) {
	u = findUser(c.Users, q.get("Username"))
	tries := triesOf(q.remote, u)
	if s.throttle.Throttled(tries) {
		return nil, noTries
	}
	switch right := s.proves(ctx, c, u, q); {
	case u == nil:
		why = noUser
	case !right:
		why = noSecret
	case !u.permits(q.remote):
		why = noAddress
	default:
		return u, ""
	}
	s.throttle.Failed(tries)
	return nil, why
}

// triesOf is what wrong secrets are counted by: an address and a user, so that one program
// with an old secret does not lock out the others on its machine. Users that there are not
// count together.
func triesOf(remote string, u *User) string {
	if u == nil {
		return host(remote)
	}
	return host(remote) + " " + strings.ToLower(u.Name)
}

// proves says whether a login has the secret of a user, or the key of the challenge. For a
// user that there is not it takes as long as for one that has a hash.
func (s *Server) proves(ctx context.Context, c *Config, u *User, q *request) bool {
	if strings.EqualFold(q.get("AuthType"), "MD5") {
		challenge := q.client.challenge()
		if u == nil || !u.plain() || u.Secret == "" || challenge == "" {
			return false
		}
		sum := md5.Sum([]byte(challenge + u.Secret))
		return same(hex.EncodeToString(sum[:]), strings.ToLower(q.get("Key"))) // spec: ami 2.2: either case
	}
	secret := q.get("Secret")
	if u == nil {
		for i := range c.Users {
			if d := &c.Users[i]; !d.plain() {
				s.fits(ctx, d, secret)
				break
			}
		}
		return false
	}
	return u.Secret != "" && secret != "" && s.fits(ctx, u, secret)
}

// fits compares a secret with the stored one. Only few hashes are computed at once.
func (s *Server) fits(ctx context.Context, u *User, secret string) bool {
	if u.plain() {
		return same(u.Secret, secret)
	}
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
	case <-ctx.Done():
		return false
	}
	if u.Format == "argon2id" {
		return auth.CheckHash(u.Secret, secret)
	}
	return u.Format == "crypt" && auth.CheckCrypt(u.Secret, secret)
}

// same compares in constant time, whatever the lengths are.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// plain says whether the secret is stored as it is.
func (u *User) plain() bool { return u.Format == "" || u.Format == "plain" }

// permits says whether the user may come from an address, host:port.
func (u *User) permits(remote string) bool {
	if len(u.Permit) == 0 && len(u.Deny) == 0 {
		return true
	}
	a, err := netip.ParseAddr(host(remote))
	return err == nil && auth.Permitted(a, u.Permit, u.Deny)
}

// findUser finds a user by name, in any case (spec: ami 2.1).
func findUser(users []User, name string) *User {
	for i := range users {
		if name != "" && strings.EqualFold(users[i].Name, name) {
			return &users[i]
		}
	}
	return nil
}

// admit makes a client the user's that has proved to be, unless the user has as many
// sessions as it may. The user is looked for once more: Reload sees clients that are
// admitted, and a login takes its time.
func (s *Server) admit(c *client, proved *User) (u *User, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Config()
	if u = findUser(now.Users, proved.Name); !u.sameSecret(proved) {
		return nil, isGone
	}
	n := s.sessionsOf(u)
	if n > 0 && u.SingleLogin || u.MaxConnection > 0 && n >= u.MaxConnection {
		return nil, inUse
	}
	if c.web {
		if s.state == stopped || !s.roomFor(now) {
			return nil, inUse
		}
		s.clients[c] = struct{}{}
	} else {
		s.strangers--
	}
	c.user.Store(u)
	return u, ""
}

// sameSecret says whether a user is there and still has the secret that it had.
func (u *User) sameSecret(old *User) bool {
	return u != nil && u.Secret == old.Secret && u.Format == old.Format
}

// sessionsOf counts the sessions of a user; s.mu is held.
func (s *Server) sessionsOf(u *User) (n int) {
	for c := range s.clients {
		if v := c.user.Load(); v != nil && strings.EqualFold(v.Name, u.Name) {
			n++
		}
	}
	return n
}

// challenge is the action Challenge: a number of nine digits at most, the same one for the
// whole connection (spec: ami 2.2). Naming a user that is connected and may be so only once
// tells that (spec: ami 2.1).
func (s *Server) challenge(ctx context.Context, q *request) answer {
	if u := findUser(s.o.Config().Users, q.get("Username")); u != nil && u.SingleLogin && q.user == nil {
		s.mu.Lock()
		n := s.sessionsOf(u)
		s.mu.Unlock()
		if n > 0 {
			return s.refuse(ctx, q, u.Name, inUse)
		}
	}
	if !strings.EqualFold(q.get("AuthType"), "MD5") {
		return q.fail("Must specify AuthType")
	}
	c := q.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(999_999_999))
		if err != nil {
			return q.fail("No challenge could be made")
		}
		c.secret = n.Add(n, big.NewInt(1)).String()
	}
	return answer{wire.Response("Success", q.id).Add("Challenge", c.secret)}
}

// challenge gives the challenge that the client was given, "" = none.
func (c *client) challenge() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secret
}

// fullyBooted is what follows a login (spec: ami 2.1).
func (s *Server) fullyBooted() *wire.Message {
	reloaded := s.o.Started
	if s.o.Reloaded != nil {
		reloaded = s.o.Reloaded()
	}
	since := func(t time.Time) string { return itoa(int(time.Since(t) / time.Second)) }
	return wire.Event("FullyBooted", wire.System.String()).
		Add("Uptime", since(s.o.Started)).Add("LastReload", since(reloaded)).Add("Status", "Fully Booted")
}
