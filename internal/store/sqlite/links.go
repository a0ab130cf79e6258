package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

var _ link.Store = (*Store)(nil)

const linkCols = `n, id, account, user, dest, name, note, connect, direct, not_before, expires, uses, origins, created_at, created_by, revoked_at, revoked_by, used, used_at`

// linkRow is a link with its row number.
type linkRow struct {
	n int64
	link.Link
}

// scanLink reads a row of linkCols.
func scanLink(rows scanner) (l linkRow, err error) {
	var notBefore, expires, created, revoked, used int64
	var origins string
	err = rows.Scan(&l.n, &l.ID, &l.Account, &l.User, &l.Dest, &l.Name, &l.Note, &l.Connect, &l.Direct, &notBefore, &expires, &l.Uses, &origins,
		&created, &l.CreatedBy, &revoked, &l.RevokedBy, &l.Used, &used)
	if err != nil {
		return l, err
	}
	l.NotBefore, l.Expires, l.CreatedAt, l.RevokedAt, l.UsedAt = at(notBefore), at(expires), at(created), at(revoked), at(used)
	return l, fromJSON(origins, &l.Origins)
}

// AddLink implements link.Store.
func (s *Store) AddLink(ctx context.Context, l link.Link, a link.Act) error {
	origins, err := toJSON(l.Origins)
	if err != nil {
		return err
	}
	entry, origin, err := linkEntry(&l, a)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO link (id, account, user, dest, name, note, connect, direct, not_before, expires, uses, origins, created_at, created_by, over_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			l.ID, l.Account, l.User, l.Dest, l.Name, l.Note, l.Connect, l.Direct, ms(l.NotBefore), ms(l.Expires), l.Uses, origins, ms(l.CreatedAt), l.CreatedBy, ms(l.Expires))
		if err == nil {
			t.audit(&entry, origin)
		}
		return err
	})
}

// linkEntry makes the line of the audit trail for an act. The door and the principal are
// those of the link's calls, so that its whole life is found under one name.
func linkEntry(l *link.Link, a link.Act) (originate.AuditEntry, string, error) {
	e := originate.AuditEntry{
		At: a.At, Accepted: true, Account: l.Account, First: l.User, Second: l.Dest, Text: a.Text,
		Origin: call.Origin{Door: "link", Principal: link.Principal(l.ID), Remote: a.Remote, Reference: l.Dest},
	}
	origin, err := toJSON(&e.Origin)
	return e, origin, err
}

