package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dialwright/dialwright/internal/call"
)

// Why a key is not accepted.
var (
	ErrNoKey     = errors.New("no API key: send the header Authorization: Bearer dw_…")
	ErrWrongKey  = errors.New("the API key is not valid; `dialwright config key NAME` makes one")
	ErrThrottled = errors.New("too many wrong API keys from this address; try again in a minute")
)

// Entry is one key of the configuration.
type Entry struct {
	Name    string
	Hash    string // PHC string
	Account call.AccountID
	Scopes  []Scope
}

const (
	cacheSize = 1024
	cacheTime = 10 * time.Minute
	hashesAt  = 2 // hashes computed at once: 2 × 19 MiB

	failureRate  = rate.Limit(1.0 / 6) // wrong keys per second and address
	failureBurst = 10
	failureSlots = 4096 // addresses remembered
)

// Keys checks API keys. It is safe for concurrent use.
type Keys struct {
	secret []byte        // keys the digests of the cache
	hashes chan struct{} // one token per hash being computed
	decoy  parsedHash    // computed for unknown names

	throttle Throttle

	mu      sync.Mutex // guards what follows
	entries map[string]entry
	cache   map[[sha256.Size]byte]cached
	used    map[string]Use // since TakeUses
}

// Use is how often a key was used, and when last.
type Use struct {
	Times  int64
	LastAt time.Time
}

// Add gives both together.
func (u Use) Add(other Use) Use {
	u.Times += other.Times
	if other.LastAt.After(u.LastAt) {
		u.LastAt = other.LastAt
	}
	return u
}

type entry struct {
	Entry
	hash parsedHash
}

type cached struct {
	name  string
	hash  string // hash that the key was found right for: a changed one does not match
	until time.Time
}

// NewKeys makes a checker for entries. The error names every entry whose hash
// cannot be read.
func NewKeys(entries []Entry) (*Keys, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	decoy, err := parseHash(Hash(rand.Text()))
	if err != nil {
		return nil, err
	}
	k := &Keys{
		secret: secret, decoy: decoy,
		hashes: make(chan struct{}, hashesAt),
		cache:  map[[sha256.Size]byte]cached{}, used: map[string]Use{},
	}
	return k, k.Replace(entries)
}

// Replace puts other entries in force, unless one of them cannot be read.
func (k *Keys) Replace(entries []Entry) error {
	next := make(map[string]entry, len(entries))
	var errs []error
	for _, e := range entries {
		h, err := parseHash(e.Hash)
		if err != nil {
			errs = append(errs, fmt.Errorf("keys.%s.hash: %w", e.Name, err))
		}
		next[e.Name] = entry{e, h}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.entries = next
	return nil
}

// Check gives the principal of a presented key. addr is the host that presents
// it, for throttling. The error is ErrNoKey, ErrWrongKey, ErrThrottled or that
// of ctx.
func (k *Keys) Check(ctx context.Context, key, addr string) (Principal, error) {
	if key == "" {
		return Principal{}, ErrNoKey
	}
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(key))
	digest := [sha256.Size]byte(mac.Sum(nil))
	if p, ok := k.remembered(digest); ok {
		return p, nil
	}
	if k.throttle.Throttled(addr) {
		return Principal{}, ErrThrottled
	}
	name, wellFormed := keyName(key)
	k.mu.Lock()
	e, known := k.entries[name]
	k.mu.Unlock()
	if !wellFormed || !known {
		e.hash = k.decoy
	}
	select {
	case k.hashes <- struct{}{}:
	case <-ctx.Done():
		return Principal{}, ctx.Err()
	}
	right := e.hash.matches(key)
	<-k.hashes
	if !right || !known {
		k.throttle.Failed(addr)
		return Principal{}, ErrWrongKey
	}
	k.remember(digest, e)
	return e.principal(), nil
}

func (e entry) principal() Principal {
	return Principal{Name: e.Name, Account: e.Account, Scopes: e.Scopes, keyHash: e.Hash}
}

// remembered finds a key that was right before. The digest is keyed, so that
// looking it up in a map tells nothing by its timing.
func (k *Keys) remembered(digest [sha256.Size]byte) (Principal, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.cache[digest]
	if !ok {
		return Principal{}, false
	}
	e, ok := k.entries[c.name]
	if !ok || e.Hash != c.hash || time.Now().After(c.until) {
		delete(k.cache, digest)
		return Principal{}, false
	}
	k.use(e.Name)
	return e.principal(), true
}

func (k *Keys) remember(digest [sha256.Size]byte, e entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cache) >= cacheSize {
		clear(k.cache) // more right keys than that are not in use at once; they cost one hash each
	}
	k.cache[digest] = cached{e.Name, e.Hash, time.Now().Add(cacheTime)}
	k.use(e.Name)
}

// use counts a use. k.mu is held.
func (k *Keys) use(name string) {
	k.used[name] = k.used[name].Add(Use{1, time.Now()})
}

// TakeUses gives the uses of each key since the last time that it was asked.
func (k *Keys) TakeUses() map[string]Use {
	k.mu.Lock()
	defer k.mu.Unlock()
	used := k.used
	k.used = map[string]Use{}
	return used
}

// GiveUses takes back uses that could not be kept.
func (k *Keys) GiveUses(uses map[string]Use) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, u := range uses {
		k.used[name] = k.used[name].Add(u)
	}
}

// Lasts says whether the key that gave a principal is still the same: what was opened by one
// that is gone ends. Who came without a key lasts.
func (k *Keys) Lasts(p Principal) bool {
	if p.keyHash == "" {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.entries[p.Name]
	return ok && e.Hash == p.keyHash && e.Account == p.Account && slices.Equal(e.Scopes, p.Scopes)
}
