-- adjustments: what was added to the cost of calls after they were recorded, one row for each correction, with the call's
-- own dimensions and start. Calls are never changed; sums of cost are over both.
--
-- A table of its own, so that what is written with every call costs nothing more, and nobody who reads calls need know of
-- it. Its columns, key and settings are those of calls: add a column to both.
CREATE TABLE IF NOT EXISTS adjustments AS calls;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_1m_of_adjustments TO usage_1m AS
SELECT
    toStartOfMinute(start_time) AS time,
    project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key,
    toUInt64(0) AS calls,
    toUInt64(0) AS errors,
    toUInt64(0 - toInt64(countIf(has(flags, 'was_unpriced')))) AS unpriced_calls, -- sums wrap around: it takes them away
    toUInt64(0) AS cache_hits,
    sum(ifNull(a.cost, toDecimal64(0, 9))) AS cost,
    toDecimal128(0, 9) AS saved,
    toInt64(0) AS input_uncached,
    toInt64(0) AS cache_read,
    toInt64(0) AS cache_write_5m,
    toInt64(0) AS cache_write_1h,
    toInt64(0) AS input_audio,
    toInt64(0) AS output_text,
    toInt64(0) AS reasoning,
    toInt64(0) AS output_audio,
    toInt64(9223372036854775807) AS shortest,
    toInt64(0) AS longest,
    toUInt256(0) AS latency_0,
    toUInt256(0) AS latency_1,
    toUInt256(0) AS latency_2,
    toUInt256(0) AS latency_3,
    toUInt256(0) AS ttft_0,
    toUInt256(0) AS ttft_1,
    toUInt256(0) AS ttft_2
FROM adjustments AS a
GROUP BY time, project, status, cache, provider, model, model_requested, endpoint, prompt, prompt_version, experiment, arm, key_id, key;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_user_1h_of_adjustments TO usage_user_1h AS
SELECT
    toStartOfHour(start_time) AS time,
    user, model, provider, model_requested, project, status, cache, endpoint, prompt, prompt_version, experiment, arm, key_id, key,
    toUInt64(0) AS calls,
    toUInt64(0) AS errors,
    toUInt64(0 - toInt64(countIf(has(flags, 'was_unpriced')))) AS unpriced_calls,
    toUInt64(0) AS cache_hits,
    sum(ifNull(a.cost, toDecimal64(0, 9))) AS cost,
    toDecimal128(0, 9) AS saved,
    toInt64(0) AS input_uncached,
    toInt64(0) AS cache_read,
    toInt64(0) AS cache_write_5m,
    toInt64(0) AS cache_write_1h,
    toInt64(0) AS input_audio,
    toInt64(0) AS output_text,
    toInt64(0) AS reasoning,
    toInt64(0) AS output_audio,
    toInt64(9223372036854775807) AS shortest,
    toInt64(0) AS longest,
    toUInt256(0) AS latency_0,
    toUInt256(0) AS latency_1,
    toUInt256(0) AS latency_2,
    toUInt256(0) AS latency_3,
    toUInt256(0) AS ttft_0,
    toUInt256(0) AS ttft_1,
    toUInt256(0) AS ttft_2
FROM adjustments AS a
GROUP BY time, user, model, provider, model_requested, project, status, cache, endpoint, prompt, prompt_version, experiment, arm, key_id, key;
