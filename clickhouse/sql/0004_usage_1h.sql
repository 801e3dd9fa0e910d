-- usage_1h: sums of each hour, with users, endpoints, prompts and arms. Days of time zones a whole number of hours from
-- UTC are made of it.
--
-- ORDER BY: as usage_1m. The users come last: they have by far the most values.
CREATE TABLE IF NOT EXISTS usage_1h
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    project LowCardinality(String),
    status LowCardinality(String),
    cache LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    model_requested LowCardinality(String),
    endpoint LowCardinality(String),
    prompt LowCardinality(String),
    prompt_version Int32,
    experiment LowCardinality(String),
    arm LowCardinality(String),
    key_id LowCardinality(String),
    key LowCardinality(String),
    user String CODEC(ZSTD(1)),

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
    latency AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32), -- milliseconds
    ttft AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32) -- milliseconds, of streams
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
PRIMARY KEY (time, project)
ORDER BY (time, project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key, user)
SETTINGS
    min_columns_to_activate_adaptive_write_buffer = 1,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_1h_of_calls TO usage_1h AS
SELECT
    toStartOfHour(start_time) AS time,
    project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key, user,
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
    quantilesTDigestState(0.5, 0.95, 0.99)(toFloat32(duration_ns / 1e6)) AS latency,
    quantilesTDigestStateIf(0.5, 0.95, 0.99)(toFloat32(ifNull(ttft_ns, 0) / 1e6), isNotNull(ttft_ns)) AS ttft
FROM calls AS c
WHERE kind = 'call'
GROUP BY time, project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key, user;
