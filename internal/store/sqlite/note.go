package sqlite

import (
	"context"

	"github.com/dialwright/dialwright/internal/originate"
)

// Note writes into the audit trail what is no request for a call, such as a login.
func (s *Store) Note(ctx context.Context, e originate.AuditEntry) error {
	origin, err := toJSON(&e.Origin)
	if err != nil {
		return err
	}
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error {
		t.audit(&e, origin)
		return nil
	}})
}
