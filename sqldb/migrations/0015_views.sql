-- +goose Up
-- Saved views of the console's lists. Times are microseconds since 1970.
CREATE TABLE saved_views (
	id         VARCHAR(64)  PRIMARY KEY,
	room       VARCHAR(16)  NOT NULL,
	name       VARCHAR(255) NOT NULL,
	query      TEXT         NOT NULL, -- parameters of the list's address
	owner      VARCHAR(255) NOT NULL,
	shared     BOOLEAN      NOT NULL,
	created_at BIGINT       NOT NULL,
	changed_at BIGINT       NOT NULL
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (owner, name);

-- +goose Down
DROP TABLE saved_views;
