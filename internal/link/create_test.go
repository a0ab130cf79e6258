package link_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

var errGuard = errors.New("the guard refuses 666") // not changed

// newBook is a book on a real store and directory.
func newBook(t *testing.T) (*link.Book, *sqlite.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	people := directorytest.New(t, []string{"tenant.com"},
		directorytest.Person{Name: "123@tenant.com", User: directory.User{Account: "sales"}},
		directorytest.Person{Name: "9", User: directory.User{Account: "other"}},
		directorytest.Person{Name: "125@tenant.com", User: directory.User{Account: "sales", Disabled: true}})
	return link.New(link.Options{
		Store: store, Signer: signer(), People: people,
		Check: func(_ context.Context, l link.Link, _ directory.User, _ link.By) error {
			if l.Dest == "666" {
				return errGuard
			}
			return nil
		},
		Config: func() link.Config {
			return link.Config{Base: "https://dial.example.com/", Life: time.Hour, MaxLife: 48 * time.Hour}
		},
	}), store
}

// key and admin are who makes links.
func key() link.By   { return link.By{Name: "key:crm", Door: "rest", Asker: "crm", Account: "sales"} }
func admin() link.By { return link.By{Name: "local", Door: "cli", Asker: "local"} }

func TestCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := newBook(t)
		now := time.Now().UTC()
		l, err := b.Create(t.Context(), link.Draft{
			User: "123", Number: " +49 (30) 12-34 ", Name: " Ada ", Note: "n", Connect: true, NotBefore: now.Add(time.Hour), Uses: 1,
			Origins: []string{"https://b.example", "https://a.example:8443", "https://b.example"},
		}, key())
		if err != nil {
			t.Fatal(err)
		}
		want := link.Link{
			ID: l.ID, User: "123@tenant.com", Dest: "+49301234", Name: "Ada", Note: "n", Connect: true, NotBefore: now.Add(time.Hour), Expires: now.Add(2 * time.Hour), Uses: 1,
			Origins: []string{"https://a.example:8443", "https://b.example"}, CreatedAt: now, CreatedBy: "key:crm", Account: "sales",
		}
		if diff := cmp.Diff(want, l); diff != "" {
			t.Error(diff)
		}
		url := b.URL(&l)
		id, sig, ok := link.ParsePath(strings.TrimPrefix(url, "https://dial.example.com"))
		if !ok || id != l.ID {
			t.Fatal(url)
		}
		got, err := b.Open(t.Context(), id, sig)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		// A row that somebody has changed in the database is not what was signed.
		changed := got
		changed.ID, changed.Dest = link.NewID(), "+1900"
		if err := store.AddLink(t.Context(), changed, link.Act{At: now}); err != nil {
			t.Fatal(err)
		}
		for _, c := range [][2]string{{changed.ID, sig}, {link.NewID(), sig}, {id, "AAAAAAAAAAAAAAAAAAAAAA"}} {
			if _, err := b.Open(t.Context(), c[0], c[1]); !errors.Is(err, link.ErrUnknown) {
				t.Errorf("%v: %v", c, err)
			}
		}
		trail, err := store.Audit(t.Context(), originate.AuditFilter{Oldest: true})
		if err != nil || trail[0].Text != "link made by key:crm: one use, from 2000-01-01T01:00:00Z, until 2000-01-01T02:00:00Z, from https://a.example:8443, https://b.example only" ||
			strings.Contains(trail[0].Text, sig) {
			t.Errorf("%+v, %v", trail, err)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	b, store := newBook(t)
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	for _, c := range []struct {
		name  string
		d     link.Draft
		field string
	}{
		{"nobody", link.Draft{User: "nobody@tenant.com"}, "user"},
		{"no name", link.Draft{User: "@"}, "user"},
		{"another account's", link.Draft{User: "9"}, "user"},
		{"disabled", link.Draft{User: "125"}, "user"},
		{"no number", link.Draft{Number: "-"}, "number"},
		{"letters", link.Draft{Number: "49E5"}, "number"},
		{"endpoint", link.Draft{Number: "PJSIP/1"}, "number"},
		{"plus inside", link.Draft{Number: "4+9"}, "number"},
		{"too long", link.Draft{Number: strings.Repeat("1", 65)}, "number"},
		{"name with a line feed", link.Draft{Name: "a\nb"}, "name"},
		{"long name", link.Draft{Name: strings.Repeat("x", 201)}, "name"},
		{"note not UTF-8", link.Draft{Note: "\xff"}, "note"},
		{"negative uses", link.Draft{Uses: -1}, "uses"},
		{"uses", link.Draft{Uses: 1_000_001}, "uses"},
		{"origin with a path", link.Draft{Origins: []string{"https://a.example/"}}, "origins"},
		{"every origin", link.Draft{Origins: []string{"*"}}, "origins"},
		{"no origin", link.Draft{Origins: []string{"null"}}, "origins"},
		{"origin in capitals", link.Draft{Origins: []string{"https://A.example"}}, "origins"},
		{"origin that ends the policy", link.Draft{Origins: []string{"https://a.example;"}}, "origins"},
		{"origin with its scheme's own port", link.Draft{Origins: []string{"https://a.example:443"}}, "origins"},
		{"origin with an empty port", link.Draft{Origins: []string{"https://a.example:"}}, "origins"},
		{"origin with a port of its own spelling", link.Draft{Origins: []string{"https://a.example:08443"}}, "origins"},
		{"origin with a high port", link.Draft{Origins: []string{"https://a.example:65536"}}, "origins"},
		{"origin with a password", link.Draft{Origins: []string{"https://a:b@a.example"}}, "origins"},
		{"origin of another scheme", link.Draft{Origins: []string{"chrome-extension://abc"}}, "origins"},
		{"origin with a wildcard", link.Draft{Origins: []string{"https://*.example"}}, "origins"},
		{"origin with umlauts", link.Draft{Origins: []string{"https://bücher.example"}}, "origins"},
		{"address with zeros", link.Draft{Origins: []string{"https://[0:0::1]"}}, "origins"},
		{"two origins in one", link.Draft{Origins: []string{"https://a.example https://b.example"}}, "origins"},
		{"direct and locked", link.Draft{Direct: true, Origins: []string{"https://a.example"}}, "direct"},
		{"negative life", link.Draft{Life: -1}, "life"},
		{"past", link.Draft{Expires: in(-time.Hour)}, "expires"},
		{"over before it begins", link.Draft{NotBefore: in(2 * time.Hour), Expires: in(time.Hour)}, "expires"},
		{"both", link.Draft{Life: time.Hour, Expires: in(time.Hour)}, "expires"},
		{"too long a life", link.Draft{Life: 49 * time.Hour}, "expires"},
		{"too far ahead", link.Draft{NotBefore: in(48 * time.Hour)}, "expires"},
	} {
		if c.d.User == "" {
			c.d.User = "123"
		}
		if c.d.Number == "" {
			c.d.Number = "5"
		}
		_, err := b.Create(t.Context(), c.d, key())
		if e, ok := errors.AsType[*link.Invalid](err); !ok || e.Field != c.field || e.Error() == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := b.Create(t.Context(), link.Draft{User: "123", Number: "666"}, key()); !errors.Is(err, errGuard) {
		t.Errorf("guard: %v", err)
	}
	if list, _, err := store.Links(t.Context(), link.Filter{}); err != nil || len(list) > 0 {
		t.Errorf("%d links, %v", len(list), err)
	}
	for _, origin := range []string{"https://a.example", "http://intranet", "http://127.0.0.1:8088", "https://[2001:db8::1]:8443", "https://xn--bcher-kva.example", "http://a_b.example:443"} {
		if _, err := b.Create(t.Context(), link.Draft{User: "123", Number: "5", Origins: []string{origin}}, key()); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for _, number := range []string{"+4930", "*21#", "0800ABCD", "1"} {
		if _, err := b.Create(t.Context(), link.Draft{User: "123@TENANT.com", Number: number}, key()); err != nil {
			t.Errorf("%s: %v", number, err)
		}
	}
}

// An account sees, and ends, the links of its own users; an administrator all.
func TestVisibility(t *testing.T) {
	b, _ := newBook(t)
	ours, err1 := b.Create(t.Context(), link.Draft{User: "123", Number: "1"}, key())
	theirs, err2 := b.Create(t.Context(), link.Draft{User: "9", Number: "1"}, admin())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Get(t.Context(), theirs.ID, key()); !errors.Is(err, link.ErrUnknown) {
		t.Errorf("get: %v", err)
	}
	if _, err := b.Revoke(t.Context(), theirs.ID, key()); !errors.Is(err, link.ErrUnknown) {
		t.Errorf("revoke: %v", err)
	}
	for by, want := range map[link.By]int{key(): 1, admin(): 2} {
		list, _, err := b.List(t.Context(), link.Filter{Account: "other", State: link.Active}, by)
		if by.Account == "" {
			list, _, err = b.List(t.Context(), link.Filter{State: link.Active}, by)
		}
		if err != nil || len(list) != want || by.Account != "" && list[0].ID != ours.ID {
			t.Errorf("%s sees %v, %v", by.Name, list, err)
		}
	}
	l, err := b.Revoke(t.Context(), theirs.ID, admin())
	if err != nil || l.RevokedBy != "local" || l.State(time.Now()) != link.Revoked {
		t.Errorf("%+v, %v", l, err)
	}
	if err := b.Prune(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if list, _, err := b.List(t.Context(), link.Filter{}, admin()); err != nil || len(list) != 1 || list[0].ID != ours.ID {
		t.Errorf("left %v, %v", list, err)
	}
}

// The address that is printed is the one that works, whatever times the link has: they are
// signed as they are kept.
func TestTimesAreSignedAsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBook(t)
		for _, d := range []link.Draft{
			{NotBefore: time.Unix(0, 0)},
			{NotBefore: time.UnixMilli(0).Add(time.Microsecond)},
			{NotBefore: time.Unix(-1, 0)},
			{NotBefore: time.Unix(1, 0)},
			{NotBefore: time.Now().Add(time.Hour + time.Microsecond)},
			{Life: time.Hour + time.Microsecond},
			{Expires: time.Now().Add(time.Hour + time.Microsecond)},
		} {
			d.User, d.Number = "123", "100"
			l, err := b.Create(t.Context(), d, key())
			if err != nil {
				t.Fatal(err)
			}
			id, signature, _ := link.ParsePath(strings.TrimPrefix(b.URL(&l), "https://dial.example.com"))
			kept, err := b.Open(t.Context(), id, signature)
			if err != nil {
				t.Errorf("valid from %v for %v until %v: %v", d.NotBefore, d.Life, d.Expires, err)
				continue
			}
			if diff := cmp.Diff(l, kept); diff != "" {
				t.Errorf("what was answered, and what is kept: %s", diff)
			}
		}
		if _, err := b.Create(t.Context(), link.Draft{User: "123", Number: "100", Life: time.Microsecond}, key()); err == nil {
			t.Error("a link that was never valid was made")
		}
	})
}
