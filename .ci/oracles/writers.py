"""The same purchases by other writers and in other types: the features must be the same to the last figure."""

import pathlib
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import shop

AS_OF = "2026-12-01"
TOKYO = "Asia/Tokyo"


def purchases():
    """The demo shop's lines. Milliseconds are the coarsest unit to be written, so finer digits are cut off first."""
    columns = pq.ParquetDataset(shop.ROOT / "testdata/purchases", partitioning=None).read()
    times = pc.floor_temporal(columns["purchased_at"], unit="millisecond")
    return put(columns, "purchased_at", times)


def put(table, name, column):
    return table.set_column(table.column_names.index(name), name, column)


def cast(table, **types):
    for name, kind in types.items():
        table = put(table, name, table[name].cast(kind))
    return table


def all_texts(table, kind):
    return cast(table, **{field.name: kind for field in table.schema if pa.types.is_string(field.type)})


def instants(table):
    return put(table, "purchased_at", pc.assume_timezone(table["purchased_at"], TOKYO))


def numbered_orders(table):
    """Orders named by numbers: what has no name stays without one."""
    order = pc.if_else(pc.equal(table["order_id"], ""), None, table["order_id"])
    return put(table, "order_id", order.combine_chunks().dictionary_encode().indices.cast(pa.int64()))


def numbered_customers(table):
    """Customers named by numbers, some lines without one."""
    numbers = table["customer_id"].combine_chunks().dictionary_encode().indices.cast(pa.int64())
    return put(table, "customer_id", pc.if_else(pc.equal(pc.bit_wise_and(numbers, 63), 5), None, numbers))


def empty(table, name, kind):
    """A column in which nothing is, as a writer that saw no value types it."""
    return put(table, name, pa.nulls(table.num_rows, kind))


def by_pandas(table):
    """What pandas makes of whole numbers with gaps. The order ids have them, and so have the customers."""
    for kind in (pa.int64(), pa.float64(), pa.float32(), pa.decimal128(20, 0), pa.decimal128(30, 2), pa.decimal256(40, 3)):
        yield f"customers as {kind}", cast(table, customer_id=kind), {}
    yield "customers as text", cast(table, customer_id=pa.string()), {}
    yield "NaN for no customer", put(table, "customer_id", pc.fill_null(table["customer_id"].cast(pa.float64()), float("nan"))), {}


def by_pyarrow(table):
    """Name, table and options of each way in which pyarrow writes."""
    naive_utc = cast(instants(table), purchased_at=pa.timestamp("ms", "UTC"))
    naive_utc = put(naive_utc, "purchased_at", pc.local_timestamp(naive_utc["purchased_at"]).cast(pa.timestamp("ns")))
    yield "plain", table, {}
    for codec in ("none", "snappy", "gzip", "lz4", "zstd"):
        yield f"compressed by {codec}", table, {"compression": codec, "row_group_size": 4_000}
    yield "second format", table, {"version": "1.0", "data_page_version": "2.0", "use_dictionary": False}
    yield "delta encodings", table, {
        "use_dictionary": False,
        "column_encoding": {"amount": "DELTA_BINARY_PACKED", "customer_id": "DELTA_BYTE_ARRAY", "order_id": "DELTA_LENGTH_BYTE_ARRAY"},
    }
    yield "dictionaries", all_texts(table, pa.dictionary(pa.int32(), pa.string())), {}
    yield "large strings", all_texts(table, pa.large_string()), {}
    yield "string views", all_texts(table, pa.string_view()), {}
    numbered = numbered_orders(table)
    yield "orders as numbers", numbered, {}
    for kind in (pa.float64(), pa.decimal128(20, 0), pa.decimal128(30, 2)):
        yield f"orders as {kind}", cast(numbered, order_id=kind), {}
    for kind in (pa.null(), pa.float64(), pa.timestamp("ns"), pa.bool_()):
        yield f"no code at all as {kind}", empty(table, "coupon_code", kind), {}
    for unit in ("ms", "us", "ns"):
        yield f"local {unit}", cast(table, purchased_at=pa.timestamp(unit)), {"version": "2.6"}
        for zone in ("UTC", TOKYO, "America/New_York"):
            yield f"{unit} in {zone}", cast(instants(table), purchased_at=pa.timestamp(unit, zone)), {"version": "2.6"}
    yield "INT96", naive_utc, {"use_deprecated_int96_timestamps": True}
    for kind in (pa.int32(), pa.float64(), pa.float32()):
        yield f"amount as {kind}", cast(table, amount=kind), {}
    exact = cast(cast(table, amount=pa.int32()), amount=pa.decimal128(16, 4))
    for kind in (pa.decimal128(9, 0), pa.decimal128(18, 2), pa.decimal128(38, 4), pa.decimal256(60, 3)):
        yield f"amount as {kind}", cast(exact, amount=kind), {}
    yield "decimals as integers", cast(exact, amount=pa.decimal128(12, 2)), {"store_decimal_as_integer": True}


