-- Which entries of AstDB came from an Asterisk's astdb.sqlite3, so that those
-- that were deleted here since do not come back when it is read again.

-- +goose Up

CREATE TABLE astdb_imported (
	path TEXT PRIMARY KEY
) WITHOUT ROWID;

-- +goose Down
DROP TABLE astdb_imported;
