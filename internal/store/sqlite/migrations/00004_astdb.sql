-- What dialplans keep: DB(), the AGI's DATABASE, custom device states.

-- +goose Up

-- An entry is its whole path: "cidname/100", "fam/sub/key" (Asterisk: db.c
-- has the same idea). Where the family ends is the reader's view of it.
CREATE TABLE astdb (
	path  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE astdb;