def write_all(table, folder):
    """Writes each variant into a path of its own and yields its name and what the job says of where it is."""
    for number, (name, changed, options) in enumerate(by_pyarrow(table)):
        path = folder / f"pyarrow{number}.parquet"
        pq.write_table(changed, path, **options)
        yield f"pyarrow, {name}", str(path)

    lines = duckdb.connect()
    lines.register("lines", table)
    for codec in ("snappy", "zstd", "gzip", "lz4_raw", "uncompressed"):
        path = folder / f"duckdb_{codec}.parquet"
        lines.execute(f"COPY lines TO '{path}' (FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE 2048)")
        yield f"DuckDB, {codec}", str(path)
    named = "CASE order_id WHEN '' THEN NULL ELSE md5(order_id)::UUID END"
    lines.execute(f"COPY (SELECT * REPLACE ({named} AS order_id) FROM lines) TO '{folder}/uuid.parquet' (FORMAT parquet)")
    yield "DuckDB, orders as UUIDs", f"{folder}/uuid.parquet"
    lines.register("numbered", numbered_orders(table))
    lines.execute(f"COPY (SELECT * REPLACE (order_id::HUGEINT AS order_id) FROM numbered) TO '{folder}/huge.parquet' (FORMAT parquet)")
    yield "DuckDB, orders as HUGEINT", f"{folder}/huge.parquet"
    lines.execute(f"COPY (SELECT *, year(purchased_at) AS y FROM lines) TO '{folder}/hive' (FORMAT parquet, PARTITION_BY (y))")
    yield "DuckDB, folders by year", f"{folder}/hive"
    yield "a glob", f"{folder}/hive/*/*.parquet"

    for codec in ("zstd", "snappy", "gzip", "lz4", "uncompressed"):
        path = folder / f"polars_{codec}.parquet"
        polars.from_arrow(table).write_parquet(path, compression=codec, row_group_size=5_000)
        yield f"Polars, {codec}", str(path)

    yield "a folder as Spark leaves it", str(like_spark(table, folder / "spark"))


def write_numbered(table, folder):
    for number, (name, changed, options) in enumerate(by_pandas(numbered_customers(table))):
        path = folder / f"numbered{number}.parquet"
        pq.write_table(changed, path, **options)
        yield name, str(path)


def like_spark(table, folder):
    """Parts in INT96 with their checksum files and the mark of success."""
    folder.mkdir()
    spark = next(changed for name, changed, _ in by_pyarrow(table) if name == "INT96")
    for part, start in enumerate(range(0, spark.num_rows, 10_000)):
        name = f"part-{part:05}-c000.snappy.parquet"
        pq.write_table(spark.slice(start, 10_000), folder / name, use_deprecated_int96_timestamps=True)
        (folder / f".{name}.crc").write_bytes(b"crc\0\0\0\2\0")
    (folder / "_SUCCESS").touch()
    return folder


def features_of(path, folder):
    job = shop.job_in(folder, changes=[('"../testdata/purchases"', f'"{path}"')])
    out = pathlib.Path(folder) / "features.parquet"
    shop.rankmail("features", job, "--as-of", AS_OF, "--runs", f"{folder}/runs", "--out", out)
    return shop.read_table(out, "customer_id", shop.FIGURES)


def main():
    wrong = 0
    with shop.temp() as folder:
        for write in (write_all, write_numbered):
            wanted = None
            for name, path in write(purchases(), pathlib.Path(folder)):
                got = features_of(path, folder)
                wanted = wanted or got
                wrong += shop.differences(name, wanted, got)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
