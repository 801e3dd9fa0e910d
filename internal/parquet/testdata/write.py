# Writes the files of other programs' form that the reader is tested with: pip install pyarrow==26.0.1
import datetime, decimal
import pyarrow as pa, pyarrow.parquet as pq

utc = datetime.timezone.utc
n = 1000
at = datetime.datetime(2026, 11, 25, 8, 0, 0, 123456, utc)
rest = lambda v: [v] + [None] * (n - 1)
table = pa.table({
    "text": pa.array(["hello"] + ["t%d" % (i % 10) for i in range(1, n)]),
    "n": pa.array([7 + i for i in range(n)], pa.int64()),
    "small": pa.array([-1] * n, pa.int8()),
    "big": pa.array(rest(1 << 63), pa.uint64()),
    "f": pa.array(rest(0.5), pa.float32()),
    "yes": pa.array([True] + [i % 3 == 0 for i in range(1, n)]),
    "none": pa.array([None] * n, pa.string()),
    "day": pa.array(rest(at.date()), pa.date32()),
    "at": pa.array(rest(at), pa.timestamp("us", "UTC")),
    "money": pa.array(rest(decimal.Decimal("12.345")), pa.decimal128(18, 9)),
    "wide": pa.array(rest(decimal.Decimal("-0.01")), pa.decimal128(38, 2)),
    "list": pa.array(rest(["a", None, "c"]), pa.list_(pa.string())),
    "nested": pa.array(rest([[1, 2], []]), pa.list_(pa.list_(pa.int64()))),
    "pair": pa.array(rest({"x": 1, "y": ["z"]}), pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))])),
    "map": pa.array(rest([("k", 1)]), pa.map_(pa.string(), pa.int64())),
    "messages": pa.array(rest([{"role": "user", "content": "hi"}, {"role": "assistant", "content": None}]), pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
})
for codec in ["none", "snappy", "gzip", "zstd"]:
    pq.write_table(table, f"pyarrow-{codec}.parquet", compression=codec, row_group_size=400)
pq.write_table(table, "pyarrow-v2.parquet", compression="zstd", version="2.6", data_page_version="2.0", row_group_size=400)
pq.write_table(table, "pyarrow-plain.parquet", compression="snappy", use_dictionary=False, data_page_size=512)
pq.write_table(table.select(["n"]), "pyarrow-refused-delta.parquet", use_dictionary=False, column_encoding={"n": "DELTA_BINARY_PACKED"})
pq.write_table(table.select(["n"]), "pyarrow-refused-brotli.parquet", compression="brotli")
