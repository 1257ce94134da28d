"""How fast rankmail sends, beside Postfix's own load generator, nodemailer's pool and mailmerge. It prints; no time ever fails, only a
mail that is missing does.

usage: python3 benches/wire.py [MAILS [MANY]]      needs PyPI's duckdb, Debian's postfix (smtp-sink, smtp-source), and a release build
RANKMAIL names the program. npm's nodemailer (in NODE_PATH) and PyPI's mailmerge are shown where they are there. MANY mails over 200
connections show how much memory sending takes.
"""

import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
MAILS, MANY = [int(given) for given in sys.argv[1:3]] + [20_000, 200_000][len(sys.argv[1:3]) :]
BYTES, SESSIONS, TIMES, PORT = 12_000, 16, 3, 2526
# mailmerge sends one mail after the other, each over a connection of its own.
MERGED, MANY_BYTES, MANY_CONNECTIONS = 500, 3_000, 200
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


def pool():
    """Seconds that nodemailer's pool takes, or why it is not shown."""
    if not shutil.which("node"):
        return "there is no Node.js"
    script = pathlib.Path(__file__).with_name("pool.js")
    started = time.monotonic()
    command = ["node", script, PORT, MAILS, BYTES, SESSIONS]
    ended = subprocess.run([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        return (ended.stderr.strip().splitlines() or ["it failed"])[0]
    return time.monotonic() - started


def merge(folder):
    """Seconds that mailmerge takes for some of them, or why it is not shown."""
    if not shutil.which("mailmerge"):
        return "it is not installed"
    folder.mkdir()
    filler = "A line of the letter that is there to be carried.\n" * (BYTES // 50)
    head = "TO: {{email}}\nSUBJECT: A letter to {{id}}\nFROM: The shop <hello@shop.example>\n\n"
    (folder / "mailmerge_template.txt").write_text(head + filler)
    rows = "".join(f"c{number},c{number}@b.example\n" for number in range(MERGED))
    (folder / "mailmerge_database.csv").write_text("id,email\n" + rows)
    (folder / "mailmerge_server.conf").write_text(f"[smtp_server]\nhost = 127.0.0.1\nport = {PORT}\n")
    started = time.monotonic()
    command = ["mailmerge", "--no-dry-run", "--no-limit"]
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        return (ended.stderr.strip().splitlines() or ["it failed"])[-1]
    return time.monotonic() - started


def beside(name, mails, took):
    if isinstance(took, str):
        print(f"{name:14} not shown: {took}", flush=True)
    else:
        print(f"{name:14} {mails / took:6.0f} mails/s     {mails} mails", flush=True)


def full_speed(folder):
    user = ["-u", "postfix"] if os.getuid() == 0 else []
    sink = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{PORT}", "1000"])
    try:
        time.sleep(1)
        place = shop(folder / "fast", MAILS, BYTES, SESSIONS)
        rounds = [(limit(BYTES), send(place, PORT, number)) for number in range(TIMES)]
        print(f"{MAILS} mails of {BYTES} bytes to smtp-sink, {SESSIONS} connections, the ledger's fsync on")
        medians = []
        for name, seconds in zip(["smtp-source", "rankmail send"], zip(*rounds)):
            rates = [MAILS / one for one in seconds]
            medians.append(statistics.median(rates))
            print(f"{name:14} {medians[-1]:6.0f} mails/s     {' '.join(f'{rate:.0f}' for rate in rates)}", flush=True)
        beside("nodemailer", MAILS, pool())
        beside("mailmerge", MERGED, merge(folder / "merge"))
        print(f"rankmail reaches {medians[1] / medians[0]:.2f} of the limit\n")
        memory(folder)
    finally:
        sink.kill()


def memory(folder):
    """The most that `send` of many mails over many connections ever held."""
    place = shop(folder / "many", MANY, MANY_BYTES, MANY_CONNECTIONS)
    runs = folder / "many-runs"
    call = lambda verb, *more: [BIN, verb, place / "job.toml", "--runs", runs, "--as-of", "2026-12-01", "--quiet", *more]
    plan, started = peak(call("plan")), time.monotonic()
    sent = peak(call("send", "--smtp", f"smtp://127.0.0.1:{PORT}"))
    took = time.monotonic() - started
    print(f"{MANY} mails over {MANY_CONNECTIONS} connections: {sent} MiB at most ({took:.0f} s); planning them {plan} MiB\n", flush=True)


def peak(command):
    """Runs a command, and gives the most memory that it held, in MiB."""
    process = subprocess.Popen([str(part) for part in command])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[1]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss // 1024


class SlowServer:
    """A receiver that takes 20 ms for whatever it was told at once. A thread of its own sleeps for each connection: the timers of one loop
    for all are late by a millisecond or two, and no sender makes up for that."""

    def __init__(self, pipelining):
        self.offer = b"250-slow\r\n250 PIPELINING\r\n" if pipelining else b"250 slow\r\n"
        self.taken = 0
        self.counting = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.welcome, daemon=True).start()

    def welcome(self):
        while True:
            connection, _ = self.server.accept()
            threading.Thread(target=self.talk, args=[connection], daemon=True).start()

    def talk(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 slow\r\n")
        unread, in_text = b"", False
        while part := connection.recv(1 << 16):
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
                if verb == b".":
                    with self.counting:
                        self.taken += 1
                answers.append({b"EHLO": self.offer, b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if answers:
                time.sleep(REPLY)
                connection.sendall(b"".join(answers))
        connection.close()


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
