-- +goose Up

-- Rules of online evaluation, and how far each has looked.
CREATE TABLE online_rules (
	name       VARCHAR(64) PRIMARY KEY,
	rule       TEXT        NOT NULL, -- JSON
	position   TEXT        NOT NULL, -- JSON: until when the store's arrivals were looked at
	moves      BIGINT      NOT NULL, -- how often that changed
	updated_at BIGINT      NOT NULL
);

-- Calls that a rule took: those that wait, and for some minutes those that are decided, so that none is taken twice.
CREATE TABLE online_calls (
	rule    VARCHAR(64)  NOT NULL,
	call_id TEXT         NOT NULL,
	waiting INTEGER      NOT NULL, -- 1, or 0 when it is decided
	came_at BIGINT       NOT NULL,
	due_at  BIGINT       NOT NULL,
	PRIMARY KEY (rule, call_id)
);
CREATE INDEX online_calls_due ON online_calls (rule, waiting, due_at);

-- What became of calls, by the hour in which it was decided.
CREATE TABLE online_ledger (
	rule     VARCHAR(64)  NOT NULL,
	scorer   VARCHAR(64)  NOT NULL,
	hour     BIGINT       NOT NULL,
	outcome  VARCHAR(16)  NOT NULL, -- scored, skipped, failed
	reason   VARCHAR(32)  NOT NULL,
	calls    BIGINT       NOT NULL,
	cost     BIGINT       NOT NULL, -- nanodollars
	unpriced BIGINT       NOT NULL, -- questions whose cost is not known
	detail   TEXT         NOT NULL, -- of the last of them
	PRIMARY KEY (rule, scorer, hour, outcome, reason)
);

-- How the scores of a day compare with those before it.
CREATE TABLE score_drift (
	rule   VARCHAR(64) NOT NULL,
	scorer VARCHAR(64) NOT NULL,
	day    BIGINT      NOT NULL,
	drift  TEXT        NOT NULL, -- JSON
	PRIMARY KEY (rule, scorer, day)
);

-- +goose Down
DROP TABLE score_drift;
DROP TABLE online_ledger;
DROP TABLE online_calls;
DROP TABLE online_rules;
