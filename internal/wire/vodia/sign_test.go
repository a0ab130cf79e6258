package vodia_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

const (
	account = "123@tenant.com"
	secret  = "password"
)

// md5Link is a link with the vendor's signature, over the user that is named.
func md5Link(user, hashed, dest, at, duration string) vodia.Link {
	return vodia.Link{User: user, Dest: dest, Time: at, Duration: duration, Auth: vodia.SignMD5(hashed, secret, dest, at, duration), HasAuth: true, Extension: true}
}

// v2Link is a link with our signature.
func v2Link(t *testing.T, l vodia.Link) vodia.Link {
	t.Helper()
	auth, ok := vodia.SignV2(l.User, secret, l.Dest, l.Time, l.Duration, l.Nonce, l.Connect)
	if !ok {
		t.Fatalf("no signature of %+v", l)
	}
	l.Auth, l.HasAuth, l.Extension = auth, true, true
	return l
}

// TestVerifyUser proves which names a signature may be made over (spec: vodia S1).
func TestVerifyUser(t *testing.T) {
	for _, c := range []struct {
		user, hashed string
		good         bool
	}{
		{"123@tenant.com", "123@tenant.com", true}, // as sent
		{"123@tenant.com", "123", true},            // its local part
		{"123", "123", true},                       // as sent
		{"123", "123@tenant.com", true},            // the full name
		{"123@TENANT.com", "123@TENANT.com", true}, // as sent
		{"123@TENANT.com", "123", true},
		{"123@TENANT.com", "123@tenant.com", false}, // neither
		{"123@tenant.com", "123@", false},
		{"123@tenant.com", "", false},
		{"123", "", false},
		{"123", "124", false},
		{"", "", true}, // the login would name it: the door refuses it
	} {
		l := md5Link(c.user, c.hashed, "900", "1700000000", "3600")
		err := l.Verify(account, secret, limits, now)
		if c.good && err != nil || !c.good && err != vodia.ErrCredentials {
			t.Errorf("user %q, signed over %q: %v", c.user, c.hashed, err)
		}
		// Ours is over the name as it was sent, exactly.
		l = v2Link(t, vodia.Link{User: c.hashed, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n"})
		l.User = c.user
		err = l.Verify(account, secret, limits, now)
		if good := c.user == c.hashed; good && err != nil || !good && err != vodia.ErrCredentials {
			t.Errorf("v2, user %q, signed over %q: %v", c.user, c.hashed, err)
		}
	}
}

// TestVerifyDest proves that a + may have become a blank (spec: vodia Q5), and that nothing
// else of a number may have changed.
func TestVerifyDest(t *testing.T) {
	for _, c := range []struct {
		dest, hashed string
		good         bool
	}{
		{" 16173998147", "+16173998147", true},
		{" 16173998147", " 16173998147", true},
		{"+16173998147", "+16173998147", true},
		{"+16173998147", " 16173998147", false},
		{"(617) 399", "(617) 399", true}, // over what was sent, before the clean-up
		{"(617) 399", "617399", false},
		{"617399", "(617) 399", false},
		{" x", "+x", false},
	} {
		l := md5Link(account, account, c.hashed, "1700000000", "3600")
		l.Dest = c.dest
		ours := v2Link(t, vodia.Link{User: account, Dest: c.hashed, Time: "1700000000", Duration: "3600", Nonce: "n"})
		ours.Dest = c.dest
		for _, l := range []vodia.Link{l, ours} {
			err := l.Verify(account, secret, limits, now)
			if c.good && err != nil || !c.good && err != vodia.ErrCredentials {
				t.Errorf("dest %q, signed over %q, v2 %v: %v", c.dest, c.hashed, l.V2(), err)
			}
		}
	}
}

// TestVerifyChanged changes each value of a link by itself.
func TestVerifyChanged(t *testing.T) {
	md5 := md5Link(account, account, "900", "1700000000", "3600")
	ours := v2Link(t, vodia.Link{User: account, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n"})
	for name, c := range map[string]struct {
		change    func(l *vodia.Link)
		unsignedM bool // the vendor's signature does not cover it (spec: vodia S3)
	}{
		"user":     {func(l *vodia.Link) { l.User = "124@tenant.com" }, false},
		"dest":     {func(l *vodia.Link) { l.Dest = "901" }, false},
		"time":     {func(l *vodia.Link) { l.Time = "1700000001" }, false},
		"duration": {func(l *vodia.Link) { l.Duration = "3601" }, false},
		"nonce":    {func(l *vodia.Link) { l.Nonce = "m" }, true},
		"connect":  {func(l *vodia.Link) { l.Connect = true }, true},
		"auth":     {func(l *vodia.Link) { l.Auth = l.Auth[:len(l.Auth)-1] + "x" }, false},
		"short":    {func(l *vodia.Link) { l.Auth = l.Auth[:len(l.Auth)-1] }, false},
		"long":     {func(l *vodia.Link) { l.Auth += "0" }, false},
		"none":     {func(l *vodia.Link) { l.Auth = "" }, false},
		"v2 alone": {func(l *vodia.Link) { l.Auth, l.Nonce = "v2.", "n" }, false},
		"padded":   {func(l *vodia.Link) { l.Auth += "=" }, false},
		"joined":   {func(l *vodia.Link) { l.User, l.Dest = account+"\n900", "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range []vodia.Link{md5, ours} {
				if err := l.Verify(account, secret, limits, now); err != nil {
					t.Fatal(err)
				}
				c.change(&l)
				want := error(vodia.ErrCredentials)
				if c.unsignedM && !l.V2() {
					want = nil
				}
				if err := l.Verify(account, secret, limits, now); err != want {
					t.Errorf("v2 %v: %v, want %v", l.V2(), err, want)
				}
			}
		})
	}
}

// TestVerifyCase proves that the hexadecimal digits may be of any case, and the letters of
// base64 may not.
func TestVerifyCase(t *testing.T) {
	l := md5Link(account, account, "900", "1700000000", "3600")
	l.Auth = strings.ToUpper(l.Auth)
	if err := l.Verify(account, secret, limits, now); err != nil {
		t.Error(err)
	}
	l = v2Link(t, vodia.Link{User: account, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n"})
	for _, auth := range []string{strings.ToLower(l.Auth), "V2" + l.Auth[2:]} {
		l.Auth = auth
		if err := l.Verify(account, secret, limits, now); err != vodia.ErrCredentials {
			t.Errorf("%s: %v", auth, err)
		}
	}
}

// TestVerifyNobody proves that no link is signed by an account without a secret, whether or
// not there is one, and that links of a bad shape look the same for everybody.
func TestVerifyNobody(t *testing.T) {
	for _, account := range []string{account, ""} {
		for _, user := range []string{"123", "123@tenant.com", ""} {
			auth := vodia.SignMD5(user, "", "900", "1700000000", "3600")
			l := vodia.Link{User: user, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n", Auth: auth}
			if err := l.Verify(account, "", limits, now); err != vodia.ErrCredentials {
				t.Errorf("user %q: %v", user, err)
			}
			l.Auth, _ = vodia.SignV2(user, "", "900", "1700000000", "3600", "n", false)
			if err := l.Verify(account, "", limits, now); err != vodia.ErrCredentials {
				t.Errorf("v2, user %q: %v", user, err)
			}
			l.Time = "170000000"
			if err := l.Verify(account, "", limits, now); err != vodia.ErrTime {
				t.Errorf("bad time, user %q: %v", user, err)
			}
		}
	}
}

func TestVerifyNoMD5(t *testing.T) {
	only := limits
	only.NoMD5 = true
	l := md5Link(account, account, "900", "1700000000", "3600")
	if err := l.Verify(account, secret, only, now); err != vodia.ErrCredentials {
		t.Error(err)
	}
	l = v2Link(t, vodia.Link{User: account, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n"})
	if err := l.Verify(account, secret, only, now); err != nil {
		t.Error(err)
	}
}

// TestVerifyShape proves rule S4, and the shape of nonces, for links whose signature is right.
func TestVerifyShape(t *testing.T) {
	for _, c := range []struct {
		time, duration, nonce string
		want                  error
	}{
		{"1700000000", "3600", "n1", nil},
		{"1700000000", "3600", "AZaz09_-", nil},
		{"1700000000", "3600", strings.Repeat("n", 64), nil},
		{"", "3600", "n", vodia.ErrTime},
		{"170000000", "3600", "n", vodia.ErrTime},
		{"17000000000", "3600", "n", vodia.ErrTime},
		{"0700000000", "3600", "n", vodia.ErrTime},
		{"170000000a", "3600", "n", vodia.ErrTime},
		{"+170000000", "3600", "n", vodia.ErrTime},
		{"1700000000 ", "3600", "n", vodia.ErrTime},
		{"١٧٠٠٠", "3600", "n", vodia.ErrTime}, // digits of another script, ten bytes
		{"1700000000", "", "n", vodia.ErrDuration},
		{"1700000000", "0", "n", vodia.ErrDuration},
		{"1700000000", "03600", "n", vodia.ErrDuration},
		{"1700000000", "170000", "n", vodia.ErrDuration},
		{"1700000000", "-60", "n", vodia.ErrDuration},
		{"1700000000", "1e3", "n", vodia.ErrDuration},
		{"1700000000", "3600", "", vodia.ErrNonce},
		{"1700000000", "3600", strings.Repeat("n", 65), vodia.ErrNonce},
		{"1700000000", "3600", "a.b", vodia.ErrNonce},
		{"1700000000", "3600", "ö", vodia.ErrNonce},
	} {
		l := v2Link(t, vodia.Link{User: account, Dest: "900", Time: c.time, Duration: c.duration, Nonce: c.nonce})
		if err := l.Verify(account, secret, limits, now); err != c.want {
			t.Errorf("v2, %+v: %v", c, err)
		}
		if c.want == vodia.ErrNonce {
			c.want = nil // the vendor's has none
		}
		l = md5Link(account, account, "900", c.time, c.duration)
		l.Nonce = c.nonce
		if err := l.Verify(account, secret, limits, now); err != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestVerifyWindow proves rule S5 to the second.
func TestVerifyWindow(t *testing.T) {
	for _, c := range []struct {
		time, duration string
		now            time.Time
		limits         vodia.Limits
		want           error
	}{
		{"1700000000", "100", now, limits, nil},                               // the last second
		{"1700000000", "100", now.Add(999 * time.Millisecond), limits, nil},   // all of it
		{"1700000000", "100", now.Add(time.Second), limits, vodia.ErrExpired}, // over
		{"1700000000", "99", now, limits, vodia.ErrExpired},
		{"1700000160", "3600", now, limits, nil}, // the largest skew
		{"1700000161", "3600", now, limits, vodia.ErrTimeInFuture},
		{"1700000161", "3600", now.Add(time.Second), limits, nil},
		{"9999999999", "3600", now, limits, vodia.ErrTimeInFuture},
		{"1700000000", "86400", now, limits, nil},
		{"1700000000", "86401", now, limits, vodia.ErrDurationTooLong},
		{"1700000000", "99999", now, vodia.Limits{MaxDuration: 99_999 * time.Second}, nil},
		{"1700000101", "60", now, vodia.Limits{MaxDuration: time.Minute}, vodia.ErrTimeInFuture}, // no skew at all
		{"1700000100", "60", now, vodia.Limits{MaxDuration: time.Minute}, nil},
		{"1700000000", "60", now, vodia.Limits{}, vodia.ErrDurationTooLong}, // nothing is allowed
		{"9999999999", "86401", now, limits, vodia.ErrDurationTooLong},      // the first of several
	} {
		for _, l := range []vodia.Link{
			md5Link(account, account, "900", c.time, c.duration),
			v2Link(t, vodia.Link{User: account, Dest: "900", Time: c.time, Duration: c.duration, Nonce: "n"}),
		} {
			if err := l.Verify(account, secret, c.limits, c.now); err != c.want {
				t.Errorf("%s + %s at %v, v2 %v: %v, want %v", c.time, c.duration, c.now.Unix(), l.V2(), err, c.want)
			}
			l.Auth += "0"
			if err := l.Verify(account, secret, c.limits, c.now); err != vodia.ErrCredentials {
				t.Errorf("who has not signed it is told %v", err)
			}
		}
	}
}

func TestUses(t *testing.T) {
	a := md5Link(account, account, "900", "1700000000", "3600")
	b := a
	b.Auth, b.User = strings.ToUpper(a.Auth), "123"
	if a.UseKey() != b.UseKey() || a.UseKey() == "" {
		t.Errorf("uses %q and %q of one link", a.UseKey(), b.UseKey())
	}
	c := v2Link(t, vodia.Link{User: account, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "n"})
	d := v2Link(t, vodia.Link{User: account, Dest: "901", Time: "1700000000", Duration: "3600", Nonce: "n"})
	e := v2Link(t, vodia.Link{User: account, Dest: "900", Time: "1700000000", Duration: "3600", Nonce: "N"})
	if c.UseKey() != d.UseKey() || c.UseKey() == e.UseKey() || c.UseKey() == a.UseKey() {
		t.Errorf("uses of nonces: %q, %q, %q", c.UseKey(), d.UseKey(), e.UseKey())
	}
	if got := a.ValidUntil().Unix(); got != 1_700_003_600 {
		t.Errorf("valid until %d", got)
	}
}

func TestSignV2LineFeed(t *testing.T) {
	for i := range 5 {
		v := []string{"u", "d", "1", "2", "n"}
		v[i] += "\n"
		if auth, ok := vodia.SignV2(v[0], secret, v[1], v[2], v[3], v[4], false); ok || auth != "" {
			t.Errorf("value %d: %s", i, auth)
		}
	}
}

func TestDenied(t *testing.T) {
	for err, want := range map[*vodia.Error]bool{
		vodia.ErrCredentials: true, vodia.ErrExpired: true, vodia.ErrTimeInFuture: true, vodia.ErrDurationTooLong: true,
		vodia.ErrDestMissing: false, vodia.ErrDestInvalid: false, vodia.ErrUserMissing: false, vodia.ErrTime: false, vodia.ErrDuration: false,
		vodia.ErrNonce: false, vodia.ErrDuplicate: false, vodia.ErrDialMissing: false, vodia.ErrURI: false,
	} {
		if err.Denied() != want || err.Error() == "" || err.Code == "" || strings.Contains(err.Text, "\n") {
			t.Errorf("%s: %v, %q", err.Code, err.Denied(), err)
		}
	}
}
