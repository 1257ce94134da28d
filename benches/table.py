"""The table of what rankmail has to reach, measured in one run on one machine: medians beside the bars. It prints; no time ever fails,
only a wrong figure does.

usage: python3 benches/table.py LINES CUSTOMERS      needs PyPI's duckdb, polars and pyarrow, and `cargo build --release`
RANKMAIL names the program, SHARED the folder with bench/ (the peers and the generator), DATA a folder that keeps what is generated,
BARE_LOOP the binary of benches/bare_loop.rs (without it cargo builds it), TIMES how often each runs (3), PLANS how often plans do (TIMES).
1e6 5e4 takes a minute or two; 1e8 5e6 an hour or more, where PLANS=1 helps.
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import duckdb

import scale
from scale import TIMES, elsewhere, measure
from speed import BENCH, BIN, JOB, ROOT

PLANS = int(os.environ.get("PLANS", TIMES))
AS_OF = "2026-01-01"
# What the generator's lines and lists do not have, and the demo's days moved to theirs.
CHANGES = [
    ('exclude = { status = ["cancelled", "test"] }\n', ""),
    ('coupon   = "coupon_code"\n', ""),
    ('points_used = "points_used"\n', ""),
    ('"../testdata/products.parquet"', f'"{ROOT}/testdata/products.parquet"'),
    ('"../templates"', f'"{ROOT}/templates"'),
    ('"demo.key"', f'"{ROOT}/jobs/demo.key"'),
    ("2026-12-01..2026-12-25", "2026-01-01..2026-01-25"),
    ("until 2026-12-25", "until 2026-01-25"),
    ("on = 2027-01-24", "on = 2026-02-24"),
]


def customers(number, out):
    """A customer list for the generator's purchases: an address for everybody, the consent of nine in ten."""
    con = duckdb.connect()
    con.execute("SET threads = 2; SET memory_limit = '8GB'; SET enable_progress_bar = false")
    one_of = lambda salt, *values: f"{list(values)}[1 + CAST(hash(i + {salt}) % {len(values)} AS INT)]"
    con.execute(f"""COPY (SELECT printf('C%09d', i) AS customer_id,
        printf('customer%d@example.%s', i, {one_of(0, 'com', 'net', 'jp')}) AS email,
        {one_of(1, '佐藤', '鈴木', '高橋', '田中', '伊藤', '渡辺', '山本', '中村')} || ' ' ||
            {one_of(2, '花子', '陽菜', '太郎', '学', '浩', 'さくら', '文子', '凛')} AS name,
        CASE WHEN hash(i + 3) % 5 > 0 THEN DATE '1950-01-01' + CAST(hash(i + 4) % 20000 AS INT) END AS birthday,
        CASE WHEN hash(i + 5) % 10 > 0 THEN TIMESTAMP '2023-01-01' + INTERVAL (CAST(hash(i + 6) % 900 AS INT)) DAY END AS consented_at,
        NULL::DATE AS first_visit_on, NULL::VARCHAR AS rank,
        CASE WHEN hash(i + 7) % 200 = 0 THEN '退会' ELSE '会員' END AS status,
        {one_of(8, '京都', '大阪', '東京', '通販')} AS store, nullif({one_of(9, '肉', '甘味', '')}, '') AS likes,
        {one_of(10, '贈答', '情熱')} AS vip_type
        FROM range({int(float(number))}) t(i)) TO '{out}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)""")


def shop(folder, kept, lines, number):
    """Purchases, a list and the demo's job for them: the files of purchases and of the job."""
    purchases, listed = kept / f"scale-{lines:.0f}-{number:.0f}-generated.parquet", kept / f"scale-{number:.0f}-customers.parquet"
    if not purchases.exists():
        subprocess.run([sys.executable, BENCH / "gen_purchases.py", str(lines), str(number), purchases], check=True)
    if not listed.exists():
        elsewhere(customers, number, listed)
    text = (ROOT / "jobs/monthly.toml").read_text()
    for old, new in [*CHANGES, ('"../testdata/purchases"', f'"{purchases}"'), ('"../testdata/customers.parquet"', f'"{listed}"')]:
        if old not in text:
            sys.exit(f"jobs/monthly.toml has no `{old}` any more")
        text = text.replace(old, new)
    job = folder / f"{lines:.0f}.toml"
    job.write_text(text)
    return purchases, job


def bare_loop():
    """The binary with the libraries alone."""
    if "BARE_LOOP" in os.environ:
        return os.environ["BARE_LOOP"]
    command = ["cargo", "bench", "--bench", "bare_loop", "--no-run"]
    told = subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.PIPE, text=True).stderr
    return ROOT / re.findall(r"Executable .*\((.*)\)", told)[-1]


