package directory

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Stamp gives a text that is another one when the user gets another password, for sessions
// that must end then. It says nothing about the password, and is another one in each
// process; "" = there is no such user.
func (d *Directory) Stamp(n Name) string {
	r := d.current.Load().users[n]
	if r == nil {
		return ""
	}
	mac := hmac.New(sha256.New, d.secret)
	mac.Write([]byte("stamp\n" + r.PasswordHash))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
