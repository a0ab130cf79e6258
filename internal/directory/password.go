package directory

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

const (
	rememberSize = 1024
	rememberTime = 10 * time.Minute
	hashesAt     = 2 // hashes computed at once: 2 × 19 MiB
	maxPassword  = 1024
)

// right is a password that was found right.
type right struct {
	hash  string // for which: a changed one does not match
	until time.Time
}

// CheckPassword says whether a user has a web password. It takes as long for unknown and
// disabled users, which have none (spec: vodia 4.4). It waits for its turn to compute a hash
// until ctx ends. A right password is remembered for a while under a keyed digest, as a hash
// costs tens of milliseconds by design; a wrong one never is.
func (d *Directory) CheckPassword(ctx context.Context, n Name, password string) bool {
	hash, usable := d.passwordHash(n)
	key := d.digest(n, password)
	if usable && d.remembers(key, hash) {
		return true
	}
	if len(password) > maxPassword { // nobody has one; the time is that of a wrong one
		password, usable = "", false
	}
	select {
	case d.hashes <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	matches := d.o.CheckHash(hash, password)
	<-d.hashes
	if !matches || !usable {
		return false
	}
	if now, usable := d.passwordHash(n); !usable || now != hash { // changed meanwhile
		return false
	}
	d.remember(key, hash)
	return true
}

// passwordHash gives the hash by which a user logs in, or the decoy.
func (d *Directory) passwordHash(n Name) (hash string, usable bool) {
	r := d.current.Load().users[n]
	if r == nil || r.Disabled || r.PasswordHash == "" {
		return d.decoy, false
	}
	return r.PasswordHash, true
}

// digest makes the key under which a password is remembered. It is keyed, so that looking
// it up in a map tells nothing by its timing. Names hold no line feed.
func (d *Directory) digest(n Name, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, d.secret)
	mac.Write([]byte(n.String() + "\n" + password))
	return [sha256.Size]byte(mac.Sum(nil))
}

func (d *Directory) remembers(key [sha256.Size]byte, hash string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.remembered[key]
	if ok && (r.hash != hash || time.Now().After(r.until)) {
		delete(d.remembered, key)
		return false
	}
	return ok
}

func (d *Directory) remember(key [sha256.Size]byte, hash string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.remembered) >= rememberSize {
		clear(d.remembered) // they cost one hash each to be known again
	}
	d.remembered[key] = right{hash, time.Now().Add(rememberTime)}
}

// LinkSecret gives the secret that signs a user's links; ok is false if it has none that can
// be opened, or is disabled. It is no password (spec: vodia 2.5).
func (d *Directory) LinkSecret(n Name) (secret string, ok bool) {
	r := d.current.Load().users[n]
	if r == nil || r.Disabled || r.LinkSecret == "" {
		return "", false
	}
	secret, err := d.open(r.LinkSecret)
	return secret, err == nil && secret != ""
}

// DigestHA1 gives the HA1 of a user for the realm of Switchvox; ok is false if it has none,
// or is disabled.
func (d *Directory) DigestHA1(n Name) (ha1 string, ok bool) {
	r := d.current.Load().users[n]
	if r == nil || r.Disabled || r.Digest == "" {
		return "", false
	}
	return r.Digest, true
}

// HA1 gives what HTTP Digest needs of a password: MD5 over "user:realm:password" as 32 hex
// digits (RFC 7616 §3.4.2). user is the local part of a name.
func HA1(user, realm, password string) string {
	sum := md5.Sum([]byte(user + ":" + realm + ":" + password))
	return hex.EncodeToString(sum[:])
}
