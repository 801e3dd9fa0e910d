-- +goose Up
-- Who may use the console and the API. A removed member stays, since the name stands under what the member did.
CREATE TABLE members (
	id         VARCHAR(64)  PRIMARY KEY,
	name       VARCHAR(255) NOT NULL UNIQUE,
	email      VARCHAR(255) NOT NULL,
	role       VARCHAR(32)  NOT NULL,
	hash       VARCHAR(64)  NOT NULL, -- SHA-256 of the token, hex
	created_at BIGINT       NOT NULL,
	removed_at BIGINT       NOT NULL -- 0: a member
);

-- +goose Down
DROP TABLE members;
