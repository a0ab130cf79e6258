package link_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	door "github.com/dialwright/dialwright/internal/door/link"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// drawer has three links, in memory: for as many requests a second as a fuzzer makes.
type drawer struct {
	signer *link.Signer
	links  map[string]link.Link
	placed []click.Intent
}

func newDrawer() *drawer {
	d := &drawer{signer: link.NewSigner([]byte("0123456789abcdef0123456789abcdef")), links: map[string]link.Link{}}
	now := time.UnixMilli(1_700_000_000_000)
	for _, l := range []link.Link{
		{ID: "openopenopenopen", Dest: "1"}, {ID: "lockedlockedlock", Dest: "2", Origins: []string{crm}}, {ID: "directdirectdire", Dest: "3", Direct: true},
	} {
		l.User, l.CreatedAt, l.Expires = ada, now, now.AddDate(1000, 0, 0)
		d.links[l.ID] = l
	}
	return d
}

// address gives the path of a link.
func (d *drawer) address(id string) string {
	l := d.links[id]
	return link.Prefix + id + "." + d.signer.Sign(&l)
}

func (d *drawer) Open(_ context.Context, id, signature string) (link.Link, error) {
	l, ok := d.links[id]
	if !ok || !d.signer.Verify(&l, signature) {
		return link.Link{}, link.ErrUnknown
	}
	return l, nil
}

func (*drawer) User(*link.Link) (directory.User, error)                      { return directory.User{Phone: "123"}, nil }
func (*drawer) Begin(context.Context, string, link.Use) (int64, error)       { return 1, nil }
func (*drawer) Settle(context.Context, string, int64, call.ID, string) error { return nil }
func (*drawer) Log(context.Context, string, link.Use) error                  { return nil }
func (*drawer) Deny(context.Context, originate.AuditEntry)                   {}
func (d *drawer) Place(_ context.Context, in click.Intent) (call.Call, error) {
	d.placed = append(d.placed, in)
	return call.Call{ID: "c1"}, nil
}

// FuzzLinkRequest asks the door in every way. It dials only for the one true address of a
// link: by POST, from our page, a program, or a page that the link names; or by the GET of a
// person's click on a link that was made for that.
func FuzzLinkRequest(f *testing.F) {
	d := newDrawer()
	open, locked, direct := d.address("openopenopenopen"), d.address("lockedlockedlock"), d.address("directdirectdire")
	for _, path := range []string{open, locked, direct, open + "=", open[:len(open)-1] + "B", strings.ToUpper(open), "/link/", "/link/.", "/link/%2e%2e/" + open, open + "?placed"} {
		for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS"} {
			f.Add(method, path, "", "none", "?1", "navigate", "document", "", "")
			f.Add(method, path, crm, "cross-site", "", "cors", "empty", "", "frame=1700000000.AAAA")
			f.Add(method, path, "https://dial.example.com", "same-origin", "?1", "navigate", "iframe", "prefetch", "frame=")
		}
	}
	f.Fuzz(func(t *testing.T, method, path, origin, site, user, mode, dest, purpose, body string) {
		r, err := http.NewRequest(method, "http://dial.example.com/", strings.NewReader(body))
		if err != nil {
			return // no method
		}
		u, err := r.URL.Parse(path)
		if err != nil || !strings.HasPrefix(u.Path, link.Prefix) || u.Host != "dial.example.com" {
			return // not for this door
		}
		r.URL, r.RemoteAddr = u, "192.0.2.1:1"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, v := range map[string]string{"Origin": origin, "Sec-Fetch-Site": site, "Sec-Fetch-User": user, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Sec-Purpose": purpose} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		d := newDrawer()
		w := httptest.NewRecorder()
		door.New(door.Options{Links: d, Placer: d, Trail: d, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Config: func() *door.Config {
			return &door.Config{Base: "https://dial.example.com", PerMinute: -1}
		}}).ServeHTTP(w, r)
		if len(d.placed) == 0 {
			return
		}
		at := u.EscapedPath()
		ours := origin == "" && slices.Contains([]string{"", "none", "same-origin"}, site) || strings.EqualFold(origin, "https://dial.example.com") || strings.EqualFold(origin, "http://dial.example.com")
		clicked := slices.Contains([]string{"none", "same-origin"}, site) && user == "?1" && mode == "navigate" && dest == "document"
		right := at == open && method == "POST" && ours || at == locked && method == "POST" && origin == crm ||
			at == direct && (method == "POST" && ours || method == "GET" && clicked)
		if !right || len(d.placed) > 1 || w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
			t.Errorf("%s %s dials %d times, %d", method, at, len(d.placed), w.Code)
		}
	})
}
