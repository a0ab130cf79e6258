package sdp

import (
	"errors"
	"strings"
)

// Parse reads a session description.
func Parse(b []byte) (*Session, error) { return nil, errors.New("not built yet") }

// Bytes prints the description.
func (s *Session) Bytes() []byte { return nil }

// Crypto is one usable a=crypto line (RFC 4568 §4).
type Crypto struct {
	Tag      int    // 1-999999999
	Suite    string // one of the suites that we know
	Key      []byte // master key and salt
	Lifetime string // as written, "" = none
	MKI      []byte // nil = none
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
