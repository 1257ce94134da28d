"""Real servers take the demo shop's December: Postfix's smtp-sink, and one that stores what comes. The outbox says what must arrive."""

import collections
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

import shop

AS_OF = "2026-12-01"


def essence(raw):
    """A mail without the time of its sending; servers differ in line ends and in a blank line at the end."""
    text = raw.replace(b"\r\n", b"\n").rstrip(b"\n")
    return re.sub(rb"(?m)^Date: .*\n", b"", text, count=1)


def mail_id(raw):
    return re.search(rb"(?mi)^Message-ID:\s*<([^@>]+)@", raw)[1].decode()


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def judge(server, wanted, arrived):
    """Compares what arrived, pairs of recipient and bytes, with what the outbox holds."""
    counts = collections.Counter(mail_id(raw) for _, raw in arrived)
    faults = {
        "came twice": [one for one, count in counts.items() if count > 1],
        "never came": [one for one in wanted if one not in counts],
        "were not planned": [one for one in counts if one not in wanted],
        "differ from the outbox": [mail_id(raw) for to, raw in arrived if (to, essence(raw)) != wanted.get(mail_id(raw))],
    }
    print(f"{server}: {len(arrived)} of {len(wanted)} mails came; " + ", ".join(f"{len(ids)} {what}" for what, ids in faults.items()), flush=True)
    for what, ids in faults.items():
        if ids:
            print(f"  {what}: {ids[:3]}")
    return any(faults.values())


def check_states(path, runs, count):
    states = json.loads(shop.rankmail("status", path, "--as-of", AS_OF, "--runs", runs, "--json"))["states"]
    if {state: number for state, number in states.items() if number} != {"accepted": count}:
        sys.exit(f"the ledger says {states}, and {count} mails were to be accepted")


def send(path, runs, where):
    """Plans, sends a part, sends the rest, and tries once more: the last must send nothing."""
    common = ("--as-of", AS_OF, "--runs", runs, "--smtp", where)
    shop.rankmail("plan", path, *common[:4])
    shop.rankmail("send", path, *common, "--limit", 100)
    shop.rankmail("send", path, *common)
    shop.rankmail("run", path, *common)


def smtp_sink(path, folder, wanted):
    """Postfix's test server writes each mail into a file, with the envelope in lines before it."""
    program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    if not os.path.exists(program):
        sys.exit("smtp-sink is missing; Debian has it in the package postfix")
    store, number = folder / "sink", port()
    store.mkdir()
    if os.geteuid() == 0:
        folder.chmod(0o755)
        store.chmod(0o777)
    user = ["-u", "postfix"] if os.geteuid() == 0 else []
    server = subprocess.Popen([program, *user, "-d", f"{store}/m.", f"127.0.0.1:{number}", "256"])
    try:
        wait_for(number)
        send(path, folder / "runs-sink", f"smtp://127.0.0.1:{number}")
    finally:
        server.terminate()
        server.wait()
    arrived = []
    for file in store.iterdir():
        envelope, raw = split_envelope(file.read_bytes())
        arrived.append((re.search(r"(?m)^X-Rcpt-Args: <(.*)>", envelope)[1], raw))
    check_states(path, folder / "runs-sink", len(wanted))
    return judge("smtp-sink", wanted, arrived)


def split_envelope(dump):
    """smtp-sink puts lines of its own before the mail: X-… for the session, and a Received of several lines."""
    lines = dump.split(b"\n")
    end = next(at for at, line in enumerate(lines) if not line.startswith((b"X-", b"Received:", b"\t", b" ")))
    return b"\n".join(lines[:end]).decode(), b"\n".join(lines[end:])


def wait_for(number):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", number)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {number}")


class Store:
    """Keeps every mail and its recipient."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos[0], envelope.original_content))
        return "250 kept"


class Tolerant(SMTP):
    """Old carriers gave out addresses that the standard parser refuses."""

    def _getaddr(self, argument):
        found = re.match(r"<([^<>]*)>(.*)", argument.strip())
        return (found[1], found[2].strip()) if found else (None, None)


class Storing(Controller):
    def factory(self):
        return Tolerant(self.handler, ident="store")


def storing_server(path, folder, wanted):
    store, number = Store(), port()
    server = Storing(store, hostname="127.0.0.1", port=number)
    server.start()
    try:
        send(path, folder / "runs-store", f"smtp://127.0.0.1:{number}")
    finally:
        server.stop()
    check_states(path, folder / "runs-store", len(wanted))
    return judge("aiosmtpd", wanted, store.mails)


def main():
    with shop.temp() as name:
        folder = pathlib.Path(name)
        path = shop.job_in(folder)
        job = shop.read_job(path)
        shop.rankmail("run", path, "--as-of", AS_OF, "--runs", folder / "runs")
        outbox = folder / "runs" / job["name"] / "outbox/new"
        to = shop.read_table(folder / "runs" / job["name"] / AS_OF / "mails.parquet", "mail_id", ["address"])
        wanted = {file.stem: (to[file.stem]["address"], essence(file.read_bytes())) for file in outbox.iterdir()}
        wrong = [server(path, folder, wanted) for server in (smtp_sink, storing_server)]
    sys.exit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
