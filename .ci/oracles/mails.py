"""The demo shop's December: who matches, by a plain reading of the job; and every mail, read by Python's own mail parser."""

import base64
import collections
import datetime as dt
import email
import email.policy
import email.utils
import hashlib
import html
import json
import pathlib
import re
import sys
from zoneinfo import ZoneInfo

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
    version, _, customer, stamp = token(message).split(".")
    if version != "1" or unbase64(customer).decode() != mail["customer_id"] or len(unbase64(stamp)) != 16:
        yield f"the opt-out token in {link(message)} is not this customer's"


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def link(message):
    return str(message["List-Unsubscribe"]).strip("<>")


def token(message):
    return link(message).rpartition("/")[2]


def body_faults(message, mail, job, person, codes):
    parts = list(message.iter_parts())
    kinds = [(part.get_content_type(), part.get_content_charset()) for part in parts]
    if message.get_content_type() != "multipart/alternative" or kinds != [("text/plain", "utf-8"), ("text/html", "utf-8")]:
        yield f"{message.get_content_type()} of {kinds}"
        return
    for part in [message, *parts]:
        if part.defects:
            yield f"defects {part.defects}"
    bodies = "".join(part.get_content() for part in parts)
    if set(re.findall(r"1(?:\.[\w-]+){3}", bodies)) != {token(message)}:
        yield "a body holds another opt-out token than this customer's"
    if others := set(re.findall(r"\b[A-Z0-9]{12}\b", bodies)) & (codes - {mail["coupon_code"]}):
        yield f"a body holds another mail's coupon code: {others}"
    name, nickname = (squeezed("".join(c if c.isprintable() else " " for c in text or "")) for text in person)
    for part, text in zip(("text", "HTML"), (squeezed(parts[0].get_content()), as_text(parts[1].get_content()))):
        wanted = [job["shop"][key] for key in ("name", "address", "contact")] + [link(message)]
        wanted += [mail["coupon_code"]] if mail["coupon_code"] else []
        for missing in (one for one in wanted if squeezed(one) not in text):
            yield f"the {part} part lacks {missing}"
        if not any(one and one in text for one in (name or "お客様", nickname)):
            yield f"the {part} part does not greet {name or 'お客様'}"


# Who matches.


def in_range(written, ranks):
    """The names of the ranks that a campaign is for."""
    if isinstance(written, list):
        return {name for one in written for name in in_range(one, ranks)}
    if written.endswith(" and up"):
        return set(ranks[ranks.index(written.removesuffix(" and up")) :])
    low, _, high = written.partition(" to ")
    return set(ranks[ranks.index(low) : ranks.index(high or low) + 1])


def local_date(instant, zone):
    return instant if instant is None else (shop.EPOCH + dt.timedelta(microseconds=instant)).astimezone(zone).date()


def moved(asked, row):
    if asked == "at risk":
        missing = [row["keep_orders"], row["keep_spend"]]
        return row["keep_by"] is not None and (missing == [None, None] or any(missing))
    return row["rank_change"] == asked


def holds(key, asked, row, person, as_of, zone):
    """Whether one condition of `when` holds, of those that the demo shop's job has."""
    if key == "birthday" and asked == "this month":
        return person["birthday"] is not None and person["birthday"].month == as_of.month
    if key == "anniversary" and asked == "this month":
        begun = min((day for day in (person["first_visit_on"], local_date(row["first_order_at"], zone)) if day), default=None)
        return begun is not None and begun.month == as_of.month and begun.year < as_of.year
    if key == "month":
        return as_of.month in asked
    if key == "dates":
        first, last = map(dt.date.fromisoformat, asked.split(".."))
        return first <= as_of <= last
    if key == "days_since_last_order":
        least, most = map(int, asked.split(".."))
        last = local_date(row["last_order_at"], zone)
        return last is not None and least <= (as_of - last).days <= most
    if key == "rank":
        return moved(asked, row)
    sys.exit(f"this check does not know the condition {key} = {asked!r}")


def matched(job, rows, people):
    """Every pair of customer and campaign that the job is for."""
    ranks, zone, as_of = [rank["name"] for rank in job["rank"]], ZoneInfo(job["time_zone"]), dt.date.fromisoformat(AS_OF)
    stranger = dict.fromkeys(next(iter(people.values())))
    for campaign in job["campaign"]:
        wanted = in_range(campaign["ranks"], ranks)
        for name, row in rows.items():
            person = people.get(name, stranger)
            fits = row["rank"] in wanted and all(person[column] in values for column, values in campaign.get("where", {}).items())
            if fits and all(holds(key, asked, row, person, as_of, zone) for key, asked in campaign.get("when", {}).items()):
                yield name, campaign["name"]


def held_out(job, name, row):
    """Whether the holdout's share has this customer."""
    holdout = job["contact"]["holdout"]
    drawn = hashlib.sha256(b"\0".join([b"holdout", job["name"].encode(), name.encode()])).digest()[:8]
    return row["rank"] not in holdout["not"] and int.from_bytes(drawn) * 100 < int(holdout["share"].rstrip("%")) << 64


