"""A real Postfix takes mails over TLS from a user that signs in, and returns some of them: what arrives is what was planned, and its
delivery reports stop whom they should."""

import collections
import json
import os
import pathlib
import sys

import duckdb

import shop
from postfix import BOUNCES, PASSWORD, USER, Postfix
from sinks import essence, mail_id

AS_OF, NEXT, COUNT = "2026-12-01", "2027-01-01", 300
JOB = shop.small_job("relay") + """[mail.smtp]
ca_file       = "CA"
password_file = "password"
return_path   = "back+{token}@tsubaki.example"
connections   = 8
[bounces]
soft = { times = 2, within = "90 days" }
[brakes]
audience = "off"
stale    = "off"
failures = "off"
"""
FOOT = "<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>配信停止</a></p>"


def make(folder, authority):
    """A shop whose customers are good addresses, save one for each kind of report."""
    (folder / "templates/letter").mkdir(parents=True)
    (folder / "templates/letter/subject.txt").write_text("{{ customer.name }}様へ")
    (folder / "templates/letter/body.html").write_text(f"<html><body><p>{{{{ customer.name }}}}様</p>{FOOT}</body></html>")
    names = [*BOUNCES, *(f"good-{number}" for number in range(COUNT - len(BOUNCES)))]
    rows = "".join(f"c-{name},{name}@b.example,山田 {name},true\n" for name in names)
    (folder / "customers.csv").write_text("id,email,name,consent\n" + rows)
    lines = ", ".join(f"('c-{name}', TIMESTAMP '2026-11-10 12:00', 1000)" for name in names)
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {lines}) AS t(customer, moment, amount)) TO '{folder}/purchases.parquet'")
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text(PASSWORD)
    path = folder / "job.toml"
    path.write_text(JOB.replace('"CA"', f'"{authority}"'))
    return path


def states(path, as_of=AS_OF):
    found = json.loads(shop.rankmail("status", path, "--as-of", as_of, "--json"))["states"]
    return {state: count for state, count in found.items() if count}


def refused(path, where):
    """None of these may send anything: each stops the run, and every mail stays planned."""
    password, authority = path.parent / "password", path.read_text()
    password.write_text("another password")
    shop.rankmail("send", path, "--as-of", AS_OF, "--smtp", where, expect=(5,))
    password.write_text(PASSWORD)
    path.write_text(authority.replace('ca_file       = "', 'ca_file       = "/etc/ssl/certs/ca-certificates.crt" # "'))
    shop.rankmail("send", path, "--as-of", AS_OF, "--smtp", where, expect=(5,))
    path.write_text(authority)
    shop.rankmail("send", path, "--as-of", AS_OF, "--smtp", where.replace("localhost", "127.0.0.1"), expect=(5,))
    if states(path) != {"planned": COUNT}:
        sys.exit(f"a server that is not to be trusted, or trusts us not, was sent mails: {states(path)}")


def judge(postfix, outbox):
    """Compares what lies in the Maildir with what was written into the outbox of another sending of the same plan."""
    faults, mails = [], collections.Counter()
    reports = 0
    for path in postfix.arrived():
        raw = path.read_bytes()
        if b"multipart/report" in raw:
            reports += 1
            continue
        # Postfix puts its own lines before ours; our From is the first of ours.
        own = raw[raw.index(b"\nFrom: ") + 1:]
        mails[mail_id(own)] += 1
        if essence(own) != outbox.get(mail_id(own)):
            faults.append(f"{mail_id(own)} is not what was planned")
    faults += [f"{one} came {count} times" for one, count in mails.items() if count != 1]
    if len(mails) != COUNT - len(BOUNCES) or reports != len(BOUNCES):
        faults.append(f"{len(mails)} mails and {reports} reports came")
    return faults


def main():
    with shop.temp() as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        relay = folder / "relay"
        relay.mkdir()
        with Postfix(relay) as postfix:
            faults = []
            for number, start in enumerate((f"smtps://{USER}@localhost:{postfix.tls_port}", f"smtp+starttls://{USER}@localhost:{postfix.port}")):
                path = make(folder / str(number), postfix.authority)
                shop.rankmail("plan", path, "--as-of", AS_OF)
                refused(path, start)
                shop.rankmail("send", path, "--as-of", AS_OF, "--smtp", start)
                postfix.wait(lambda: len(postfix.arrived()) >= COUNT and postfix.is_idle())
                if states(path) != {"accepted": COUNT}:
                    faults.append(f"the ledger says {states(path)}")
                # The same plan into an outbox, with the same key and another ledger.
                text = path.read_text()
                (path.parent / "beside.toml").write_text(text.split("[mail.smtp]")[0] + text[text.index("[bounces]"):])
                shop.rankmail("run", path.parent / "beside.toml", "--as-of", AS_OF, "--runs", path.parent / "beside")
                outbox = {mail_id(mail): essence(mail) for mail in map(pathlib.Path.read_bytes, path.parent.glob("beside/relay/outbox/new/*"))}
                faults += judge(postfix, outbox)
                found = json.loads(shop.rankmail("bounces", path, postfix.mails, "--json"))
                again = json.loads(shop.rankmail("bounces", path, postfix.mails, "--json"))
                kinds = {kind: found[kind] for kind in ("hard", "soft", "blocked", "complaint")}
                if kinds != {"hard": 1, "soft": 1, "blocked": 1, "complaint": 0} or found["stopped"] != 1 or again["hard"] != 0:
                    faults.append(f"the reports were read as {found}, then {again}")
                left = json.loads(shop.rankmail("plan", path, "--as-of", NEXT, "--json"))["mails"]
                if left != COUNT - 1:
                    faults.append(f"{left} mails are planned next, and one address of {COUNT} is gone")
                print(f"{start.split(':')[0]}: {COUNT} mails accepted, {len(postfix.arrived())} in Postfix's Maildir, reports {kinds}; {len(faults)} faults")
                for mail in postfix.arrived():
                    mail.unlink()
            told = (relay / "log").read_text()
            if told.count("TLS connection established") < 2 and "sasl_username=" not in told:
                faults.append("Postfix did not see TLS and a user")
    if faults:
        sys.exit("\n".join(faults[:8]))


if __name__ == "__main__":
    main()
