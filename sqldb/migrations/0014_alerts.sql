-- +goose Up
-- Alerts. Times are microseconds since 1970, 0 for none; what is not looked for by itself is JSON.
CREATE TABLE alert_rules (
	name VARCHAR(64) PRIMARY KEY,
	rule TEXT        NOT NULL
);
-- Where each rule, of the file too, stands with each of its groups.
CREATE TABLE alert_states (
	rule       VARCHAR(64) NOT NULL,
	labels_key VARCHAR(64) NOT NULL, -- a hash of the labels
	severity   VARCHAR(16) NOT NULL,
	since      BIGINT      NOT NULL,
	ack_by     VARCHAR(255) NOT NULL,
	ack_at     BIGINT      NOT NULL,
	state      TEXT        NOT NULL,
	PRIMARY KEY (rule, labels_key)
);
CREATE TABLE alert_looks (
	rule      VARCHAR(64) PRIMARY KEY,
	looked_at BIGINT      NOT NULL,
	error     TEXT        NOT NULL
);
-- Changes of severity; ids sort by when they happened.
CREATE TABLE alert_events (
	id          VARCHAR(64) PRIMARY KEY,
	rule        VARCHAR(64) NOT NULL,
	happened_at BIGINT      NOT NULL,
	event       TEXT        NOT NULL
);
CREATE INDEX alert_events_rule ON alert_events (rule, id);
CREATE INDEX alert_events_happened_at ON alert_events (happened_at);
CREATE TABLE alert_silences (
	id         VARCHAR(64)  PRIMARY KEY,
	ends_at    BIGINT       NOT NULL,
	ended_by   VARCHAR(255) NOT NULL,
	silence    TEXT         NOT NULL
);
-- What is to be told to whom; what waits is looked for by its time.
CREATE TABLE alert_deliveries (
	id             VARCHAR(64)  PRIMARY KEY,
	channel        VARCHAR(255) NOT NULL,
	made_at        BIGINT       NOT NULL,
	message        TEXT         NOT NULL,
	delivery       VARCHAR(32)  NOT NULL,
	delivery_tries BIGINT       NOT NULL,
	delivery_next  BIGINT       NOT NULL,
	delivery_at    BIGINT       NOT NULL,
	delivery_error TEXT         NOT NULL
);
CREATE INDEX alert_deliveries_delivery ON alert_deliveries (delivery, delivery_next);

-- +goose Down
DROP TABLE alert_deliveries;
DROP TABLE alert_silences;
DROP TABLE alert_events;
DROP TABLE alert_looks;
DROP TABLE alert_states;
DROP TABLE alert_rules;
