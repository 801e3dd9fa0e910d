-- +goose Up
-- Versions of datasets. Those with the same contents share their chunks.
CREATE TABLE dataset_versions (
	dataset    VARCHAR(255) NOT NULL,
	number     BIGINT       NOT NULL, -- from 1
	hash       VARCHAR(64)  NOT NULL,
	items      BIGINT       NOT NULL,
	splits     TEXT         NOT NULL, -- JSON
	message    TEXT         NOT NULL,
	author     VARCHAR(255) NOT NULL,
	created_at BIGINT       NOT NULL,
	PRIMARY KEY (dataset, number)
);
CREATE INDEX dataset_versions_hash ON dataset_versions (hash);

-- Items of snapshots, some hundred kilobytes of JSON lines in each row.
CREATE TABLE dataset_chunks (
	hash   VARCHAR(64) NOT NULL,
	number BIGINT      NOT NULL,
	items  TEXT        NOT NULL,
	PRIMARY KEY (hash, number)
);

-- Runs of evaluations as JSON; what became of each item is in ClickHouse.
CREATE TABLE eval_runs (
	id         VARCHAR(64)  PRIMARY KEY, -- they sort by when they were made
	name       VARCHAR(255) NOT NULL,
	state      VARCHAR(16)  NOT NULL,
	run        TEXT         NOT NULL,
	updated_at BIGINT       NOT NULL
);
CREATE INDEX eval_runs_name ON eval_runs (name, id);

-- +goose Down
DROP TABLE eval_runs;
DROP TABLE dataset_chunks;
DROP TABLE dataset_versions;
