"""Two years of the demo shop's coupons against a plain reading of the rules: codes issued once, pools in their order, and what became of
every code when customers use them as they should, twice, too late, too early, or in place of somebody else.

The shop's purchases grow from run to run: after each one some of the codes that went out are used, at random with a fixed seed.
"""

import collections
import datetime as dt
import json
import pathlib
import random
import re
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import shop

SEED = 20261201
RUNS = [shop.add_months(dt.date(2025, 1, 1), months) for months in range(24)]
# In these runs the pool has this many new codes, which is not enough.
SHORT = {5: 3, 14: 0}
PLENTY = 1_500
LOOKS = [dt.date(2025, 6, 20), dt.date(2026, 1, 1), dt.date(2026, 12, 1), dt.date(2027, 2, 15)]
ON = ["プレミアム", "和菓子"]
CAMPAIGNS = """
[[campaign]]
name = "birthday"
ranks = "A and up"
when = { birthday = "this month" }
offer = { kind = "coupon", percent = { A = 5, AA = 8, "AA+" = 12.5, VIP = 0 }, valid = "this month" }
[[campaign]]
name = "win_back"
ranks = "A and up"
when = { days_since_last_order = "60..200" }
offer = { kind = "coupon", amount = 500, over = 5_000, valid = "31 days", code = { from = "codes/win_back.csv" } }
[[campaign]]
name = "event"
ranks = "AA and up"
once = "month"
offer = { kind = "coupon", percent = 15, on = { category = ["プレミアム", "和菓子"] }, valid = "next month", code = "WINTER15" }
[[campaign]]
name = "thanks"
ranks = "AAA and up"
once = "month"
offer = { kind = "coupon", percent = 20 }
"""
BODY = "<p>{% if offer %}{{ offer.code }}{% endif %}</p><p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>配信停止</a></p>"
RANKS = ["A", "AA", "AA+", "AAA", "VIP"]


def make_job(folder):
    """The demo's lists and ladder with campaigns, templates and purchases of this check."""
    text = shop.MONTHLY.read_text()
    head = text[: text.index("[[campaign]]")]
    mail = re.search(r"(?ms)^\[mail\].*?(?=^\[|\Z)", text).group()
    contact = '[keys]\nfile = "demo.key"\n' if "demo.key" not in head + mail else ""
    calm = '[brakes]\naudience = "off"\nnames = "off"\nstale = "off"\n'
    path = folder / "coupons.toml"
    path.write_text(head + CAMPAIGNS + mail + contact + calm)
    text = shop.job_in(folder, path).read_text()
    text = re.sub(r'"[^"]*/testdata/purchases"', '"purchases"', text)
    text = re.sub(r'(?m)^templates = .*', 'templates = "templates"', text)
    path.write_text(text)
    for name in ["birthday", "win_back", "event", "thanks"]:
        (folder / "templates" / name).mkdir(parents=True)
        (folder / "templates" / name / "subject.txt").write_text("お知らせ\n")
        (folder / "templates" / name / "body.html").write_text(BODY)
    (folder / "codes").mkdir()
    (folder / "purchases").mkdir()
    rows = duckdb.sql(
        f"SELECT * EXCLUDE (year, month) FROM read_parquet('{shop.ROOT}/testdata/purchases/**/*.parquet', union_by_name = true)"
    ).to_arrow_table()
    pq.write_table(rows, folder / "purchases/history.parquet")
    return path, rows.schema


def read_plan(plan, as_of):
    """The mails of a run that hold a code, in the plan's order."""
    rows = duckdb.execute(
        f"""SELECT mail_id, m.customer_id, m.rank, campaign, coupon_code, valid_until, values, spend
            FROM '{plan}/mails.parquet' m JOIN '{plan}/values.parquet' USING (mail_id)
            JOIN (SELECT customer_id, spend FROM '{plan}/customers.parquet') c ON c.customer_id = m.customer_id
            WHERE coupon_code IS NOT NULL ORDER BY m.customer_id, campaign"""
    ).fetchall()
    mails = []
    for _, customer, rank, campaign, code, until, values, spend in rows:
        offer = json.loads(values)["offer"]
        mails.append({"customer": customer, "rank": rank, "campaign": campaign, "code": code, "from": as_of, "until": until,
                      "percent": offer.get("percent"), "amount": offer.get("amount"), "spend": spend})
    return mails


