package vodia

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// v2 begins a signature of ours (spec: vodia 4.11).
const v2 = "v2."

// maxNonce bounds a nonce in bytes.
const maxNonce = 64

// Limits are what a server allows signed links. The zero value allows none.
type Limits struct {
	MaxDuration time.Duration // for which a link may be valid
	MaxSkew     time.Duration // by which the signer's clock may be ahead
	NoMD5       bool          // only v2 signatures are accepted
}

// V2 says whether the signature is one of ours.
func (l *Link) V2() bool { return strings.HasPrefix(l.Auth, v2) }

// Verify says whether the owner of a secret has signed a link, and whether it is valid now.
// account is the full name of whom the link's User means, such as "123@tenant.com". secret is
// its link secret; of an account that does not exist or has none it is "", and account may be:
// then the answer is ErrCredentials, after the same time.
//
// The errors are ErrTime, ErrDuration and ErrNonce for a link that nobody can have signed,
// which says nothing of the account; then ErrCredentials; then, to who has signed it,
// ErrDurationTooLong, ErrTimeInFuture and ErrExpired (spec: vodia S1-S6).
func (l *Link) Verify(account, secret string, limits Limits, now time.Time) error {
	if err := l.checkShape(); err != nil {
		return err
	}
	if !l.signed(account, secret) || limits.NoMD5 && !l.V2() {
		return ErrCredentials
	}
	return l.checkWindow(limits, now)
}

// checkShape keeps links from being read in two ways, together with checkWindow (spec: vodia
// S4, S6).
func (l *Link) checkShape() error {
	switch {
	case len(l.Time) != 10 || !isSeconds(l.Time):
		return ErrTime
	case len(l.Duration) > 5 || !isSeconds(l.Duration):
		return ErrDuration
	case l.V2() && !isNonce(l.Nonce):
		return ErrNonce
	}
	return nil
}

// isSeconds says whether a text is digits that do not begin with 0.
func isSeconds(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || '9' < c {
			return false
		}
	}
	return s != "" && s[0] != '0'
}

func isNonce(s string) bool {
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || 'z' < c|0x20) && (c < '0' || '9' < c) && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxNonce
}

// checkWindow says whether a link of the right shape is valid now (spec: vodia S5).
func (l *Link) checkWindow(limits Limits, now time.Time) error {
	switch signed, duration := l.window(); {
	case duration > limits.MaxDuration:
		return ErrDurationTooLong
	case signed.Unix() > now.Add(limits.MaxSkew).Unix():
		return ErrTimeInFuture
	case now.Unix() > signed.Add(duration).Unix():
		return ErrExpired
	}
	return nil
}

// window gives what Time and Duration say; what is no number is 0.
func (l *Link) window() (signed time.Time, duration time.Duration) {
	at, _ := strconv.ParseInt(l.Time, 10, 64)
	seconds, _ := strconv.ParseInt(l.Duration, 10, 32)
	return time.Unix(at, 0), time.Duration(seconds) * time.Second
}

// ValidUntil gives the last second of a link that Verify accepts.
func (l *Link) ValidUntil() time.Time {
	signed, duration := l.window()
	return signed.Add(duration)
}

// UseKey gives what two uses of one signed link have in common, of one account: the nonce,
// or the MD5 signature (spec: vodia 4.11).
func (l *Link) UseKey() string {
	if l.V2() {
		return v2 + l.Nonce
	}
	return strings.ToLower(l.Auth)
}

// signed says whether the signature is that of an account. How long it takes does not
// depend on what is right, nor on whether there is such an account.
func (l *Link) signed(account, secret string) bool {
	dests := [2]string{l.Dest, plus(l.Dest)} // both readings (spec: vodia Q5)
	match := 0
	if l.V2() {
		for _, dest := range dests {
			if want, ok := SignV2(l.User, secret, dest, l.Time, l.Duration, l.Nonce, l.Connect); ok {
				match |= subtle.ConstantTimeCompare([]byte(want), []byte(l.Auth))
			}
		}
	} else {
		auth := []byte(strings.ToLower(l.Auth))
		for _, user := range l.users(account) {
			for _, dest := range dests {
				want := SignMD5(user, secret, dest, l.Time, l.Duration)
				match |= subtle.ConstantTimeCompare([]byte(want), auth)
			}
		}
	}
	return match == 1 && secret != ""
}

// users gives the names that may have been hashed: the one that was sent, and its local
// part, or the full one if it was sent without a tenant (spec: vodia S1).
func (l *Link) users(account string) [2]string {
	if local, _, has := strings.Cut(l.User, "@"); has {
		return [2]string{l.User, local}
	}
	return [2]string{l.User, account}
}

// SignMD5 gives the vendor's signature: 32 lower-case hexadecimal digits (spec: vodia 4.5).
// It joins its values without separators, so that what is signed can be read in several
// ways: prefer SignV2.
func SignMD5(user, secret, dest, at, duration string) string {
	sum := md5.Sum([]byte(user + secret + dest + at + duration))
	return hex.EncodeToString(sum[:])
}

// SignV2 gives our signature, "v2." and 43 characters (spec: vodia 4.11). ok is false if a
// value holds a line feed, which nothing can sign.
func SignV2(user, secret, dest, at, duration, nonce string, connect bool) (auth string, ok bool) {
	c := "0"
	if connect {
		c = "1"
	}
	for _, s := range [...]string{user, dest, at, duration, nonce} {
		if strings.Contains(s, "\n") {
			return "", false
		}
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte("c2d-v2\n" + user + "\n" + dest + "\n" + at + "\n" + duration + "\n" + nonce + "\n" + c))
	return v2 + base64.RawURLEncoding.EncodeToString(h.Sum(nil)), true
}
