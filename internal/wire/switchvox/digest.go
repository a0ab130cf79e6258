package switchvox

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// Digest is what a client proves with HTTP Digest that it knows a password. There are two
// forms: that of RFC 7616 §3.4 with qop=auth, and the older one without, which the Ruby client
// sends although qop was offered (RFC 2069 §2.1.2, spec: switchvox R3).
type Digest struct {
	Username, Realm, Nonce, URI string
	Algorithm                   string // "MD5" in any case, or ""
	QOP, NC, Cnonce             string // "" in the old form
	Proof                       string // the header's response, 32 hex digits

	Method string // of the request; no part of the header
}

// maxHeader bounds a header that is looked at.
const maxHeader = 8192

// ParseDigest reads a header Authorization. ok is false for other schemes and for what is no
// list of parameters, or lacks one that is needed.
func ParseDigest(header string) (d Digest, ok bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Digest") || len(header) > maxHeader {
		return d, false
	}
	fields := map[string]*string{
		"username": &d.Username, "realm": &d.Realm, "nonce": &d.Nonce, "uri": &d.URI, "algorithm": &d.Algorithm,
		"qop": &d.QOP, "nc": &d.NC, "cnonce": &d.Cnonce, "response": &d.Proof,
	}
	for rest = strings.TrimLeft(rest, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		var name, value string
		if name, value, rest, ok = parameter(rest); !ok {
			return d, false
		}
		if p := fields[strings.ToLower(name)]; p != nil {
			*p = value
			delete(fields, strings.ToLower(name)) // the first counts
		}
	}
	if d.NC == "" && d.Cnonce == "" {
		d.QOP = "" // it repeats what was offered, and computes the old form
	}
	return d, d.Username != "" && d.Nonce != "" && d.URI != "" && d.Proof != ""
}

// parameter reads name=value or name="value" at the beginning of s.
func parameter(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	name, rest = strings.TrimSpace(name), strings.TrimLeft(rest, " \t")
	if !ok || name == "" || strings.ContainsAny(name, "\", \t") {
		return "", "", "", false
	}
	if !strings.HasPrefix(rest, `"`) {
		value, rest, _ = strings.Cut(rest, ",")
		value = strings.TrimSpace(value)
		return name, value, rest, !strings.ContainsAny(value, "\" \t")
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		case c == '"':
			after := strings.TrimLeft(rest[i+1:], " \t")
			return name, b.String(), after, after == "" || after[0] == ','
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}

// Count gives nc as a number; ok is false in the old form, and if it is none (RFC 7616 §3.4).
func (d Digest) Count() (n uint32, ok bool) {
	if len(d.NC) != 8 {
		return 0, false
	}
	b, err := hex.DecodeString(d.NC)
	if err != nil {
		return 0, false
	}
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), true
}

// Response gives the proof of who knows the secret ha1, as 32 hex digits.
func (d Digest) Response(ha1 string) string {
	ha2 := hash(d.Method + ":" + d.URI)
	if d.QOP == "" {
		return hash(ha1 + ":" + d.Nonce + ":" + ha2)
	}
	return hash(ha1 + ":" + d.Nonce + ":" + d.NC + ":" + d.Cnonce + ":" + d.QOP + ":" + ha2)
}

// HA1 gives what stands for a password in one realm (RFC 7616 §3.4.2).
func HA1(user, realm, password string) string { return hash(user + ":" + realm + ":" + password) }

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
