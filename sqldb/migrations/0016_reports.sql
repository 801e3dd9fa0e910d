-- +goose Up
-- Schedules of reports, and what was sent of each, those of the file too. Times are microseconds since 1970.
CREATE TABLE report_schedules (
	name     VARCHAR(64) PRIMARY KEY,
	schedule TEXT        NOT NULL
);
-- The key keeps a period from being sent twice.
CREATE TABLE reports_sent (
	schedule VARCHAR(64) NOT NULL,
	kind     VARCHAR(16) NOT NULL,
	period   VARCHAR(16) NOT NULL,
	sent_at  BIGINT      NOT NULL,
	channels BIGINT      NOT NULL,
	note     TEXT        NOT NULL,
	PRIMARY KEY (schedule, kind, period)
);

-- +goose Down
DROP TABLE reports_sent;
DROP TABLE report_schedules;