def over_budget(plan):
    return duckdb.execute(f"SELECT count(*) FROM '{plan}/skipped.parquet' WHERE campaign = 'win_back' AND reason = 'over_budget'").fetchone()[0]


class Pool:
    """The file of codes: those that went out stay in it, here and there."""

    def __init__(self, path, chance):
        self.path, self.chance, self.made, self.spent = path, chance, 0, []

    def fill(self, count):
        """Writes the file with this many new codes among old ones. Returns the new ones in their order."""
        fresh = [f"WB{self.made + at:06}" for at in range(count)]
        self.made += count
        old = self.chance.sample(self.spent, min(40, len(self.spent)))
        rows = fresh + [code.lower() for code in old]
        self.chance.shuffle(rows)
        self.path.write_bytes("クーポンコード,備考\r\n".encode("cp932") + "".join(f"{code},春\r\n" for code in rows).encode("cp932"))
        return [code for code in rows if code in set(fresh)]


def pool_faults(mails, fresh, skipped):
    """Codes go to the best customers in the order of the file."""
    took = [mail for mail in mails if mail["campaign"] == "win_back"]
    took.sort(key=lambda mail: (-RANKS.index(mail["rank"]), -mail["spend"], mail["customer"].encode()))
    wrong = [mail["code"] for mail in took] != fresh[: len(took)]
    if skipped and len(took) != len(fresh):
        wrong = True
    if wrong:
        print(f"the pool's codes {fresh[:5]}… went out as {[mail['code'] for mail in took][:5]}…")
    return int(wrong), [mail["code"] for mail in took]


class Customers:
    """Uses codes at random and writes what was bought."""

    def __init__(self, folder, schema, chance):
        self.folder, self.schema, self.chance = folder, schema, chance
        self.rows, self.count, self.everybody = [], 0, []

    def buy(self, customer, day, codes, refund=False, status=None):
        self.count += 1
        order = f"redeem-{self.count:06}"
        at = dt.datetime.combine(day, dt.time(self.chance.randrange(24), self.chance.randrange(60)))
        lines = self.chance.randrange(1, 4)
        for line in range(lines):
            code = self.chance.choice([codes[line % len(codes)], codes[0]]) if line else codes[0]
            written = self.chance.choice([code, code, code.lower(), f" {code} "])
            amount = self.chance.randrange(500, 9_000)
            category = self.chance.choice(["煎茶", "和菓子", "プレミアム", None])
            self.rows.append((customer, order, at, amount, 1, None, category, status, written, None, None))
            if refund:
                self.rows.append((customer, order, at + dt.timedelta(days=1), -amount, 1, None, category, status, written, None, None))

    def use(self, mails, first, last):
        """Uses some of the codes from the first to the last day."""
        chance, length = self.chance, (last - first).days + 1
        for mail in mails:
            def some_day(mail=mail):
                return first + dt.timedelta(days=chance.randrange(length))
            if chance.random() < 0.25:
                self.buy(mail["customer"], some_day(), [mail["code"]])
            for share, customer in [(0.03, mail["customer"]), (0.03, chance.choice(self.everybody))]:
                if chance.random() < share:
                    self.buy(customer, some_day(), [mail["code"]])
            if chance.random() < 0.02:
                self.buy(mail["customer"], some_day(), [mail["code"]], refund=True)
            if chance.random() < 0.02:
                self.buy(mail["customer"], some_day(), [mail["code"]], status="cancelled")
            if chance.random() < 0.02:
                self.buy(mail["customer"], some_day(), [mail["code"], chance.choice(mails)["code"], "UNKNOWN"])

    def write(self, name):
        if self.rows:
            columns = [pa.array(list(column), field.type) for column, field in zip(zip(*self.rows), self.schema)]
            pq.write_table(pa.Table.from_arrays(columns, schema=self.schema), self.folder / "purchases" / f"{name}.parquet")
        self.rows = []


