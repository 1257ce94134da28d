"""Names, subjects and addresses at random, made to break mails: each mail is planned and written by the program, and read by a parser that is
not the program's. No name may add or change a header, no line may be broken, and what was meant must be what is read.

usage: python3 .ci/oracles/names.py [CUSTOMERS]      RANKMAIL names the program under test, SEED repeats a run
"""

import base64
import collections
import email.header
import email.parser
import email.utils
import functools
import multiprocessing
import os
import pathlib
import quopri
import random
import re
import sys
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import shop

AS_OF, CUSTOMERS = "2026-12-01", int((sys.argv[1:] or ["1000000"])[0])
# So many at a time, so that the disk holds no more mails than that, and none begun after so long: a busy machine reads fewer, and says so.
CHUNK, LONGEST = 50_000, 200
JOB = shop.small_job("names", "customers.parquet") + """[contact]
irregular_addresses = "send"
[brakes]
audience = "off"
stale    = "off"
names    = "off"
"""
BODY = """<html><body><p>{{ customer.name or "お客様" }} canary-{{ customer.id }}-end {{ customer.words or "" }}</p>
<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>配信停止</a></p></body></html>"""
PIECES = [
    "\r\n", "\r", "\n", "\0", "\r\n\r\n", "\r\nBcc: x@evil.example\r\n", "=?utf-8?B?QmNjOiB4?=", "=?utf-8?Q?=0D=0ABcc:_x?=", "=?", "?=", "Bcc: x@evil.example",
    '"', "\\", "<x@y>, ", "👘👩‍👩‍👧", "山田　花子", "ﾔﾏﾀﾞ", "Ｙａｍａｄａ", "\u2028\u0085", "\u202e", "  ", "\t", "plain words ", "(comment)", ":;", ".", "{{ 1 }}",
    "とても長い文がつづくと、一行には収まらないので、どこかで折り返す必要があります。それでも文字の途中で切れてはいけません。",
    "a_very_long_word_without_any_blank_in_it_that_no_line_of_a_header_can_hold_as_it_is_written_here_" + "_" * 200,
]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789._+-"


def hostile(dice):
    parts = [dice.choice(PIECES) if dice.random() < 0.7 else any_character(dice) for _ in range(dice.randrange(6))]
    return "".join(parts)


def any_character(dice):
    number = dice.randrange(0x110000)
    return "x" if 0xD800 <= number < 0xE000 else chr(number)


def address(dice, number):
    """An address, and whether it is one that must be mailed."""
    kind = dice.random()
    word = "".join(dice.choices(LETTERS[:36], k=dice.randrange(1, 12)))
    if kind < 0.6:
        return f"{word}.{number}@{word[:8]}.example", True
    if kind < 0.8:
        return f"{word}..{number}.@docomo.ne.jp", True
    if kind < 0.85:
        return f"x{number}_{word}+-@ezweb.ne.jp", True
    return f"{hostile(dice)}{number}@{hostile(dice)}b.example", False


def make(folder, dice, count):
    """The shop, and what each customer's mail must say."""
    (folder / "templates/letter").mkdir(parents=True)
    (folder / "templates/letter/subject.txt").write_text("{{ customer.name or 'x' }}|{{ customer.words or 'y' }}")
    (folder / "templates/letter/body.html").write_text(BODY)
    people = [(f"c{number:07}", *address(dice, number), hostile(dice), hostile(dice)) for number in range(count)]
    ids = [person[0] for person in people]
    pq.write_table(pa.table({
        "id": ids, "email": [person[1] for person in people], "name": [person[3] for person in people], "words": [person[4] for person in people],
        "consent": [True] * count}), folder / "customers.parquet")
    duckdb.connect().execute(
        f"COPY (SELECT id AS customer, TIMESTAMP '2026-11-10 12:00' AS moment, 1000 AS amount FROM '{folder}/customers.parquet')"
        f" TO '{folder}/purchases.parquet'")
    (folder / "job.toml").write_text(JOB)
    return {person[0]: person[1:] for person in people}


def essence(text):
    """A text without blanks, line breaks and control characters, which a header and a name need not keep."""
    return re.sub(r"[\s\0-\x1f\x7f-\x9f\u2028\u2029]+", "", text)


def decoded(value):
    return str(email.header.make_header(email.header.decode_header(value)))


HEADER_NAMES = {
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id",
    "Feedback-ID", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "Content-Language",
}


