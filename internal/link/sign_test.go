package link_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/link"
)

// sample is a link in which every signed part is set.
func sample() link.Link {
	return link.Link{
		ID: "abcdefghijklmno2", User: "123@tenant.com", Dest: "+493012345", Name: "Ada", Note: "for Ada", Connect: true,
		NotBefore: time.UnixMilli(1_700_000_000_000), Expires: time.UnixMilli(1_700_000_600_000), Uses: 1,
		Origins: []string{"https://a.example", "https://b.example"}, CreatedAt: time.UnixMilli(1_699_999_999_000), CreatedBy: "key:crm", Account: "sales",
	}
}

func signer() *link.Signer { return link.NewSigner([]byte("0123456789abcdef0123456789abcdef")) }

// Every part that was decided at the making is signed; what happens to a link later, and the note, is not.
func TestSignatureCovers(t *testing.T) {
	s, l := signer(), sample()
	sig := s.Sign(&l)
	if len(sig) != 22 || !s.Verify(&l, sig) {
		t.Fatalf("signature %q does not verify", sig)
	}
	if link.NewSigner([]byte("another key of this server, 32 b")).Verify(&l, sig) {
		t.Error("it verifies with another key")
	}
	for name, change := range map[string]func(*link.Link){
		"id": func(l *link.Link) { l.ID = "abcdefghijklmno3" }, "user": func(l *link.Link) { l.User = "124@tenant.com" },
		"dest": func(l *link.Link) { l.Dest += "6" }, "name": func(l *link.Link) { l.Name = "" },
		"connect": func(l *link.Link) { l.Connect = false }, "direct": func(l *link.Link) { l.Direct = true },
		"not before": func(l *link.Link) { l.NotBefore = time.Time{} }, "expires": func(l *link.Link) { l.Expires = l.Expires.Add(time.Second) },
		"uses": func(l *link.Link) { l.Uses = 0 }, "created at": func(l *link.Link) { l.CreatedAt = l.CreatedAt.Add(time.Second) },
		"created by": func(l *link.Link) { l.CreatedBy = "local" }, "account": func(l *link.Link) { l.Account = "other" },
		"origins": func(l *link.Link) { l.Origins = nil }, "one origin": func(l *link.Link) { l.Origins = l.Origins[:1] },
		"origins joined": func(l *link.Link) { l.Origins = []string{"https://a.examplehttps://b.example"} },
		"moved border":   func(l *link.Link) { l.User, l.Dest = "123@tenant.co", "m+493012345" },
	} {
		other := sample()
		change(&other)
		if s.Verify(&other, sig) {
			t.Errorf("%s: it still verifies", name)
		}
	}
	used := sample()
	used.Note, used.Used, used.UsedAt, used.RevokedAt, used.RevokedBy = "x", 1, time.Now(), time.Now(), "local"
	if !s.Verify(&used, sig) {
		t.Error("a used and revoked link does not verify")
	}
	for _, forged := range []string{"", sig[:21], sig + "A", strings.ToUpper(sig), "AAAAAAAAAAAAAAAAAAAAAA"} {
		if s.Verify(&l, forged) {
			t.Errorf("%q verifies", forged)
		}
	}
}

