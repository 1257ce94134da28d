"""Points and cashback over two years of the demo shop, month by month, against a plain re-implementation: one dictionary of points for
each customer, walked day by day. Ranks are taken from the program's own plans, which ranks.py checks; nothing else is.
"""

import calendar
import datetime as dt
import sys
from fractions import Fraction
from zoneinfo import ZoneInfo

import duckdb

import shop

# Every month of the history; one month is left out and one closing is run twice.
RUNS = [dt.date(2025 + (month > 12), (month - 1) % 12 + 1, 1) for month in range(1, 25) if month != 9] + [dt.date(2026, 6, 16)]
RUNS = [day.replace(day=5) if day == dt.date(2026, 2, 1) else day for day in sorted(RUNS)]
CALM = [('audience = "30%"', 'audience = "off"'), ('names    = "2%"', 'names    = "off"'), ('history  = "1%"', 'history  = "off"')]
BY_RANK = '{ A = "1%", AA = "1.25%", AAA = "2%", VIP = "3%" }'
VARIANTS = {
    "after the last order": ('rate = { A = "1%", AAA = "2%", VIP = "3%" }\nexpire = "4 months after the last order"\nmonth_end = true', ""),
    "after earning": ('rate = { none = "0.5%", AA = "1.25%", VIP = "3%" }\nexpire = "6 months after earning"', ""),
    "every year": ('rate = "1.1%"\nexpire = "every 03-31"', 'share = { AA = "0.5%", VIP = "2%" }\nas = "points"\nat_least = 150'),
    "days, and cashback every month": (f'rate = {BY_RANK}\nexpire = "100 days after the last order"', 'share = "0.3%"\nas = "points"'),
    "never, and a coupon": ('rate = "0.7%"', 'share = { A = "0.01%", AAA = "1.5%" }\nas = "coupon"'),
    "never, and a newsletter that pays back": ('rate = "0.7%"', 'share = { A = "0.01%", AAA = "1.5%" }\nas = "coupon"\nat_least = 50'),
    "after earning, and a newsletter that multiplies": ('rate = { A = "1%", AAA = "2%" }\nexpire = "6 months after earning"', ""),
}
# What the newsletter of the last variant offers in place of its bundle: each mail is good for one order.
BUNDLE = 'offer = { kind = "bundle", buy = { 2 = "10%", 3 = "15%" }, ranks = ["AA", "AAA"] }'
TIMES, OVER, ON = {"AA": "200%", "AAA": "250%"}, 5_000, ["煎茶", "ほうじ茶", "抹茶", "和菓子"]
MULTIPLIES = f'offer = {{ kind = "points", times = {{ AA = 2, AAA = 2.5 }}, over = {OVER}, on = {{ category = {ON!r} }}, valid = "31 days" }}'
PAYS = 'when = { cashback = "1.." }\noffer = { kind = "coupon", amount = "cashback", valid = "31 days" }'
COLUMNS = ["points_balance", "points_expiring", "points_expire_on", "points_overdrawn", "cashback_points", "cashback_amount", "cashback_carried"]


def share(written, rank, ranks):
    """The share of a rank: written for all, or that of the nearest rank below that is named."""
    if isinstance(written, str):
        return Fraction(written.rstrip("%")) / 100
    if rank is None:
        return Fraction(written.get("none", "0").rstrip("%")) / 100
    named = [written[name] for name in ranks[: ranks.index(rank) + 1] if name in written]
    return Fraction(named[-1].rstrip("%")) / 100 if named else Fraction(0)


def orders(job, as_of):
    """The orders of each customer before a day: local day, net, points used, and the net of what the newsletter is on; the earliest first."""
    zone = ZoneInfo(job["time_zone"])
    con, (column, values) = duckdb.connect(), next(iter(job["purchases"]["exclude"].items()))
    rows = con.execute(
        f"""WITH lines AS (SELECT *, coalesce('o' || nullif(order_id, ''), 'line ' || row_number() OVER ()) AS own
                           FROM read_parquet({shop.files(job)!r}, union_by_name = true))
            SELECT customer_id, own, min(purchased_at), sum(amount)::BIGINT, sum(points_used)::BIGINT,
                coalesce(sum(amount) FILTER (category IN {tuple(ON)}), 0)::BIGINT
            FROM lines
            WHERE customer_id <> '' AND purchased_at < ? AND ({column} IS NULL OR {column} NOT IN {tuple(values)})
            GROUP BY ALL ORDER BY 1, 3, 2""",
        [dt.datetime.combine(as_of, dt.time())],
    ).fetchall()
    assert zone.key == "Asia/Tokyo", "local times without a zone are days of the job"
    found = {}
    for customer, _, at, net, used, part in rows:
        found.setdefault(customer, []).append((at.date(), net, used or 0, part))
    return found


def last_day(rule, earned, last_order):
    """The last day on which points of a day can be used."""
    expire = rule.get("expire")
    if expire is None:
        return None
    if expire.startswith("every "):
        month, day = map(int, expire.removeprefix("every ").split("-"))
        last = dt.date(earned.year, month, day)
        last = last if last >= earned else dt.date(earned.year + 1, month, day)
    else:
        length, of = expire.split(" after ")
        count, unit = length.split()
        begin = earned if of == "earning" else max(last_order or earned, earned)
        last = shop.add_months(begin, int(count)) if unit.startswith("month") else begin + dt.timedelta(days=int(count))
    return last.replace(day=calendar.monthrange(last.year, last.month)[1]) if rule.get("month_end") else last


