-- trace_ts: from when to when a trace ran.
--
-- ORDER BY: the trace, because that is all anybody asks of it: one granule for each part. It bets that a lookup here
-- is cheaper than asking the bloom filter of every granule of calls. A trace that runs over the end of a month has
-- a row in each partition; the reader takes the smallest and the largest.
CREATE TABLE IF NOT EXISTS trace_ts
(
    trace_id String CODEC(ZSTD(1)),
    month UInt32,
    first SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    last SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(ZSTD(1)) -- start of the last span
)
ENGINE = AggregatingMergeTree
PARTITION BY month
PRIMARY KEY trace_id
ORDER BY (trace_id, month)
SETTINGS
    ttl_only_drop_parts = 1,
    min_columns_to_activate_adaptive_write_buffer = 1,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS trace_ts_of_calls TO trace_ts AS
SELECT
    trace_id,
    toYYYYMM(start_time) AS month,
    min(start_time) AS first,
    max(start_time) AS last
FROM calls
WHERE trace_id != ''
GROUP BY trace_id, month;
