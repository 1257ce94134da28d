"""Features at any size and in any shape, by rankmail and by the tools beside it that a user would take instead. It prints; no time ever
fails, only a wrong figure does.

usage: python3 benches/scale.py LINES CUSTOMERS [SHAPE …]      needs PyPI's duckdb, polars and pyarrow, and a release build
RANKMAIL names the program, SHARED the folder with bench/ (the peers and the generator), DATA a folder that keeps what is generated,
TIMES how often each tool runs (3), ONLY the tools that run (rankmail,duckdb,polars), MORE more arguments for rankmail.
"""

import concurrent.futures
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from speed import BENCH, BIN, JOB, differing

TIMES = int(os.environ.get("TIMES", 3))
ONLY = os.environ.get("ONLY", "rankmail,duckdb,polars").split(",")
MORE = os.environ.get("MORE", "").split()


def generated(source, out):
    """As the generator wrote it: in the order of time, ids of customers as text, those of orders as numbers."""
    os.link(source, out)


def queried(select):
    """The same lines by way of a query."""

    def write(source, out):
        con = duckdb.connect()
        con.execute("SET threads = 2; SET memory_limit = '8GB'; SET enable_progress_bar = false")
        con.execute(f"COPY (SELECT {select.format(source=source)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 1000000)")
    return write


def many_files(source, out):
    """The same lines in 500 files."""
    out.mkdir()
    file = pq.ParquetFile(source)
    rows = -(-file.metadata.num_rows // 500)
    number = 0

    def put(table, end):
        nonlocal number
        while table.num_rows >= rows or (end and table.num_rows):
            pq.write_table(table.slice(0, rows), out / f"{number:03}.parquet", compression="zstd")
            table, number = table.slice(rows), number + 1
        return table

    rest = None
    for batch in file.iter_batches(batch_size=1 << 17):
        table = pa.Table.from_batches([batch])
        rest = put(table if rest is None else pa.concat_tables([rest, table]), False)
    put(rest, True)


def typed(kind):
    """Both ids as one type of text."""

    def write(source, out):
        file = pq.ParquetFile(source)
        writer = None
        for batch in file.iter_batches(batch_size=1_000_000, columns=["customer_id", "order_id", "purchased_at", "amount"]):
            columns = {name: batch.column(name) for name in batch.schema.names}
            text = {name: columns[name].cast(pa.string()) for name in ("customer_id", "order_id")}
            columns |= {name: value.dictionary_encode() if kind == "dictionary" else value.cast(kind) for name, value in text.items()}
            table = pa.table(columns)
            writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
            writer.write_table(table)
        writer.close()
    return write


SHAPES = {
    "plain": generated,
    # The lines of an order lie far apart.
    "shuffled": queried("* FROM '{source}' ORDER BY hash(order_id, product_id, quantity, amount)"),
    "numbers": queried("* REPLACE (CAST(substr(customer_id, 2) AS BIGINT) AS customer_id) FROM '{source}'"),
    "files": many_files,
    "dictionary": typed("dictionary"),
    "view": typed(pa.string_view()),
    "large": typed(pa.large_string()),
}


def elsewhere(work, *arguments):
    """Works in a process of its own: a command is charged with the memory that this one has when it starts it."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def write(name, plain, source):
    SHAPES[name](plain, source)


# A command is charged with the memory of the process that starts it, so a small one does.
SMALL = """
import os, sys, time
started = time.monotonic()
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent), 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def measure(command):
    """Seconds, seconds of all processors, and peak MB of a command."""
    command = [str(part) for part in command]
    told = subprocess.run([sys.executable, "-S", "-E", "-c", SMALL, *command], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    if told[0] != "0":
        sys.exit(f"{command} left with {told[0]}")
    return tuple(float(figure) for figure in told[1:])


def compare(name, source, folder):
    """Runs all in turn and prints medians. Gives the ratios of time, processors and memory to the peer that is best at each, and how many
    rows are wrong."""
    ratios = None
    job = folder / "job.toml"
    job.write_text(JOB.replace('path = "purchases.parquet"', f'path = "{source}"'))
    out = {tool: folder / f"{tool}.parquet" for tool in ("rankmail", "duckdb", "polars")}
    read = f"{source}/*.parquet" if source.is_dir() else source
    commands = {
        "rankmail": [BIN, "features", job, "--as-of", "2026-01-01", "--out", out["rankmail"], "--quiet", *MORE],
        "duckdb": [sys.executable, BENCH / "features_duckdb.py", read, out["duckdb"]],
        "polars": [sys.executable, BENCH / "features_polars.py", read, out["polars"]],
    }
    commands = {tool: command for tool, command in commands.items() if tool in ONLY}
    rounds = [[measure(command) for command in commands.values()] for _ in range(TIMES)]
    medians = {tool: [statistics.median(column) for column in zip(*runs)] for tool, runs in zip(commands, zip(*rounds))}
    for tool, (seconds, busy, peak) in medians.items():
        print(f"{name:12} {tool:10} {seconds:7.2f} s  {busy:7.2f} s of processors  {peak:6.0f} MB", flush=True)
    peers = [medians[tool] for tool in medians if tool != "rankmail"]
    if "rankmail" in medians and peers:
        ratios = [ours / min(column) for ours, column in zip(medians["rankmail"], zip(*peers))]
        print(f"{name:12} {'ratios':10} time {ratios[0]:.2f}, processors {ratios[1]:.2f}, memory {ratios[2]:.2f}", flush=True)
    if not {"rankmail", "duckdb"} <= medians.keys():
        return ratios, 0
    return ratios, elsewhere(check, out["rankmail"], out["duckdb"])


def check(ours, peer):
    """How many rows differ; ids that are numbers are text with rankmail."""
    text = peer.with_suffix(".text.parquet")
    duckdb.execute("SET enable_progress_bar = false")
    duckdb.execute(f"COPY (SELECT * REPLACE (customer_id::VARCHAR AS customer_id) FROM '{peer}') TO '{text}'")
    return differing(ours, text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    lines, customers, *wanted = sys.argv[1:]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        folder = pathlib.Path(folder)
        kept = pathlib.Path(os.environ.get("DATA", folder))
        plain = kept / f"scale-{lines}-{customers}-generated.parquet"
        if not plain.exists():
            subprocess.run([sys.executable, BENCH / "gen_purchases.py", lines, customers, plain], check=True)
        for name in wanted or SHAPES:
            source = kept / f"scale-{lines}-{customers}-{name}{'' if name == 'files' else '.parquet'}"
            if not source.exists():
                elsewhere(write, name, plain, source)
            wrong += compare(name, source.resolve(), folder)[1]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
