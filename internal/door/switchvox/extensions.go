package switchvox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// kind gives a user's type (spec: switchvox 9.1).
func kind(u directory.User) string {
	switch {
	case u.Type != "":
		return u.Type
	case u.Phone != "":
		return "sip"
	}
	return "virtual"
}

// extensions gives the users of the tenant that have an account_id, by their numbers.
func (x *exchange) extensions() []directory.User {
	var out []directory.User
	for _, u := range x.d.o.Users.Users() {
		if u.ID != "" && u.Name.Tenant == x.c.Tenant {
			out = append(out, u)
		}
	}
	return out
}

// describe shows an extension. One of the configuration has no time at which it was made;
// clients read a time there, so it is the first of all.
func (x *exchange) describe(u directory.User) wire.Element {
	made := u.CreatedAt
	if made.IsZero() {
		made = time.Unix(0, 0)
	}
	status := 1
	if u.Disabled {
		status = 0
	}
	return wire.Element{Name: "extension", Attrs: []wire.Attr{
		wire.A("number", u.Name.Local), wire.N("status", status), wire.N("can_dial_from_ivr", 1), wire.Digits("account_id", u.ID),
		wire.A("display", u.Display()), wire.A("date_created", x.local(made)),
		wire.A("type", kind(u)), wire.A("type_display", wire.TypeDisplay(kind(u))),
		wire.A("first_name", u.FirstName), wire.A("last_name", u.LastName), wire.A("email_address", u.Email),
		wire.N("template_id", 1), wire.A("template_name", "Default"),
	}}
}

// local writes a time as the original does: that of the place, without a zone.
func (x *exchange) local(at time.Time) string {
	return at.In(x.d.o.Now().Location()).Format(wire.TimeLayout)
}

func (x *exchange) lengths() wire.Lengths {
	return wire.Lengths{Min: x.c.MinExtension, Max: x.c.MaxExtension}
}

// getInfo is switchvox.extensions.getInfo. What there is not is left out (spec: switchvox 9.1).
func (x *exchange) getInfo(r wire.Request) []byte {
	in, faults := wire.ParseInfo(r, x.lengths())
	if len(faults) > 0 {
		return x.fail(faults...)
	}
	out := wire.Element{Name: "extensions"}
	seen := map[string]bool{}
	add := func(u directory.User, ok bool) {
		if ok && u.ID != "" && !seen[u.ID] {
			seen[u.ID] = true
			out.Children = append(out.Children, x.describe(u))
		}
	}
	for _, n := range in.Extensions {
		add(x.d.o.Users.User(directory.Name{Local: n, Tenant: x.c.Tenant}))
	}
	for _, id := range in.Accounts {
		add(x.d.o.Users.ByID(x.c.Tenant, id))
	}
	return x.result(out)
}

// getMyInfo is switchvox.users.getMyInfo.
func (x *exchange) getMyInfo(wire.Request) []byte {
	if x.user.ID == "" {
		return x.denied("extension", "the login is no extension's")
	}
	return x.result(x.describe(x.user))
}

// searchExtensions is switchvox.extensions.search.
func (x *exchange) searchExtensions(r wire.Request) []byte {
	s, faults := wire.ParseSearch(r, x.lengths(), x.d.o.Now().Location())
	if len(faults) > 0 {
		return x.fail(faults...)
	}
	list := slices.DeleteFunc(x.extensions(), func(u directory.User) bool { return !matches(u, s) })
	slices.SortStableFunc(list, func(a, b directory.User) int {
		n := cmp.Or(compare(a, b, s.Sort), byNumber(a.Name.Local, b.Name.Local))
		if s.Descending {
			return -n
		}
		return n
	})
	out := wire.Element{Name: "extensions", Attrs: s.Page.Attrs(len(list))}
	from, to := s.Page.Bounds(len(list))
	for _, u := range list[from:to] {
		out.Children = append(out.Children, x.describe(u))
	}
	return x.result(out)
}

// matches says whether an extension is one of those that are looked for.
func matches(u directory.User, s wire.Search) bool {
	made, n := u.CreatedAt, u.Name.Local
	return (s.Min == "" || byNumber(n, s.Min) >= 0) && (s.Max == "" || byNumber(n, s.Max) <= 0) &&
		(len(s.Types) == 0 || slices.Contains(s.Types, kind(u))) &&
		(s.Since.IsZero() || !made.Before(s.Since)) && (s.Until.IsZero() || !made.After(s.Until))
}

// byNumber compares numbers by their value: the shorter one is less.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func compare(a, b directory.User, field string) int {
	switch field {
	case "display":
		return strings.Compare(a.Display(), b.Display())
	case "first_name":
		return strings.Compare(a.FirstName, b.FirstName)
	case "last_name":
		return strings.Compare(a.LastName, b.LastName)
	case "type":
		return strings.Compare(kind(a), kind(b))
	case "date_created":
		return a.CreatedAt.Compare(b.CreatedAt)
	case "account_id":
		return byNumber(a.ID, b.ID)
	}
	return 0
}
