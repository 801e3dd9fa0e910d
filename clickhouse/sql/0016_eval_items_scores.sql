-- What each score of an evaluation cost, apart from the answer; the votes of a judge that was asked several times; what a RAG pipeline found and
-- cited. In the order of score_names; rows from before have empty lists.
ALTER TABLE eval_items
    ADD COLUMN IF NOT EXISTS contexts Array(String) CODEC(ZSTD(3)) AFTER tool_calls,
    ADD COLUMN IF NOT EXISTS citations String CODEC(ZSTD(3)) AFTER contexts, -- JSON
    ADD COLUMN IF NOT EXISTS score_costs Array(Int64) CODEC(ZSTD(1)) AFTER score_reasons, -- nanodollars, or -1 of what is not known
    ADD COLUMN IF NOT EXISTS score_votes Array(Array(Float64)) CODEC(ZSTD(1)) AFTER score_costs;
