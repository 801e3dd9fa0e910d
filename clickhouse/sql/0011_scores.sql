-- scores: what was thought of calls, one row for each revision of a score; the highest revision holds. The columns of the
-- call are copies of what never changes, so that scores are counted by prompt, model or arm without a join.
--
-- ORDER BY: the name, then the hour of the call. It serves the figures of one score over time, and the analysis of an
-- experiment by one score. The scores of one call are found by the bloom filter within the month of its start. It bets
-- that there are few names, and fewer scores than calls.
CREATE TABLE IF NOT EXISTS scores
(
    id String CODEC(ZSTD(1)),
    revision Int64 CODEC(ZSTD(1)),
    deleted Bool,

    call_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    start_time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)), -- of the call
    project LowCardinality(String),
    user String CODEC(ZSTD(1)),
    session String CODEC(ZSTD(1)),
    model LowCardinality(String),
    prompt LowCardinality(String),
    prompt_version Int32 CODEC(ZSTD(1)),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    epoch Int32 CODEC(ZSTD(1)),
    unit String CODEC(ZSTD(1)),

    name LowCardinality(String),
    kind LowCardinality(String),
    value Float64 CODEC(ZSTD(1)),
    category LowCardinality(String),
    comment String CODEC(ZSTD(3)),
    source LowCardinality(String),
    author LowCardinality(String),
    config LowCardinality(String),
    time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),

    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_call call_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_experiment experiment TYPE set(100) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start_time)
ORDER BY (name, toStartOfHour(start_time), id, revision)
SETTINGS
    index_granularity = 2048,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;
