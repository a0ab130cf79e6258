package directory_test

import (
	"testing"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

// All spellings of a name stand for one, whether or not there is such a user.
func TestMeant(t *testing.T) {
	several, one, none := fixture(t), directorytest.New(t, []string{"tenant.com"}), directorytest.New(t, nil)
	alias := directory.New(directory.Options{})
	alias.Configure(nil, []string{"tenant.com", "other.example"}, map[string]string{"pbx.example": "tenant.com"})
	for _, c := range []struct {
		note        string
		d           *directory.Directory
		typed, host string
		want        string
	}{
		{"somebody", several, "123", "tenant.com", "123@tenant.com"},
		{"nobody", several, "999@TENANT.com", "", "999@tenant.com"},
		{"nobody by the host", several, "999", "tenant.com:8443", "999@tenant.com"},
		{"nobody of no tenant", several, "999", "pbx.example", "999"},
		{"no tenant of ours", several, "999@elsewhere.example", "tenant.com", "999@elsewhere.example"},
		{"local part with case", several, "ABC", "tenant.com", "ABC@tenant.com"},
		{"the only tenant's", one, "999", "", "999@tenant.com"},
		{"no tenants", none, "999", "", "999"},
		{"no tenants: any is the system's", none, "999@tenant.com", "", "999"},
		{"another name of the tenant", alias, "999@pbx.example", "", "999@tenant.com"},
		{"another name in the host", alias, "999", "pbx.example", "999@tenant.com"},
		{"no name", several, "a b", "tenant.com", ""},
	} {
		if got := c.d.Meant(c.typed, c.host).String(); got != c.want {
			t.Errorf("%s: %q at %q is %q, want %q", c.note, c.typed, c.host, got, c.want)
		}
	}
}
