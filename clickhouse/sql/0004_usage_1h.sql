-- usage_1h: sums of each hour, made of usage_1m. Days of time zones a whole number of hours from UTC are made of it.
--
-- ORDER BY: as usage_1m.
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
PRIMARY KEY (time, project)
ORDER BY (time, project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key)
SETTINGS
    min_columns_to_activate_adaptive_write_buffer = 1,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_1h_of_usage_1m TO usage_1h AS
SELECT
    toStartOfHour(u.time) AS time,
    project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key,
    sum(u.calls) AS calls,
    sum(u.errors) AS errors,
    sum(u.unpriced_calls) AS unpriced_calls,
    sum(u.cache_hits) AS cache_hits,
    sum(u.cost) AS cost,
    sum(u.saved) AS saved,
    sum(u.input_uncached) AS input_uncached,
    sum(u.cache_read) AS cache_read,
    sum(u.cache_write_5m) AS cache_write_5m,
    sum(u.cache_write_1h) AS cache_write_1h,
    sum(u.input_audio) AS input_audio,
    sum(u.output_text) AS output_text,
    sum(u.reasoning) AS reasoning,
    sum(u.output_audio) AS output_audio,
    min(u.shortest) AS shortest,
    max(u.longest) AS longest,
    sum(u.latency_0) AS latency_0,
    sum(u.latency_1) AS latency_1,
    sum(u.latency_2) AS latency_2,
    sum(u.latency_3) AS latency_3,
    sum(u.ttft_0) AS ttft_0,
    sum(u.ttft_1) AS ttft_1,
    sum(u.ttft_2) AS ttft_2
FROM usage_1m AS u
GROUP BY time, project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key;
