package auth

import (
	"fmt"
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// maxRounds bounds what one login may cost: about three seconds. The usual number
// of rounds is 5000.
const maxRounds = 5_000_000

// CheckCrypt says whether a password has a hash of crypt(3), as Asterisk's ari.conf
// has it with password_format = crypt: $1$ (MD5), $5$ (SHA-256) or $6$ (SHA-512), with
// "rounds=n$" before the salt or without. A hash of another kind, or one that cannot
// be read, fits no password. The comparison takes constant time.
func CheckCrypt(hash, password string) bool {
	d, err := parseCrypt(hash)
	return err == nil && d.Match(password)
}

// parseCrypt reads a hash of crypt(3).
func parseCrypt(hash string) (algorithm.Digest, error) {
	switch {
	case len(hash) > 256:
	case strings.HasPrefix(hash, "$1$"):
		return md5crypt.Decode(hash)
	case strings.HasPrefix(hash, "$5$"), strings.HasPrefix(hash, "$6$"):
		if n := cryptRounds(hash); n > maxRounds {
			return nil, fmt.Errorf("a hash of %d rounds costs too much", n)
		}
		return shacrypt.Decode(hash)
	}
	return nil, fmt.Errorf("not a hash of the kind $1$, $5$ or $6$")
}

// cryptRounds gives the number in "$6$rounds=n$…", 0 without one.
func cryptRounds(hash string) int {
	var n int
	if _, err := fmt.Sscanf(hash[3:], "rounds=%d$", &n); err != nil {
		return 0
	}
	return n
}

// CheckHash says whether a password has an argon2id hash in PHC form, as Hash makes
// them. A hash that cannot be read, or would cost too much, fits no password.
func CheckHash(hash, password string) bool {
	h, err := parseHash(hash)
	return err == nil && h.matches(password)
}
