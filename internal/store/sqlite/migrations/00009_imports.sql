-- Lists of calls that people upload, and batches that can be listed and summed up.

-- +goose Up

CREATE TABLE import (
	n          INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT    NOT NULL UNIQUE,
	name       TEXT    NOT NULL,
	account    TEXT    NOT NULL,
	principal  TEXT    NOT NULL,
	door       TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	tbl        TEXT    NOT NULL,            -- JSON: what was found in the file
	state      TEXT    NOT NULL,
	plan       TEXT    NOT NULL DEFAULT '', -- JSON: as submitted, '' before
	batch      TEXT    NOT NULL DEFAULT '',
	done       INTEGER NOT NULL DEFAULT 0,  -- number of the last row that has been dealt with
	processed  INTEGER NOT NULL DEFAULT 0,
	accepted   INTEGER NOT NULL DEFAULT 0,
	refused    INTEGER NOT NULL DEFAULT 0,
	error      TEXT    NOT NULL DEFAULT '',
	ended_at   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX import_account ON import (account, n);
CREATE INDEX import_batch ON import (batch, n) WHERE batch <> '';
CREATE INDEX import_submitting ON import (n) WHERE state = 'submitting';

CREATE TABLE import_row (
	import  INTEGER NOT NULL REFERENCES import (n) ON DELETE CASCADE,
	row     INTEGER NOT NULL, -- as a spreadsheet shows it
	call_id TEXT    NOT NULL, -- '' = it was refused
	code    TEXT    NOT NULL,
	text    TEXT    NOT NULL,
	PRIMARY KEY (import, row)
) WITHOUT ROWID;
CREATE INDEX import_row_refused ON import_row (import, row) WHERE call_id = '';

-- Whose batch it is, so that nobody needs to look at all its calls: the account of its first
-- call, and whether others have added some.
ALTER TABLE batch ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE batch ADD COLUMN mixed INTEGER NOT NULL DEFAULT 0;
UPDATE batch SET
	account = coalesce((SELECT min(c.account) FROM call c WHERE c.batch = batch.id AND c.batch <> ''), ''),
	mixed = coalesce((SELECT min(c.account) <> max(c.account) FROM call c WHERE c.batch = batch.id AND c.batch <> ''), 0);
CREATE INDEX batch_created ON batch (created_at, id);
CREATE INDEX batch_account ON batch (account, created_at, id) WHERE mixed = 0;

-- The numbers of a batch are counted in these two. An attempt moves its call in the first once,
-- at its end: the state, which moves with every ring, is in neither.
CREATE INDEX call_batch_ended ON call (batch, disposition, ended_at) WHERE batch <> '';
CREATE INDEX call_batch_cancelled ON call (batch) WHERE batch <> '' AND state = 'cancelled';

-- +goose Down
DROP INDEX call_batch_cancelled;
DROP INDEX call_batch_ended;
DROP INDEX batch_account;
DROP INDEX batch_created;
ALTER TABLE batch DROP COLUMN mixed;
ALTER TABLE batch DROP COLUMN account;
DROP TABLE import_row;
DROP TABLE import;
