package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
)

// profile is what users.profile holds. Names of the fields are never changed; absent ones
// are the zero value.
type profile struct {
	Role       directory.Role   `json:"role"`
	FirstName  string           `json:"first_name,omitempty"`
	LastName   string           `json:"last_name,omitempty"`
	Email      string           `json:"email,omitempty"`
	Phone      string           `json:"phone,omitempty"`
	Account    call.AccountID   `json:"account,omitempty"`
	Disabled   bool             `json:"disabled,omitempty"`
	Mints      []string         `json:"mints,omitempty"`
	ID         string           `json:"id,omitempty"`
	Type       string           `json:"type,omitempty"`
	Methods    []string         `json:"methods,omitempty"`
	Rules      []directory.Rule `json:"prefix_rules,omitempty"`
	Extensions []string         `json:"extensions,omitempty"`
	Numbers    []string         `json:"numbers,omitempty"`
	External   *bool            `json:"external_first,omitempty"`
	AutoAnswer bool             `json:"auto_answer,omitempty"`
}

// Users is directory.Store.
func (s *Store) Users(ctx context.Context) (out []directory.Record, err error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT tenant, local, profile, password, digest, link_secret, created_at FROM users ORDER BY tenant, local`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r directory.Record
		var text string
		var made int64
		if err := rows.Scan(&r.Name.Tenant, &r.Name.Local, &text, &r.PasswordHash, &r.Digest, &r.LinkSecret, &made); err != nil {
			return nil, err
		}
		var p profile
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("user %s: %w", r.Name, err)
		}
		p.fill(&r.User)
		r.Stored, r.CreatedAt = true, at(made)
		out = append(out, r)
	}
	return out, rows.Err()
}

// PutUser is directory.Store.
func (s *Store) PutUser(ctx context.Context, r directory.Record, a directory.Act) error {
	text, err := json.Marshal(profileOf(&r.User))
	if err != nil {
		return err
	}
	entry, origin, err := userEntry(a)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO users (tenant, local, profile, password, digest, link_secret, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, local) DO UPDATE SET profile = excluded.profile, password = excluded.password, digest = excluded.digest,
			link_secret = excluded.link_secret, created_at = excluded.created_at`,
			r.Name.Tenant, r.Name.Local, string(text), r.PasswordHash, r.Digest, r.LinkSecret, ms(r.CreatedAt))
		if err == nil {
			t.audit(&entry, origin)
		}
		return err
	})
}

// userEntry makes the line of the audit trail for an act.
func userEntry(a directory.Act) (originate.AuditEntry, string, error) {
	e := originate.AuditEntry{
		At: a.At, Accepted: true, Account: a.Account, First: a.Name.String(), Text: a.Text,
		Origin: call.Origin{Door: a.Door, Principal: a.Principal, Remote: a.Remote},
	}
	origin, err := toJSON(&e.Origin)
	return e, origin, err
}

// DeleteUser is directory.Store.
func (s *Store) DeleteUser(ctx context.Context, n directory.Name, a directory.Act) (existed bool, err error) {
	entry, origin, err := userEntry(a)
	if err != nil {
		return false, err
	}
	err = s.write(ctx, func(t *tx) error {
		res, err := t.exec(`DELETE FROM users WHERE tenant = ? AND local = ?`, n.Tenant, n.Local)
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		if existed = rows > 0; existed {
			t.audit(&entry, origin)
		}
		return err
	})
	return existed, err
}

func profileOf(u *directory.User) profile {
	return profile{
		Role: u.Role, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Phone: u.Phone, Account: u.Account, Disabled: u.Disabled,
		Mints: u.Mints, ID: u.ID, Type: u.Type, Methods: u.Methods, Rules: u.Rules, Extensions: u.Extensions, Numbers: u.Numbers,
		External: u.External, AutoAnswer: u.AutoAnswer,
	}
}

// fill puts a profile into a user.
func (p *profile) fill(u *directory.User) {
	u.Role, u.FirstName, u.LastName, u.Email, u.Phone, u.Account, u.Disabled = p.Role, p.FirstName, p.LastName, p.Email, p.Phone, p.Account, p.Disabled
	u.Mints, u.ID, u.Type, u.Methods, u.Rules, u.Extensions, u.Numbers = p.Mints, p.ID, p.Type, p.Methods, p.Rules, p.Extensions, p.Numbers
	u.External, u.AutoAnswer = p.External, p.AutoAnswer
}
