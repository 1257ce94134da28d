"""kill -9, two hundred times while the demo shop's December is sent, against a receiver that shares no code with the program.

The receiver is a process of its own. It writes down each mail it takes, synced to the disk, before it answers 250. Then: no mail was
taken twice; every mail is accepted or in doubt in the ledger, each accepted one was taken, and a kill leaves at most as many in doubt as
there were connections. RANKMAIL names the program under test.
"""

import contextlib
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

from receiver import Receiver

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
AS_OF = "2026-12-01"
KILLS = 200
CONNECTIONS = 4
# The receiver's pause before each 250: long enough for so many kills before the mails run out.
NAP = 0.2


def job_in(folder):
    text = (ROOT / "jobs/monthly.toml").read_text()
    text = text.replace('"../', f'"{ROOT}/').replace('"demo.key"', f'"{ROOT}/jobs/demo.key"')
    path = folder / "job.toml"
    path.write_text(text + f"\n[mail.smtp]\nconnections = {CONNECTIONS}\n")
    return path


def rankmail(*arguments, codes=(0,)):
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"rankmail {' '.join(map(str, arguments))}\nleft with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def kill_often(command, receiver, dice):
    """Starts the sending and kills it, again and again; returns how many kills hit."""
    hits = 0
    for _ in range(KILLS):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        before, deadline = len(receiver.taken()), time.monotonic() + 20
        # Most moments are counted from the first mail, so that few kills are spent on the start of the program.
        if dice.random() < 0.8:
            while len(receiver.taken()) == before and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.2))
        child.kill()
        _, complaint = child.communicate()
        if child.returncode == -9:
            hits += 1
        elif child.returncode not in (0, 1):
            sys.exit(f"the sending left with {child.returncode}: {complaint.decode()}")
    return hits


def check(runs, arrived, kills, planned):
    """Compares the ledger with what the receiver wrote down; prints figures, returns the violations."""
    with contextlib.closing(sqlite3.connect(f"file:{runs}/ledger.sqlite?mode=ro", uri=True)) as ledger:
        states = dict(ledger.execute("SELECT mail_id, state FROM mails WHERE as_of = ?", (AS_OF,)))
    accepted = {mail for mail, state in states.items() if state == "accepted"}
    doubtful = {mail for mail, state in states.items() if state == "in_doubt"}
    twice = len(arrived) - len(set(arrived))
    print(f"{kills} kills, {planned} mails: {len(arrived)} taken, {len(accepted)} accepted, {len(doubtful)} in doubt "
          f"({len(doubtful & set(arrived))} of them taken), at most {CONNECTIONS * kills} allowed")
    violations = {
        "mails taken twice": twice,
        "mails in no final state": len(states) - len(accepted) - len(doubtful),
        "mails missing from the ledger": planned - len(states),
        "accepted but never taken": len(accepted - set(arrived)),
        "taken but neither accepted nor in doubt": len(set(arrived) - accepted - doubtful),
        "more in doubt than connections": max(0, len(doubtful) - CONNECTIONS * kills),
        "kills that hit nothing": int(kills < KILLS * 3 // 4),
    }
    return {what: count for what, count in violations.items() if count}


def main():
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    start, dice = time.monotonic(), random.Random(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = pathlib.Path(name)
        path, runs = job_in(folder), folder / "runs"
        common = (path, "--as-of", AS_OF, "--runs", runs)
        planned = json.loads(rankmail("plan", *common, "--json"))["mails"]
        with Receiver(folder / "seen", nap=NAP) as receiver:
            send = ("send", *common, "--smtp", receiver.url, "-q")
            kills = kill_often([BIN, *map(str, send)], receiver, dice)
            rankmail(*send, codes=(0, 1))
            before = len(receiver.taken())
            rankmail(*send, codes=(0, 1))
            violations = check(runs, [mail.mail for mail in receiver.taken()], kills, planned)
            if len(receiver.taken()) != before:
                violations["mails sent after everything was settled"] = len(receiver.taken()) - before
    for what, count in violations.items():
        print(f"VIOLATION: {count} {what}")
    print(f"{len(violations)} violations, {time.monotonic() - start:.0f} s")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
