-- by_size: the least and the most of what calls are sorted by, of each granule. A list of the dearest or slowest calls knows from a sample
-- how large they are at least, and reads only where there is something as large. Parts from before are given it when they are next merged,
-- or by the second statement, in the background.
ALTER TABLE calls ADD INDEX IF NOT EXISTS by_size (cost, duration_ns, ttft_ns, input_uncached + cache_read + cache_write_5m + cache_write_1h + input_audio + output_text + reasoning + output_audio) TYPE minmax GRANULARITY 1;

ALTER TABLE calls MATERIALIZE INDEX by_size;
