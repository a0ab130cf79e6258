package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"
)

// Why an HTTP digest is not accepted.
var (
	ErrNoDigest    = errors.New("no digest credentials")
	ErrStale       = errors.New("the nonce of the digest is too old or was used")
	ErrWrongDigest = errors.New("the digest is not right")
)

const (
	nonceTime  = time.Minute // spec: ami 7
	nonceSlots = 4096        // nonces in use that are remembered
)

// Digest checks HTTP digest authentication (RFC 7616), with MD5 and SHA-256 and the quality
// of protection auth, which a client must use. A nonce holds the time when it was made and
// a proof that we made it: a challenge costs no memory. Only of nonces with which somebody
// has logged in the count is kept, so that no request can be sent a second time. It is safe
// for concurrent use.
type Digest struct {
	realm string
	key   [32]byte

	mu   sync.Mutex // guards used
	used map[string]*nonce
}

// nonce is one that somebody has logged in with.
type nonce struct {
	count int // the highest
	until time.Time
}

// NewDigest makes a checker for a realm.
func NewDigest(realm string) *Digest {
	d := &Digest{realm: realm, used: make(map[string]*nonce)}
	rand.Read(d.key[:]) // never fails (crypto/rand)
	return d
}

// Challenge gives the values of the headers WWW-Authenticate: MD5 first, since old clients
// look at the first one only. stale says that the password was right (RFC 7616 §3.3).
func (d *Digest) Challenge(stale bool) []string {
	n := d.nonce(time.Now())
	opaque := n[len(n)-8:]
	var out []string
	for _, algorithm := range [...]string{"MD5", "SHA-256"} {
		s := `Digest algorithm=` + algorithm + `, realm="` + d.realm + `", nonce="` + n + `", qop="auth", opaque="` + opaque + `"`
		if stale {
			s += ", stale=true"
		}
		out = append(out, s)
	}
	return out
}

// Check gives the user of a header Authorization. uri is the request's, as it stands in its
// first line. secret gives a user's password; unknown users have none. Errors: ErrNoDigest,
// ErrStale, ErrWrongDigest.
func (d *Digest) Check(method, uri, header string, secret func(user string) (password string, ok bool)) (user string, err error) {
	if !digest.IsDigest(header) || len(header) > 8192 {
		return "", ErrNoDigest
	}
	c, err := digest.ParseCredentials(header)
	if err != nil {
		return "", ErrNoDigest
	}
	algorithm := strings.ToUpper(c.Algorithm)
	if algorithm != "" && algorithm != "MD5" && algorithm != "SHA-256" || c.QOP != "auth" || c.Nc < 1 || c.Userhash ||
		c.Realm != d.realm || c.URI != uri {
		return c.Username, ErrWrongDigest
	}
	password, known := secret(c.Username)
	want, err := digest.Digest(
		&digest.Challenge{Realm: d.realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: method, URI: uri, Count: c.Nc, Cnonce: c.Cnonce, Username: c.Username, Password: password},
	)
	if err != nil || c.Cnonce == "" || !known ||
		subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(c.Response))) != 1 {
		return c.Username, ErrWrongDigest
	}
	if !d.use(c.Nonce, c.Nc, time.Now()) {
		return c.Username, ErrStale
	}
	return c.Username, nil
}

// nonce makes one: its time, and a proof.
func (d *Digest) nonce(at time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))
	mac := hmac.New(sha256.New, d.key[:])
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b)[:24])
}

// madeAt gives when a nonce was made, if we made it.
func (d *Digest) madeAt(n string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil || len(b) != 24 {
		return time.Time{}, false
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	return at, hmac.Equal([]byte(d.nonce(at)), []byte(n))
}

// use counts a request with a nonce, and says whether it may be.
func (d *Digest) use(n string, count int, now time.Time) bool {
	at, ours := d.madeAt(n)
	if !ours || now.Sub(at) > nonceTime {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.used) >= nonceSlots {
		for key, u := range d.used {
			if now.After(u.until) {
				delete(d.used, key)
			}
		}
	}
	u := d.used[n]
	switch {
	case u == nil && len(d.used) >= nonceSlots:
		return false // try again with another nonce, later
	case u == nil:
		u = &nonce{until: at.Add(nonceTime)}
		d.used[n] = u
	case count <= u.count:
		return false
	}
	u.count = count
	return true
}
