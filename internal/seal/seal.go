// Package seal encrypts the few secrets that a protocol needs readable, so that a copy of
// the database or of the configuration alone gives none of them away (design §6).
//
// The key is a file of the data directory: 32 random bytes, made when there is none, and
// readable by its owner alone. It is never used itself: each purpose has a key derived from
// it. A sealed text is
//
//	"sealed:" base64url(nonce 12 bytes, AES-256-GCM ciphertext, tag 16 bytes)
//
// without padding. Who copies the data directory whole has both halves; who loses the key
// file sets the secrets again.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// prefix tells a sealed text from a plain one.
const prefix = "sealed:"

// Why a text cannot be opened.
var (
	ErrNotSealed = errors.New("not a sealed text, which begins with " + `"` + prefix + `"`)
	ErrDamaged   = errors.New("cannot be opened: it was changed, or sealed with the key of another data directory; set the secret again")
)

// Box seals and opens with one key. It is safe for concurrent use.
type Box struct {
	root [KeySize]byte
	aead cipher.AEAD
}

// New makes a box with a key of 32 random bytes.
func New(key [KeySize]byte) *Box {
	b := &Box{root: key}
	block, err := aes.NewCipher(b.Key("seal"))
	if err != nil {
		panic(err) // the size is right
	}
	b.aead, err = cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	return b
}

// Key gives the key of 32 bytes for a purpose, "links". The same purpose has the same key
// always, and none tells anything of another (RFC 5869, HKDF-SHA-256).
func (b *Box) Key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, b.root[:], nil, "dialwright "+purpose, KeySize)
	if err != nil {
		panic(err) // only for keys of more than 255 hashes
	}
	return key
}

// Seal encrypts a text. The same text is sealed differently each time.
func (b *Box) Seal(plain string) string {
	return prefix + base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, []byte(plain), nil))
}

// Open gives the text that Seal had. ErrNotSealed, ErrDamaged.
func (b *Box) Open(sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, prefix)
	if !ok {
		return "", ErrNotSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("a sealed text that is not base64url %w", ErrDamaged)
	}
	plain, err := b.aead.Open(nil, nil, raw, nil)
	if err != nil {
		return "", fmt.Errorf("a sealed text %w", ErrDamaged)
	}
	return string(plain), nil
}

// Sealed says whether a text looks sealed, and is not plain.
func Sealed(text string) bool { return strings.HasPrefix(text, prefix) }
