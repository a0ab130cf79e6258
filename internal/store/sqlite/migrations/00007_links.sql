-- Signed links and what they were used for. The signature is not here: it is made with a
-- key that is not in the store.

-- +goose Up

CREATE TABLE link (
	n          INTEGER PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	account    TEXT NOT NULL,
	user       TEXT NOT NULL,
	dest       TEXT NOT NULL,
	name       TEXT NOT NULL,
	note       TEXT NOT NULL,
	connect    INTEGER NOT NULL,
	direct     INTEGER NOT NULL,
	not_before INTEGER NOT NULL, -- 0 = at once
	expires    INTEGER NOT NULL,
	uses       INTEGER NOT NULL, -- 0 = any number of times
	origins    TEXT NOT NULL,    -- JSON
	created_at INTEGER NOT NULL,
	created_by TEXT NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	revoked_by TEXT NOT NULL DEFAULT '',
	used       INTEGER NOT NULL DEFAULT 0,
	used_at    INTEGER NOT NULL DEFAULT 0,
	next_use   INTEGER NOT NULL DEFAULT 1, -- number of the next row of link_use
	over_at    INTEGER NOT NULL -- when it expires, or was revoked or used up
);
CREATE INDEX link_account ON link (account);
CREATE INDEX link_user ON link (user);
CREATE INDEX link_over ON link (over_at);

CREATE TABLE link_use (
	link    INTEGER NOT NULL REFERENCES link (n) ON DELETE CASCADE,
	number  INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	remote  TEXT NOT NULL,
	origin  TEXT NOT NULL,
	call_id TEXT NOT NULL DEFAULT '',
	refused TEXT NOT NULL DEFAULT '',
	open    INTEGER NOT NULL,
	PRIMARY KEY (link, number)
) WITHOUT ROWID;
-- What a server that has died left unsettled.
CREATE INDEX link_use_open ON link_use (link, number) WHERE open = 1;

-- +goose Down
DROP TABLE link_use;
DROP TABLE link;
