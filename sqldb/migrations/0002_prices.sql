-- +goose Up
-- Prices that were set by hand, over the built-in book.
CREATE TABLE prices (
	provider       VARCHAR(255) NOT NULL,
	model          VARCHAR(255) NOT NULL,
	project        VARCHAR(255) NOT NULL, -- '': every project
	effective_from BIGINT       NOT NULL, -- microseconds since 1970; 0: always
	entry          TEXT         NOT NULL, -- JSON, as the API shows it
	PRIMARY KEY (provider, model, project, effective_from)
);

-- +goose Down
DROP TABLE prices;
