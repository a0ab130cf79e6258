package auth

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"
)

// authorize answers a challenge as a client does.
func authorize(t *testing.T, challenge, method, uri, user, password string, count int) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: uri, Count: count, Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return cred.String()
}

func secretOf(user string) (string, bool) { return "tracepw", user == "tracer" }

func TestDigest(t *testing.T) {
	d := NewDigest("asterisk")
	for _, challenge := range d.Challenge(false) {
		for i, c := range []struct {
			method, uri, user, password string
			count                       int
			want                        error
		}{
			{"GET", "/a?b=c", "tracer", "bad", 1, ErrWrongDigest},
			{"GET", "/a?b=c", "tracer", "", 1, ErrWrongDigest},
			{"GET", "/a?b=c", "nobody", "tracepw", 1, ErrWrongDigest},
			{"POST", "/a?b=c", "tracer", "tracepw", 1, ErrWrongDigest},
			{"GET", "/a?b=d", "tracer", "tracepw", 1, ErrWrongDigest},
			{"GET", "/a?b=c", "tracer", "tracepw", 1, nil},
			{"GET", "/a?b=c", "tracer", "tracepw", 1, ErrStale}, // sent a second time
			{"GET", "/a?b=c", "tracer", "tracepw", 2, nil},
		} {
			if strings.Contains(challenge, "SHA") && c.want != ErrWrongDigest {
				c.count += 10 // the same nonce as for MD5
			}
			user, err := d.Check("GET", "/a?b=c", authorize(t, challenge, c.method, c.uri, c.user, c.password, c.count), secretOf)
			if !errors.Is(err, c.want) || err == nil && user != "tracer" {
				t.Errorf("%s %d: %s, %v", challenge, i, user, err)
			}
		}
	}
}

// The credentials that curl sent to a real Asterisk (observed: Asterisk 22.10, vector h1),
// computed again: only our nonce differs.
func TestDigestOfVector(t *testing.T) {
	cred, err := digest.Digest(
		&digest.Challenge{Realm: "asterisk", Nonce: "121b89cb", Opaque: "121b89cb", Algorithm: "MD5", QOP: []string{"auth"}},
		digest.Options{Method: "GET", URI: "/arawman?action=ping&actionid=14", Username: "tracer", Password: "tracepw", Count: 1, Cnonce: "YjgxYjg2YWVmMzMwOTYxYjQ1MWU3OGYyYzc2YTYwNDg="},
	)
	if err != nil || cred.Response != "e941a4354e315a98828c0c7e390d17ac" {
		t.Errorf("%v, %v", cred, err)
	}
	if _, err := NewDigest("asterisk").Check("GET", cred.URI, cred.String(), secretOf); !errors.Is(err, ErrStale) {
		t.Errorf("a nonce of somebody else's: %v", err)
	}
}

func TestDigestGetsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDigest("asterisk")
		challenge := d.Challenge(true)[0]
		if !strings.HasSuffix(challenge, ", stale=true") {
			t.Error(challenge)
		}
		<-time.After(nonceTime - time.Second) // fake time of the bubble
		if _, err := d.Check("GET", "/", authorize(t, challenge, "GET", "/", "tracer", "tracepw", 1), secretOf); err != nil {
			t.Error(err)
		}
		<-time.After(2 * time.Second)
		if _, err := d.Check("GET", "/", authorize(t, challenge, "GET", "/", "tracer", "tracepw", 2), secretOf); !errors.Is(err, ErrStale) {
			t.Error(err)
		}
	})
}

func TestDigestRemembersLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDigest("asterisk")
		login := func() error {
			<-time.After(time.Nanosecond) // another nonce
			_, err := d.Check("GET", "/", authorize(t, d.Challenge(false)[0], "GET", "/", "tracer", "tracepw", 1), secretOf)
			return err
		}
		for range nonceSlots {
			if err := login(); err != nil {
				t.Fatal(err)
			}
		}
		if err := login(); !errors.Is(err, ErrStale) || len(d.used) != nonceSlots {
			t.Errorf("%v with %d remembered", err, len(d.used))
		}
		<-time.After(2 * nonceTime)
		if err := login(); err != nil || len(d.used) != 1 {
			t.Errorf("%v with %d remembered", err, len(d.used))
		}
	})
}

func TestDigestRefuses(t *testing.T) {
	d := NewDigest("asterisk")
	for _, header := range []string{"", "Basic dHJhY2VyOnRyYWNlcHc=", "Digest", "Digest x", "Digest " + strings.Repeat("a", 10_000)} {
		if _, err := d.Check("GET", "/", header, secretOf); !errors.Is(err, ErrNoDigest) {
			t.Errorf("%.40q: %v", header, err)
		}
	}
	right := authorize(t, d.Challenge(false)[0], "GET", "/", "tracer", "tracepw", 1)
	for _, change := range [][2]string{
		{"qop=auth", "qop=auth-int"}, {"nc=00000001", "nc=00000000"}, {`realm="asterisk"`, `realm="x"`}, {"algorithm=MD5", "algorithm=SHA-512"},
	} {
		if wrong := strings.Replace(right, change[0], change[1], 1); wrong == right {
			t.Errorf("%s has no %s", right, change[0])
		} else if _, err := d.Check("GET", "/", wrong, secretOf); !errors.Is(err, ErrWrongDigest) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func FuzzDigest(f *testing.F) {
	f.Add(`Digest username="tracer", realm="asterisk", nonce="121b89cb", uri="/", cnonce="x", nc=00000001, qop=auth, response="e9", algorithm=MD5`)
	f.Add("Digest ,,,=\"")
	d := NewDigest("asterisk")
	f.Fuzz(func(t *testing.T, header string) {
		if user, err := d.Check("GET", "/", header, secretOf); err == nil {
			t.Errorf("%q logs in %q", header, user)
		}
	})
}
