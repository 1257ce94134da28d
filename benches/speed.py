"""How fast rankmail is, with the tools beside it that a user would take instead. It prints; no time ever fails, only a wrong figure does.

usage: python3 benches/speed.py      needs PyPI's duckdb and polars, and a release build
RANKMAIL names the program, SHARED the folder with bench/ (the peers and the generator).
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
BENCH = pathlib.Path(os.environ.get("SHARED", ROOT.parent / "shared")) / "bench"
LINES, CUSTOMERS, TIMES = "1e7", "5e5", 3
JOB = """
name      = "bench"
time_zone = "UTC"
currency  = "JPY"
runs      = "runs"
templates = "templates"
[shop]
name    = "The shop"
address = "1 Main Street"
contact = "help@shop.example"
url     = "https://shop.example"
[purchases]
path = "purchases.parquet"
[purchases.columns]
customer = "customer_id"
order    = "order_id"
at       = "purchased_at"
amount   = "amount"
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[mail]
from        = "The shop <hello@shop.example>"
unsubscribe = "https://shop.example/u/{token}"
"""


def measure(command):
    """Seconds and peak MB of a command."""
    started = time.monotonic()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} left with {child.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def in_turn(commands):
    """Runs each command in turn, several times; for each the median of seconds and of peak MB, and all seconds."""
    rounds = [[measure(command(number)) for command in commands.values()] for number in range(TIMES)]
    print("tool                 median     peak     all", flush=True)
    medians = {}
    for name, column in zip(commands, zip(*rounds)):
        seconds, peaks = zip(*column)
        medians[name] = statistics.median(seconds)
        times = " ".join(f"{one:.2f}" for one in seconds)
        print(f"{name:18} {medians[name]:6.2f} s {statistics.median(peaks):5.0f} MB     {times}", flush=True)
    return medians


def demo(folder):
    """The README's run, each time from nothing: plan, report, ledger, and every mail in the outbox."""
    print("the demo shop's whole run")
    command = [BIN, "run", ROOT / "jobs/monthly.toml", "--as-of", "2026-12-01", "--quiet", "--runs"]
    in_turn({"rankmail run": lambda number: [*command, folder / f"runs{number}"]})


def features(folder):
    """The features of a long history, by rankmail and by its peers."""
    print(f"\nfeatures of {float(LINES):,.0f} lines, {float(CUSTOMERS):,.0f} customers")
    source = folder / "purchases.parquet"
    measure([sys.executable, BENCH / "gen_purchases.py", LINES, CUSTOMERS, source])
    (folder / "job.toml").write_text(JOB)
    out = {name: folder / f"{name}.parquet" for name in ("rankmail", "duckdb", "polars")}
    peer = lambda name: lambda _: [sys.executable, BENCH / f"features_{name}.py", source, out[name]]
    medians = in_turn({
        "rankmail features": lambda _: [BIN, "features", folder / "job.toml", "--as-of", "2026-01-01", "--out", out["rankmail"], "--quiet"],
        "DuckDB": peer("duckdb"),
        "Polars": peer("polars"),
    })
    ours = medians.pop("rankmail features")
    print("ratios to rankmail: " + ", ".join(f"{name} {median / ours:.2f}" for name, median in medians.items()))
    return differing(out["rankmail"], out["duckdb"])


def differing(ours, peer):
    """How many rows differ from DuckDB's. Its instants have no zone, and its sums are written as doubles."""
    con = duckdb.connect()
    con.execute("SET timezone = 'UTC'; SET enable_progress_bar = false")
    columns = [(name, kind) for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM '{peer}'").fetchall()]
    kinds = {"VARCHAR": "VARCHAR", "TIMESTAMP": "TIMESTAMP"}
    shown = ", ".join(f"{name}::{kinds.get(kind, 'BIGINT')}" for name, kind in columns)
    tables = [f"SELECT {shown} FROM '{path}'" for path in (ours, peer)]
    odd = sum(con.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchone()[0] for one, other in (tables, tables[::-1]))
    rows = con.execute(f"SELECT count(*) FROM '{ours}'").fetchone()[0]
    print(f"{rows:,} rows, {odd} differ from DuckDB's")
    return odd


def main():
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        demo(pathlib.Path(folder))
        sys.exit(1 if features(pathlib.Path(folder)) else 0)


if __name__ == "__main__":
    main()
