package sdp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Crypto is one usable a=crypto line (RFC 4568 §4):
//
//	a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4
//	         │ │                              │                                        │    │
//	        Tag Suite                        Key                                Lifetime   MKI
type Crypto struct {
	Tag      int    // 1-999999999
	Suite    string // one of Suites
	Key      []byte // master key and salt
	Lifetime string // as written, "2^20"; "" = none
	MKI      []byte // identifier in the sender's packets, 1-128 bytes; nil = none
}

// suites are the SRTP suites that we know, in the order in which we offer
// them, with the length of master key and salt together (RFC 4568 §6.2,
// RFC 7714 §14.2). The first is the one that every SRTP phone has.
var suites = [...]struct {
	name string
	size int
}{
	{"AES_CM_128_HMAC_SHA1_80", 16 + 14},
	{"AES_CM_128_HMAC_SHA1_32", 16 + 14},
	{"AEAD_AES_128_GCM", 16 + 12},
}

// Suites lists the SRTP suites that we know, in the order in which we offer them.
func Suites() []string {
	out := make([]string, len(suites))
	for i, s := range suites {
		out[i] = s.name
	}
	return out
}

// suiteSize gives the canonical name of a suite and its key length, 0 when
// the suite is not known.
func suiteSize(name string) (string, int) {
	for _, s := range suites {
		if equalFold(s.name, name) {
			return s.name, s.size
		}
	}
	return "", 0
}

// parseCrypto reads the value of an a=crypto line. Lines that we could not
// honour (unknown suite, several keys, wrong key length, parameters that
// switch protection off) count as absent (RFC 4568 §5.1.2).
func parseCrypto(v string) (Crypto, bool) {
	f := strings.Fields(v)
	if len(f) < 3 {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 31)
	if err != nil || tag > 999_999_999 {
		return Crypto{}, false
	}
	suite, size := suiteSize(f[1])
	if size == 0 || !harmless(f[3:]) {
		return Crypto{}, false
	}
	c := Crypto{Tag: int(tag), Suite: suite}
	return c, c.parseKey(f[2]) && len(c.Key) == size
}

// parseKey reads "inline:KEY|lifetime|MKI:length", the last two optional and
// in either order.
func (c *Crypto) parseKey(v string) bool {
	method, text, _ := strings.Cut(v, ":")
	if !equalFold(method, "inline") || strings.Contains(text, ";") {
		return false
	}
	part := strings.Split(text, "|")
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(part[0], "="))
	if err != nil {
		return false
	}
	c.Key = key
	for _, p := range part[1:] {
		id, length, isMKI := strings.Cut(p, ":")
		if !isMKI {
			c.Lifetime = p
			continue
		}
		if c.MKI = parseMKI(id, length); c.MKI == nil {
			return false
		}
	}
	return true
}

// parseMKI writes the number id as length bytes (RFC 4568 §6.1); nil when
// it does not fit.
func parseMKI(id, length string) []byte {
	n, ok := parseUint(id)
	size, sized := parseUint(length)
	if !ok || !sized || size < 1 || size > 128 {
		return nil
	}
	full := binary.BigEndian.AppendUint64(make([]byte, 128), n)
	mki := full[len(full)-int(size):]
	for _, b := range full[:len(full)-int(size)] {
		if b != 0 {
			return nil
		}
	}
	return mki
}

// harmless says whether the session parameters leave the stream as protected
// as the suite says (RFC 4568 §6.3). One that we do not know makes the line
// unusable unless it begins with "-" (§6.3.7).
func harmless(params []string) bool {
	for _, p := range params {
		name, _, _ := strings.Cut(strings.ToUpper(p), "=")
		if p == "KDR=0" || name == "WSH" || strings.HasPrefix(name, "-") {
			continue
		}
		return false
	}
	return true
}

// String gives the line's value.
func (c Crypto) String() string {
	s := fmt.Sprintf("%d %s inline:%s", c.Tag, c.Suite, base64.StdEncoding.EncodeToString(c.Key))
	if c.Lifetime != "" {
		s += "|" + c.Lifetime
	}
	if n := len(c.MKI); n > 0 {
		var id [8]byte
		copy(id[max(0, 8-n):], c.MKI[max(0, n-8):])
		s += fmt.Sprintf("|%d:%d", binary.BigEndian.Uint64(id[:]), n)
	}
	return s
}

// GoString keeps the key out of logs and test failures that print with %#v.
func (c Crypto) GoString() string { return fmt.Sprintf("sdp.Crypto{%d %s …}", c.Tag, c.Suite) }
