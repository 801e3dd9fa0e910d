-- +goose Up
-- Random bytes that the weirs of one control plane must have alike, such as the salt of hashed content. Made once, never changed.
CREATE TABLE shared_bytes (
	name  VARCHAR(64)  PRIMARY KEY,
	value VARCHAR(255) NOT NULL -- hexadecimal
);

-- +goose Down
DROP TABLE shared_bytes;
