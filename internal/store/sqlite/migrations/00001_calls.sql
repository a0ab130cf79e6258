-- Times are integer milliseconds UTC; NULL means none. JSON columns hold the
-- types of package call.

-- +goose Up

-- A lane is one combination of capped resources. All calls of a lane wait for
-- the same places, so a claim looks at the head of each lane only.
CREATE TABLE lane (
	id        INTEGER PRIMARY KEY,
	resources TEXT NOT NULL UNIQUE -- JSON array, sorted: ["account:sales","trunk:x","trunk:x"]
);

CREATE TABLE batch (
	id         TEXT PRIMARY KEY,
	paused     INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX batch_paused ON batch (id) WHERE paused = 1;

CREATE TABLE call (
	n            INTEGER PRIMARY KEY AUTOINCREMENT,
	id           TEXT NOT NULL UNIQUE,
	state        TEXT NOT NULL,
	lane         INTEGER NOT NULL,
	priority     INTEGER NOT NULL,
	due_at       INTEGER NOT NULL,
	not_after    INTEGER,
	created_at   INTEGER NOT NULL,
	ended_at     INTEGER,
	attempts     INTEGER NOT NULL DEFAULT 0,
	uncounted    INTEGER NOT NULL DEFAULT 0, -- attempts that our own stop cut short
	cancel_by    TEXT NOT NULL DEFAULT '',   -- who withdrew it while an attempt ran
	node         TEXT NOT NULL DEFAULT '',
	reason       TEXT NOT NULL DEFAULT '',
	disposition  TEXT NOT NULL DEFAULT '',   -- of the newest attempt that has ended
	door         TEXT NOT NULL,
	principal    TEXT NOT NULL,
	key          TEXT NOT NULL,
	fingerprint  TEXT NOT NULL,
	account      TEXT NOT NULL,
	batch        TEXT NOT NULL,
	reference    TEXT NOT NULL,
	numbers      TEXT NOT NULL, -- what Filter.Number looks into
	request      TEXT NOT NULL,
	route_a      TEXT NOT NULL,
	route_b      TEXT NOT NULL
);
-- The ready queue: the head of a lane is one seek.
CREATE INDEX call_ready ON call (lane, priority, due_at, n) WHERE state = 'queued';
-- What waits for the clock.
CREATE INDEX call_waiting ON call (due_at) WHERE state IN ('scheduled', 'waiting-retry');
CREATE INDEX call_expiring ON call (not_after) WHERE not_after IS NOT NULL AND state IN ('scheduled', 'queued', 'waiting-retry');
CREATE UNIQUE INDEX call_key ON call (door, principal, key) WHERE key <> '';
CREATE INDEX call_created ON call (created_at, id);
CREATE INDEX call_account ON call (account, created_at);
CREATE INDEX call_open ON call (state, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX call_ended ON call (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX call_batch ON call (batch, n) WHERE batch <> '';
CREATE INDEX call_lane ON call (lane);

CREATE TABLE attempt (
	call        INTEGER NOT NULL REFERENCES call (n) ON DELETE CASCADE,
	number      INTEGER NOT NULL,
	lane        INTEGER NOT NULL,
	node        TEXT NOT NULL,
	epoch       INTEGER NOT NULL,
	started_at  INTEGER NOT NULL,
	ended_at    INTEGER,
	outcome     TEXT, -- NULL while it runs
	UNIQUE (call, number)
);
-- Caps are counted from this index; it holds the running attempts only.
CREATE INDEX attempt_open ON attempt (lane, node, epoch) WHERE ended_at IS NULL;

-- When the next attempt on a resource with a CPS limit may start, in
-- microseconds: the theoretical arrival time of the generic cell rate algorithm.
CREATE TABLE pace (
	resource TEXT PRIMARY KEY,
	tat_us   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE cdr (
	n           INTEGER PRIMARY KEY AUTOINCREMENT,
	call_id     TEXT NOT NULL,
	attempt     INTEGER NOT NULL,
	account     TEXT NOT NULL,
	batch       TEXT NOT NULL,
	door        TEXT NOT NULL,
	disposition TEXT NOT NULL,
	numbers     TEXT NOT NULL,
	ended_at    INTEGER NOT NULL,
	body        TEXT NOT NULL,
	UNIQUE (call_id, attempt)
);
CREATE INDEX cdr_ended ON cdr (ended_at, n);

CREATE TABLE event (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, so that a cursor stays true
	at      INTEGER NOT NULL,
	type    TEXT NOT NULL,
	call_id TEXT NOT NULL,
	account TEXT NOT NULL,
	batch   TEXT NOT NULL,
	body    TEXT NOT NULL
);
CREATE INDEX event_call ON event (call_id, seq);

CREATE TABLE journal (
	pruned INTEGER NOT NULL -- events up to this seq have been deleted
);
INSERT INTO journal (pruned) VALUES (0);

CREATE TABLE audit (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	at       INTEGER NOT NULL,
	accepted INTEGER NOT NULL,
	origin   TEXT NOT NULL,
	account  TEXT NOT NULL,
	first    TEXT NOT NULL,
	second   TEXT NOT NULL,
	call_id  TEXT NOT NULL,
	code     TEXT NOT NULL,
	rule     TEXT NOT NULL,
	text     TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

CREATE TABLE node (
	name       TEXT PRIMARY KEY,
	epoch      INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE node;
DROP TABLE audit;
DROP TABLE journal;
DROP TABLE event;
DROP TABLE cdr;
DROP TABLE pace;
DROP TABLE attempt;
DROP TABLE call;
DROP TABLE batch;
DROP TABLE lane;
