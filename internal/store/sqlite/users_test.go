package sqlite

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
)

// Each change of a user has its line in the audit trail; removing nobody has none.
func TestUsersAreAudited(t *testing.T) {
	s := open1(t, Options{})
	n := directory.Name{Local: "123", Tenant: "tenant.com"}
	act := directory.Act{
		By: directory.By{Door: "rest", Principal: "crm", Remote: "192.0.2.1"}, At: time.UnixMilli(1000).UTC(), Name: n, Account: "acme", Text: "user made: role user",
	}
	if err := s.PutUser(t.Context(), directory.Record{User: directory.User{Name: n}}, act); err != nil {
		t.Fatal(err)
	}
	act.Text = "user removed"
	for range 2 {
		if _, err := s.DeleteUser(t.Context(), n, act); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Audit(t.Context(), originate.AuditFilter{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	line := func(seq int64, text string) originate.AuditEntry {
		return originate.AuditEntry{
			Seq: seq, At: act.At, Accepted: true, Account: "acme", First: "123@tenant.com", Text: text,
			Origin: call.Origin{Door: "rest", Principal: "crm", Remote: "192.0.2.1"},
		}
	}
	if diff := cmp.Diff([]originate.AuditEntry{line(1, "user made: role user"), line(2, "user removed")}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
