"""How fast rankmail sends, beside Postfix's own load generator. It prints; no time ever fails, only a mail that is missing does.

usage: python3 benches/wire.py [MAILS]      needs PyPI's duckdb, Debian's postfix (smtp-sink, smtp-source), and a release build
RANKMAIL names the program.
"""

import asyncio
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
MAILS, BYTES, SESSIONS, TIMES, PORT = int((sys.argv[1:] or ["20000"])[0]), 12_000, 16, 3, 2526
SLOW_MAILS, SLOW_CONNECTIONS, REPLY = 2_000, 10, 0.020
JOB = """
name      = "bench"
time_zone = "UTC"
currency  = "JPY"
[shop]
name    = "The shop"
address = "1 Main Street"
contact = "help@shop.example"
url     = "https://shop.example"
[purchases]
path = "purchases.parquet"
columns = {{ customer = "customer", at = "at", amount = "amount" }}
[customers]
path = "customers.csv"
columns = {{ customer = "id", email = "email", consent = "consent" }}
[[rank]]
name = "A"
at_least = {{ orders_ever = 1 }}
[[campaign]]
name = "letter"
ranks = "A and up"
[mail]
from        = "The shop <hello@shop.example>"
unsubscribe = "https://shop.example/u/{{token}}"
[mail.smtp]
connections = {connections}
[brakes]
audience = "off"
stale    = "off"
"""
FOOT = "<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }}</p><p><a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p>"


def shop(folder, mails, size, connections):
    """A shop whose plan holds so many mails of about this size."""
    folder.mkdir()
    (folder / "templates/letter").mkdir(parents=True)
    (folder / "templates/letter/subject.txt").write_text("A letter to {{ customer.id }}\n")
    # The text is sent twice, as HTML and as plain text.
    filler = "<p>A line of the letter that is there to be carried.</p>\n" * (max(size - 3_000, 0) // 110)
    (folder / "templates/letter/body.html").write_text(f"<!DOCTYPE html><html><body>{filler}{FOOT}</body></html>\n")
    (folder / "job.toml").write_text(JOB.format(connections=connections))
    rows = "".join(f"c{number},c{number}@b.example,true\n" for number in range(mails))
    (folder / "customers.csv").write_text("id,email,consent\n" + rows)
    duckdb.sql(
        f"COPY (SELECT 'c' || range AS customer, TIMESTAMPTZ '2026-11-10 00:00:00+00' AS at, 3000 AS amount FROM range({mails}))"
        f" TO '{folder}/purchases.parquet' (FORMAT parquet)"
    )
    return folder


def send(folder, port, number):
    """Seconds for sending a plan that was never sent."""
    runs = folder / f"runs{number}"
    call = lambda verb, *more: [BIN, verb, folder / "job.toml", "--runs", runs, "--as-of", "2026-12-01", "--quiet", *more]
    subprocess.run(call("plan"), check=True)
    started = time.monotonic()
    subprocess.run(call("send", "--smtp", f"smtp://127.0.0.1:{port}"), check=True)
    return time.monotonic() - started


def limit(size):
    """Seconds that Postfix's load generator takes for the same."""
    started = time.monotonic()
    command = ["smtp-source", "-d", "-s", SESSIONS, "-m", MAILS, "-l", size, "-f", "a@example.com", "-t", "b@example.com"]
    subprocess.run([str(part) for part in [*command, f"127.0.0.1:{PORT}"]], check=True)
    return time.monotonic() - started


def full_speed(folder):
    user = ["-u", "postfix"] if os.getuid() == 0 else []
    sink = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{PORT}", "1000"])
    try:
        time.sleep(1)
        place = shop(folder / "fast", MAILS, BYTES, SESSIONS)
        rounds = [(limit(BYTES), send(place, PORT, number)) for number in range(TIMES)]
    finally:
        sink.kill()
    print(f"{MAILS} mails of {BYTES} bytes to smtp-sink, {SESSIONS} connections, the ledger's fsync on")
    medians = []
    for name, seconds in zip(["smtp-source", "rankmail send"], zip(*rounds)):
        rates = [MAILS / one for one in seconds]
        medians.append(statistics.median(rates))
        print(f"{name:14} {medians[-1]:6.0f} mails/s     {' '.join(f'{rate:.0f}' for rate in rates)}", flush=True)
    print(f"rankmail reaches {medians[1] / medians[0]:.2f} of the limit\n")


class SlowServer:
    """A receiver that takes 20 ms for whatever it was told at once."""

    def __init__(self, pipelining):
        self.offer = b"250-slow\r\n250 PIPELINING\r\n" if pipelining else b"250 slow\r\n"
        self.taken = 0
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.talk, "127.0.0.1", 0, limit=1 << 20))
        self.port = self.server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def talk(self, reader, writer):
        writer.write(b"220 slow\r\n")
        unread, in_text = b"", False
        while part := await reader.read(1 << 16):
            unread += part
            answers = []
            while True:
                end = b"\r\n.\r\n" if in_text else b"\r\n"
                line, found, rest = unread.partition(end)
                if not found:
                    break
                unread = rest
                verb = b"." if in_text else line[:4].upper()
                in_text = verb == b"DATA"
                self.taken += verb == b"."
                answers.append({b"EHLO": self.offer, b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if answers:
                await asyncio.sleep(REPLY)
                writer.write(b"".join(answers))
        writer.close()


def slow_replies(folder):
    print(f"{SLOW_MAILS} mails to a receiver with {REPLY * 1000:.0f} ms a reply, {SLOW_CONNECTIONS} connections")
    for name, pipelining, replies in [("one by one", False, 4), ("PIPELINING", True, 2)]:
        server = SlowServer(pipelining)
        place = shop(folder / name, SLOW_MAILS, BYTES, SLOW_CONNECTIONS)
        rate = SLOW_MAILS / send(place, server.port, 0)
        if server.taken != SLOW_MAILS:
            sys.exit(f"{server.taken} of {SLOW_MAILS} mails arrived")
        best = SLOW_CONNECTIONS / (replies * REPLY)
        print(f"{name:14} {rate:6.0f} mails/s     {rate / best:.2f} of what {replies} replies a mail allow", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        full_speed(pathlib.Path(name))
        slow_replies(pathlib.Path(name))
