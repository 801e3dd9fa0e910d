-- +goose Up
-- Queues of calls that people score. Each change of a queue's reviews raises its turn first, so that they go one after the other.
CREATE TABLE annotation_queues (
	name       VARCHAR(255) PRIMARY KEY,
	queue      TEXT         NOT NULL, -- JSON
	reviewers  BIGINT       NOT NULL,
	turn       BIGINT       NOT NULL,
	created_at BIGINT       NOT NULL
);

CREATE TABLE annotation_items (
	queue    VARCHAR(255) NOT NULL,
	place    BIGINT       NOT NULL, -- from 1, in the order they were added
	call_id  VARCHAR(255) NOT NULL,
	run      VARCHAR(64)  NOT NULL, -- '': of no evaluation
	target   VARCHAR(255) NOT NULL,
	item     VARCHAR(255) NOT NULL,
	repeat   BIGINT       NOT NULL,
	added_by VARCHAR(255) NOT NULL,
	added_at BIGINT       NOT NULL,
	state    VARCHAR(16)  NOT NULL, -- waiting, done, skipped; that one is taken stands in its reviews
	PRIMARY KEY (queue, call_id)
);
CREATE UNIQUE INDEX annotation_items_place ON annotation_items (queue, place);
CREATE INDEX annotation_items_state ON annotation_items (queue, state, place);

-- What people did with items, one row each.
CREATE TABLE annotation_reviews (
	queue   VARCHAR(255) NOT NULL,
	call_id VARCHAR(255) NOT NULL,
	who     VARCHAR(255) NOT NULL,
	state   VARCHAR(16)  NOT NULL, -- taken, done, skipped
	until   BIGINT       NOT NULL, -- how long it is taken
	at      BIGINT       NOT NULL,
	reason  TEXT         NOT NULL,
	PRIMARY KEY (queue, call_id, who)
);

-- +goose Down
DROP TABLE annotation_reviews;
DROP TABLE annotation_items;
DROP TABLE annotation_queues;
