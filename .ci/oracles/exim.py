"""A real Exim takes mails, plain on this machine and by STARTTLS: each comes once, and byte for byte as it lies in the outbox.

EXIM names its program, which need not be installed: nothing of its own configuration is used. Root starts it.
"""

import collections
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import time

import duckdb

import shop
from receiver import certificate, free_port
from sinks import essence, mail_id

AS_OF, COUNT, USER = "2026-12-01", 300, "Debian-exim"
EXIM = os.environ.get("EXIM") or shutil.which("exim4") or "/usr/sbin/exim4"
CONFIG = """
exim_path = {exim}
deliver_drop_privilege = true
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/spool/pid
local_interfaces = <; [127.0.0.1]:{port}
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
received_header_text =
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
acl_smtp_rcpt = everybody
begin acl
everybody:
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  user = {user}
"""
JOB = shop.small_job("exim") + """[brakes]
audience = "off"
stale    = "off"
"""
BODY = """<html><body><p>{{ customer.name }}様</p>
<p>.a line that begins with a dot</p>
<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>配信停止</a></p></body></html>"""


def make(folder):
    (folder / "templates/letter").mkdir(parents=True)
    (folder / "templates/letter/subject.txt").write_text("{{ customer.name }}様へ")
    (folder / "templates/letter/body.html").write_text(BODY)
    people = [(f"c{number:04}", f"good-{number}@b{number % 7}.example", f"山田 {number}") for number in range(COUNT)]
    (folder / "customers.csv").write_text("id,email,name,consent\n" + "".join(f"{','.join(person)},true\n" for person in people))
    lines = ", ".join(f"('{person[0]}', TIMESTAMP '2026-11-10 12:00', 1000)" for person in people)
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {lines}) AS t(customer, moment, amount)) TO '{folder}/purchases.parquet'")
    path = folder / "job.toml"
    path.write_text(JOB)
    return path


def start(folder, port):
    """An Exim with a configuration of its own; it runs until it is stopped."""
    owner = pwd.getpwnam(USER)
    for name in ("spool", "log", "mail"):
        (folder / name).mkdir()
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    certificate(folder, "localhost")
    shutil.chown(folder / "key.pem", USER)
    (folder / "exim.conf").write_text(CONFIG.format(exim=EXIM, folder=folder, port=port, user=USER))
    # In the foreground, so that it is a child to stop.
    return subprocess.Popen([EXIM, "-C", folder / "exim.conf", "-bdf"])


def main():
    with shop.temp() as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        server, port = folder / "server", free_port()
        server.mkdir()
        path = make(folder)
        shop.rankmail("run", path, "--as-of", AS_OF, "--runs", folder / "outbox")
        outbox = {mail_id(raw): essence(raw) for raw in map(pathlib.Path.read_bytes, (folder / "outbox/exim/outbox/new").iterdir())}
        exim, faults = start(server, port), []
        try:
            for scheme in ("smtp", "smtp+starttls"):
                path.write_text(JOB + f'[mail.smtp]\nca_file = "{server}/ca.pem"\nconnections = 8\n')
                for mail in server.glob("mail/new/*"):
                    mail.unlink()
                runs = folder / scheme
                shop.rankmail("run", path, "--as-of", AS_OF, "--runs", runs, "--smtp", f"{scheme}://localhost:{port}")
                end = time.monotonic() + 60
                while len(list(server.glob("mail/new/*"))) < COUNT and time.monotonic() < end:
                    time.sleep(0.2)
                shop.rankmail("send", path, "--as-of", AS_OF, "--runs", runs, "--smtp", f"{scheme}://localhost:{port}")
                time.sleep(1)
                arrived = [file.read_bytes() for file in server.glob("mail/new/*")]
                counts = collections.Counter(map(mail_id, arrived))
                wrong = sum(essence(raw) != outbox.get(mail_id(raw)) for raw in arrived)
                twice = sum(count > 1 for count in counts.values())
                print(f"{scheme}: {len(counts)} of {COUNT} mails came, {twice} twice, {wrong} are not as in the outbox")
                faults += [scheme] if (len(counts), twice, wrong) != (COUNT, 0, 0) else []
            told = (server / "log/mainlog").read_text()
            if told.count(" X=TLS1.") < COUNT:
                faults.append("Exim did not see TLS for each mail")
        finally:
            exim.terminate()
            exim.wait()
        if faults:
            sys.exit(f"{faults}\n{(server / 'log/mainlog').read_text()[-2000:]}")


if __name__ == "__main__":
    main()
