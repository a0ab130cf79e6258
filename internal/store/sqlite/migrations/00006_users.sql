-- Users that commands make (package directory), beside those of the configuration.

-- +goose Up

-- profile is JSON: nothing is looked for in it, and a new field needs no column. Secrets
-- are apart from it, so that who prints a profile prints none.
CREATE TABLE users (
	tenant      TEXT    NOT NULL, -- lower case, '' = none
	local       TEXT    NOT NULL, -- exactly as written
	profile     TEXT    NOT NULL,
	password    TEXT    NOT NULL, -- argon2id hash, '' = none
	digest      TEXT    NOT NULL, -- HA1, '' = none
	link_secret TEXT    NOT NULL, -- sealed, '' = none
	created_at  INTEGER NOT NULL, -- milliseconds since 1970
	PRIMARY KEY (tenant, local)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE users;
