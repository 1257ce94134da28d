"""The fault table of the design at full size: a receiver of our own misbehaves, the disk fills up, people opt out, runs meet; the ledger and
what arrived say whether the rules held. They are written down here once more, from the design and not from the program.

usage: python3 .ci/oracles/faults.py [PART …]      RANKMAIL names the program under test
"""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import duckdb

import shop
from receiver import Receiver, certificate, free_port

AS_OF = "2026-12-01"
JOB = """
name      = "faults"
time_zone = "Asia/Tokyo"
currency  = "JPY"
language  = "en"
runs      = "runs"
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
[stop]
files = ["stop.csv"]
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[[campaign]]
name = "letter"
ranks = "A and up"
where = { size = "small" }
[[campaign]]
name = "large"
ranks = "A and up"
where = { size = "large" }
[mail]
from        = "つばき堂 <hello@tsubaki.example>"
unsubscribe = "https://tsubaki.example/u/{token}"
[brakes]
audience = "off"
stale    = "off"
failures = "off"
old_plan = "off"
[mail.smtp]
"""
BODY = """<html><body><p>{{ customer.name }}様 canary-{{ customer.id }}-end</p>FILLER
<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>配信停止</a></p></body></html>"""
CODES = ["200", "211", "214", "220", "221", "235", "250", "251", "252", "334", "354", "421", "450", "451", "452", "454", "455", "499",
         "500", "501", "502", "503", "521", "530", "535", "550", "551", "552", "553", "554", "571", "599"]
MANNERS = ["drop", "garbage", "mixed", "endless"]
# Where a cell takes a run of its own, fewer codes do.
EARLY = ["200", "220", "235", "250", "334", "354", "421", "450", "451", "454", "500", "502", "530", "535", "554", "571", "599", *MANNERS]


class Shop:
    """A shop with one mail for each address; a customer's canary is its id. Addresses that begin with `text-stall` get a large mail."""

    def __init__(self, folder, addresses, smtp=""):
        self.folder = pathlib.Path(folder)
        self.canaries = {address: f"c{number:05}" for number, address in enumerate(addresses)}
        for name, filler in (("letter", ""), ("large", "<p>a line of a long letter</p>\n" * 30_000)):
            (self.folder / "templates" / name).mkdir(parents=True)
            (self.folder / "templates" / name / "subject.txt").write_text("{{ customer.name }}様へ")
            (self.folder / "templates" / name / "body.html").write_text(BODY.replace("FILLER", filler))
        row = lambda address, one: f"{one},{address},山田 {one},true,{'large' if address.startswith('text-stall') else 'small'}\n"
        rows = "".join(row(address, one) for address, one in self.canaries.items())
        (self.folder / "customers.csv").write_text("id,email,name,consent,size\n" + rows)
        (self.folder / "stop.csv").write_text("customer\n")
        lines = ", ".join(f"('{one}', TIMESTAMP '2026-11-10 12:00', 1000)" for one in self.canaries.values())
        duckdb.connect().execute(
            f"COPY (SELECT * FROM (VALUES {lines}) AS t(customer, moment, amount)) TO '{self.folder}/purchases.parquet'")
        self.runs = self.folder / "runs"
        self.write(smtp)

    def write(self, smtp):
        self.path = self.folder / "job.toml"
        self.path.write_text(JOB + smtp)
        return self

    def copy(self, folder, smtp):
        """The same shop and its plan, in another place."""
        other = object.__new__(Shop)
        shutil.copytree(self.folder, folder)
        other.folder, other.canaries, other.runs = pathlib.Path(folder), self.canaries, pathlib.Path(folder) / "runs"
        return other.write(smtp)

    def call(self, verb, *more, expect=None):
        """Exit code and words of a call."""
        command = [shop.BIN, verb, self.path, "--runs", self.runs, *more]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if expect is not None and done.returncode not in expect:
            sys.exit(f"{' '.join(map(str, command))}\nleft with {done.returncode}, not {expect}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.returncode, done.stdout + done.stderr

    def plan(self):
        self.call("plan", "--as-of", AS_OF, "-q", expect=(0,))
        return self

    def start(self, receiver, **more):
        command = [shop.BIN, "send", self.path, "--runs", self.runs, "--as-of", AS_OF, "--smtp", receiver.url, "-q"]
        return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)

    def send(self, receiver, *more, expect=None):
        return self.call("send", "--as-of", AS_OF, "--smtp", receiver.url, "-q", *more, expect=expect)

    def rows(self):
        """The ledger's rows by address."""
        out = self.folder / "ledger.parquet"
        self.call("ledger", "--export", out, expect=(0,))
        columns = ["address", "mail_id", "customer_id", "state", "code", "epoch_us(first_claim_at) / 1e6"]
        found = duckdb.connect().execute(f"SELECT {', '.join(columns)} FROM '{out}'").fetchall()
        return {row[0]: dict(zip(["mail", "customer", "state", "code", "claimed"], row[1:])) for row in found}

    def states(self):
        """As the program tells them."""
        found = json.loads(self.call("status", "--as-of", AS_OF, "--json", expect=(0,))[1])["states"]
        return {state: count for state, count in found.items() if count}