def seconds(command):
    """What a bare loop says that it took."""
    told = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    print("    " + told.strip(), flush=True)
    return float(re.search(r", ([0-9.]+) s,", told)[1])


def in_turn(times, works):
    """Each piece of work in turn, so many times: its medians."""
    rounds = [[work() for work in works.values()] for _ in range(times)]
    medians = {}
    for name, runs in zip(works, zip(*rounds)):
        medians[name] = [statistics.median(column) for column in zip(*runs)]
        shown = medians[name]
        if len(shown) == 3:
            print(f"    {name:28} {shown[0]:8.2f} s  {shown[1]:8.2f} s of processors  {shown[2]:6.0f} MB", flush=True)
    return medians


def row(what, bar, goal, ratio, told=""):
    print(f"| {what} | {bar} | {goal} | {ratio} | {told} |", flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    lines, number = float(sys.argv[1]), float(sys.argv[2])
    bare = bare_loop()
    with tempfile.TemporaryDirectory(prefix="table-", dir=os.environ.get("DATA")) as folder:
        folder = pathlib.Path(folder)
        kept = pathlib.Path(os.environ.get("DATA", folder)).resolve()
        purchases, job = shop(folder, kept, lines, number)
        half_purchases, half_job = shop(folder, kept, lines / 2, number / 2)
        print(f"{lines:,.0f} lines, {number:,.0f} customers; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\nfeatures, with the peers")
        ratios, wrong = scale.compare("plain", purchases.resolve(), folder)

        def features_job(path):
            to = folder / "features.toml"
            to.write_text(JOB.replace('path = "purchases.parquet"', f'path = "{path}"'))
            return to

        out, runs = folder / "features.parquet", folder / "runs"
        call = lambda command, job, *more: measure([BIN, command, job, "--as-of", AS_OF, "--quiet", "--runs", runs, *more])
        features = lambda path, *more: call("features", features_job(path), "--out", out, *more)

        def plan(job):
            """A plan in a folder of its own; the first one stays, for its mails."""
            to = runs / ("plan" if not (runs / "plan").exists() else "another")
            told = call("plan", job, "--into", to)
            shutil.rmtree(runs / "another", ignore_errors=True)
            return told

        print("\nscaling and growth of features", flush=True)
        threads = in_turn(TIMES, {
            "decode 1": lambda: [seconds([bare, "decode", purchases, 1])],
            "decode 2": lambda: [seconds([bare, "decode", purchases, 2])],
            "features, 1 thread": lambda: features(purchases, "--threads", "1"),
            "features, 2 threads": lambda: features(purchases, "--threads", "2"),
            "features of the half": lambda: features(half_purchases),
        })
        print("\nplans", flush=True)
        plans = in_turn(PLANS, {
            "features before": lambda: features(purchases),
            "plan": lambda: plan(job),
            "plan of the half": lambda: plan(half_job),
        })
        tera = in_turn(PLANS, {"Tera alone": lambda: [seconds([bare, runs / "plan", 1, "tera"])]})["Tera alone"][0]

    print("\n| measured in one run, medians | bar | goal | measured | |\n|---|---|---|---|---|")
    if ratios:
        row("features against the faster peer, time", "0.6", "0.4", f"{ratios[0]:.2f}", f"processors {ratios[1]:.2f}")
        row("the same, memory", "0.5", "", f"{ratios[2]:.2f}")
    mails = plans["plan"][0] - plans["features before"][0]
    row("plan minus features against Tera alone", "1.5", "1.2", f"{mails / tera:.2f}", f"{mails:.1f} s against {tera:.1f} s")
    row("peak memory of the plan", "2 GB", "1 GB", f"{plans['plan'][2] / 1024:.2f} GB", "of the half {:.2f} GB".format(plans["plan of the half"][2] / 1024))
    for name, (whole, half) in {"plan": (plans["plan"], plans["plan of the half"]),
                                "features": (threads["features, 2 threads"], threads["features of the half"])}.items():
        row(f"growth of {name} with 2 × lines and customers", "2.1", "2.0", f"{whole[0] / half[0]:.2f}", f"processors {whole[1] / half[1]:.2f}")
    ours = threads["features, 1 thread"][0] / threads["features, 2 threads"][0]
    theirs = threads["decode 1"][0] / threads["decode 2"][0]
    row("one thread to two, against decoding alone", "0.9", "0.95", f"{ours / theirs:.2f}", f"{ours:.2f} × against {theirs:.2f} ×")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
