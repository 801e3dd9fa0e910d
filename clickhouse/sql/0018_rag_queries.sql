-- rag_queries: what pipelines of RAG were asked and what became of it, one row for each question; one that is written again has another
-- with a higher revision.
--
-- ORDER BY: the time, then the id.
-- It serves two questions: the newest of some time, and sums over some time, of one pipeline or of all. It bets on questions being few
-- beside calls: a day's are read whole, of some narrow columns. A single one is found by its id.
CREATE TABLE IF NOT EXISTS rag_queries
(
    id String CODEC(ZSTD(1)),
    revision Int64 CODEC(ZSTD(1)), -- nanoseconds since 1970
    time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    call_id String CODEC(ZSTD(1)),
    project LowCardinality(String),
    pipeline LowCardinality(String),
    collection LowCardinality(String),
    question String CODEC(ZSTD(3)),
    took_steps Array(LowCardinality(String)) CODEC(ZSTD(1)),
    took_ms Array(Float64) CODEC(ZSTD(1)),
    count_steps Array(LowCardinality(String)) CODEC(ZSTD(1)),
    counts Array(Int32) CODEC(ZSTD(1)),
    retrieval_ms Float64 CODEC(ZSTD(1)),
    total_ms Float64 CODEC(ZSTD(1)),
    empty Bool,
    top_score Float64 CODEC(ZSTD(1)),
    not_in_sources Bool,
    citations Int32 CODEC(ZSTD(1)),
    verified Int32 CODEC(ZSTD(1)),
    context_tokens Int64 CODEC(ZSTD(1)),
    generation_cost Nullable(Decimal(18, 9)) CODEC(ZSTD(1)),
    context_relevance Nullable(Float64) CODEC(ZSTD(1)),
    response_quality Nullable(Float64) CODEC(ZSTD(1)),

    chunk_ids Array(String) CODEC(ZSTD(1)),
    chunk_documents Array(String) CODEC(ZSTD(1)),
    chunk_packed Array(Bool) CODEC(ZSTD(1)),
    chunk_cited Array(Bool) CODEC(ZSTD(1)),
    chunk_dropped Array(LowCardinality(String)) CODEC(ZSTD(1)), -- the stage it did not come through
    chunk_why Array(String) CODEC(ZSTD(1)),
    place_chunks Array(Int32) CODEC(ZSTD(1)), -- index in chunk_ids, from 0
    place_steps Array(LowCardinality(String)) CODEC(ZSTD(1)),
    place_ranks Array(Int32) CODEC(ZSTD(1)),
    place_scores Array(Float64) CODEC(ZSTD(1)),

    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (time, id)
SETTINGS index_granularity = 1024;
