-- calls: one immutable row for each span of a call or of one of its attempts, written once, when it is complete.
-- Money is counted on rows of kind 'call' only.
--
-- ORDER BY: time to the minute, then project, then trace.
-- It serves the three questions that read this table itself: the newest calls whatever their project (read backwards
-- and stop after a page), everything of an export (read forwards, never sorted), and one call or one trace whose
-- time is known to the millisecond from its id or from trace_ts (a granule or two). It bets that one installation
-- serves one organisation: money by project, key, user or model comes from the usage_* tables, so a question that
-- scans this table for one project alone is rare, is bounded in time, and may read its neighbours of the same minutes.
-- Within a minute rows lie by project and trace, which keeps a trace's spans together and the columns compressible.
CREATE TABLE IF NOT EXISTS calls
(
    id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),

    start_time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ns Int64 CODEC(ZSTD(1)),
    ttft_ns Nullable(Int64) CODEC(ZSTD(1)),

    project LowCardinality(String),
    key_id LowCardinality(String),
    key LowCardinality(String),
    user String CODEC(ZSTD(1)),
    session String CODEC(ZSTD(1)),
    tag_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tag_values Array(String) CODEC(ZSTD(1)),

    endpoint LowCardinality(String),
    path String CODEC(ZSTD(1)),
    stream Bool,
    provider LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String),
    response_id String CODEC(ZSTD(1)),

    status LowCardinality(String),
    http_status Int32 CODEC(ZSTD(1)),
    error_code LowCardinality(String),
    has_error Bool,
    error_type LowCardinality(String),
    error_message String CODEC(ZSTD(1)),
    error_status Int32 CODEC(ZSTD(1)),
    error_retryable Bool,
    finish_reasons Array(LowCardinality(String)) CODEC(ZSTD(1)),
    service_tier LowCardinality(String),

    input_uncached Int64 CODEC(ZSTD(1)),
    cache_read Int64 CODEC(ZSTD(1)),
    cache_write_5m Int64 CODEC(ZSTD(1)),
    cache_write_1h Int64 CODEC(ZSTD(1)),
    input_audio Int64 CODEC(ZSTD(1)),
    output_text Int64 CODEC(ZSTD(1)),
    reasoning Int64 CODEC(ZSTD(1)),
    output_audio Int64 CODEC(ZSTD(1)),
    usage_source LowCardinality(String),
    usage_raw String CODEC(ZSTD(1)),
    web_search Int64 CODEC(ZSTD(1)),
    image Int64 CODEC(ZSTD(1)),
    audio_seconds Float64 CODEC(ZSTD(1)),

    cost Nullable(Decimal(18, 9)) CODEC(ZSTD(1)), -- NULL: not known, which is not zero
    saved Decimal(18, 9) CODEC(ZSTD(1)),
    held Decimal(18, 9) CODEC(ZSTD(1)),
    price_status LowCardinality(String),
    price_version LowCardinality(String),
    price_rule LowCardinality(String),
    cost_lines String CODEC(ZSTD(1)), -- JSON
    provider_cost String CODEC(ZSTD(1)),

    cache LowCardinality(String),
    attempts Int32 CODEC(ZSTD(1)),
    prompt LowCardinality(String),
    prompt_version Int32 CODEC(ZSTD(1)),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    flags Array(LowCardinality(String)) CODEC(ZSTD(1)),

    input_preview String CODEC(ZSTD(3)),
    output_preview String CODEC(ZSTD(3)),

    inserted_at DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    duration_ms Float64 ALIAS duration_ns / 1e6,
    ttft_ms Nullable(Float64) ALIAS ttft_ns / 1e6,

    INDEX by_call call_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_user user TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_tag_name tag_names TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_tag_value tag_values TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_project project TYPE set(100) GRANULARITY 4,
    INDEX by_status status TYPE set(10) GRANULARITY 1,
    INDEX by_error error_code TYPE set(50) GRANULARITY 1,
    INDEX by_inserted inserted_at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start_time)
ORDER BY (toStartOfMinute(start_time), project, xxHash32(trace_id), span_id)
SETTINGS
    ttl_only_drop_parts = 1,
    index_granularity = 2048, -- one call or one page is read far more often than all
    -- Without it each of the columns' files costs a megabyte or two while a part is written.
    min_columns_to_activate_adaptive_write_buffer = 1,
    -- A batch that is sent again is known by its token among the last 10,000 inserts of the table and of each view's
    -- target. A writer sends a batch again before it cuts the next one, so that a thousand writers could share the window.
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;
