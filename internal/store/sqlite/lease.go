package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Acquire implements originate.Store.
func (s *Store) Acquire(ctx context.Context, node string, now time.Time, ttl time.Duration) (l originate.Lease, err error) {
	err = s.write(ctx, func(t *tx) error {
		var epoch, expires int64
		err := t.get(`SELECT epoch, expires_at FROM node WHERE name = ?`, []any{node}, &epoch, &expires)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if expires > ms(now) {
			return originate.ErrNoLease
		}
		l = originate.Lease{Node: node, Epoch: epoch + 1}
		_, err = t.exec(`INSERT INTO node (name, epoch, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, expires_at = excluded.expires_at`,
			node, l.Epoch, ms(now.Add(ttl)))
		return err
	})
	return l, err
}

// Renew implements originate.Store. A lease that has run out is renewed as
// long as nobody has taken over what ran under it.
func (s *Store) Renew(ctx context.Context, l originate.Lease, now time.Time, ttl time.Duration) (withdrawn []call.ID, err error) {
	err = s.write(ctx, func(t *tx) error {
		var epoch int64
		if err := t.get(`SELECT epoch FROM node WHERE name = ?`, []any{l.Node}, &epoch); errors.Is(err, sql.ErrNoRows) || err == nil && epoch != l.Epoch {
			return originate.ErrNoLease
		} else if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE node SET expires_at = ? WHERE name = ? AND epoch = ?`, ms(now.Add(ttl)), l.Node, l.Epoch); err != nil {
			return err
		}
		withdrawn, err = readAll(t, `SELECT c.id FROM attempt a INDEXED BY attempt_open JOIN call c ON c.n = a.call
			WHERE a.ended_at IS NULL AND a.node = ? AND a.epoch = ? AND c.cancel_by <> ''`, []any{l.Node, l.Epoch}, func(rows scanner) (id call.ID, err error) {
			err = rows.Scan(&id)
			return id, err
		})
		return err
	})
	return withdrawn, err
}

// Release implements originate.Store.
func (s *Store) Release(ctx context.Context, l originate.Lease) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE node SET expires_at = 0 WHERE name = ? AND epoch = ?`, l.Node, l.Epoch)
		return err
	})
}

// checkLease refuses a claim of a node whose lease has ended.
func (t *tx) checkLease(l originate.Lease, now time.Time) error {
	var expires int64
	err := t.get(`SELECT expires_at FROM node WHERE name = ? AND epoch = ?`, []any{l.Node, l.Epoch}, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && expires <= ms(now) {
		return originate.ErrNoLease
	}
	return err
}
