package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// longSlots bounds the long-lived nonces in use that are remembered.
const longSlots = 4096

// Nonces makes and checks the nonces of HTTP digest for clients that use one for a long
// time, and some without a count (RFC 2069; spec: switchvox R4). A nonce holds when it was
// made, and a proof that we made it for this realm and address: it costs no memory. Only of
// nonces with which somebody has logged in with a count the count is kept. It is safe for
// concurrent use.
//
// When there is no more room the older half is forgotten, and what was made up to then
// is too old for a client that counts, which takes a new one then. So no request can be
// sent a second time, and nobody who has a password can keep others out by many logins.
type Nonces struct {
	key [32]byte

	mu    sync.Mutex // guards what follows
	used  map[string]*counted
	floor time.Time // what was made up to then and is not in used is too old
}

// counted is a nonce that somebody has logged in with.
type counted struct {
	at    time.Time // when it was made
	count uint32    // the highest
}

// NewNonces makes an empty memory with a key of its own.
func NewNonces() *Nonces {
	n := &Nonces{used: make(map[string]*counted)}
	rand.Read(n.key[:]) // never fails (crypto/rand)
	return n
}

// Make gives a nonce for a realm and the address of a client.
func (n *Nonces) Make(realm, addr string, now time.Time) string {
	return n.seal(realm, addr, uint64(now.UnixNano()))
}

// Check says whether a nonce was made for the realm and the address, and is not older
// than life.
func (n *Nonces) Check(nonce, realm, addr string, now time.Time, life time.Duration) bool {
	at, ours := n.madeAt(nonce, realm, addr)
	return ours && !at.After(now) && now.Sub(at) <= life
}

// Count takes the count nc of a login with a nonce that Check has found good, and says
// whether it is higher than those before. Only for right passwords: others could use up
// somebody's counts.
func (n *Nonces) Count(nonce, realm, addr string, nc uint32) bool {
	at, ours := n.madeAt(nonce, realm, addr)
	if !ours {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.used[nonce]
	switch {
	case c == nil && !at.After(n.floor):
		return false
	case c == nil:
		if len(n.used) >= longSlots {
			n.forget()
		}
		n.used[nonce] = &counted{at: at, count: nc}
		return at.After(n.floor)
	case nc <= c.count:
		return false
	}
	c.count = nc
	return true
}

// forget drops the older half, and raises the floor to the newest of it. n.mu is held.
func (n *Nonces) forget() {
	times := make([]time.Time, 0, len(n.used))
	for _, c := range n.used {
		times = append(times, c.at)
	}
	slices.SortFunc(times, time.Time.Compare)
	n.floor = times[len(times)/2]
	for key, c := range n.used {
		if !c.at.After(n.floor) {
			delete(n.used, key)
		}
	}
}

// seal makes the nonce of a time: it, and a proof.
func (n *Nonces) seal(realm, addr string, nanos uint64) string {
	b := binary.BigEndian.AppendUint64(nil, nanos)
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(b)
	mac.Write([]byte(realm + "\x00" + addr))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b)[:24])
}

// madeAt gives when a nonce was made, if we made it.
func (n *Nonces) madeAt(nonce, realm, addr string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 24 {
		return time.Time{}, false
	}
	nanos := binary.BigEndian.Uint64(b)
	return time.Unix(0, int64(nanos)), hmac.Equal([]byte(n.seal(realm, addr, nanos)), []byte(nonce))
}