func TestParsePath(t *testing.T) {
	l := sample()
	path := link.Prefix + l.ID + "." + signer().Sign(&l)
	if id, sig, ok := link.ParsePath(path); !ok || id != l.ID || sig != signer().Sign(&l) {
		t.Errorf("%s: %q, %q, %t", path, id, sig, ok)
	}
	for _, bad := range []string{
		"", "/link/", "/link/" + l.ID, "/link/" + l.ID + ".", path + "/", path + "=", path[:len(path)-1], "/link" + path, path[1:],
		strings.Replace(path, "a", "A", 1), strings.Replace(path, "a", "1", 1), strings.Replace(path, ".", "..", 1),
		link.Prefix + l.ID + ".AAAAAAAAAAAAAAAAAAAAAB", // bits beyond the 16 bytes: a second spelling of one signature
		link.Prefix + l.ID + ".AAAAAAAAAAAAAAAAAAAA+/", link.Prefix + l.ID + ".AAAAAAAAAAA\nAAAAAAAAAA",
	} {
		if id, sig, ok := link.ParsePath(bad); ok {
			t.Errorf("%q: %q, %q", bad, id, sig)
		}
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := link.NewID()
		if !link.ValidID(id) || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
}

func TestState(t *testing.T) {
	early, active, over := time.UnixMilli(1_699_999_999_999), time.UnixMilli(1_700_000_000_000), time.UnixMilli(1_700_000_600_000)
	for _, c := range []struct {
		name   string
		at     time.Time
		change func(*link.Link)
		want   link.State
		err    error
	}{
		{"before", early, nil, link.Early, link.ErrEarly},
		{"first moment", active, nil, link.Active, nil},
		{"last moment", over.Add(-1), nil, link.Active, nil},
		{"over", over, nil, link.Expired, link.ErrExpired},
		{"used", active, func(l *link.Link) { l.Used = 1 }, link.Used, link.ErrUsed},
		{"used, one left", active, func(l *link.Link) { l.Used, l.Uses = 1, 2 }, link.Active, nil},
		{"used, no bound", active, func(l *link.Link) { l.Used, l.Uses = 9, 0 }, link.Active, nil},
		{"used and over", over, func(l *link.Link) { l.Used = 1 }, link.Expired, link.ErrExpired},
		{"revoked", active, func(l *link.Link) { l.RevokedAt = active }, link.Revoked, link.ErrRevoked},
		{"revoked and over", over, func(l *link.Link) { l.RevokedAt = active }, link.Revoked, link.ErrRevoked},
	} {
		l := sample()
		if c.change != nil {
			c.change(&l)
		}
		if got, err := l.State(c.at), l.Usable(c.at); got != c.want || err != c.err {
			t.Errorf("%s: %s, %v; want %s, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// FuzzLinkPath feeds paths to what the door does with them first. Only the one true
// path of a link opens it, and what is parsed is written the same way again.
func FuzzLinkPath(f *testing.F) {
	s, l := signer(), sample()
	path := link.Prefix + l.ID + "." + s.Sign(&l)
	for _, seed := range []string{path, path + "=", path[:len(path)-1] + "B", strings.ToUpper(path), "/link/", "/link/abcdefghijklmno2.AAAAAAAAAAAAAAAAAAAAAB", "/link/../link/" + path} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		id, sig, ok := link.ParsePath(given)
		if !ok {
			return
		}
		if link.Prefix+id+"."+sig != given || !link.ValidID(id) {
			t.Fatalf("%q parsed as %q, %q", given, id, sig)
		}
		other := sample()
		other.ID = id
		if s.Verify(&other, sig) && given != path {
			t.Fatalf("%q opens a link", given)
		}
	})
}

// FuzzLinkSignature compares the signatures of two links: they are the same only if the
// links are, however their parts are cut.
func FuzzLinkSignature(f *testing.F) {
	f.Add("123@tenant.com", "5", "Ada", "https://a.example", "123@tenant.co", "m5", "Ada", "https://a.example", int64(0), 1)
	f.Add("123", "5", "", "https://a.example,https://b.example", "123", "5", "", "https://a.examplehttps://b.example", int64(5), 0)
	f.Add("1", "5", "1:1\n", "", "1", "5", "1:1\n", "", int64(-1), 0)
	s := signer()
	f.Fuzz(func(t *testing.T, user1, dest1, name1, origins1, user2, dest2, name2, origins2 string, later int64, uses int) {
		one, two := sample(), sample()
		one.User, one.Dest, one.Name, one.Origins = user1, dest1, name1, strings.Split(origins1, ",")
		two.User, two.Dest, two.Name, two.Origins = user2, dest2, name2, strings.Split(origins2, ",")
		two.Expires, two.Uses = one.Expires.Add(time.Duration(later%1000)*time.Millisecond), uses
		same := user1 == user2 && dest1 == dest2 && name1 == name2 && origins1 == origins2 && later%1000 == 0 && uses == one.Uses
		if sig := s.Sign(&one); s.Verify(&two, sig) != same {
			t.Errorf("%+v and %+v: same %t, signature %s", one, two, same, sig)
		}
	})
}
