-- What a call costs is mostly the rows and index entries that it writes.

-- +goose Up

-- A batch's lanes end with the batch; the others are few and stay. So lanes
-- need not be looked for from the calls any more.
ALTER TABLE lane ADD COLUMN batch TEXT NOT NULL DEFAULT '';
UPDATE lane SET batch = coalesce((SELECT substr(r.value, 7) FROM json_each(lane.resources) r WHERE r.value LIKE 'batch:%'), '');
DROP INDEX call_lane;

-- The rowid, n, ends every index by itself.
DROP INDEX call_ready;
CREATE INDEX call_ready ON call (lane, priority, due_at) WHERE state = 'queued';
-- What waits for the clock, and as what.
DROP INDEX call_waiting;
CREATE INDEX call_waiting ON call (due_at, state) WHERE state IN ('scheduled', 'waiting-retry');
-- What has not ended. The state is not in it: it moves with every ring.
DROP INDEX call_open;
CREATE INDEX call_open ON call (created_at, id) WHERE ended_at IS NULL;
-- The trail is pruned from its begin.
DROP INDEX audit_at;

-- One tree instead of two.
CREATE TABLE attempt_2 (
	call        INTEGER NOT NULL REFERENCES call (n) ON DELETE CASCADE,
	number      INTEGER NOT NULL,
	lane        INTEGER NOT NULL,
	node        TEXT NOT NULL,
	epoch       INTEGER NOT NULL,
	started_at  INTEGER NOT NULL,
	ended_at    INTEGER,
	outcome     TEXT, -- NULL while it runs
	PRIMARY KEY (call, number)
) WITHOUT ROWID;
INSERT INTO attempt_2 SELECT call, number, lane, node, epoch, started_at, ended_at, outcome FROM attempt;
DROP TABLE attempt;
ALTER TABLE attempt_2 RENAME TO attempt;
CREATE INDEX attempt_open ON attempt (lane, node, epoch) WHERE ended_at IS NULL;

-- +goose Down
CREATE INDEX audit_at ON audit (at);
DROP INDEX call_open;
CREATE INDEX call_open ON call (state, created_at, id) WHERE ended_at IS NULL;
DROP INDEX call_waiting;
CREATE INDEX call_waiting ON call (due_at) WHERE state IN ('scheduled', 'waiting-retry');
DROP INDEX call_ready;
CREATE INDEX call_ready ON call (lane, priority, due_at, n) WHERE state = 'queued';
CREATE INDEX call_lane ON call (lane);
ALTER TABLE lane DROP COLUMN batch;
