-- What the page of doors needs, and API keys that commands make.

-- +goose Up

-- By door, then accepted or denied, in the order of the trail (the last column of an index is
-- the primary key): the last few of a door, and how many there are since one of them.
CREATE INDEX audit_door ON audit (origin ->> '$.door', accepted);

CREATE TABLE api_key (
	name       TEXT    PRIMARY KEY,
	hash       TEXT    NOT NULL,
	account    TEXT    NOT NULL,
	scopes     TEXT    NOT NULL,           -- JSON: a list
	created_at INTEGER NOT NULL,
	created_by TEXT    NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0, -- 0 = it is in force
	revoked_by TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Also of keys of the configuration.
CREATE TABLE api_key_use (
	name    TEXT    PRIMARY KEY,
	uses    INTEGER NOT NULL,
	last_at INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE api_key_use;
DROP TABLE api_key;
DROP INDEX audit_door;
