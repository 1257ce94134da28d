"""What the checks share: the program under test, job files, the days of a run, and features by DuckDB.

Nothing here comes from the program. RANKMAIL names its binary, FEATURES_SQL the definition of features.
"""

import calendar
import datetime as dt
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
from zoneinfo import ZoneInfo

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
MONTHLY = ROOT / "jobs/monthly.toml"
FIGURES = [
    "first_order_at", "last_order_at", "first_order_closing", "orders_ever", "spend_ever", "orders", "spend", "due_orders",
    "due_spend", "next_orders_known", "next_spend_known", "keep_orders_known", "keep_spend_known",
]
SETTLING = {
    "settled": ["first_order_closing", "orders_ever", "spend_ever", "orders", "spend", "due_orders", "due_spend"],
    "next_settled": ["next_orders_known", "next_spend_known"],
    "keep_settled": ["keep_orders_known", "keep_spend_known"],
}
BY_THE_DAY = [('closing  = "month"', 'closing  = "day"'), ('"7 10 1 * *"', '"7 10 1,16 * *"'), ('"12 months"', '"365 days"')]
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)


# A shop with one rank and one letter, for checks that look at mails and not at ranks.
SMALL = """
name      = "NAME"
time_zone = "Asia/Tokyo"
currency  = "JPY"
[shop]
name    = "つばき堂"
address = "京都市中京区"
contact = "support@tsubaki.example"
url     = "https://tsubaki.example"
[purchases]
path = "purchases.parquet"
columns = { customer = "customer", at = "moment", amount = "amount" }
[customers]
path = "customers.csv"
columns = { customer = "id", email = "email", name = "name", consent = "consent" }
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[[campaign]]
name = "letter"
ranks = "A and up"
[mail]
from        = "つばき堂 <hello@tsubaki.example>"
unsubscribe = "https://tsubaki.example/u/{token}"
"""


def small_job(name, customers="customers.csv"):
    """The job of a small shop up to its [mail]; further tables can follow."""
    return SMALL.replace("NAME", name).replace("customers.csv", customers)