def compare(what, wanted, got):
    """Prints two sets' differences; returns how many there are."""
    odd = sorted(wanted ^ got)
    print(f"{what}: {len(wanted)}, {len(odd)} wrong" + "".join(f"\n  {one} is {'missing' if one in wanted else 'too much'}" for one in odd[:5]))
    return len(odd)


def plan_faults(plan, said, job, mails, people):
    """The pairs of the plan against the rules, and its counts against its files."""
    columns = ["rank", "rank_change", "first_order_at", "last_order_at", "keep_by", "keep_orders", "keep_spend", "holdout"]
    rows = shop.read_table(plan / "customers.parquet", "customer_id", columns)
    skipped = duckdb.execute(f"SELECT customer_id, campaign, reason FROM '{plan}/skipped.parquet'").fetchall()
    pairs = [(mail["customer_id"], mail["campaign"]) for mail in mails.values()] + [skip[:2] for skip in skipped]
    twice = [pair for pair, count in collections.Counter(pairs).items() if count > 1]
    if twice:
        sys.exit(f"matched pairs that are in the plan twice: {twice[:5]}")
    wrong = compare("matched pairs", set(matched(job, rows, people)), set(pairs))
    wrong += compare("held out", {name for name, row in rows.items() if held_out(job, name, row)}, {name for name, row in rows.items() if row["holdout"]})
    unasked = {name for name, person in people.items() if person["consented_at"] is None}
    wrong += compare("mailed without consent", set(), unasked & {mail["customer_id"] for mail in mails.values()})
    counts = {"matched": len(pairs), "mails": len(mails), "skipped": len(skipped), "customers": len(rows)}
    told = {name: said[name] for name in counts}
    if told != counts:
        print(f"the plan tells {told}, its files hold {counts}")
        wrong += 1
    reasons = collections.Counter(reason for *_, reason in skipped)
    print(f"{len(pairs)} matched = {len(mails)} mails + {len(skipped)} skipped: {dict(reasons)}")
    return wrong


def read_mails(plan, job):
    """The planned mails of December by id, and the customer list by customer."""
    mails = shop.read_table(plan / "mails.parquet", "mail_id", ["customer_id", "campaign", "address", "subject", "coupon_code"])
    for mail_id, mail in mails.items():
        mail["mail_id"] = mail_id
    columns = ["name", "nickname", "birthday", "first_visit_on", "consented_at"]
    columns += sorted({column for campaign in job["campaign"] for column in campaign.get("where", {})})
    return mails, shop.read_table(job["folder"] / job["customers"]["path"], "customer_id", columns)


def mail_faults(outbox, mails, people, job):
    """Every file of the outbox against its row of the plan."""
    written = {file.stem for file in outbox.iterdir()}
    wrong = len(written ^ mails.keys())
    if wrong:
        print(f"{len(written - mails.keys())} files are no planned mail, {len(mails.keys() - written)} planned mails have no file")
    fixed = {campaign["offer"]["code"] for campaign in job["campaign"] if isinstance(campaign.get("offer", {}).get("code"), str)}
    own = [mail["coupon_code"] for mail in mails.values() if mail["coupon_code"] and mail["coupon_code"] not in fixed]
    if len(set(own)) != len(own):
        print("two mails have one coupon code")
        wrong += 1
    for mail_id in sorted(written & mails.keys()):
        raw, mail = (outbox / f"{mail_id}.eml").read_bytes(), mails[mail_id]
        message = email.message_from_bytes(raw, policy=POLICY)
        person = people.get(mail["customer_id"], {"name": "", "nickname": ""})
        bodies = body_faults(message, mail, job, (person["name"], person["nickname"]), set(own))
        faults = [*wire_faults(raw), *header_faults(message, mail, job), *bodies]
        wrong += bool(faults)
        if faults and wrong <= 10:
            print(f"{mail['campaign']} for {mail['customer_id']}, {mail_id}: {'; '.join(faults)}")
    print(f"mails: {len(written)} read, {wrong} wrong, {len(own)} coupon codes; {dict(collections.Counter(mail['campaign'] for mail in mails.values()))}")
    return wrong


def main():
    with shop.temp() as folder:
        path = shop.job_in(folder)
        job, runs = shop.read_job(path), pathlib.Path(folder) / "runs"
        said = json.loads(shop.rankmail("run", path, "--as-of", AS_OF, "--runs", runs, "--json"))
        plan = runs / job["name"] / AS_OF
        mails, people = read_mails(plan, job)
        wrong = plan_faults(plan, said["plan"], job, mails, people)
        wrong += mail_faults(runs / job["name"] / "outbox/new", mails, people, job)
    missing = {campaign["name"] for campaign in job["campaign"]} - {mail["campaign"] for mail in mails.values()}
    if missing:
        print(f"campaigns without a mail: {missing}")
    sys.exit(1 if wrong or missing else 0)


if __name__ == "__main__":
    main()
