package vodia

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Credentials are those in a link: an account's name and its web password (spec: vodia 4.6).
type Credentials struct {
	Name     string // "123@domain.com"; no colon
	Password string
	Plain    bool // they were sent without base64
}

// ParseCredentials reads the decoded parameter auth: NAME:PASSWORD as it is, which the
// vendor's own example for curl has, or in base64 of either alphabet, padded or not, whose
// + may have become blanks. ok is false for what is neither.
func ParseCredentials(auth string) (c Credentials, ok bool) {
	text, plain := auth, strings.Contains(auth, ":") // base64 has none (spec: vodia C1)
	if !plain {
		if isMD5(auth) { // a signature without extension=true; some would decode
			return Credentials{}, false
		}
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(alphabet.Replace(auth), "="))
		if err != nil {
			return Credentials{}, false
		}
		text = string(b)
	}
	name, password, ok := strings.Cut(text, ":")
	if !ok || !utf8.ValidString(text) {
		return Credentials{}, false
	}
	return Credentials{name, password, plain}, true
}

// alphabet puts base64 into one alphabet (spec: vodia C2).
var alphabet = strings.NewReplacer(" ", "+", "-", "+", "_", "/")

// String writes credentials as the parameter auth, before its URL-encoding: plain if Plain is
// set, or if their base64 would be read as an MD5 signature.
func (c Credentials) String() string {
	text := c.Name + ":" + c.Password
	if coded := base64.StdEncoding.EncodeToString([]byte(text)); !c.Plain && !isMD5(coded) {
		return coded
	}
	return text
}

// isMD5 says whether a text is 32 hexadecimal digits.
func isMD5(s string) bool {
	if len(s) != 32 {
		return false
	}
	for _, c := range []byte(s) {
		if !isHex(c) {
			return false
		}
	}
	return true
}