def faults_of(raw, mail, person):
    """What is wrong with one mail."""
    given, is_good, name, words = person
    if not raw.endswith(b"\r\n") or re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw) or max(map(len, raw.split(b"\r\n"))) > 998:
        yield "it breaks the wire"
    head, _, body = raw.partition(b"\r\n\r\n")
    message = PARSER.parsestr(head.decode("ascii") + "\r\n\r\n")
    names = message.keys()
    if len(set(names)) != len(names) or not set(names) <= HEADER_NAMES:
        yield f"it has the headers {names}"
    if message.defects:
        yield f"defects: {message.defects}"
    found = email.utils.getaddresses([message["To"].replace("\r\n", "")])
    if len(found) != 1:
        return (yield f"it goes to {found}")
    shown, to = found[0]
    if to != mail["address"] or (is_good and to != given) or re.search(r"[\s<>,\0-\x1f\x7f-\U0010ffff]", to):
        yield f"it goes to {to!r}, and {given!r} was given"
    if essence(decoded(shown)) not in (essence(name), ""):
        yield f"it is for {decoded(shown)!r}, not {name!r}"
    subject = essence(decoded(message["Subject"].replace("\r\n", "")))
    if subject != f"{essence(name) or 'x'}|{essence(words) or 'y'}":
        yield f"its subject is {subject!r}, not that of {name!r} and {words!r}"
    parts = list(texts(body, message.get_boundary()))
    canaries = {found for part in parts for found in re.findall(r"canary-(.*?)-end", part)}
    if len(parts) != 2 or canaries != {mail["customer"]}:
        yield f"it has {len(parts)} parts and the canaries {canaries}"


PARSER = email.parser.HeaderParser()


def texts(body, boundary):
    """The texts of a multipart body. Python's own parser compiles an expression for each boundary, which takes most of its time."""
    before, *parts, after = body.split(b"--" + boundary.encode())
    if before.strip() or after.strip() != b"--":
        raise ValueError(f"around the parts stand {before!r} and {after!r}")
    for part in parts:
        head, _, text = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        decode, charset = coding(head)
        yield decode(text).decode(charset)


@functools.cache
def coding(head):
    """How a part is to be decoded, by its headers. All mails have the same few."""
    how = PARSER.parsestr(head.decode("ascii") + "\r\n\r\n")
    if how.keys() != ["Content-Type", "Content-Transfer-Encoding"] or how.get_content_maintype() != "text":
        raise ValueError(f"a part has the headers {how.items()}")
    decode = {"base64": base64.b64decode, "quoted-printable": quopri.decodestring}.get(how["Content-Transfer-Encoding"], bytes)
    return decode, how.get_content_charset()


def read_some(some):
    """The faults of some mails, with their ids, and what headers they have."""
    found, sets = [], collections.Counter()
    for path, mail, person in some:
        raw = pathlib.Path(path).read_bytes()
        sets[tuple(sorted(line.split(b":")[0].decode() for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b" ")))] += 1
        try:
            found += [(mail["id"], fault) for fault in faults_of(raw, mail, person)]
        except Exception as error:  # Whatever the parser cannot read is a fault of the mail.
            found.append((mail["id"], f"it cannot be read: {error!r}"))
    return found, sets


def chunk(folder, dice, count, pool, faults, sets):
    """Plans, writes and reads the mails of so many customers; how many mails that were."""
    people = make(folder, dice, count)
    shop.rankmail("run", folder / "job.toml", "--as-of", AS_OF, "--runs", folder / "runs", "-q")
    rows = duckdb.connect().execute(f"SELECT mail_id, customer_id, address FROM '{folder}/runs/names/{AS_OF}/mails.parquet'").fetchall()
    outbox = folder / "runs/names/outbox/new"
    work = [(f"{outbox}/{mail}.eml", {"id": mail, "customer": customer, "address": to}, people[customer]) for mail, customer, to in rows]
    mailed, files = {customer for _, customer, _ in rows}, len(os.listdir(outbox))
    faults += [(customer, "it got no mail") for customer, person in people.items() if person[1] and customer not in mailed]
    faults += [("", f"the outbox holds {files} files for {len(rows)} mails")] if files != len(rows) else []
    for found, more in pool.imap_unordered(read_some, (work[at : at + 2_000] for at in range(0, len(work), 2_000))):
        faults += found
        sets += more
    return len(rows)


def main():
    seed, begun = int(os.environ.get("SEED", time.time_ns() % 1_000_000)), time.monotonic()
    print(f"seed {seed}")
    dice, faults, sets, mails, customers = random.Random(seed), [], collections.Counter(), 0, 0
    with multiprocessing.Pool() as pool:
        while customers < CUSTOMERS and time.monotonic() - begun < LONGEST:
            count = min(CHUNK, CUSTOMERS - customers)
            with shop.temp() as name:
                mails += chunk(pathlib.Path(name), dice, count, pool, faults, sets)
            customers += count
    faults += [("", f"there are several sets of headers: {dict(sets)}")] if len(sets) != 1 else []
    print(f"{customers} of {CUSTOMERS} customers, {mails} mails, all with the headers {', '.join(next(iter(sets)))}; {len(faults)} faults, {time.monotonic() - begun:.0f} s")
    for mail, fault in faults[:10]:
        print(f"  {mail}: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
