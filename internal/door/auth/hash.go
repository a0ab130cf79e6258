package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of new hashes: OWASP's second choice for argon2id (19 MiB, 2 passes,
// 1 lane). Keys have 128 random bits, so the hash is a second wall, not the first.
const (
	hashMemory = 19 * 1024 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16

	// What a hash from the configuration may ask of us.
	minMemory = 8 // KiB
	maxMemory = 256 * 1024
	maxPasses = 16
	maxLanes  = 16
)

// ErrHash says that a text is not an argon2id hash in PHC form.
var ErrHash = errors.New("not an argon2id hash of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")

// Hash gives the argon2id hash of a key with a fresh salt, in PHC string form.
func Hash(key string) string { return hash(key, hashMemory, hashPasses) }

// CheapHash is Hash at the least cost that is read, for tests with many users.
func CheapHash(key string) string { return hash(key, minMemory, 1) }

func hash(key string, memory, passes uint32) string {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails (crypto/rand)
	sum := argon2.IDKey([]byte(key), salt, passes, memory, hashLanes, hashSize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, hashLanes,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// ValidHash says why a text is not a hash that CheckHash can use; nil = it is one.
func ValidHash(s string) error {
	_, err := parseHash(s)
	return err
}

// parsedHash is a PHC string taken apart.
type parsedHash struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

// parseHash reads a PHC string and refuses costs that would harm the server.
func parseHash(s string) (parsedHash, error) {
	var h parsedHash
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, ErrHash
	}
	var rest string
	if n, _ := fmt.Sscanf(parts[3]+" .", "m=%d,t=%d,p=%d %s", &h.memory, &h.passes, &h.lanes, &rest); n != 4 || rest != "." {
		return h, ErrHash
	}
	if h.memory < minMemory || h.memory > maxMemory || h.passes < 1 || h.passes > maxPasses || h.lanes < 1 || h.lanes > maxLanes {
		return h, fmt.Errorf("%w: its cost is out of bounds", ErrHash)
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.sum) < 16 || len(h.sum) > 128 {
		return h, ErrHash
	}
	return h, nil
}

// matches computes the hash of key and compares it in constant time.
func (h parsedHash) matches(key string) bool {
	sum := argon2.IDKey([]byte(key), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// NewKey makes a key for a name: dw_NAME_SECRET.
func NewKey(name string) string { return "dw_" + name + "_" + rand.Text() }

// keyName gives the NAME of a key; names may hold underscores, secrets do not.
func keyName(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, "dw_")
	i := strings.LastIndexByte(rest, '_')
	if !ok || i <= 0 || i == len(rest)-1 || len(key) > 256 {
		return "", false
	}
	return rest[:i], true
}
