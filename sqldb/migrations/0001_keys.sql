-- +goose Up
-- Times are microseconds since 1970, lists are JSON: the same text in SQLite and in PostgreSQL.
CREATE TABLE api_keys (
	id           VARCHAR(64)  PRIMARY KEY,
	project      VARCHAR(255) NOT NULL,
	name         VARCHAR(255) NOT NULL,
	hash         VARCHAR(64)  NOT NULL, -- SHA-256 of the secret, hex
	models       TEXT         NOT NULL,
	endpoints    TEXT         NOT NULL,
	created_at   BIGINT       NOT NULL,
	expires_at   BIGINT       NOT NULL, -- 0: never
	revoked_at   BIGINT       NOT NULL, -- 0: live
	last_used_at BIGINT       NOT NULL  -- 0: never
);

-- +goose StatementBegin
CREATE UNIQUE INDEX api_keys_live_name ON api_keys (project, name) WHERE revoked_at = 0;
-- +goose StatementEnd

-- +goose Down
DROP TABLE api_keys;
