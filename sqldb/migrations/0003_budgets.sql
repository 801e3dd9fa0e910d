-- +goose Up
-- What calls may cost, in each window.
CREATE TABLE budgets (
	id     VARCHAR(64)  PRIMARY KEY,
	name   VARCHAR(255) NOT NULL UNIQUE,
	budget TEXT         NOT NULL -- JSON
);

-- +goose Down
DROP TABLE budgets;
