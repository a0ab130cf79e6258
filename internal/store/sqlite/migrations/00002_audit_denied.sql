-- Denials are looked for among many accepted requests.

-- +goose Up

CREATE INDEX audit_denied ON audit (seq) WHERE accepted = 0;

-- +goose Down
DROP INDEX audit_denied;
