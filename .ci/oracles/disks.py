"""Disks without room, and purchases that are the worst of their kind: real small disks are mounted, full-size files are made. A clear
error or the right result within the memory limit is what must come of each, and nothing may stay behind.

usage: python3 .ci/oracles/disks.py      needs root, for the disks; RANKMAIL names the program under test
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import pathlib
import subprocess
import sys

import duckdb

import shop

AS_OF = "2026-01-01"
LEAST = ["--threads", "1", "--memory", "120MB"]
LAWFUL = "<p>{{ customer.name }} {{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p>"
failed = 0


def say(what, wrong):
    global failed
    failed += bool(wrong)
    print(f"{what}: {wrong or 'holds'}", flush=True)


@contextlib.contextmanager
def disk(folder, size):
    """A disk of this size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def elsewhere(work, *arguments):
    """Works in a process of its own: a command is charged with the memory that this one has when it starts it."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def ask(sql):
    duckdb.execute("SET enable_progress_bar = false")
    return duckdb.execute(sql).fetchall()


def query(sql, out):
    elsewhere(ask, f"COPY ({sql}) TO '{out}' (FORMAT parquet)")


def job(folder, name, purchases, customers):
    """A job whose list and purchases are these files; everybody gets a letter."""
    letter = folder / "templates/letter"
    letter.mkdir(parents=True, exist_ok=True)
    (letter / "subject.txt").write_text("A letter\n")
    (letter / "body.html").write_text(LAWFUL)
    text = shop.small_job(name, customers).replace('"purchases.parquet"', f'"{purchases}"')
    text = text.replace('amount = "amount" }', 'amount = "amount", order = "order_no" }')
    path = folder / f"{name}.toml"
    path.write_text(text + '[brakes]\nstale = "off"\naudience = "off"\nnames = "off"\n')
    return path


def run(arguments, peak=None):
    """Runs the program: exit code, standard error, and peak MB."""
    child = subprocess.Popen([shop.BIN, *map(str, arguments), "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    err = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, err, usage.ru_maxrss / 1024


def left(folder):
    """What lies below a folder but for the lock and the ledger, which say nothing of this run."""
    kept = {"lock", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"}
    return [str(path) for path in folder.rglob("*") if path.is_file() and path.name not in kept]


def refused(what, arguments, folder, words):
    """A full disk: exit code 4, the words, and nothing stays."""
    code, err, _ = run(arguments)
    wrong = [f"exit code {code}"] if code != 4 else []
    wrong += [f"no `{word}`" for word in words if word not in err] + left(folder)
    say(what, wrong and f"{wrong} {err.strip()}")


def full_disks(folder):
    query("SELECT 'C' || (i * 7919 % 60000) AS customer, i AS order_no, TIMESTAMP '2024-01-01' + INTERVAL (i * 60) SECOND AS moment,"
          " 500 + i % 900 AS amount FROM range(1000000) t(i)", folder / "many.parquet")
    query(f"SELECT * FROM '{folder}/many.parquet' LIMIT 60000", folder / "few.parquet")
    people = "SELECT 'C' || i AS id, md5(i::VARCHAR) || '@b.example' AS email, md5((i + 1)::VARCHAR) AS name, true AS consent FROM range({}) t(i)"
    for name, number in ("short", 20_000), ("long", 700_000):
        query(people.format(number), folder / f"{name}.parquet")
    many, few = job(folder, "many", "many.parquet", "short.parquet"), job(folder, "few", "few.parquet", "short.parquet")
    long = job(folder, "long", "few.parquet", "long.parquet")
    with disk(folder / "small", "2m") as small:
        out = small / "features.parquet"
        refused("features whose purchases do not fit", ["features", many, "--as-of", AS_OF, "--out", out, *LEAST], small,
                ["rankmail-lines", "No space left", "make room"])
        refused("a plan whose purchases do not fit", ["plan", many, "--as-of", AS_OF, "--runs", small, *LEAST], small,
                ["rankmail-lines", "No space left", "make room"])
        refused("a plan whose list does not fit", ["plan", long, "--as-of", AS_OF, "--runs", small], small,
                [str(small), "No space left", "make room"])
        refused("a plan that does not fit itself", ["plan", few, "--as-of", AS_OF, "--runs", small], small, [str(small), "No space left"])
    with disk(folder / "tiny", "256k") as tiny:
        refused("features that do not fit themselves", ["features", few, "--as-of", AS_OF, "--out", tiny / "features.parquet"], tiny,
                [str(tiny), "No space left", "make room"])
    with disk(folder / "large", "300m") as large:
        out = large / "features.parquet"
        made = [run(["features", many, "--as-of", AS_OF, "--out", out, *LEAST]), run(["plan", few, "--as-of", AS_OF, "--runs", large])]
        say("the same with room", [told for told in made if told[0]])
        rows = elsewhere(ask, f"SELECT count(*), sum(orders_ever)::BIGINT FROM '{out}'")
        say("features of those who waited on the disk", rows != [(60_000, 1_000_000)] and rows)


def worst(folder):
    """One customer with ten million lines, which are far apart: all of them in one partition."""
    query("SELECT 'everybody' AS customer, i // 3 AS order_no, TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS moment,"
          " 500 + i % 900 AS amount FROM range(10000000) t(i) ORDER BY hash(i)", folder / "one.parquet")
    query("SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS email, NULL::VARCHAR AS name, true AS consent LIMIT 0", folder / "nobody.parquet")
    out = folder / "features.parquet"
    for what, memory in ("with much memory", "4GB"), ("with little", "200MB"):
        path = job(folder, "one", "one.parquet", "nobody.parquet")
        code, err, peak = run(["features", path, "--as-of", AS_OF, "--out", out, "--threads", "2", "--memory", memory])
        rows = not code and elsewhere(ask, f"SELECT customer_id, orders_ever, spend_ever FROM '{out}'")
        wanted = elsewhere(ask, f"SELECT 'everybody', count(DISTINCT order_no), sum(amount)::BIGINT FROM '{folder}/one.parquet'")
        wrong = rows != wanted and f"{code} {rows} {err}" or (memory == "200MB" and peak > 200 and f"{peak:.0f} MB")
        say(f"a customer with ten million lines, {what} ({peak:.0f} MB)", wrong)


def two_gigabytes(path):
    """Writes a real dictionary of 2 GB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.array([f"{number:08}".ljust(1 << 20, "x") for number in range(2_000)], pa.large_string())
    column = pa.DictionaryArray.from_arrays(pa.array(range(2_000), pa.int32()), texts)
    table = pa.table({"customer": column, "order_no": pa.array(range(2_000)), "amount": pa.array([500] * 2_000),
                      "moment": pa.array([1_735_689_600_000_000] * 2_000, pa.timestamp("us"))})
    pq.write_table(table, path, use_dictionary=["customer"], dictionary_pagesize_limit=(1 << 31) - 1, compression="zstd", write_statistics=False)


def dictionary(folder):
    elsewhere(two_gigabytes, folder / "dictionary.parquet")
    code, err, peak = run(["features", job(folder, "words", "dictionary.parquet", "nobody.parquet"), "--as-of", AS_OF, "--out", folder / "words.parquet",
                           "--threads", "2", "--memory", "300MB"])
    say(f"a dictionary of 2 GB ({peak:.0f} MB)", (code != 3 or "dictionary.parquet" not in err or peak > 300) and f"{code} {err}")


def main():
    with shop.temp() as folder:
        folder = pathlib.Path(folder)
        full_disks(folder)
        worst(folder)
        dictionary(folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
