package sqlite

import (
	"context"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

var _ apikey.Store = (*Store)(nil)

// APIKeys is apikey.Store.
func (s *Store) APIKeys(ctx context.Context) ([]apikey.Record, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT name, hash, account, scopes, created_at, created_by, revoked_at, revoked_by FROM api_key ORDER BY name`)
	return collect(rows, err, func(rows scanner) (r apikey.Record, err error) {
		var scopes string
		var made, revoked int64
		if err := rows.Scan(&r.Name, &r.Hash, &r.Account, &scopes, &made, &r.CreatedBy, &revoked, &r.RevokedBy); err != nil {
			return r, err
		}
		r.Stored, r.CreatedAt = true, at(made)
		if revoked != 0 {
			r.RevokedAt = at(revoked)
		}
		return r, fromJSON(scopes, &r.Scopes)
	})
}

// PutAPIKey is apikey.Store.
func (s *Store) PutAPIKey(ctx context.Context, r apikey.Record, a apikey.Act) error {
	scopes, err := toJSON(&r.Scopes)
	if err != nil {
		return err
	}
	entry, origin, err := keyEntry(a)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`INSERT OR REPLACE INTO api_key (name, hash, account, scopes, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)`,
			r.Name, r.Hash, string(r.Account), scopes, ms(r.CreatedAt), r.CreatedBy); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM api_key_use WHERE name = ?`, r.Name); err != nil {
			return err
		}
		t.audit(&entry, origin)
		return nil
	})
}

// RevokeAPIKey is apikey.Store.
func (s *Store) RevokeAPIKey(ctx context.Context, name string, a apikey.Act) error {
	entry, origin, err := keyEntry(a)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE api_key SET revoked_at = ?, revoked_by = ? WHERE name = ?`, ms(a.At), a.Name, name)
		if err == nil {
			t.audit(&entry, origin)
		}
		return err
	})
}

// keyEntry makes the line of the audit trail for an act.
func keyEntry(a apikey.Act) (originate.AuditEntry, string, error) {
	e := originate.AuditEntry{
		At: a.At, Accepted: true, Account: a.Account, First: a.Key, Text: a.Text,
		Origin: call.Origin{Door: a.Door, Principal: a.Principal, Remote: a.Remote},
	}
	origin, err := toJSON(&e.Origin)
	return e, origin, err
}

// APIKeyUses is apikey.Store.
func (s *Store) APIKeyUses(ctx context.Context) (map[string]auth.Use, error) {
	type use struct {
		name string
		auth.Use
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT name, uses, last_at FROM api_key_use`)
	list, err := collect(rows, err, func(rows scanner) (u use, err error) {
		var last int64
		err = rows.Scan(&u.name, &u.Times, &last)
		u.LastAt = at(last)
		return u, err
	})
	out := make(map[string]auth.Use, len(list))
	for _, u := range list {
		out[u.name] = u.Use
	}
	return out, err
}

// AddAPIKeyUses is apikey.Store. It waits behind live calls.
func (s *Store) AddAPIKeyUses(ctx context.Context, uses map[string]auth.Use) error {
	return s.do(ctx, &op{rows: len(uses), run: func(t *tx) error {
		for name, u := range uses {
			if _, err := t.exec(`INSERT INTO api_key_use (name, uses, last_at) VALUES (?, ?, ?)
				ON CONFLICT (name) DO UPDATE SET uses = uses + excluded.uses, last_at = max(last_at, excluded.last_at)`, name, u.Times, ms(u.LastAt)); err != nil {
				return err
			}
		}
		return nil
	}})
}
