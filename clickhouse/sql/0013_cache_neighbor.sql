-- Of a call that was answered with the answer of a like question: the call that was answered first, and how like the
-- questions are, from 0 to 1. Empty on all others.
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS cache_neighbor String CODEC(ZSTD(1)) AFTER own_text,
    ADD COLUMN IF NOT EXISTS cache_score Float64 CODEC(ZSTD(1)) AFTER cache_neighbor;

-- adjustments has the columns of calls.
ALTER TABLE adjustments
    ADD COLUMN IF NOT EXISTS cache_neighbor String CODEC(ZSTD(1)) AFTER own_text,
    ADD COLUMN IF NOT EXISTS cache_score Float64 CODEC(ZSTD(1)) AFTER cache_neighbor;
