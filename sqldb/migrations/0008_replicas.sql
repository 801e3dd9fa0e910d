-- +goose Up
-- The weirs that share this control plane, and what each of them serves. Empty in SQLite, which belongs to one.
CREATE TABLE replicas (
	id         VARCHAR(64)  PRIMARY KEY, -- new at each start
	name       VARCHAR(255) NOT NULL,
	started_at BIGINT       NOT NULL,
	revision   BIGINT       NOT NULL, -- of its snapshot of the prompts; 0: none yet
	expires_at BIGINT       NOT NULL  -- by the database's clock: when it counts as dead
);

-- +goose Down
DROP TABLE replicas;
