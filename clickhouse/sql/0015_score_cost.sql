-- What a score took to make, of scores whose maker asked a model for them. NULL: not known, or nothing was asked.
ALTER TABLE scores
    ADD COLUMN IF NOT EXISTS cost Nullable(Decimal(18, 9)) CODEC(ZSTD(1)) AFTER config;
