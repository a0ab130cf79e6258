package funcs

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// encodings lists the functions that write a text in other characters (spec:
// dialplan 6.1).
func encodings() []run.Func {
	return []run.Func{
		{Name: "MD5", Read: needing(func(s string) string {
			sum := md5.Sum([]byte(s)) // not for security: names of files, old peers' secrets
			return hex.EncodeToString(sum[:])
		})},
		{Name: "SHA1", Read: needing(func(s string) string {
			sum := sha1.Sum([]byte(s)) // as MD5
			return hex.EncodeToString(sum[:])
		})},
		{Name: "BASE64_ENCODE", Read: needing(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
		{Name: "BASE64_DECODE", Read: readBase64},
		{Name: "URIENCODE", Read: pure(uriEncode)},
		{Name: "URIDECODE", Read: pure(uriDecode)},
		{Name: "UUID", Read: func(context.Context, *run.Exec, string) (string, error) {
			id, err := uuid.NewRandom()
			return id.String(), err
		}},
	}
}

// needing is pure for a function that does nothing with an empty argument.
func needing(f func(string) string) func(context.Context, *run.Exec, string) (string, error) {
	return func(_ context.Context, _ *run.Exec, args string) (string, error) {
		if args == "" {
			return "", errors.New("a text is needed")
		}
		return f(args), nil
	}
}

// readBase64 is BASE64_DECODE(text), with or without the = at the end.
func readBase64(_ context.Context, _ *run.Exec, args string) (string, error) {
	if args == "" {
		return "", errors.New("a text is needed")
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(args, "="))
	return string(b), err
}

// uriEncode writes every byte as %XX that is not unreserved. Those are the
// marks as Asterisk has them, which are more than newer rules leave alone.
func uriEncode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// uriDecode leaves a % alone that is not followed by two digits, and a "+".
func uriDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if v, n := leadingDigits(s[i+1:], 16, 2); n == 2 {
				b.WriteByte(v)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
