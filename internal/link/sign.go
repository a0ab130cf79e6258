package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Prefix is what the path of every link begins with.
const Prefix = "/link/"

const (
	idBytes  = 10 // of an ID: 80 bits
	idChars  = 16
	sigBytes = 16 // of a signature: 128 bits of HMAC-SHA-256
	sigChars = 22
)

// NewID makes an ID that was never used.
func NewID() string {
	var b [idBytes]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// ValidID says whether a text has the form of an ID.
func ValidID(id string) bool {
	return len(id) == idChars && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// ParsePath takes the path of a link apart, "/link/ID.SIGNATURE". ok is false for every
// other text; there is one way only to write a link.
func ParsePath(path string) (id, signature string, ok bool) {
	rest, ok := strings.CutPrefix(path, Prefix)
	if !ok {
		return "", "", false
	}
	id, signature, ok = strings.Cut(rest, ".")
	if !ok || !ValidID(id) || len(signature) != sigChars {
		return "", "", false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(signature); err != nil {
		return "", "", false
	}
	return id, signature, true
}

// Signer signs links with a key of this server. It is safe for concurrent use.
type Signer struct{ key []byte }

// NewSigner makes one. key is at least 16 secret bytes that are not in the store.
func NewSigner(key []byte) *Signer { return &Signer{key: append([]byte(nil), key...)} }

// Sign gives the signature: base64url, without padding, of the first 16 bytes of
// HMAC-SHA-256 over the link's canonical form.
func (s *Signer) Sign(l *Link) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(canonical(l))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:sigBytes])
}

// Verify says whether a signature is that of a link, in a time that does not depend on
// either.
func (s *Signer) Verify(l *Link, signature string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Sign(l)), []byte(signature)) == 1
}

// canonical is what is signed: everything that was decided when the link was made. Each
// part is preceded by its length, so that no two links have the same.
func canonical(l *Link) []byte {
	parts := []string{
		"dialwright link 1", l.ID, l.User, l.Dest, l.Name, flag(l.Connect), flag(l.Direct), stamp(l.NotBefore), stamp(l.Expires),
		strconv.Itoa(l.Uses), stamp(l.CreatedAt), l.CreatedBy, string(l.Account), strconv.Itoa(len(l.Origins)),
	}
	var b []byte
	for _, p := range append(parts, l.Origins...) {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(append(append(b, ':'), p...), '\n')
	}
	return b
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// stamp writes a time as milliseconds since 1970, the zero time as "".
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