def orders_before(folder, as_of):
    """Every order before a date that was not taken back, also one that a code made free: customer, id, time, net, lines."""
    rows = duckdb.execute(
        f"""SELECT customer_id, coalesce(nullif(order_id, ''), ''), purchased_at, amount, category, coupon_code
            FROM read_parquet('{folder}/purchases/*.parquet')
            WHERE coalesce(customer_id, '') <> '' AND (status IS NULL OR status NOT IN ('cancelled', 'test')) AND purchased_at < ?""",
        [dt.datetime.combine(as_of, dt.time())],
    ).fetchall()
    orders = {}
    for number, (customer, order, at, amount, category, code) in enumerate(rows):
        key = (customer, order) if order else (customer, "", number)
        found = orders.setdefault(key, {"customer": customer, "order": order, "at": at, "lines": []})
        found["at"] = min(found["at"], at)
        found["lines"].append((amount, category, (code or "").strip().upper()))
    for found in orders.values():
        found["net"] = sum(amount for amount, *_ in found["lines"])

    def stands(one):
        return one["net"] > 0 or (one["net"] == 0 and all(amount >= 0 for amount, *_ in one["lines"]))

    return sorted(filter(stands, orders.values()), key=lambda one: (one["at"], one["order"].encode()))


def cost(mail, order):
    if mail["amount"] is not None:
        return mail["amount"]
    net = order["net"]
    if mail["campaign"] == "event":
        net = max(sum(amount for amount, category, _ in order["lines"] if category in ON), 0)
    return round(net * mail["percent"] / (100 - mail["percent"]))


def verdict(own, day):
    """The mail that a use redeems, or why it does not."""
    if not own:
        return "somebody_else"
    begun = [mail for mail in own if mail["from"] <= day]
    if not begun:
        return "before_its_start"
    valid = [mail for mail in begun if mail["until"] is None or day <= mail["until"]]
    if not valid:
        return "after_its_end"
    fresh = [mail for mail in valid if "order" not in mail]
    return fresh[-1] if fresh else "used_twice"


def statement(issued, orders, as_of):
    """What became of the codes, in the shape in which the program tells it."""
    mails = [dict(mail) for mail in issued if mail["from"] <= as_of]
    by_code = collections.defaultdict(list)
    for mail in mails:
        by_code[mail["code"].upper()].append(mail)
    odd = []
    for order in orders:
        day = order["at"].date()
        for code in {code for *_, code in order["lines"]} & by_code.keys():
            found = verdict([mail for mail in by_code[code] if mail["customer"] == order["customer"]], day)
            if isinstance(found, dict):
                found.update(order=order["order"], day=day, net=order["net"], cost=cost(found, order))
            else:
                odd.append((str(day), order["customer"], order["order"], code, found, order["net"]))
    groups = collections.defaultdict(collections.Counter)
    for mail in mails:
        over = mail["until"] is not None and mail["until"] < as_of
        fate = "redeemed" if "order" in mail else "expired" if over else "open"
        money = {"revenue": mail.get("net", 0), "cost": mail.get("cost", 0)}
        groups[mail["campaign"], mail["rank"]].update({"issued": 1, fate: 1} | money)
    used = [(str(mail["day"]), mail["customer"], mail["order"], mail["code"], str(mail["from"]), mail["net"], mail["cost"])
            for mail in mails if "order" in mail]
    return {key: +count for key, count in groups.items()}, sorted(used), sorted(odd)


def told(path, runs, as_of):
    said = json.loads(shop.rankmail("coupons", path, "--as-of", as_of, "--runs", runs, "--json", "--list"))
    figures = ["issued", "redeemed", "expired", "open", "revenue", "cost"]
    groups = {(group["campaign"], group["rank"]): +collections.Counter({name: group[name] for name in figures}) for group in said["groups"]}
    total = sum(groups.values(), collections.Counter())
    if total != +collections.Counter(said["total"]):
        print(f"{as_of}: the total {said['total']} is not the sum of the groups")
    used = [(one["date"], one["customer"], one["order"], one["code"], one["issued"], one["net"], one["cost"]) for one in said["redemptions"]]
    odd = [(one["date"], one["customer"], one["order"], one["code"].upper(), one["why"], one["net"]) for one in said["irregular"]]
    return groups, sorted(used), sorted(odd)


