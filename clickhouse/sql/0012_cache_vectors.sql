-- cache_vectors: where the questions lie whose answers the response cache has, one row for each.
--
-- ORDER BY: the partition, then when it was kept.
-- It serves one question: the nearest of the newest rows of one partition. A partition holds what may be compared (one
-- account, model, instruction, conversation and set of parameters), so that it is small and all of it is compared: exact,
-- and nothing of another tenant is even read. It bets that no partition grows beyond some ten thousand rows; a search looks
-- at the newest.
CREATE TABLE IF NOT EXISTS cache_vectors
(
    partition String CODEC(ZSTD(1)), -- hex, as answer
    answer String CODEC(ZSTD(1)),
    stored DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    expires DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    project LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String),
    model_answered LowCardinality(String),
    tag_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tag_values Array(String) CODEC(ZSTD(1)),
    vector Array(Float32) CODEC(NONE), -- no codec finds much in it

    INDEX by_answer answer TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (partition, stored)
TTL toDateTime(expires) + toIntervalMinute(1)
SETTINGS
    index_granularity = 128, -- a vector is some kilobytes, and a partition often holds one
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;
