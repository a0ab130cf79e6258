package ua

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// Secret is what the server knows of a phone's password: the password, or its
// hash for one realm. HA1 is H(user ":" realm ":" password) in lower-case hex.
type Secret struct {
	Password  string
	HA1MD5    string
	HA1SHA256 string
}

// Limits of the server side of digest (D7).
const (
	nonceLife    = 5 * time.Minute
	freeFailures = 5                // wrong answers before the source has to wait
	maxPenalty   = 5 * time.Minute  // longest wait
	failureLife  = 15 * time.Minute // a source without failures for so long starts afresh
	maxTracked   = 10_000           // nonces in use, and sources with failures
)

// verdict is what checking credentials came to.
type verdict int

const (
	authOK      verdict = iota
	authMissing         // no credentials for our realm, or of a nonce that is not ours
	authStale           // right in form, but the nonce is too old or its count was used
	authWrong           // wrong user or password
	authBlocked         // too many failures from this source
)

// authenticator checks digest credentials (D7). A nonce is its time and an
// HMAC, so that challenges cost no memory; only nonces that were answered
// correctly are remembered, for their counts. Safe concurrently.
type authenticator struct {
	realm      string
	algorithms []string // upper case, in the order of our challenges
	lookup     func(user, realm string) (Secret, bool)
	key        [32]byte

	mu       sync.Mutex
	counts   map[string]nonceUse // by nonce
	failures map[string]failure  // by source and user
}

type nonceUse struct {
	nc      int
	expires time.Time
}

type failure struct {
	count int
	last  time.Time
}

func newAuthenticator(realm string, algorithms []string, lookup func(user, realm string) (Secret, bool)) *authenticator {
	a := &authenticator{realm: realm, lookup: lookup, counts: map[string]nonceUse{}, failures: map[string]failure{}}
	for _, alg := range algorithms {
		if alg = strings.ToUpper(alg); alg == "MD5" || alg == "SHA-256" {
			a.algorithms = append(a.algorithms, alg)
		}
	}
	if len(a.algorithms) == 0 {
		a.algorithms = []string{"MD5"}
	}
	rand.Read(a.key[:]) // never fails (crypto/rand)
	return a
}

// nonce makes one for now: 8 bytes of time, 8 random, 16 of HMAC, base64.
func (a *authenticator) nonce(now time.Time) string {
	b := make([]byte, 16, 48)
	binary.BigEndian.PutUint64(b, uint64(now.UnixNano()))
	rand.Read(b[8:])
	return base64.RawURLEncoding.EncodeToString(append(b, a.mac(b)...))
}

func (a *authenticator) mac(b []byte) []byte {
	m := hmac.New(sha256.New, a.key[:])
	m.Write(b)
	return m.Sum(nil)[:16]
}

// nonceAge reports the age of a nonce; ok is false if we did not make it.
func (a *authenticator) nonceAge(s string, now time.Time) (time.Duration, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], a.mac(b[:16])) {
		return 0, false
	}
	return now.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(b)))), true
}

// challenge adds a challenge for each algorithm that we offer.
func (a *authenticator) challenge(r *sip.Response, stale, proxy bool) {
	name := "WWW-Authenticate"
	if proxy {
		name = "Proxy-Authenticate"
	}
	for _, alg := range a.algorithms {
		c := digest.Challenge{Realm: a.realm, Nonce: a.nonce(time.Now()), Algorithm: alg, QOP: []string{"auth"}, Stale: stale}
		r.AppendHeader(sip.NewHeader(name, c.String()))
	}
}

// check looks at the credentials of a request for our realm. user is the
// authenticated user name when the verdict is authOK.
func (a *authenticator) check(req *sip.Request, source string, proxy bool) (user string, v verdict) {
	c := a.credentials(req, proxy)
	if c == nil {
		return "", authMissing
	}
	now := time.Now()
	age, ours := a.nonceAge(c.Nonce, now)
	if !ours {
		return "", authMissing
	}
	who := source + "\x00" + c.Username
	if a.blocked(who, now) {
		return "", authBlocked
	}
	if !a.matches(c, req) {
		a.failed(who, now)
		return "", authWrong
	}
	if age < 0 || age > nonceLife || !a.count(c, now.Add(nonceLife-age)) {
		return "", authStale
	}
	a.mu.Lock()
	delete(a.failures, who)
	a.mu.Unlock()
	return c.Username, authOK
}

func (a *authenticator) credentials(req *sip.Request, proxy bool) *digest.Credentials {
	for _, line := range headerValues(req, answerHeader(proxy)) {
		c, err := digest.ParseCredentials(line)
		if err == nil && c.Realm == a.realm {
			return c
		}
	}
	return nil
}

// matches recomputes the answer and compares in constant time. An unknown
// user costs the same work as a known one. qop=auth is required (D7).
func (a *authenticator) matches(c *digest.Credentials, req *sip.Request) bool {
	secret, known := a.lookup(c.Username, a.realm)
	alg := strings.ToUpper(c.Algorithm)
	opts := digest.Options{Method: string(req.Method), URI: c.URI, Count: c.Nc, Username: c.Username, Password: secret.Password, Cnonce: c.Cnonce}
	switch {
	case alg == "SHA-256" && secret.HA1SHA256 != "":
		opts.A1 = strings.ToLower(secret.HA1SHA256)
	case (alg == "MD5" || alg == "") && secret.HA1MD5 != "":
		opts.A1 = strings.ToLower(secret.HA1MD5)
	case secret.Password == "":
		known = false
	}
	if c.QOP != "auth" || c.Nc <= 0 || c.Cnonce == "" || !slices.Contains(a.algorithms, cmp.Or(alg, "MD5")) {
		return false
	}
	want, err := digest.Digest(&digest.Challenge{Realm: a.realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}}, opts)
	if err != nil {
		return false
	}
	same := subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(c.Response))) == 1
	return same && known
}

// count takes a nonce count and reports whether it rose (RFC 7616 §3.3: replay).
func (a *authenticator) count(c *digest.Credentials, expires time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	use, known := a.counts[c.Nonce]
	if known && c.Nc <= use.nc {
		return false
	}
	if !known && len(a.counts) >= maxTracked {
		a.forget()
	}
	a.counts[c.Nonce] = nonceUse{c.Nc, expires}
	return true
}

// forget drops what has expired, or anything if nothing has. A dropped nonce
// counts as fresh again, which costs replay protection, not memory.
func (a *authenticator) forget() {
	now := time.Now()
	for n, u := range a.counts {
		if now.After(u.expires) {
			delete(a.counts, n)
		}
	}
	for n := range a.counts {
		if len(a.counts) < maxTracked {
			return
		}
		delete(a.counts, n)
	}
}

// blocked reports whether who has to wait: after five failures 2 s, doubling
// with each further one up to five minutes.
func (a *authenticator) blocked(who string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failures[who]
	if !ok || f.count < freeFailures {
		return false
	}
	wait := min(2*time.Second<<min(f.count-freeFailures, 8), maxPenalty)
	return now.Sub(f.last) < wait
}

func (a *authenticator) failed(who string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[who]
	if now.Sub(f.last) > failureLife {
		f.count = 0
	}
	if len(a.failures) >= maxTracked {
		for k, old := range a.failures {
			if now.Sub(old.last) > failureLife || len(a.failures) >= maxTracked {
				delete(a.failures, k)
			}
		}
	}
	a.failures[who] = failure{f.count + 1, now}
}