def within(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"{what} did not come within {seconds} s")
        time.sleep(0.01)


def sound(one, receiver):
    """What must hold whatever happens: once each, its own canary, no broken line, and nothing that the ledger does not know of."""
    rows, taken = one.rows(), receiver.taken()
    faults = [f"{mail} was taken {count} times" for mail, count in collections.Counter(mail.mail for mail in taken).items() if count > 1]
    faults += [f"{mail.recipient} got the canaries {mail.canaries}" for mail in taken if mail.canaries != one.canaries.get(mail.recipient)]
    unknown = {"planned", "rejected", "deferred", "suppressed", "held", "cancelled"}
    faults += [f"{mail.recipient} got a mail that is {rows[mail.recipient]['state']}" for mail in taken if rows[mail.recipient]["state"] in unknown]
    arrived = {mail.recipient for mail in taken}
    faults += [f"{to} is accepted and got nothing" for to, row in rows.items() if row["state"] == "accepted" and to not in arrived]
    faults += [f"a broken line: {line}" for line in receiver.lines("offences")]
    told = collections.Counter(row["state"] for row in rows.values())
    if rows and told != one.states():
        faults.append(f"status tells {one.states()}, the export {dict(told)}")
    return faults


# Every answer at every stage.


def meaning(stage, action):
    """What an answer means for the mail, and for the run."""
    good = {"greeting": ["220"], "ehlo": ["250"], "starttls": ["220"], "auth": ["235"], "mail": ["250"], "rcpt": ["250", "251"], "data": ["354"],
            "dot": ["250"]}[stage]
    code = action[:3] if action[:3].isdigit() and not action.endswith("drop") else ""
    if code in good:
        return "accepted", "goes on"
    if stage == "auth" and code == "334":
        # A question that PLAIN does not have. It is called off (RFC 4954 section 4), which the server refuses with 501.
        return "planned", "stops"
    if stage in ("greeting", "ehlo", "starttls", "auth"):
        return "planned", "stops" if code[:1] == "5" else "waits"
    if stage == "mail":
        return ("planned", "stops") if code[:1] == "5" else ("deferred", "goes on")
    if stage == "dot" and code[:1] not in ("4", "5"):
        return "in_doubt", "goes on"
    return "rejected" if code[:1] == "5" else "deferred", "goes on"


