package sqlite

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// The table minute sums up attempts by minute and account, so that a plot of a week costs
// the same whatever happened in it. A transaction adds to it once for each minute and
// account that it touches, not for each attempt.

// minuteKey is one row.
type minuteKey struct {
	at      int64 // milliseconds, a whole minute
	account call.AccountID
}

// minute is what a transaction adds to a row.
type minute struct {
	attempts, ended, answered int
	toAnswer                  int64 // milliseconds, of those answered
}

func minuteOf(t time.Time) int64 { return ms(t.Truncate(time.Minute)) }

// sum gives the row of t's minute in this transaction.
func (t *tx) sum(when time.Time, account call.AccountID) *minute {
	k := minuteKey{minuteOf(when), account}
	m := t.minutes[k]
	if m == nil {
		m = &minute{}
		t.minutes[k] = m
	}
	return m
}

// sumEnd counts the end of an attempt.
func (t *tx) sumEnd(account call.AccountID, o *call.Outcome, now time.Time) {
	m := t.sum(now, account)
	m.ended++
	if o.Disposition != call.Answered {
		return
	}
	m.answered++
	if !o.A.AnsweredAt.IsZero() && o.A.AnsweredAt.After(o.A.StartedAt) {
		m.toAnswer += o.A.AnsweredAt.Sub(o.A.StartedAt).Milliseconds()
	}
}

// flushMinutes stores what the transaction adds.
func (t *tx) flushMinutes() error {
	for k, m := range t.minutes {
		if _, err := t.exec(`INSERT INTO minute (at, account, attempts, ended, answered, to_answer) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (at, account) DO UPDATE SET attempts = attempts + excluded.attempts, ended = ended + excluded.ended,
				answered = answered + excluded.answered, to_answer = to_answer + excluded.to_answer`,
			k.at, string(k.account), m.attempts, m.ended, m.answered, m.toAnswer); err != nil {
			return err
		}
	}
	return nil
}

// Series implements originate.Store.
func (s *Store) Series(ctx context.Context, f originate.SeriesFilter) ([]originate.Point, error) {
	from, step := ms(f.From), f.Step.Milliseconds()
	var w where
	w.add("at >= ? AND at < ?", from, ms(f.To))
	w.addIf(string(f.Account), "account = ?")
	rows, err := s.readDB.QueryContext(ctx, `SELECT (at - ?) / ?, sum(attempts), sum(ended), sum(answered), sum(to_answer)
		FROM minute`+w.String()+` GROUP BY 1 ORDER BY 1`, append([]any{from, step}, w.args...)...)
	return collect(rows, err, func(rows scanner) (p originate.Point, err error) {
		var i, toAnswer int64
		err = rows.Scan(&i, &p.Attempts, &p.Ended, &p.Answered, &toAnswer)
		p.At = time.UnixMilli(from + i*step).UTC()
		if p.Answered > 0 {
			p.ToAnswer = time.Duration(toAnswer) * time.Millisecond / time.Duration(p.Answered)
		}
		return p, err
	})
}

func (t *tx) pruneMinutes(r originate.Retention, limit int) (int, error) {
	if r.Calls.IsZero() {
		return 0, nil
	}
	return t.prune(`DELETE FROM minute WHERE (at, account) IN (SELECT at, account FROM minute WHERE at < ? ORDER BY at LIMIT ?)`, ms(r.Calls.Truncate(time.Minute)), limit)
}
