package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// epoch is when the links of these tests are made.
var epoch = time.UnixMilli(1_800_000_000_000).UTC() // not changed

func linkOf(id string, uses int) link.Link {
	return link.Link{
		ID: id, User: "123@tenant.com", Dest: "+4930", Name: "Ada", Note: "n", Connect: true, NotBefore: epoch, Expires: epoch.Add(time.Hour), Uses: uses,
		Origins: []string{"https://a.example"}, CreatedAt: epoch, CreatedBy: "key:crm", Account: "sales",
	}
}

func addLink(t *testing.T, s *Store, l link.Link) {
	t.Helper()
	if err := s.AddLink(t.Context(), l, link.Act{At: epoch, By: l.CreatedBy, Remote: "192.0.2.1", Text: "link made by " + l.CreatedBy}); err != nil {
		t.Fatal(err)
	}
}

func getLink(t *testing.T, s *Store, id string) link.Link {
	t.Helper()
	l, err := s.Link(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func usesOf(t *testing.T, s *Store, id string) []link.Use {
	t.Helper()
	list, err := s.LinkUses(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A link comes back as it was put, is used, given back, used up, and its life is in the audit trail.
func TestLinkLife(t *testing.T) {
	s := open1(t, Options{})
	want := linkOf("once", 1)
	addLink(t, s, want)
	if diff := cmp.Diff(want, getLink(t, s, "once")); diff != "" {
		t.Error(diff)
	}
	plain := link.Link{ID: "plain", User: "1", Dest: "2", Expires: epoch.Add(time.Hour), CreatedAt: epoch, CreatedBy: "local", Account: "sales"}
	addLink(t, s, plain)
	if diff := cmp.Diff(plain, getLink(t, s, "plain")); diff != "" {
		t.Error(diff)
	}
	if err := s.AddLink(t.Context(), want, link.Act{At: epoch}); err == nil {
		t.Error("an ID is used twice")
	}

	use := link.Use{At: epoch.Add(time.Second), Remote: "192.0.2.7", Origin: "https://a.example"}
	n, err := s.UseLink(t.Context(), "once", use)
	if err != nil || n != 1 {
		t.Fatalf("use %d, %v", n, err)
	}
	if _, err := s.UseLink(t.Context(), "once", use); !errors.Is(err, link.ErrUsed) {
		t.Errorf("second use: %v", err)
	}
	if l := getLink(t, s, "once"); l.Used != 1 || !l.UsedAt.Equal(use.At) {
		t.Errorf("used %d at %v", l.Used, l.UsedAt)
	}
	for range 2 { // the second time it is settled already
		if err := s.SettleLink(t.Context(), "once", n, "", "no device"); err != nil {
			t.Fatal(err)
		}
	}
	if l := getLink(t, s, "once"); l.Used != 0 {
		t.Errorf("used %d after it was given back", l.Used)
	}
	if n, err = s.UseLink(t.Context(), "once", use); err != nil || n != 2 {
		t.Fatalf("use %d, %v", n, err)
	}
	if err := errors.Join(s.SettleLink(t.Context(), "once", n, "c1", ""), s.SettleLink(t.Context(), "once", n, "", "late")); err != nil {
		t.Fatal(err)
	}
	if err := s.LogLink(t.Context(), "once", link.Use{At: use.At, Remote: "192.0.2.8", Refused: "used"}); err != nil {
		t.Fatal(err)
	}
	wantUses := []link.Use{
		{Number: 3, At: use.At, Remote: "192.0.2.8", Refused: "used"},
		{Number: 2, At: use.At, Remote: use.Remote, Origin: use.Origin, Call: "c1"},
		{Number: 1, At: use.At, Remote: use.Remote, Origin: use.Origin, Refused: "no device"},
	}
	if diff := cmp.Diff(wantUses, usesOf(t, s, "once")); diff != "" {
		t.Error(diff)
	}
	for _, at := range []time.Time{epoch.Add(time.Minute), epoch.Add(time.Hour)} { // the second changes nothing
		l, err := s.RevokeLink(t.Context(), "once", link.Act{At: at, By: "local", Text: "link withdrawn by local"})
		if err != nil || !l.RevokedAt.Equal(epoch.Add(time.Minute)) || l.RevokedBy != "local" {
			t.Errorf("revoked %v by %q, %v", l.RevokedAt, l.RevokedBy, err)
		}
	}
	trail, err := s.Audit(t.Context(), originate.AuditFilter{Oldest: true})
	if err != nil || len(trail) != 3 {
		t.Fatalf("%d entries, %v", len(trail), err)
	}
	entry := originate.AuditEntry{Seq: trail[2].Seq, At: epoch.Add(time.Minute), Accepted: true, Account: "sales", First: "123@tenant.com", Second: "+4930",
		Text: "link withdrawn by local", Origin: call.Origin{Door: "link", Principal: "link:once", Reference: "+4930"}}
	if diff := cmp.Diff(entry, trail[2]); diff != "" {
		t.Error(diff)
	}
	if trail[0].Origin.Remote != "192.0.2.1" || trail[0].Text != "link made by key:crm" || !trail[0].Accepted {
		t.Errorf("%+v", trail[0])
	}
}

func TestLinkRefusals(t *testing.T) {
	s := open1(t, Options{})
	addLink(t, s, linkOf("a", 0))
	for at, want := range map[time.Duration]error{-time.Millisecond: link.ErrEarly, 0: nil, time.Hour - time.Millisecond: nil, time.Hour: link.ErrExpired} {
		if _, err := s.UseLink(t.Context(), "a", link.Use{At: epoch.Add(at)}); !errors.Is(err, want) {
			t.Errorf("at %v: %v, want %v", at, err, want)
		}
	}
	if _, err := s.RevokeLink(t.Context(), "a", link.Act{At: epoch, By: "local"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UseLink(t.Context(), "a", link.Use{At: epoch}); !errors.Is(err, link.ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
	_, err1 := s.Link(t.Context(), "b")
	_, err2 := s.UseLink(t.Context(), "b", link.Use{At: epoch})
	_, err3 := s.RevokeLink(t.Context(), "b", link.Act{At: epoch})
	for i, err := range []error{err1, err2, err3, s.LogLink(t.Context(), "b", link.Use{}), s.SettleLink(t.Context(), "b", 1, "", "")} {
		if !errors.Is(err, link.ErrUnknown) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// Of a hundred who use a link for three at once, three may; the others harm nobody.
func TestLinkUsedAtOnce(t *testing.T) {
	s := open1(t, Options{})
	addLink(t, s, linkOf("three", 3))
	var done, used atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			switch n, err := s.UseLink(t.Context(), "three", link.Use{At: epoch}); {
			case errors.Is(err, link.ErrUsed):
				used.Add(1)
			case err != nil:
				t.Error(err)
			default:
				done.Add(1)
				if err := s.SettleLink(t.Context(), "three", n, call.ID(fmt.Sprint("c", i)), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if done.Load() != 3 || used.Load() != 97 {
		t.Errorf("%d could use it, %d could not", done.Load(), used.Load())
	}
	if l := getLink(t, s, "three"); l.Used != 3 || len(usesOf(t, s, "three")) != 3 {
		t.Errorf("used %d, %d written down", l.Used, len(usesOf(t, s, "three")))
	}
}

// What is open when the store goes away is open after it, and counted.
func TestLinkUseSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	s := open1(t, Options{Path: path})
	addLink(t, s, linkOf("once", 1))
	n, err := s.UseLink(t.Context(), "once", link.Use{At: epoch})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open1(t, Options{Path: path})
	open, err := s.OpenLinkUses(t.Context())
	if diff := cmp.Diff([]link.OpenUse{{ID: "once", Number: n}}, open); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if _, err := s.UseLink(t.Context(), "once", link.Use{At: epoch}); !errors.Is(err, link.ErrUsed) {
		t.Errorf("use again: %v", err)
	}
	if err := s.SettleLink(t.Context(), "once", n, "", "lost"); err != nil {
		t.Fatal(err)
	}
	if open, err := s.OpenLinkUses(t.Context()); len(open) > 0 || err != nil {
		t.Errorf("still open %v, %v", open, err)
	}
}

func TestLinksList(t *testing.T) {
	s := open1(t, Options{})
	for i := range 7 {
		l := linkOf(fmt.Sprint("l", i), 0)
		if i%2 == 1 {
			l.Account, l.User = "other", "9"
		}
		addLink(t, s, l)
	}
	used, early, over, revoked := linkOf("used", 1), linkOf("early", 0), linkOf("over", 0), linkOf("revoked", 0)
	early.NotBefore, over.Expires = epoch.Add(2*time.Minute), epoch.Add(30*time.Second)
	for _, l := range []link.Link{used, early, over, revoked} {
		l.Account = "states"
		addLink(t, s, l)
	}
	_, err1 := s.UseLink(t.Context(), "used", link.Use{At: epoch})
	_, err2 := s.RevokeLink(t.Context(), "revoked", link.Act{At: epoch})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	now := epoch.Add(time.Minute)
	for _, c := range []struct {
		name string
		f    link.Filter
		want []string
	}{
		{"account", link.Filter{Account: "other"}, []string{"l5", "l3", "l1"}},
		{"user", link.Filter{User: "9", Limit: 2}, []string{"l5", "l3", "l1"}},
		{"pages", link.Filter{Account: "sales", Limit: 1}, []string{"l6", "l4", "l2", "l0"}},
		{"active", link.Filter{State: link.Active, Now: now, Limit: 3}, []string{"l6", "l5", "l4", "l3", "l2", "l1", "l0"}},
		{"used", link.Filter{State: link.Used, Now: now}, []string{"used"}},
		{"early", link.Filter{State: link.Early, Now: now}, []string{"early"}},
		{"expired", link.Filter{State: link.Expired, Now: now}, []string{"over"}},
		{"revoked", link.Filter{State: link.Revoked, Now: now}, []string{"revoked"}},
	} {
		var got []string
		for {
			list, next, err := s.Links(t.Context(), c.f)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range list {
				got = append(got, l.ID)
				if c.f.State != "" && l.State(now) != c.f.State {
					t.Errorf("%s: %s is %s", c.name, l.ID, l.State(now))
				}
			}
			if c.f.Cursor = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if _, _, err := s.Links(t.Context(), link.Filter{Cursor: "x"}); !errors.Is(err, originate.ErrCursor) {
		t.Errorf("cursor: %v", err)
	}
}

// Links go when they have been over for long: expired, revoked or used up. Of one link's
// uses the newest stay.
func TestLinkPrune(t *testing.T) {
	s := open1(t, Options{})
	long := linkOf("long", 1)
	long.Expires = epoch.Add(1000 * time.Hour)
	for _, id := range []string{"used", "back", "revoked", "stays"} {
		long.ID = id
		addLink(t, s, long)
	}
	addLink(t, s, linkOf("expired", 0))
	for _, id := range []string{"used", "back"} {
		n, err := s.UseLink(t.Context(), id, link.Use{At: epoch})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SettleLink(t.Context(), id, n, map[string]call.ID{"used": "c1"}[id], "x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.RevokeLink(t.Context(), "revoked", link.Act{At: epoch}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 1, 0} {
		if n, err := s.PruneLinks(t.Context(), epoch.Add(2*time.Hour), 2); n != want || err != nil {
			t.Errorf("round %d: %d, %v; want %d", i, n, err, want)
		}
	}
	list, _, err := s.Links(t.Context(), link.Filter{})
	if err != nil || len(list) != 2 || list[0].ID != "stays" || list[1].ID != "back" {
		t.Errorf("left %v, %v", list, err)
	}
	var orphans int
	if err := s.readDB.QueryRowContext(t.Context(), `SELECT count(*) FROM link_use WHERE link NOT IN (SELECT n FROM link)`).Scan(&orphans); err != nil || orphans > 0 {
		t.Errorf("%d uses of links that are gone, %v", orphans, err)
	}

	for range link.MaxUses + 5 {
		if err := s.LogLink(t.Context(), "stays", link.Use{At: epoch, Refused: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.LinkUses(t.Context(), "stays", link.MaxUses+5); err != nil || len(list) != link.MaxUses || list[0].Number != link.MaxUses+5 {
		t.Errorf("%d uses, %v", len(list), err)
	}
}
