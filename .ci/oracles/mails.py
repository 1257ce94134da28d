"""Every mail of the demo shop's December, read by Python's own mail parser: headers, parts, names, the legal displays."""

import base64
import collections
import email
import email.policy
import email.utils
import html
import pathlib
import re
import sys

import duckdb

import shop

AS_OF = "2026-12-01"
ONCE = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "MIME-Version",
    "Content-Type",
]
POLICY = email.policy.SMTP.clone(raise_on_defect=False)


def squeezed(text):
    return re.sub(r"\s+", "", text)


def as_text(page):
    """What a reader sees of HTML, without white space, and with the targets of links."""
    page = re.sub(r"(?s)<(style|script|title)\b.*?</\1>|<!--.*?-->", "", page)
    targets = " ".join(re.findall(r'href="([^"]*)"', page))
    return squeezed(html.unescape(re.sub(r"<[^>]+>", "", page) + targets))


def wire_faults(raw):
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        yield "a bare CR or LF"
    if b"\0" in raw:
        yield "a NUL"
    if max(map(len, raw.split(b"\r\n"))) > 998:
        yield "a line over 998 bytes"
    head = raw.partition(b"\r\n\r\n")[0]
    if not head.isascii():
        yield "a header that is not ASCII"
    if not re.search(rb"(?m)^List-Unsubscribe: <[^\s>]+>\r\n(?![ \t])", head):
        yield "List-Unsubscribe is not one line"


def header_faults(message, mail, job):
    names = collections.Counter(message.keys())
    if sorted(names.elements()) != sorted(ONCE):
        yield f"headers {sorted(set(names.elements()) ^ set(ONCE))} are too many, too few or strange"
        return
    subject = str(message["Subject"])
    if subject != mail["subject"] or not subject.isprintable():
        yield f"subject {subject!r}, planned {mail['subject']!r}"
    if email.utils.parseaddr(str(message["From"])) != email.utils.parseaddr(job["mail"]["from"]):
        yield f"From is {message['From']}"
    if not str(message["To"]).removesuffix(">").endswith(mail["address"]):
        yield f"To is {message['To']}, planned {mail['address']}"
    if not str(message["Message-ID"]).startswith(f"<{mail['mail_id']}@"):
        yield f"Message-ID is {message['Message-ID']}"
    if message["Date"].datetime is None:
        yield f"Date is {message['Date']}"
    if str(message["List-Unsubscribe-Post"]) != "List-Unsubscribe=One-Click":
        yield f"List-Unsubscribe-Post is {message['List-Unsubscribe-Post']}"
    version, _, customer, stamp = link(message).rpartition("/")[2].split(".")
    if version != "1" or unbase64(customer).decode() != mail["customer_id"] or len(unbase64(stamp)) != 16:
        yield f"the opt-out token in {link(message)} is not this customer's"


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def link(message):
    return str(message["List-Unsubscribe"]).strip("<>")


def body_faults(message, mail, job, person):
    parts = list(message.iter_parts())
    kinds = [(part.get_content_type(), part.get_content_charset()) for part in parts]
    if message.get_content_type() != "multipart/alternative" or kinds != [("text/plain", "utf-8"), ("text/html", "utf-8")]:
        yield f"{message.get_content_type()} of {kinds}"
        return
    for part in [message, *parts]:
        if part.defects:
            yield f"defects {part.defects}"
    name, nickname = (squeezed("".join(c if c.isprintable() else " " for c in text or "")) for text in person)
    for part, text in zip(("text", "HTML"), (squeezed(parts[0].get_content()), as_text(parts[1].get_content()))):
        wanted = [job["shop"][key] for key in ("name", "address", "contact")] + [link(message)]
        wanted += [mail["coupon_code"]] if mail["coupon_code"] else []
        for missing in (one for one in wanted if squeezed(one) not in text):
            yield f"the {part} part lacks {missing}"
        if not any(one and one in text for one in (name or "お客様", nickname)):
            yield f"the {part} part does not greet {name or 'お客様'}"


def read_mails(runs, job):
    """The planned mails of December by id, and what the customer list calls their readers."""
    plan = pathlib.Path(runs) / job["name"] / AS_OF
    columns = ["customer_id", "campaign", "address", "subject", "coupon_code"]
    mails = shop.read_table(plan / "mails.parquet", "mail_id", columns)
    for mail_id, mail in mails.items():
        mail["mail_id"] = mail_id
    source = job["folder"] / job["customers"]["path"]
    people = {row[0]: row[1:] for row in duckdb.execute(f"SELECT customer_id, name, nickname FROM '{source}'").fetchall()}
    pairs = duckdb.execute(f"SELECT customer_id, campaign FROM '{plan}/mails.parquet' UNION ALL SELECT customer_id, campaign FROM '{plan}/skipped.parquet'").fetchall()
    twice = [pair for pair, count in collections.Counter(pairs).items() if count > 1]
    if twice:
        sys.exit(f"matched pairs that are in the plan twice: {twice[:5]}")
    return mails, people


def main():
    with shop.temp() as folder:
        path = shop.job_in(folder)
        job, runs = shop.read_job(path), f"{folder}/runs"
        shop.rankmail("run", path, "--as-of", AS_OF, "--runs", runs)
        mails, people = read_mails(runs, job)
        outbox = pathlib.Path(runs) / job["name"] / "outbox/new"
        written = {file.stem for file in outbox.iterdir()}
        wrong = 0
        if written != mails.keys():
            print(f"{len(written - mails.keys())} files are no planned mail, {len(mails.keys() - written)} planned mails have no file")
            wrong += 1
        for mail_id in sorted(written & mails.keys()):
            raw, mail = (outbox / f"{mail_id}.eml").read_bytes(), mails[mail_id]
            message = email.message_from_bytes(raw, policy=POLICY)
            faults = [*wire_faults(raw), *header_faults(message, mail, job), *body_faults(message, mail, job, people.get(mail["customer_id"], ("", "")))]
            wrong += bool(faults)
            if faults and wrong <= 10:
                print(f"{mail['campaign']} for {mail['customer_id']}, {mail_id}: {'; '.join(faults)}")
        print(f"mails: {len(written)} read, {wrong} wrong; {dict(collections.Counter(mail['campaign'] for mail in mails.values()))}")
    missing = {campaign["name"] for campaign in job["campaign"]} - {mail["campaign"] for mail in mails.values()}
    if missing:
        print(f"campaigns without a mail: {missing}")
    sys.exit(1 if wrong or missing else 0)


if __name__ == "__main__":
    main()