def compare(path, runs, folder, issued, as_of):
    wanted, got = statement(issued, orders_before(folder, as_of), as_of), told(path, runs, as_of)
    wrong = 0
    for what, one, other in zip(["groups", "redemptions", "irregular uses"], wanted, got):
        if one != other:
            wrong += 1
            pairs = [dict(zip(map(str, rows), rows.items() if isinstance(rows, dict) else rows)) for rows in (one, other)]
            differ = [key for key in pairs[0].keys() | pairs[1].keys() if pairs[0].get(key) != pairs[1].get(key)]
            for key in sorted(differ)[:5]:
                print(f"  {what}: {pairs[1].get(key)}, wanted {pairs[0].get(key)}")
    total = sum(wanted[0].values(), collections.Counter())
    reasons = collections.Counter(one[4] for one in wanted[2])
    print(f"{as_of}: {dict(total)}, {dict(reasons)}, {wrong} differ", flush=True)
    return wrong, reasons


def play(path, folder, runs, schema):
    """All runs. Returns the mails with codes, and how much was wrong."""
    chance = random.Random(SEED)
    pool, customers = Pool(folder / "codes/win_back.csv", chance), Customers(folder, schema, chance)
    listed = duckdb.execute(f"SELECT customer_id FROM '{shop.ROOT}/testdata/customers.parquet' ORDER BY 1").fetchall()
    customers.everybody = [customer for (customer,) in listed]
    issued, wrong, short = [], 0, 0
    for number, as_of in enumerate(RUNS):
        fresh = pool.fill(SHORT.get(number, PLENTY))
        if number in SHORT:
            shop.rankmail("run", path, "--as-of", as_of, "--runs", runs, expect=(6,))
        shop.rankmail("run", path, "--as-of", as_of, "--runs", runs, "-q", *(["--accept", "too-few-codes"] if number in SHORT else []))
        plan = runs / shop.read_job(path)["name"] / str(as_of)
        mails = read_plan(plan, as_of)
        skipped = over_budget(plan)
        faults, took = pool_faults(mails, fresh, skipped)
        wrong += faults + ((number in SHORT) != (skipped > 0))
        short += skipped
        pool.spent += took
        issued += mails
        customers.use(mails, as_of, shop.add_months(as_of, 1) - dt.timedelta(days=1))
        customers.use(chance.sample(issued, len(issued) // 50), as_of, shop.add_months(as_of, 1) - dt.timedelta(days=1))
        customers.write(f"{as_of}")
    # Nobody could know these codes so early; the runs are over, so that no brake minds the changed past.
    for mail in chance.sample([mail for mail in issued if mail["from"] > RUNS[3]], 60):
        customers.buy(mail["customer"], mail["from"] - dt.timedelta(days=chance.randrange(1, 60)), [mail["code"]])
    customers.write("early")
    own = [mail["code"].upper() for mail in issued if mail["campaign"] != "event"]
    twice = [code for code, count in collections.Counter(own).items() if count > 1]
    if twice:
        print(f"codes that were issued twice: {twice[:5]}")
    print(f"{len(RUNS)} runs issued {len(issued)} codes, {len(pool.spent)} of them out of a pool; {short} pairs found none")
    return issued, wrong + len(twice)


def main():
    with shop.temp() as folder:
        folder = pathlib.Path(folder)
        path, schema = make_job(folder)
        runs = folder / "runs"
        issued, wrong = play(path, folder, runs, schema)
        seen = collections.Counter()
        for as_of in LOOKS:
            faults, reasons = compare(path, runs, folder, issued, as_of)
            wrong += faults
            seen += reasons
        missing = {"used_twice", "somebody_else", "after_its_end", "before_its_start"} - seen.keys()
        if missing:
            sys.exit(f"the check lost its cases: nobody used a code {missing}")
        # A code in two rows of the pool plans nothing.
        (folder / "codes/win_back.csv").write_text("A1\nA2\na1\n")
        shop.rankmail("plan", path, "--as-of", "2027-01-01", "--runs", runs, expect=(3,))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
