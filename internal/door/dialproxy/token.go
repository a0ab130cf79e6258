package dialproxy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// hashesAt bounds the argon2id hashes computed at once: each takes 19 MiB.
const hashesAt = 2

// maxToken bounds the bytes of a token that is looked at.
const maxToken = 256

// tokens checks the tokens of labels. One that was right is remembered under a keyed
// digest, because its hash costs tens of milliseconds by design; wrong ones are not, and
// an address that presents many of them is refused for a while.
type tokens struct {
	secret   [32]byte
	hashes   chan struct{}
	throttle *auth.Throttle

	mu    sync.Mutex          // guards right
	right map[string][32]byte // by the hash of the configuration
}

// check says whether a token is the one that the configuration has. It waits for its
// turn to compute a hash, until ctx ends: then the token is not right.
func (t *tokens) check(ctx context.Context, configured, given string) bool {
	if given == "" || len(given) > maxToken {
		return false
	}
	if !strings.HasPrefix(configured, "$argon2id$") {
		a, b := sha256.Sum256([]byte(configured)), sha256.Sum256([]byte(given))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1
	}
	mac := hmac.New(sha256.New, t.secret[:])
	mac.Write([]byte(given))
	digest := [32]byte(mac.Sum(nil))
	if t.remembers(configured, digest) {
		return true
	}
	select {
	case t.hashes <- struct{}{}:
		defer func() { <-t.hashes }()
	case <-ctx.Done():
		return false
	}
	if !auth.CheckHash(configured, given) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.right) >= maxSaid { // labels come and go with the configuration
		clear(t.right)
	}
	t.right[configured] = digest
	return true
}

func (t *tokens) remembers(configured string, digest [32]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.right[configured]
	return ok && subtle.ConstantTimeCompare(known[:], digest[:]) == 1
}

// token gives what the request says to be the label's token. carried: it stands in
// the request itself, where no page of another origin can put it without knowing it. A
// password of HTTP Basic is none such, because browsers send it along by themselves.
func (x *exchange) token() (token string, carried bool) {
	if t := x.r.Header.Get("X-Dialproxy-Token"); t != "" {
		return t, true
	}
	if t := x.post["token"]; t != "" {
		return t, true
	}
	_, password, _ := x.r.BasicAuth()
	return password, false
}

// without says whether the request has no token at all. Clients that send a password only
// when they are asked for one get to know then that there is one (spec: dialproxy 10,
// TBDialOut); the original asks nobody. It is no failure yet: it is neither logged nor
// made to wait.
func (x *exchange) without() bool {
	token, _ := x.token()
	return token == ""
}

// proves says whether the request has the label's token, and whether the label needs
// none. Wrong ones count against the client.
func (x *exchange) proves(conf Label) bool {
	if conf.Token == "" {
		return true
	}
	token, _ := x.token()
	if token == "" {
		return false
	}
	if x.d.tokens.check(x.r.Context(), conf.Token, token) {
		return true
	}
	x.d.tokens.throttle.Failed(key(x.client).String())
	return false
}

// carries says whether the request itself carries the label's token.
func (x *exchange) carries(conf Label) bool {
	_, carried := x.token()
	return carried && conf.Token != "" && x.proves(conf)
}
