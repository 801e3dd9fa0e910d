-- What a call was made with: the version of a prompt as the registry had it, and what an experiment needs to be analysed by
-- unit. On most rows all of it is empty.
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS prompt_hash LowCardinality(String) AFTER flags,
    ADD COLUMN IF NOT EXISTS prompt_revision Int64 CODEC(ZSTD(1)) AFTER prompt_hash,
    ADD COLUMN IF NOT EXISTS epoch Int32 CODEC(ZSTD(1)) AFTER prompt_revision,
    ADD COLUMN IF NOT EXISTS unit String CODEC(ZSTD(1)) AFTER epoch,
    ADD COLUMN IF NOT EXISTS own_text Int64 CODEC(ZSTD(1)) AFTER unit;

ALTER TABLE adjustments
    ADD COLUMN IF NOT EXISTS prompt_hash LowCardinality(String) AFTER flags,
    ADD COLUMN IF NOT EXISTS prompt_revision Int64 CODEC(ZSTD(1)) AFTER prompt_hash,
    ADD COLUMN IF NOT EXISTS epoch Int32 CODEC(ZSTD(1)) AFTER prompt_revision,
    ADD COLUMN IF NOT EXISTS unit String CODEC(ZSTD(1)) AFTER epoch,
    ADD COLUMN IF NOT EXISTS own_text Int64 CODEC(ZSTD(1)) AFTER unit;