def early(planned, folder, stage, action, cert):
    """A cell of a stage at which everybody gets the same answer; the words of what is wrong with it."""
    manners, start, wait = {"offers": ["PIPELINING"]}, "smtp://", []
    smtp = "connections = 1\nretry = { every = \"1 second\", for = \"2 seconds\" }\n"
    if stage == "mail":
        # The sender's name tells the receiver what to do.
        smtp, wait = f"connections = 1\nreturn_path = \"mail-{action}@tsubaki.example\"\n", ["--no-wait"]
    else:
        manners[stage] = action
    if stage in ("starttls", "auth"):
        manners |= {"cert": cert, "offers": ["AUTH PLAIN", "PIPELINING"]}
        start = "smtp+starttls://mailer@" if stage == "auth" else "smtp+starttls://"
        smtp += f"ca_file = \"{pathlib.Path(cert[0]).parent}/ca.pem\"\npassword_file = \"password\"\n"
    one = planned.copy(folder / "shop", smtp)
    with Receiver(folder / "seen", **manners) as receiver:
        receiver.url = receiver.url.replace("smtp://", start)
        code, words = one.send(receiver, *wait)
        mail, run = meaning(stage, action)
        faults, calls = sound(one, receiver), receiver.calls()
        wanted = {"accepted": 0, "deferred": 1, "planned": 5}[mail]
        if one.states() != {mail: len(one.canaries)} or code != wanted:
            faults.append(f"{one.states()} and exit code {code}, wanted {mail} and {wanted}: {words.strip()[-300:]}")
        gaps = [after - before for before, after in zip(calls, calls[1:])]
        if run == "stops" and (len(calls) != 1 or "refuses this run" not in words):
            faults.append(f"{len(calls)} attempts at a server that refuses: {words.strip()[-300:]}")
        if run == "waits" and (len(calls) < 2 or min(gaps) < 0.95 or "cannot be reached" not in words):
            faults.append(f"attempts with {gaps} s between them: {words.strip()[-300:]}")
    return [f"{stage} {action}: {fault}" for fault in faults]


def early_cells(folder):
    cert = certificate(folder, "127.0.0.1")
    planned = Shop(folder / "planned", [f"good-{number}@d{number}.example" for number in range(3)]).plan()
    (planned.folder / "password").touch(mode=0o600)
    (planned.folder / "password").write_text("s3cret")
    cells = [(stage, action) for stage in ("greeting", "ehlo", "starttls", "auth", "mail") for action in EARLY]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda cell: early(planned, folder / "-".join(cell), *cell, cert), cells))
    return len(cells), sum(found, [])


def late_cells(folder, offers):
    """The stages at which the recipient decides: all cells in one run, with good mails between them, each domain with one of them."""
    cells = {f"{stage}-{action}-x@{stage}{action}.example": (stage, action)
             for stage in ("rcpt", "data", "dot") for action in [*CODES, *MANNERS, *(["250drop", "250bare", "250lf"] if stage == "dot" else [])]}
    between = [[f"good-{name}{number}@{name}{number}.example" for number in range(len(cells))] for name in "abc"]
    good = sum(between, [])
    # Mails leave in the order of the list, and ten in doubt in a row would stop the run.
    one = Shop(folder / "shop", sum(map(list, zip(cells, *between)), []), "connections = 4\n").plan()
    with Receiver(folder / "seen", offers=offers) as receiver:
        code, words = one.send(receiver, "--no-wait")
        rows, before = one.rows(), len(receiver.taken())
        faults = [] if code == 1 else [f"exit code {code}: {words[-300:]}"]
        for address, (stage, action) in cells.items():
            if rows[address]["state"] != meaning(stage, action)[0]:
                faults.append(f"{stage} {action}: {rows[address]['state']}, wanted {meaning(stage, action)[0]}")
            if rows[address]["state"] in ("rejected", "deferred") and rows[address]["code"] != (int(action) if action[0] in "45" else None):
                faults.append(f"{stage} {action}: the ledger holds the code {rows[address]['code']}")
        faults += [f"{address} is {rows[address]['state']}" for address in good if rows[address]["state"] != "accepted"]
        one.send(receiver, "--no-wait", expect=(1,))
        if len(receiver.taken()) != before:
            faults.append(f"{len(receiver.taken()) - before} mails were sent again")
        return len(cells), faults + sound(one, receiver)


def answers(folder):
    """Every answer at every stage."""
    count, faults = early_cells(folder)
    for name, offers in (("plain", []), ("pipelining", ["PIPELINING"])):
        (folder / name).mkdir()
        more, found = late_cells(folder / name, offers)
        count, faults = count + more, faults + [f"{name}: {fault}" for fault in found]
    return f"{count} cells", faults


# What happens beside the server.


