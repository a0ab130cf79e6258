package console

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// restart stops the door, does what happens meanwhile, and starts another one.
func (h *house) restart(k Keep, meanwhile func()) {
	h.Helper()
	if err := h.door.Stop(context.Background()); err != nil {
		h.Fatal(err)
	}
	meanwhile()
	o := h.door.o
	o.Keep, o.Log = k, slog.New(slog.NewTextHandler(h.Output(), nil))
	var err error
	if h.door, err = New(o); err != nil {
		h.Fatal(err)
	}
}

func TestSessionsOverARestart(t *testing.T) {
	h := newHouse(t)
	var saved string
	k := Keep{
		Key:  []byte("0123456789abcdef0123456789abcdef"),
		Save: func(text string) error { saved = text; return nil },
		Take: func() (text string, err error) { text, saved = saved, ""; return text, nil },
	}
	nothing := func() {}
	h.restart(k, nothing)
	secret := password
	if err := h.people.Create(t.Context(), directory.User{Name: directory.Name{Local: "eve"}, Role: directory.RoleUser, Account: "default"}, directory.Secrets{Password: &secret}, directory.By{Door: "cli"}); err != nil {
		t.Fatal(err)
	}
	visit := func(cookie string) (auth.Visit, error) {
		return h.door.Visit(request("GET", "/v1/session", "", "Cookie", cookie))
	}
	lasts := func(what, cookie, name string) auth.Visit {
		t.Helper()
		v, err := visit(cookie)
		if err != nil || v.Name != name {
			t.Fatalf("%s: %+v %v", what, v, err)
		}
		return v
	}
	over := func(what, cookie string) {
		t.Helper()
		if _, err := visit(cookie); !errors.Is(err, auth.ErrSession) {
			t.Errorf("%s: %v, want that it is over", what, err)
		}
	}
	eve, lead, boss := h.login("eve"), h.login("lead@tenant.com"), h.login("boss")
	h.do(request("POST", logoutPath, "x=1", append([]string{"Cookie", boss}, own...)...))
	token := lasts("before", eve, "eve").Session.Token()

	h.restart(k, nothing)
	if v := lasts("after a restart", eve, "eve"); v.Session.Token() != token {
		t.Error("pages that are open have another token now")
	}
	lasts("another's", lead, "lead@tenant.com")
	over("who has logged out", boss)
	if saved != "" {
		t.Error("what was kept is still there")
	}

	h.restart(k, func() {
		directorytest.Configure(t, h.people, []string{"tenant.com"},
			directorytest.Person{Name: "lead@tenant.com", Password: "another-1", User: directory.User{Role: directory.RoleTenantAdmin, Account: "sales"}})
	})
	over("whose password was changed meanwhile", lead)
	lasts("whose password is the same", eve, "eve")

	h.restart(Keep{Key: []byte("another key of thirty-two bytes."), Take: func() (string, error) { return saved, nil }}, nothing)
	over("with another key", eve)
	h.restart(k, func() { saved = "" })
	over("what was not kept", eve)

	eve = h.login("eve")
	h.restart(k, func() { h.later(2 * time.Hour) })
	over("who has rested too long", eve)
	for _, damaged := range []string{"x", "{}", `[{"digest":"AAAA"}]`, `[null]`} {
		h.restart(k, func() { saved = damaged })
		over(damaged, eve)
	}
}
