-- What plots, the page of a call and its recordings need.

-- +goose Up

-- Attempts summed up by minute and account. What is not here can be made again from the
-- attempts, which is what happens below.
CREATE TABLE minute (
	at        INTEGER NOT NULL, -- a whole minute
	account   TEXT    NOT NULL,
	attempts  INTEGER NOT NULL, -- that began in it
	ended     INTEGER NOT NULL, -- that ended in it
	answered  INTEGER NOT NULL, -- of those that ended
	to_answer INTEGER NOT NULL, -- milliseconds, of those answered, from ringing leg A to its answer
	PRIMARY KEY (at, account)
) WITHOUT ROWID;
INSERT INTO minute (at, account, attempts, ended, answered, to_answer)
	SELECT at, account, sum(attempts), sum(ended), sum(answered), sum(to_answer) FROM (
		SELECT a.started_at / 60000 * 60000 AS at, c.account AS account, 1 AS attempts, 0 AS ended, 0 AS answered, 0 AS to_answer
			FROM attempt a JOIN call c ON c.n = a.call
		UNION ALL
		SELECT a.ended_at / 60000 * 60000, c.account, 0, 1, coalesce(a.outcome ->> '$.disposition' = 'ANSWERED', 0),
			CASE WHEN a.outcome ->> '$.disposition' = 'ANSWERED' THEN
				max(0, coalesce(CAST(round((julianday(a.outcome ->> '$.a.answered_at') - julianday(a.outcome ->> '$.a.started_at')) * 86400000) AS INTEGER), 0))
				ELSE 0 END
			FROM attempt a JOIN call c ON c.n = a.call WHERE a.ended_at IS NOT NULL
	) GROUP BY at, account;

-- The files that were recorded of a call's channels. They outlive their row: rows end with
-- the call, files are whoever's job it is to keep recordings.
CREATE TABLE recording (
	id         TEXT PRIMARY KEY,
	call_id    TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
	leg        TEXT NOT NULL,    -- 'a' or 'b', '' = another channel or a bridge
	channel    TEXT NOT NULL,
	root       TEXT NOT NULL,    -- name of the directory that path is below
	path       TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	ended_at   INTEGER,
	duration   INTEGER NOT NULL DEFAULT 0,
	bytes      INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX recording_call ON recording (call_id, started_at);

-- +goose Down
DROP TABLE recording;
DROP TABLE minute;