def opt_outs(folder):
    """Who opts out while mails are sent is claimed for no more than a second."""
    one = Shop(folder / "shop", [f"good-{number}@d{number % 50}.example" for number in range(900)], "connections = 4\nrate = \"150/s\"\n").plan()
    # The links are those of the same plan in an outbox.
    beside = one.copy(folder / "beside", "")
    text = beside.path.read_text()
    beside.path.write_text(text.replace("[mail.smtp]", ""))
    beside.call("send", "--as-of", AS_OF, "-q", expect=(0,))
    links = {}
    for mail in (beside.runs / "faults/outbox/new").iterdir():
        head = mail.read_bytes().decode()
        links[re.search(r"(?m)^To: .*?<?([^<>\s]+@[^<>\s]+?)>?\r?$", head)[1]] = re.search(r"https://tsubaki\.example(/u/[\w.\-]+)", head.replace("\r\n ", ""))[1]
    with Receiver(folder / "seen", offers=["PIPELINING"]) as receiver:
        port = free_port()
        page = subprocess.Popen([shop.BIN, "optout", "serve", one.path, "--runs", one.runs, "--listen", f"127.0.0.1:{port}"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        child = one.start(receiver)
        within("the first mail", lambda: len(receiver.taken()) > 30)
        addresses, out = list(one.canaries), {}
        listed, clicked = addresses[0::9], addresses[1::9]
        fresh = one.folder / "stop.new"
        fresh.write_text("customer\n" + "".join(f"{one.canaries[address]}\n" for address in listed))
        fresh.rename(one.folder / "stop.csv")
        out |= dict.fromkeys(listed, time.time())
        for address in clicked:
            call = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            call.request("POST", links[address], "List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"})
            if call.getresponse().status != 200:
                sys.exit(f"the opt-out of {address} was not taken")
            out[address] = time.time()
        _, words = child.communicate()
        page.terminate()
        page.wait()
        rows = one.rows()
        faults = [] if child.returncode == 0 else [f"exit code {child.returncode}: {words[-300:]}"]
        late = max((rows[address]["claimed"] - at for address, at in out.items() if rows[address]["state"] == "accepted"), default=0)
        stopped = {how: sum(rows[address]["state"] == "suppressed" for address in people) for how, people in (("listed", listed), ("clicked", clicked))}
        faults += [f"{address} is {rows[address]['state']}" for address in out if rows[address]["state"] not in ("accepted", "suppressed")]
        faults += [f"a mail was claimed {late:.2f} s after its opt-out"] if late > 1 else []
        faults += [f"only {stopped} of {len(listed)} and {len(clicked)} were still to be stopped"] if min(stopped.values()) < 20 else []
        return f"{stopped} of {len(out)} opt-outs in time to matter, the last claim {late:+.2f} s after one", faults + sound(one, receiver)


def two_runs(folder):
    """The second run ends at once, also while the owner is stopped; nothing comes twice."""
    one = Shop(folder / "shop", [f"good-{number}@d{number % 20}.example" for number in range(400)], "connections = 4\nrate = \"100/s\"\n").plan()
    faults, times = [], []
    with Receiver(folder / "seen", offers=["PIPELINING"]) as receiver:

        def second(when):
            begun = time.monotonic()
            code, words = one.send(receiver)
            times.append(time.monotonic() - begun)
            faults.extend([f"the second left with {code} {when}: {words[-200:]}"] if code != 4 else [])

        child = one.start(receiver)
        within("the first mail", lambda: len(receiver.taken()) > 20)
        second("while the owner sends")
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        before = len(receiver.taken())
        second("while the owner is stopped")
        time.sleep(2)
        faults += [f"{len(receiver.taken()) - before} mails came while the owner was stopped"] if len(receiver.taken()) != before else []
        child.send_signal(signal.SIGCONT)
        _, words = child.communicate()
        if child.returncode != 0 or one.states() != {"accepted": 400}:
            faults.append(f"the owner left with {child.returncode}, {one.states()}: {words[-300:]}")
        one.send(receiver, expect=(0,))
        return f"the second ended after {max(times):.2f} s at most, {len(receiver.taken())} mails came", faults + sound(one, receiver)


@contextlib.contextmanager
def small_disk(folder):
    """A disk of its own where that is allowed, else none."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def disk_full(folder):
    """Sending stops within one commit, sends nothing without a claim, and goes on when there is room."""
    one = Shop(folder / "shop", [f"good-{number}@d{number % 20}.example" for number in range(600)], "connections = 4\nrate = \"200/s\"\n")
    with small_disk(folder / "disk") as is_disk, Receiver(folder / "seen", offers=["PIPELINING"]) as receiver:
        if is_disk:
            one.runs = folder / "disk/runs"
        one.plan()
        one.send(receiver, "--limit", 30, expect=(0,))
        if is_disk:
            # What is free now is taken, save for little.
            with open(folder / "disk/filler", "wb") as filler, contextlib.suppress(OSError):
                room = os.statvfs(folder / "disk")
                filler.write(bytes(room.f_bavail * room.f_frsize - 150_000))
            code, words = one.send(receiver)
        else:
            # No file of the program may grow beyond this.
            most = (one.runs / "ledger.sqlite").stat().st_size + 40_000
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            child = one.start(receiver, preexec_fn=limit, restore_signals=False)
            words, code = child.communicate()[1], child.returncode
        stopped = len(receiver.taken())
        if is_disk:
            (folder / "disk/filler").unlink()
        rows = one.rows()
        states = collections.Counter(row["state"] for row in rows.values())
        faults = [] if code == 4 else [f"exit code {code}: {words[-300:]}"]
        faults += [f"it stopped after {stopped} of 600 mails"] if not 30 <= stopped < 600 else []
        faults += [f"{states['handing']} mails under way when it stopped"] if states["handing"] > 4 else []
        # A claim is there for all that came, and no more is under way than there are connections.
        faults += sound(one, receiver)
        one.send(receiver, expect=(0, 1))
        after = one.states()
        if after.get("accepted", 0) + after.get("in_doubt", 0) != 600 or after.get("in_doubt", 0) > 4:
            faults.append(f"afterwards {after}")
        how = "a full disk" if is_disk else "files that may not grow"
        return f"{how}: stopped after {stopped} mails with exit code {code}, then {after}", faults + sound(one, receiver)


def relay_down(folder):
    """A server that goes away in the middle hears one attempt a second at most, and gets the rest when it is back."""
    smtp = "connections = 4\nrate = \"100/s\"\nretry = { every = \"1 second\", for = \"2 minutes\" }\n"
    one = Shop(folder / "shop", [f"good-{number}@d{number % 20}.example" for number in range(400)], smtp).plan()
    with Receiver(folder / "seen", offers=["PIPELINING"]) as receiver:
        child = one.start(receiver)
        within("the first mails", lambda: len(receiver.taken()) > 100)
        receiver.again(greeting="drop")
        down = time.time()
        time.sleep(9)
        # On a busy machine the second one takes longer, and without it there is no distance to look at.
        within("a second attempt", lambda: sum(at >= down for at in receiver.calls()) > 1)
        receiver.behave(offers=["PIPELINING"])
        up = time.time()
        _, words = child.communicate()
        calls = [at for at in receiver.calls() if down <= at < up]
        gaps = [after - before for before, after in zip(calls, calls[1:])]
        states = one.states()
        back = min((mail.at for mail in receiver.taken() if mail.at > up), default=up + 99) - up
        faults = [] if child.returncode in (0, 1) else [f"exit code {child.returncode}: {words[-300:]}"]
        if states.get("accepted", 0) + states.get("in_doubt", 0) != 400 or states.get("in_doubt", 0) > 4:
            faults.append(f"the ledger says {states}")
        faults += [f"attempts {sorted(gaps)[:3]} s apart"] if len(calls) < 2 or min(gaps) < 0.95 else []
        faults += [f"the first mail came {back:.1f} s after the server did"] if back > 20 else []
        return f"{len(calls)} attempts in {up - down:.0f} s, {min(gaps, default=0):.1f} s apart at least, back after {back:.1f} s, {states}", faults + sound(one, receiver)


def neighbours(folder):
    """One mail's server that is silent, slow or endless costs the other connections a tenth of their rate at most; a stop then is a matter
    of less than two seconds, and that mail can be sent later."""
    for attempt in range(3):
        (folder / str(attempt)).mkdir()
        told, slow, faults = beside(folder / str(attempt))
        # A rate that a busy machine spoiled is measured again; anything else is what it is.
        if faults or not slow:
            break
    return told, faults + slow


BESIDE = {
    # The exit code after a stop, and what the odd mail is then.
    "none": (0, None), "rcpt-stall": (143, "planned"), "rcpt-crawl": (143, "planned"), "rcpt-endless": (143, "deferred"),
    "data-crawl": (143, "planned"), "text-stall": (143, "planned"), "dot-endless": (1, "in_doubt"),
}


def beside(folder):
    """A run for each odd mail and one without, all at the same time: what was measured, rates that are too low, other faults."""
    good, others = [f"good-{number}@d{number % 60}.example" for number in range(150)], 15
    shops, slow, faults, rates = {}, [], [], {}
    for name in BESIDE:
        odd = [] if name == "none" else [f"{name}-x@odd.example"]
        shops[name] = Shop(folder / name / "shop", [*odd, *good], f"connections = {others + len(odd)}\n").plan()
    with contextlib.ExitStack() as stack:
        manners = {name: {"offers": ["PIPELINING"], "nap": 0.5, "narrow": name == "text-stall"} for name in BESIDE}
        receivers = {name: stack.enter_context(Receiver(folder / name / "seen", **manners[name])) for name in BESIDE}
        children = {name: one.start(receivers[name]) for name, one in shops.items()}
        for name, (wanted, state) in BESIDE.items():
            arrived = lambda: sorted(mail.at for mail in receivers[name].taken() if mail.recipient.startswith("good"))
            within(f"the good mails beside {name}", lambda: len(arrived()) == len(good))
            rates[name] = (len(good) - 1) / (arrived()[-1] - arrived()[0])
        time.sleep(0.5)
        for name, (wanted, state) in BESIDE.items():
            child, begun = children[name], time.monotonic()
            child.send_signal(signal.SIGTERM)
            _, words = child.communicate()
            took = time.monotonic() - begun
            slow += [f"{name}: {rates[name]:.0f} mails/s, {rates['none']:.0f} without"] if rates[name] < 0.9 * rates["none"] else []
            faults += [f"{name}: exit code {child.returncode}: {words[-200:]}"] if child.returncode != wanted else []
            faults += [f"{name}: a stop took {took:.1f} s"] if took > 2 else []
            if state and (found := shops[name].rows()[f"{name}-x@odd.example"]["state"]) != state:
                faults.append(f"{name}: the mail is {found}, not {state}")
            faults += [f"{name}: {fault}" for fault in sound(shops[name], receivers[name])]
    return f"{others} connections beside one odd mail: " + ", ".join(f"{name} {rate:.0f}/s" for name, rate in rates.items()), slow, faults


PARTS = [neighbours, answers, opt_outs, two_runs, disk_full, relay_down]


def main():
    wanted = [part for part in PARTS if not sys.argv[1:] or part.__name__ in sys.argv[1:]]
    count = 0
    with shop.temp() as name:
        # What is measured is alone; the others mostly wait.
        with concurrent.futures.ThreadPoolExecutor(1) as alone, concurrent.futures.ThreadPoolExecutor(5) as pool:
            def carry(part):
                folder = pathlib.Path(name) / part.__name__
                folder.mkdir()
                begun = time.monotonic()
                told, faults = part(folder)
                print(f"{part.__doc__.splitlines()[0]}\n  {part.__name__}: {told}; {len(faults)} violations ({time.monotonic() - begun:.0f} s)", flush=True)
                for fault in faults[:8]:
                    print(f"  VIOLATION: {fault}", flush=True)
                return len(faults)

            if neighbours in wanted:
                wanted.remove(neighbours)
                count += alone.submit(carry, neighbours).result()
            count += sum(pool.map(carry, wanted))
    print(f"{count} violations")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
