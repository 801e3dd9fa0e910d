-- eval_items: what became of each ask of evaluations' runs, one row for each; one that was asked again has another with a higher
-- revision.
--
-- ORDER BY: the run, then the target, the item and the repeat.
-- It serves one question: the rows of a run, or of one of its targets, page by page in that order. It bets that runs are read whole.
CREATE TABLE IF NOT EXISTS eval_items
(
    run String CODEC(ZSTD(1)),
    name LowCardinality(String),
    target LowCardinality(String),
    item String CODEC(ZSTD(1)),
    repeat Int32 CODEC(ZSTD(1)),
    revision Int64 CODEC(ZSTD(1)), -- microseconds since 1970
    item_hash String CODEC(ZSTD(1)),
    input String CODEC(ZSTD(3)),
    expected String CODEC(ZSTD(3)),
    answer String CODEC(ZSTD(3)),
    tool_calls String CODEC(ZSTD(3)), -- JSON
    error String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1)),
    model LowCardinality(String),
    prompt LowCardinality(String),
    cost_usd Nullable(Decimal(18, 9)) CODEC(ZSTD(1)),
    latency_ms Float64 CODEC(ZSTD(1)),
    input_tokens Int64 CODEC(ZSTD(1)),
    output_tokens Int64 CODEC(ZSTD(1)),
    tries Int32 CODEC(ZSTD(1)),
    time DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    score_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
    score_states Array(LowCardinality(String)) CODEC(ZSTD(1)),
    score_values Array(Float64) CODEC(ZSTD(1)),
    score_passes Array(Int32) CODEC(ZSTD(1)), -- 1, 0, or -1 of a scorer without a bar
    score_reasons Array(String) CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (run, target, item, repeat)
SETTINGS
    index_granularity = 1024, -- a row is some kilobytes
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;
