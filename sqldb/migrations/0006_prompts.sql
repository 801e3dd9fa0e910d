-- +goose Up
-- One row: it counts the changes of all prompts. Each change raises it first, so that changes go one after the other.
CREATE TABLE prompt_revision (
	id       INTEGER PRIMARY KEY,
	revision BIGINT  NOT NULL
);
INSERT INTO prompt_revision (id, revision) VALUES (1, 0);

CREATE TABLE prompt_versions (
	prompt     VARCHAR(255) NOT NULL,
	number     BIGINT       NOT NULL, -- from 1, without gaps
	hash       VARCHAR(80)  NOT NULL,
	content    TEXT         NOT NULL, -- JSON; '' once deleted
	author     VARCHAR(255) NOT NULL,
	message    TEXT         NOT NULL,
	created_at BIGINT       NOT NULL,
	deleted_at BIGINT       NOT NULL, -- 0: it is there
	deleted_by VARCHAR(255) NOT NULL,
	PRIMARY KEY (prompt, number)
);

-- A label points to one version: its row says which. The label latest has one too.
CREATE TABLE prompt_labels (
	prompt   VARCHAR(255) NOT NULL,
	label    VARCHAR(255) NOT NULL,
	number   BIGINT       NOT NULL,
	revision BIGINT       NOT NULL,
	moved_at BIGINT       NOT NULL,
	PRIMARY KEY (prompt, label),
	FOREIGN KEY (prompt, number) REFERENCES prompt_versions (prompt, number)
);

CREATE TABLE prompt_moves (
	revision    BIGINT       PRIMARY KEY,
	prompt      VARCHAR(255) NOT NULL,
	label       VARCHAR(255) NOT NULL,
	number      BIGINT       NOT NULL, -- 0: the label was taken away
	from_number BIGINT       NOT NULL, -- 0: it was made
	moved_at    BIGINT       NOT NULL,
	author      VARCHAR(255) NOT NULL,
	reason      TEXT         NOT NULL,
	change_id   VARCHAR(64)  NOT NULL -- '': none allowed it
);
CREATE INDEX prompt_moves_prompt ON prompt_moves (prompt, revision);

CREATE TABLE prompt_protections (
	prompt    VARCHAR(255) NOT NULL,
	label     VARCHAR(255) NOT NULL,
	approvals BIGINT       NOT NULL,
	gate      VARCHAR(255) NOT NULL,
	author    VARCHAR(255) NOT NULL,
	set_at    BIGINT       NOT NULL,
	PRIMARY KEY (prompt, label)
);

CREATE TABLE prompt_changes (
	id          VARCHAR(64)  PRIMARY KEY,
	prompt      VARCHAR(255) NOT NULL,
	label       VARCHAR(255) NOT NULL,
	from_number BIGINT       NOT NULL,
	to_number   BIGINT       NOT NULL,
	author      VARCHAR(255) NOT NULL,
	reason      TEXT         NOT NULL,
	opened_at   BIGINT       NOT NULL,
	status      VARCHAR(16)  NOT NULL,
	closed_at   BIGINT       NOT NULL,
	closed_by   VARCHAR(255) NOT NULL,
	revision    BIGINT       NOT NULL -- of the move it made; 0: none
);
CREATE INDEX prompt_changes_prompt ON prompt_changes (prompt, opened_at);

CREATE TABLE prompt_reviews (
	change_id VARCHAR(64)  NOT NULL REFERENCES prompt_changes (id),
	seq       BIGINT       NOT NULL, -- the revision it was given at
	author    VARCHAR(255) NOT NULL,
	approve   BIGINT       NOT NULL,
	remark    TEXT         NOT NULL,
	given_at  BIGINT       NOT NULL,
	PRIMARY KEY (change_id, seq)
);

-- +goose Down
DROP TABLE prompt_reviews;
DROP TABLE prompt_changes;
DROP TABLE prompt_protections;
DROP TABLE prompt_moves;
DROP TABLE prompt_labels;
DROP TABLE prompt_versions;
DROP TABLE prompt_revision;
