package vodia_test

import (
	"testing"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

const signedQuery = "user=123%40tenant.com&extension=true&dest=123456789&time=1700000000&duration=3600&auth=573298e08253be2155dda96eacdf0a75"

func BenchmarkParseQuery(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vodia.ParseQuery(signedQuery); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	l, err := vodia.ParseQuery(signedQuery)
	if err != nil {
		b.Fatal(err)
	}
	ours := l
	ours.Nonce = "n1"
	ours.Auth, _ = vodia.SignV2(l.User, secret, l.Dest, l.Time, l.Duration, ours.Nonce, false)
	for name, l := range map[string]vodia.Link{"md5": l, "v2": ours} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Verify(account, secret, limits, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseFrame(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := vodia.ParseFrame([]byte(`{"action":"make-call","to":"(617) 399-8147"}`)); err != nil {
			b.Fatal(err)
		}
	}
}
