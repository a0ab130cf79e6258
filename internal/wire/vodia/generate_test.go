package vodia_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

// Example makes a link of each type that there is (spec: vodia 1, 4.1).
func Example() {
	const base = "https://pbx.example"
	at := time.Unix(1_700_000_000, 0)
	l := vodia.Link{User: "123@tenant.com", Dest: "+16173998147"}

	fmt.Println(1, vodia.AppLink{Host: "test.com", Dial: "6173998147", Name: "Joe Doe"})
	fmt.Println(2, vodia.URL(base, vodia.Bare(l)))
	signed, _ := vodia.Signed(l, "linkpass", at, time.Hour)
	fmt.Println(3, vodia.URL(base, signed))
	fmt.Println(4, vodia.URL(base, vodia.WithCredentials(l, vodia.Credentials{Name: "123@tenant.com", Password: "password"})))
	l.Connect = true
	fmt.Println(5, vodia.URL(base, vodia.WithCredentials(l, vodia.Credentials{Name: "123@tenant.com", Password: "password"})))
	l.Nonce = "7f3a9c"
	ours, _ := vodia.Signed(l, "linkpass", at, time.Hour)
	fmt.Println("ours", vodia.URL(base, ours))
	// Output:
	// 1 vodia://test.com?dial=6173998147&name=Joe%20Doe
	// 2 https://pbx.example/remote_call.htm?user=123%40tenant.com&dest=%2B16173998147
	// 3 https://pbx.example/remote_call.htm?user=123%40tenant.com&extension=true&dest=%2B16173998147&time=1700000000&duration=3600&auth=58a2c5eaf3cc6616e16f7b4a87185ecc
	// 4 https://pbx.example/remote_call.htm?user=123%40tenant.com&dest=%2B16173998147&auth=MTIzQHRlbmFudC5jb206cGFzc3dvcmQ%3D
	// 5 https://pbx.example/remote_call.htm?user=123%40tenant.com&dest=%2B16173998147&auth=MTIzQHRlbmFudC5jb206cGFzc3dvcmQ%3D&connect=true
	// ours https://pbx.example/remote_call.htm?user=123%40tenant.com&extension=true&dest=%2B16173998147&time=1700000000&duration=3600&nonce=7f3a9c&auth=v2.w30uYNSwO9d7iCF68maRCUmyNkGmyrtnEvk3wgld7qs&connect=true
}

// TestGeneratedLinks proves that what is written is read as it was meant, and accepted.
func TestGeneratedLinks(t *testing.T) {
	for _, l := range []vodia.Link{
		{User: "123@tenant.com", Dest: "+16173998147", Name: "Jörg & Söhne = 100%"},
		{User: "123", Dest: "*97#", Connect: true},
		{User: "123@tenant.com", Dest: "(617) 399", Nonce: "n_1-Z"},
		{User: "123@tenant.com", Dest: "900", Nonce: "n", Connect: true},
		{Dest: "555"},
	} {
		if got, err := vodia.ParseQuery(vodia.Bare(l)); err != nil || got != (vodia.Link{User: l.User, Dest: l.Dest, Name: l.Name, Connect: l.Connect}) {
			t.Errorf("bare: %+v, %v", got, err)
		}
		for _, c := range []vodia.Credentials{{Name: "a@b", Password: "p+:/=ü&"}, {Name: "a@b", Password: ">>>???~~~", Plain: true}} {
			got, err := vodia.ParseQuery(vodia.WithCredentials(l, c))
			if err != nil {
				t.Fatal(err)
			}
			if read, ok := vodia.ParseCredentials(got.Auth); !ok || read != c {
				t.Errorf("credentials %+v are read as %+v, %v", c, read, ok)
			}
			got.Auth, got.HasAuth = "", false
			if want := (vodia.Link{User: l.User, Dest: l.Dest, Name: l.Name, Connect: l.Connect}); got != want {
				t.Errorf("with credentials (-want +got):\n%s", cmp.Diff(want, got))
			}
		}
		raw, ok := vodia.Signed(l, secret, now, time.Hour)
		if !ok {
			t.Fatalf("no signature of %+v", l)
		}
		got, err := vodia.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(l.User, secret, limits, now.Add(time.Hour)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if err := got.Verify(l.User, secret, limits, now.Add(time.Hour+time.Second)); err != vodia.ErrExpired {
			t.Errorf("%s, a second later: %v", raw, err)
		}
		want := l
		want.Auth, want.HasAuth, want.Extension, want.Time, want.Duration = got.Auth, true, true, "1700000100", "3600"
		if got != want || got.V2() != (l.Nonce != "") {
			t.Errorf("signed (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
}

// TestSignedRefuses proves that no link is made that no server would accept.
func TestSignedRefuses(t *testing.T) {
	good := vodia.Link{User: "123", Dest: "900", Nonce: "n"}
	for name, c := range map[string]struct {
		nonce, dest, secret string
		at                  time.Time
		duration            time.Duration
	}{
		"no secret":       {"n", "900", "", now, time.Hour},
		"no time":         {"n", "900", "x", now, time.Second / 2},
		"negative":        {"n", "900", "x", now, -time.Hour},
		"too long":        {"n", "900", "x", now, 100_000 * time.Second},
		"too early":       {"n", "900", "x", time.Unix(999_999_999, 0), time.Hour},
		"too late":        {"n", "900", "x", time.Unix(10_000_000_000, 0), time.Hour},
		"before all time": {"n", "900", "x", time.Time{}, time.Hour},
		"bad nonce":       {"n.", "900", "x", now, time.Hour},
		"line feed":       {"n", "900\n", "x", now, time.Hour},
	} {
		l := good
		l.Nonce, l.Dest = c.nonce, c.dest
		if raw, ok := vodia.Signed(l, c.secret, c.at, c.duration); ok || raw != "" {
			t.Errorf("%s: %s", name, raw)
		}
	}
}

func TestURL(t *testing.T) {
	if got := vodia.URL("http://127.0.0.1:8080/", "dest=1"); got != "http://127.0.0.1:8080/remote_call.htm?dest=1" {
		t.Error(got)
	}
}
