-- +goose Up
-- What happened to budgets, once for each threshold and window. Times are microseconds since 1970, 0 for none.
CREATE TABLE budget_events (
	id             VARCHAR(64)  PRIMARY KEY, -- of budget, kind, window, percent and limits
	budget_id      VARCHAR(64)  NOT NULL,
	name           VARCHAR(255) NOT NULL,
	kind           VARCHAR(32)  NOT NULL,
	window_from    BIGINT       NOT NULL,
	window_until   BIGINT       NOT NULL,
	percent        BIGINT       NOT NULL,
	times          BIGINT       NOT NULL,
	first_at       BIGINT       NOT NULL,
	last_at        BIGINT       NOT NULL,
	spent          TEXT         NOT NULL, -- JSON, as limits is
	limits         TEXT         NOT NULL,
	over_usd       BIGINT       NOT NULL, -- nanodollars
	over_tokens    BIGINT       NOT NULL,
	over_calls     BIGINT       NOT NULL,
	delivery       VARCHAR(32)  NOT NULL,
	delivery_tries BIGINT       NOT NULL,
	delivery_next  BIGINT       NOT NULL,
	delivery_at    BIGINT       NOT NULL,
	delivery_error TEXT         NOT NULL
);
-- Lists are read newest first; what waits to be told is looked for by its time.
CREATE INDEX budget_events_first_at ON budget_events (first_at, id);
CREATE INDEX budget_events_delivery ON budget_events (delivery, delivery_next);

-- +goose Down
DROP TABLE budget_events;