def account(rule, bought, credits, rate_on, as_of, promises=()):
    """What an account holds at 00:00 of a day, and how much was used that was not there. A promise is (first day, last day, times)."""
    open_promises = list(promises)
    lots, spent, last_order, missing = {}, {}, None, 0
    earned_all = used_all = expired_all = 0
    happened = sorted([(day, 0, points, 0, 0) for day, points in credits] + [(day, 1, *order) for day, *order in bought], key=lambda one: one[:2])
    for day, kind, what, used, part in happened + [(as_of, 2, 0, 0, 0)]:
        for earned in [each for each in lots if (last := last_day(rule, each, last_order)) and last < day]:
            expired_all += lots.pop(earned)
        spent = {each: gone for each, gone in spent.items() if not (last := last_day(rule, each, last_order)) or last >= day}
        points = what if kind == 0 else 0
        if kind == 1:
            for earned in sorted(lots):
                taken = min(used, lots[earned]) if used > 0 else 0
                lots[earned] -= taken
                spent[earned] = spent.get(earned, 0) + taken
                used -= taken
                used_all += taken
            # A refund of its own gives back the points used last; used is what is still to come back, as a negative number.
            for earned in sorted(spent, reverse=True):
                back = min(-used, spent[earned]) if used < 0 else 0
                lots[earned] = lots.get(earned, 0) + back
                spent[earned] -= back
                used += back
                used_all -= back
            missing += max(0, used)
            lots = {earned: left for earned, left in lots.items() if left}
            if what > 0:
                last_order = day
                points = int(what * rate_on(day))
                valid = [each for each in open_promises if each[0] <= day <= each[1] and what >= OVER]
                gains = [int(int(max(0, part) * rate_on(day)) * (times - 1)) for _, _, times in valid]
                if gains and max(gains) > 0:
                    points += max(gains)
                    open_promises.remove(valid[gains.index(max(gains))])
        if points:
            lots[day] = lots.get(day, 0) + points
            earned_all += points
    assert earned_all == used_all + expired_all + sum(lots.values()) and all(left > 0 for left in lots.values())
    ends = {earned: last_day(rule, earned, last_order) for earned in lots}
    first = min((end for end in ends.values() if end), default=None)
    expiring = sum(left for earned, left in lots.items() if first and ends[earned] == first)
    return {"points_balance": sum(lots.values()), "points_expiring": expiring, "points_expire_on": first, "points_overdrawn": missing or None}


def paid_back(rule, ranks, row, due, owed):
    """What is paid back to a customer: points, or an amount (yen have no minor unit) with what no mail has given yet."""
    paid = int(max(0, row["spend"]) * share(rule["share"], row["rank"], ranks)) if rule and due else 0
    paid = paid if paid > 0 and paid >= rule.get("at_least", 0) else None
    as_points = bool(rule) and rule["as"] == "points"
    amount = None if as_points else (paid or 0) + owed or None
    return {"cashback_points": paid if as_points else None, "cashback_amount": amount, "cashback_carried": owed or None}


def main():
    wrong, chosen = 0, sys.argv[1:]
    for variant, (points, cashback) in VARIANTS.items():
        if chosen and variant not in chosen:
            continue
        tables = f"[points]\n{points}\n\n" + (f"[cashback]\n{cashback}\n\n" if cashback else "")
        with shop.temp() as folder:
            gives = "pays back" in variant
            offer = [(BUNDLE, MULTIPLIES)] if "multiplies" in variant else [(BUNDLE, PAYS)] if gives else []
            path = shop.job_in(folder, changes=CALM + offer + [("[contact]\n", f"{tables}[contact]\n")])
            job = shop.read_job(path)
            ranks, held, credits, promises, owed, previous = [rank["name"] for rank in job["rank"]], [], {}, {}, {}, None
            for as_of in RUNS:
                shop.rankmail("run", path, "--as-of", as_of, "--runs", f"{folder}/runs")
                got = shop.read_table(f"{folder}/runs/{job['name']}/{as_of}/customers.parquet", "customer_id", ["rank", "spend", *COLUMNS])
                run = shop.days(job, as_of, previous)
                back = {name: paid_back(job.get("cashback"), ranks, row, run["due"], owed.get(name, 0)) for name, row in got.items()}
                for name, paid in back.items():
                    if paid["cashback_points"]:
                        credits.setdefault(name, []).append((run["closing"], paid["cashback_points"]))
                # Orders before the first run have its ranks; nobody orders after the run that looks.
                looked = held + [(as_of, {name: row["rank"] for name, row in got.items()})] if not held else held
                bought, wanted = orders(job, as_of), {}
                for name in got:
                    rate_on = lambda day: share(job["points"]["rate"], next((of for since, of in reversed(looked) if since <= day), looked[0][1]).get(name), ranks)
                    wanted[name] = account(job["points"], bought.get(name, []), credits.get(name, []), rate_on, as_of, promises.get(name, ())) | back[name]
                have = {name: {column: row[column] for column in COLUMNS} for name, row in got.items()}
                wrong += shop.differences(f"points {variant} at {as_of}", wanted, have)
                mails = f"{folder}/runs/{job['name']}/{as_of}/mails.parquet"
                made = duckdb.execute(f"SELECT customer_id, valid_until, rank FROM '{mails}' WHERE offer = 'points'").fetchall()
                for name, until, rank in made:
                    promises.setdefault(name, []).append((as_of, until, share(TIMES, rank, ranks)))
                if gives:
                    owed = {name: paid["cashback_amount"] for name, paid in back.items() if paid["cashback_amount"]}
                    for name, amount in duckdb.execute(f"SELECT customer_id, exposure FROM '{mails}' WHERE campaign = 'newsletter'").fetchall():
                        if owed.pop(name, None) != amount:
                            sys.exit(f"{name} was given {amount} at {as_of}")
                held.append((as_of, {name: row["rank"] for name, row in got.items()}))
                previous = run
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