// Link implements link.Store.
func (s *Store) Link(ctx context.Context, id string) (link.Link, error) {
	l, err := scanLink(s.readDB.QueryRowContext(ctx, `SELECT `+linkCols+` FROM link WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = link.ErrUnknown
	}
	return l.Link, err
}

// Links implements link.Store. The order is that of the rows.
func (s *Store) Links(ctx context.Context, f link.Filter) ([]link.Link, string, error) {
	var w where
	w.addIf(string(f.Account), "account = ?")
	w.addIf(f.User, "user = ?")
	linkState(&w, f.State, ms(f.Now))
	if f.Cursor != "" {
		c, err := decodeCursor(f.Cursor, "l<")
		if err != nil {
			return nil, "", err
		}
		w.add("n < ?", c.ms)
	}
	limit := clampLimit(f.Limit)
	rows, err := s.readDB.QueryContext(ctx, `SELECT `+linkCols+` FROM link`+w.String()+` ORDER BY n DESC LIMIT ?`, append(w.args, limit+1)...)
	list, err := collect(rows, err, scanLink)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = cursor{"l<", list[limit-1].n, "-"}.encode()
	}
	out := make([]link.Link, len(list))
	for i := range list {
		out[i] = list[i].Link
	}
	return out, next, nil
}

// linkState restricts a listing to a state, by the rules of Link.State.
func linkState(w *where, state link.State, now int64) {
	const usedUp = "(uses > 0 AND used >= uses)"
	switch state {
	case link.Revoked:
		w.add("revoked_at > 0")
	case link.Expired:
		w.add("revoked_at = 0 AND expires <= ?", now)
	case link.Used:
		w.add("revoked_at = 0 AND expires > ? AND "+usedUp, now)
	case link.Early:
		w.add("revoked_at = 0 AND expires > ? AND NOT "+usedUp+" AND not_before > ?", now, now)
	case link.Active:
		w.add("revoked_at = 0 AND expires > ? AND NOT "+usedUp+" AND not_before <= ?", now, now)
	}
}

// link reads a link within a transaction.
func (t *tx) link(id string) (linkRow, error) {
	list, err := readAll(t, `SELECT `+linkCols+` FROM link WHERE id = ?`, []any{id}, scanLink)
	if err == nil && len(list) == 0 {
		err = link.ErrUnknown
	}
	if err != nil {
		return linkRow{}, err
	}
	return list[0], nil
}

// writeLink runs an operation on a link. What stands in the way is its result: nothing
// has been written then, and the transaction's other operations have nothing to do with it.
func (s *Store) writeLink(ctx context.Context, id string, run func(t *tx, l linkRow) (refused, err error)) error {
	var refused error
	err := s.write(ctx, func(t *tx) (err error) {
		refused = nil // a group that failed is run again
		l, err := t.link(id)
		if errors.Is(err, link.ErrUnknown) {
			refused = err
			return nil
		}
		if err == nil {
			refused, err = run(t, l)
		}
		return err
	})
	return errors.Join(err, refused)
}

// UseLink implements link.Store.
func (s *Store) UseLink(ctx context.Context, id string, u link.Use) (number int64, err error) {
	u.Open = true
	err = s.writeLink(ctx, id, func(t *tx, l linkRow) (refused, err error) {
		if refused := l.Usable(u.At); refused != nil {
			return refused, nil
		}
		if number, err = t.addUse(l.n, u); err != nil {
			return nil, err
		}
		over := l.Expires
		if l.Uses > 0 && l.Used+1 >= l.Uses {
			over = u.At
		}
		_, err = t.exec(`UPDATE link SET used = used + 1, used_at = ?, over_at = ? WHERE n = ?`, ms(u.At), ms(over), l.n)
		return nil, err
	})
	return number, err
}

// addUse keeps a use, and of the settled ones the newest only.
func (t *tx) addUse(n int64, u link.Use) (number int64, err error) {
	if err := t.get(`SELECT next_use FROM link WHERE n = ?`, []any{n}, &number); err != nil {
		return 0, err
	}
	_, err1 := t.exec(`UPDATE link SET next_use = next_use + 1 WHERE n = ?`, n)
	_, err2 := t.exec(`INSERT INTO link_use (link, number, at, remote, origin, call_id, refused, open) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		n, number, ms(u.At), u.Remote, u.Origin, u.Call, u.Refused, u.Open)
	_, err3 := t.exec(`DELETE FROM link_use WHERE link = ? AND number <= ? AND open = 0`, n, number-link.MaxUses)
	return number, errors.Join(err1, err2, err3)
}

// SettleLink implements link.Store.
func (s *Store) SettleLink(ctx context.Context, id string, number int64, placed call.ID, refused string) error {
	return s.writeLink(ctx, id, func(t *tx, l linkRow) (_, err error) {
		var open bool
		err = t.get(`SELECT open FROM link_use WHERE link = ? AND number = ?`, []any{l.n, number}, &open)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !open {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if _, err := t.exec(`UPDATE link_use SET call_id = ?, refused = ?, open = 0 WHERE link = ? AND number = ?`, placed, refused, l.n, number); err != nil {
			return nil, err
		}
		if placed == "" {
			_, err = t.exec(`UPDATE link SET used = used - 1, over_at = CASE WHEN revoked_at > 0 THEN over_at ELSE expires END WHERE n = ?`, l.n)
		}
		return nil, err
	})
}

// LogLink implements link.Store.
func (s *Store) LogLink(ctx context.Context, id string, u link.Use) error {
	u.Open = false
	return s.writeLink(ctx, id, func(t *tx, l linkRow) (_, err error) {
		_, err = t.addUse(l.n, u)
		return nil, err
	})
}

// LinkUses implements link.Store.
func (s *Store) LinkUses(ctx context.Context, id string, limit int) ([]link.Use, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT number, at, remote, origin, call_id, refused, open FROM link_use
		WHERE link = (SELECT n FROM link WHERE id = ?) ORDER BY number DESC LIMIT ?`, id, clampLimit(limit))
	return collect(rows, err, func(rows scanner) (u link.Use, err error) {
		var when int64
		err = rows.Scan(&u.Number, &when, &u.Remote, &u.Origin, &u.Call, &u.Refused, &u.Open)
		u.At = at(when)
		return u, err
	})
}

// OpenLinkUses implements link.Store.
func (s *Store) OpenLinkUses(ctx context.Context) ([]link.OpenUse, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT l.id, u.number FROM link_use u JOIN link l ON l.n = u.link WHERE u.open = 1 ORDER BY u.link, u.number`)
	return collect(rows, err, func(rows scanner) (u link.OpenUse, err error) {
		return u, rows.Scan(&u.ID, &u.Number)
	})
}

// RevokeLink implements link.Store.
func (s *Store) RevokeLink(ctx context.Context, id string, a link.Act) (out link.Link, err error) {
	err = s.writeLink(ctx, id, func(t *tx, l linkRow) (_, err error) {
		out = l.Link
		if !l.RevokedAt.IsZero() {
			return nil, nil
		}
		out.RevokedAt, out.RevokedBy = at(ms(a.At)), a.By
		entry, origin, err := linkEntry(&l.Link, a)
		if err != nil {
			return nil, err
		}
		_, err = t.exec(`UPDATE link SET revoked_at = ?, revoked_by = ?, over_at = min(over_at, ?) WHERE n = ?`, ms(a.At), a.By, ms(a.At), l.n)
		if err == nil {
			t.audit(&entry, origin)
		}
		return nil, err
	})
	return out, err
}

// PruneLinks implements link.Store. It works like a bulk import: live calls go first.
func (s *Store) PruneLinks(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.do(ctx, &op{rows: limit, run: func(t *tx) (err error) {
		n, err = t.prune(`DELETE FROM link WHERE n IN (SELECT n FROM link WHERE over_at < ? ORDER BY over_at LIMIT ?)`, ms(before), limit)
		return err
	}})
	return n, err
}
