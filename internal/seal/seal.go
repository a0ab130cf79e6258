// Package seal encrypts the few secrets that a protocol needs readable, so that a copy of
// the database or of the configuration alone gives none of them away (design §6).
//
// The key is a file of the data directory. A sealed text is
//
//	"sealed:" base64url(nonce 12 bytes, AES-256-GCM ciphertext, tag 16 bytes)
package seal
