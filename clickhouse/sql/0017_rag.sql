-- rag_collections: the collections of RAG, one row for each time that one was made or dropped.
--
-- ORDER BY: the name, then the revision.
-- It serves one question: what is the collection of a name now. It bets on some dozens of rows.
CREATE TABLE IF NOT EXISTS rag_collections
(
    name String,
    revision Int64, -- nanoseconds since 1970
    number UInt64, -- what its points carry; another after it was dropped and made anew
    embedder String,
    dimensions Int32,
    splitter String,
    average_length Float64,
    dropped Bool
)
ENGINE = MergeTree
ORDER BY (name, revision);

-- rag_aliases: where aliases point, one row for each move; to nothing ('') when one was taken away.
--
-- ORDER BY: the alias, then the revision.
-- It serves one question: where does an alias point now. It bets on some dozens of rows.
CREATE TABLE IF NOT EXISTS rag_aliases
(
    alias String,
    revision Int64, -- nanoseconds since 1970
    collection String
)
ENGINE = MergeTree
ORDER BY (alias, revision);

-- rag_points: the passages of documents with their vectors. A row is never changed: a point that is put again is another row with
-- another seq, and the row before it is in rag_gone.
--
-- ORDER BY: the row's number, within the partition of a collection.
-- It serves three questions: the nearest of all vectors of a collection, which reads the column of vectors whole; the rows of some
-- numbers, which a search gives; and the rows of an id or a document, by looking through that column. It bets on collections of up to
-- a few hundred thousand points, and on some dozens of collections: a partition each, so that dropping one is dropping its files. A
-- granule is 32 rows: a row is some kilobytes, and what a search gives lies far apart, so that it reads one column, passage, and not
-- a dozen.
CREATE TABLE IF NOT EXISTS rag_points
(
    collection UInt64 CODEC(ZSTD(1)),
    seq UInt64 CODEC(Delta(8), LZ4), -- of this row, ascending in time and unique in its collection
    document String CODEC(ZSTD(1)),
    id FixedString(16) CODEC(NONE), -- a UUID's bytes
    ordinal Int32 CODEC(LZ4),
    title String CODEC(ZSTD(1)),
    document_hash String CODEC(ZSTD(1)),
    tenant LowCardinality(String),
    label_names Array(LowCardinality(String)) CODEC(LZ4),
    label_values Array(String) CODEC(LZ4),
    vector Array(Float32) CODEC(NONE), -- no codec finds much in it
    term_ids Array(UInt32) CODEC(LZ4),
    term_weights Array(Float32) CODEC(LZ4),
    passage String CODEC(LZ4) SETTINGS (min_compress_block_size = 16384, max_compress_block_size = 65536) -- JSON: all that is shown of it
)
ENGINE = MergeTree
PARTITION BY collection
ORDER BY seq
SETTINGS index_granularity = 32;

-- rag_terms: which rows of rag_points have a term, and its BM25 weight there.
--
-- ORDER BY: the term, then the row's number, within the partition of a collection.
-- It serves one question: all rows of a question's terms, of which there are tens of thousands for the common ones. It has the tenant, so
-- that a search by words need not look at the points. A granule is 1,024 rows: most terms are in some dozens. Rows of points that are
-- gone stay until their collection is cleared up.
CREATE TABLE IF NOT EXISTS rag_terms
(
    collection UInt64 CODEC(ZSTD(1)),
    term UInt32 CODEC(Delta(4), LZ4),
    seq UInt64 CODEC(Delta(8), LZ4),
    tenant LowCardinality(String),
    weight Float32 CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY collection
ORDER BY (term, seq)
SETTINGS index_granularity = 1024;

-- rag_gone: the rows of rag_points that were replaced or removed and are there until their collection is cleared up.
--
-- ORDER BY: the row's number, within the partition of a collection.
-- It serves one question: all rows of a collection, which is asked by every search. It bets that they are few beside the points.
CREATE TABLE IF NOT EXISTS rag_gone
(
    collection UInt64 CODEC(ZSTD(1)),
    seq UInt64 CODEC(Delta(8), LZ4),
    at UInt64 CODEC(Delta(8), LZ4) -- a number as those of rows: when it went
)
ENGINE = MergeTree
PARTITION BY collection
ORDER BY seq;
