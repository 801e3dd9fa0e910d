-- bodies: what was said, as it was on the wire, with the texts that a search needs and the wire form hides.
--
-- ORDER BY: as calls, so that the body of a known call is in a granule or two, and a search over a span of time reads
-- that span only. It bets that nobody reads bodies but by call or by time. Weekly partitions, since content has a
-- shorter life than figures: whole parts are dropped, at most a week late.
CREATE TABLE IF NOT EXISTS bodies
(
    call_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    project LowCardinality(String),
    start_time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),

    request String CODEC(ZSTD(3)),
    response String CODEC(ZSTD(3)),
    input_text String CODEC(ZSTD(3)), -- the last user message, where request does not hold it letter for letter
    output_text String CODEC(ZSTD(3)), -- the answer's text, where response does not hold it letter for letter
    bytes UInt64 CODEC(ZSTD(1)), -- of request and response

    INDEX by_call call_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toMonday(start_time)
ORDER BY (toStartOfMinute(start_time), project, xxHash32(trace_id), span_id)
SETTINGS
    ttl_only_drop_parts = 1,
    min_columns_to_activate_adaptive_write_buffer = 1,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;