def rankmail(*arguments, expect=(0,)):
    """Runs the program and returns what it printed; another exit code than expected ends the check."""
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in expect:
        sys.exit(f"rankmail {' '.join(map(str, arguments))}\nleft with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def temp():
    """A folder that is gone when the `with` ends."""
    return tempfile.TemporaryDirectory(prefix="oracle-")


def job_in(folder, source=MONTHLY, changes=()):
    """A copy of a job in another folder: its paths still hold, and some of its text is changed."""
    text = pathlib.Path(source).read_text()
    for old, new in changes:
        if old not in text:
            sys.exit(f"{source} has no {old!r} to change")
        text = text.replace(old, new)
    text = text.replace('"../', f'"{ROOT}/').replace('"demo.key"', f'"{ROOT}/jobs/demo.key"')
    path = pathlib.Path(folder) / "job.toml"
    path.write_text(text)
    return path


def read_job(path):
    job = tomllib.loads(pathlib.Path(path).read_text())
    return job | {"folder": pathlib.Path(path).resolve().parent}


# Days and instants (microseconds UTC).


def add_months(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def micros(instant):
    return (instant - EPOCH) // dt.timedelta(microseconds=1)


def offset(local, zone):
    """How far a local time is ahead of UTC, and its instant if it lies in a gap: the first one after the gap."""
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return local.replace(tzinfo=zone).utcoffset() // dt.timedelta(microseconds=1), None
    after = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while after.astimezone(zone).replace(tzinfo=None) < local:
        after += dt.timedelta(minutes=1)
    return 0, micros(after)


def midnight(day, zone):
    ahead, gap = offset(dt.datetime.combine(day, dt.time()), zone)
    return gap if gap is not None else micros(dt.datetime.combine(day, dt.time(), UTC)) - ahead


def review_after(job, day):
    """The first review date after a day."""
    review = job["ranks"].get("review", "monthly")
    if review == "monthly":
        return add_months(day.replace(day=1), 1)
    dates = [dt.date.fromisoformat(f"{year}-{date}") for year in (day.year, day.year + 1) for date in review]
    return min(date for date in dates if date > day)


def due_after(job, day):
    """The first due date after a day, of a schedule that names days of the month."""
    named = [int(one) for one in job["schedule"].split()[2].split(",")]
    return min(date for date in (day + dt.timedelta(days=ahead) for ahead in range(1, 63)) if date.day in named)


def days(job, as_of, previous=None):
    """The days of a run. `previous` are those of the last adopted run."""
    by_day = job["ranks"].get("closing", "month") == "day"
    closing = as_of if by_day else as_of.replace(day=1)
    following = due_after(job, as_of) if by_day else add_months(closing, 1)
    due = previous["keep_by"] if previous and previous["closing"] < previous["keep_by"] <= closing else None
    ends = {"window_start": closing, "due_start": due or closing, "next_start": following, "keep_start": review_after(job, closing)}
    settle = dt.timedelta(days=int(job["ranks"].get("settle_after", "0 days").split()[0]))
    settled = {"settled": closing - settle, "next_settled": following - settle, "keep_settled": ends["keep_start"] - settle}
    return {"as_of": as_of, "closing": closing, "due": due, "keep_by": ends["keep_start"], "next_closing": following} | settled | {
        name: window_start(job["ranks"]["window"], end, settle) for name, end in ends.items()
    }


def window_start(window, end, settle):
    """The first day of the window that ends on a day."""
    if window == "all time":
        return dt.date(1900, 1, 1)
    if window.endswith("months"):
        return add_months(end, -int(window.split()[0]))
    if window.endswith("days"):
        return end - dt.timedelta(days=int(window.split()[0]))
    # The calendar's: the last day before the last settled one's end on which one begins.
    month, first = (1, 1) if window == "calendar year" else map(int, window.split()[-1].split("-"))
    begins = []
    for year in (end.year - 1, end.year):
        begin = dt.date(year, month, min(first, calendar.monthrange(year, month)[1]))
        begins += [begin, add_months(begin, 6)] if window.startswith("half") else [begin]
    return max(begin for begin in begins if begin < end - settle)


# Features.


def definition():
    """The text of features.sql with DuckDB's way to write parameters."""
    places = [os.environ.get("FEATURES_SQL"), ROOT / "docs/features.sql", ROOT.parent / "shared/design/features.sql"]
    for place in places:
        if place and pathlib.Path(place).is_file():
            return re.sub(r":(\w+)", r"$\1", pathlib.Path(place).read_text())
    sys.exit("features.sql is not there; name it in FEATURES_SQL")


def files(job):
    written = job["purchases"]["path"]
    found = []
    for path in [written] if isinstance(written, str) else written:
        path = job["folder"] / path
        found += sorted(map(str, path.rglob("*.parquet"))) if path.is_dir() else [str(path)]
    return found


def amount(written, types, unit):
    """What a line costs in minor units: one column, or columns to add and to take off, each rounded by itself."""
    def minor(column):
        money = f"{column} * {unit}::DOUBLE" if types[column] in ("DOUBLE", "FLOAT") else f"{column} * {unit}"
        return f"round_even({money}, 0)" if types[column].startswith(("DOUBLE", "FLOAT", "DECIMAL")) else money

    if isinstance(written, str):
        return minor(written)
    signed = [("+", column) for column in written["add"]] + [("-", column) for column in written.get("minus", [])]
    total = " ".join(f"{sign} coalesce({minor(column)}, 0)" for sign, column in signed)
    return f"CASE WHEN coalesce({', '.join(column for _, column in signed)}) IS NOT NULL THEN 0 {total} END"


def open_purchases(job):
    """DuckDB with the table `purchases` of features.sql: customer_id, order_id, purchased_at, amount."""
    con = duckdb.connect()
    con.execute("SET timezone = 'UTC'; SET enable_progress_bar = false")
    columns = job["purchases"]["columns"]
    customer, at = columns["customer"], columns["at"]
    con.execute(f"CREATE VIEW lines AS SELECT row_number() OVER () AS line, * FROM read_parquet({files(job)!r}, union_by_name = true)")
    types = {name: kind for name, kind, *_ in con.execute("DESCRIBE lines").fetchall()}
    written = con.execute(f"SELECT DISTINCT type FROM parquet_schema({files(job)!r}) WHERE name = ?", [at]).fetchall()
    # INT96 holds instants, which DuckDB does not tell from local times.
    zone = UTC if written == [("INT96",)] or types[at] == "TIMESTAMP WITH TIME ZONE" else ZoneInfo(job["time_zone"])

    kept = [f"{customer} IS NOT NULL", f"{customer}::VARCHAR <> ''"]
    for column, values in job["purchases"].get("exclude", {}).items():
        kept.append(f"({column} IS NULL OR {column}::VARCHAR NOT IN ({', '.join(map(repr, values))}))")
    for column, values in job["purchases"].get("include", {}).items():
        kept.append(f"coalesce({column}::VARCHAR IN ({', '.join(map(repr, values))}), false)")
    order = f"nullif({columns['order']}::VARCHAR, '')" if "order" in columns else "NULL"
    if "refund_of" in columns:
        order = f"coalesce(nullif({columns['refund_of']}::VARCHAR, ''), {order})"
    money = amount(columns["amount"], types, 10 ** {"JPY": 0, "USD": 2}[job["currency"]])

    # An hour of local time has one offset; the zone's rules come from Python, not from DuckDB.
    hours = con.execute(f"SELECT DISTINCT date_trunc('hour', {at}::TIMESTAMP) FROM lines").fetchall()
    rows = [(hour, *offset(hour, zone)) for (hour,) in hours]
    values = ", ".join(f"(TIMESTAMP '{hour}', {ahead}, {'NULL' if gap is None else gap}::BIGINT)" for hour, ahead, gap in rows)
    con.execute(f"CREATE TABLE hours AS FROM (VALUES {values}) AS hours(hour, ahead, gap)")
    con.execute(f"""
        CREATE TABLE purchases AS
        SELECT {customer}::VARCHAR AS customer_id,
               coalesce('o' || {order}, 'line ' || line) AS order_id,
               coalesce(gap, epoch_us({at}::TIMESTAMP) - ahead) AS purchased_at,
               ({money})::BIGINT AS amount
        FROM lines JOIN hours ON hour = date_trunc('hour', {at}::TIMESTAMP)
        WHERE {' AND '.join(kept)}""")
    return con


def features(con, job, run):
    """What features.sql gives for the days of a run: a dict of figures for each customer."""
    zone = ZoneInfo(job["time_zone"])
    names = ["as_of", "closing", "window_start", "due_start", "next_start", "keep_start"]
    instants = {name: midnight(run[name], zone) for name in names}
    rows = con.execute(definition(), instants).fetchall()
    found = {customer: dict(zip(FIGURES, figures)) for customer, *figures in rows}
    if run["settled"] >= run["closing"]:
        return found
    # With a return period the same definition looks at orders that are settled in time only, each figure at its own.
    for until, figures in SETTLING.items():
        con.execute(f"""
            CREATE OR REPLACE VIEW settled AS SELECT * FROM purchases SEMI JOIN (
                SELECT customer_id, order_id FROM purchases GROUP BY ALL HAVING min(purchased_at) < {midnight(run[until], zone)}
            ) USING (customer_id, order_id)""")
        rows = con.execute(definition().replace("FROM purchases", "FROM settled"), instants).fetchall()
        settled = {customer: dict(zip(FIGURES, row)) for customer, *row in rows}
        for customer, row in found.items():
            row |= {name: settled.get(customer, {}).get(name, None if name.endswith("_closing") else 0) for name in figures}
    return found


def read_table(path, key, columns):
    """A Parquet file of the program: for each key the columns, instants as microseconds. A key twice ends the check."""
    con = duckdb.connect()
    types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
    missing = [column for column in [key, *columns] if column not in types]
    if missing:
        sys.exit(f"{path} lacks {missing}; it has {list(types)}")
    shown = [f"epoch_us({column})" if types[column].startswith("TIMESTAMP") else column for column in columns]
    rows = con.execute(f"SELECT {', '.join([key, *shown])} FROM '{path}'").fetchall()
    table = {row[0]: dict(zip(columns, row[1:])) for row in rows}
    if len(table) != len(rows):
        sys.exit(f"{path} holds a {key} twice")
    return table


def differences(what, wanted, got):
    """Prints how many rows were compared and the first that differ; returns how many do."""
    wrong = [key for key in sorted(wanted.keys() | got.keys()) if wanted.get(key) != got.get(key)]
    print(f"{what}: {len(wanted)} rows, {len(wrong)} differ", flush=True)
    for key in wrong[:5]:
        one, other = wanted.get(key) or {}, got.get(key) or {}
        odd = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
        print(f"  {key}: " + "; ".join(f"{name} is {other.get(name)}, wanted {one.get(name)}" for name in sorted(odd)))
    return len(wrong)
