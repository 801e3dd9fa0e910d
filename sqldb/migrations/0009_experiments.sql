-- +goose Up
-- Experiments as JSON. Changes raise the revision of prompts, which replicas watch.
CREATE TABLE experiments (
	name       VARCHAR(255) PRIMARY KEY,
	id         VARCHAR(64)  NOT NULL UNIQUE,
	experiment TEXT         NOT NULL,
	revision   BIGINT       NOT NULL, -- of its last change
	updated_at BIGINT       NOT NULL,
	updated_by VARCHAR(255) NOT NULL
);

-- What was done to experiments, deleted drafts among them.
CREATE TABLE experiment_events (
	revision      BIGINT       PRIMARY KEY, -- that it made
	experiment_id VARCHAR(64)  NOT NULL,
	name          VARCHAR(255) NOT NULL,
	happened_at   BIGINT       NOT NULL,
	author        VARCHAR(255) NOT NULL,
	did           VARCHAR(32)  NOT NULL,
	detail        TEXT         NOT NULL,
	reason        TEXT         NOT NULL
);
CREATE INDEX experiment_events_experiment ON experiment_events (experiment_id, revision);

-- Who of several weirs does what only one should.
CREATE TABLE leases (
	name       VARCHAR(255) PRIMARY KEY,
	owner      VARCHAR(255) NOT NULL,
	expires_at BIGINT       NOT NULL
);

-- +goose Down
DROP TABLE leases;
DROP TABLE experiment_events;
DROP TABLE experiments;
