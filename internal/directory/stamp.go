package directory

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Stamp gives a text that is another one when the user gets another password, and when it was
// disabled or removed meanwhile, for sessions that must end then, although nobody has used them
// at that time. It says nothing about the password, and is another one in each process; "" =
// there is no such user, or it is disabled.
func (d *Directory) Stamp(n Name) string {
	s := d.current.Load()
	r := s.users[n]
	if r == nil || r.Disabled {
		return ""
	}
	mac := hmac.New(sha256.New, d.secret)
	mac.Write([]byte("stamp\n" + strconv.FormatUint(s.since[n], 10) + "\n" + r.PasswordHash))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Mark is a stamp that stays the same over a restart: another one with another password, and
// with another key, which is to be secret. "" = there is no such user, or it is disabled.
func (d *Directory) Mark(n Name, key []byte) string {
	r := d.current.Load().users[n]
	if r == nil || r.Disabled {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("mark\n" + n.String() + "\n" + r.PasswordHash))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
