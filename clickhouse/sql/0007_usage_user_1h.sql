-- usage_user_1h: usage_1h with users.
--
-- ORDER BY: time first, as usage_1m; then the user, because a user asks few models for one project under one key.
CREATE TABLE IF NOT EXISTS usage_user_1h
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    user String CODEC(ZSTD(1)),
    model LowCardinality(String),
    provider LowCardinality(String),
    model_requested LowCardinality(String),
    project LowCardinality(String),
    status LowCardinality(String),
    cache LowCardinality(String),
    endpoint LowCardinality(String),
    prompt LowCardinality(String),
    prompt_version Int32,
    experiment LowCardinality(String),
    arm LowCardinality(String),
    key_id LowCardinality(String),
    key LowCardinality(String),

    calls SimpleAggregateFunction(sum, UInt64),
    errors SimpleAggregateFunction(sum, UInt64),
    unpriced_calls SimpleAggregateFunction(sum, UInt64),
    cache_hits SimpleAggregateFunction(sum, UInt64),
    cost SimpleAggregateFunction(sum, Decimal(38, 9)), -- of the priced calls
    saved SimpleAggregateFunction(sum, Decimal(38, 9)),
    input_uncached SimpleAggregateFunction(sum, Int64),
    cache_read SimpleAggregateFunction(sum, Int64),
    cache_write_5m SimpleAggregateFunction(sum, Int64),
    cache_write_1h SimpleAggregateFunction(sum, Int64),
    input_audio SimpleAggregateFunction(sum, Int64),
    output_text SimpleAggregateFunction(sum, Int64),
    reasoning SimpleAggregateFunction(sum, Int64),
    output_audio SimpleAggregateFunction(sum, Int64),
    shortest SimpleAggregateFunction(min, Int64), -- nanoseconds
    longest SimpleAggregateFunction(max, Int64),
    latency_0 SimpleAggregateFunction(sum, UInt256),
    latency_1 SimpleAggregateFunction(sum, UInt256),
    latency_2 SimpleAggregateFunction(sum, UInt256),
    latency_3 SimpleAggregateFunction(sum, UInt256),
    ttft_0 SimpleAggregateFunction(sum, UInt256),
    ttft_1 SimpleAggregateFunction(sum, UInt256),
    ttft_2 SimpleAggregateFunction(sum, UInt256)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
PRIMARY KEY (time, user)
ORDER BY (time, user, model, provider, model_requested, project, status, cache, endpoint, prompt, prompt_version, experiment, arm, key_id, key)
SETTINGS
    min_columns_to_activate_adaptive_write_buffer = 1,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_user_1h_of_calls TO usage_user_1h AS
WITH
    toUInt8(least(31, greatest(0, floor(2 * log2(greatest(duration_ns, 1) / 8e6)) + 1))) AS latency_bar,
    if(isNull(ttft_ns), 255, toUInt8(least(23, greatest(0, floor(2 * log2(greatest(assumeNotNull(ttft_ns), 1) / 32e6)) + 1)))) AS ttft_bar
SELECT
    toStartOfHour(start_time) AS time,
    user, model, provider, model_requested, project, status, cache, endpoint, prompt, prompt_version, experiment, arm, key_id, key,
    count() AS calls,
    countIf(status = 'error') AS errors,
    countIf(price_status = 'unpriced') AS unpriced_calls,
    countIf(cache IN ('hit', 'semantic')) AS cache_hits,
    sum(ifNull(c.cost, toDecimal64(0, 9))) AS cost,
    sum(c.saved) AS saved,
    sum(c.input_uncached) AS input_uncached,
    sum(c.cache_read) AS cache_read,
    sum(c.cache_write_5m) AS cache_write_5m,
    sum(c.cache_write_1h) AS cache_write_1h,
    sum(c.input_audio) AS input_audio,
    sum(c.output_text) AS output_text,
    sum(c.reasoning) AS reasoning,
    sum(c.output_audio) AS output_audio,
    min(duration_ns) AS shortest,
    max(duration_ns) AS longest,
    sum(if(intDiv(latency_bar, 8) = 0, bitShiftLeft(toUInt256(1), latency_bar % 8 * 32), toUInt256(0))) AS latency_0,
    sum(if(intDiv(latency_bar, 8) = 1, bitShiftLeft(toUInt256(1), latency_bar % 8 * 32), toUInt256(0))) AS latency_1,
    sum(if(intDiv(latency_bar, 8) = 2, bitShiftLeft(toUInt256(1), latency_bar % 8 * 32), toUInt256(0))) AS latency_2,
    sum(if(intDiv(latency_bar, 8) = 3, bitShiftLeft(toUInt256(1), latency_bar % 8 * 32), toUInt256(0))) AS latency_3,
    sum(if(intDiv(ttft_bar, 8) = 0, bitShiftLeft(toUInt256(1), ttft_bar % 8 * 32), toUInt256(0))) AS ttft_0,
    sum(if(intDiv(ttft_bar, 8) = 1, bitShiftLeft(toUInt256(1), ttft_bar % 8 * 32), toUInt256(0))) AS ttft_1,
    sum(if(intDiv(ttft_bar, 8) = 2, bitShiftLeft(toUInt256(1), ttft_bar % 8 * 32), toUInt256(0))) AS ttft_2
FROM calls AS c
WHERE kind = 'call'
GROUP BY time, user, model, provider, model_requested, project, status, cache, endpoint, prompt, prompt_version, experiment, arm, key_id, key;
