"""A year of adopted runs of the demo shop against a plain reading of the rules: moves, distances, and the promise to customers.

Months are skipped and a closing is run twice. The job runs as it is, and with other rules for falling.
"""

import datetime as dt
import sys
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

import duckdb

import shop

RUNS = [
    "2025-10-01", "2025-11-01", "2025-12-01", "2026-01-07", "2026-01-20", "2026-04-01", "2026-05-01", "2026-06-16", "2026-08-01",
    "2026-09-01", "2026-10-01", "2026-11-03", "2026-11-16", "2026-12-01",
]
CALM = [('audience = "30%"', 'audience = "off"'), ('names    = "2%"', 'names    = "off"')]
VARIANTS = {
    "as it is": [],
    "one step, one miss forgiven": [('"to qualifying"', '"one step"'), ("grace    = 0", "grace    = 1"), ('"6 months"', '"3 months"')],
    "two reviews a year, half a year's window": [('"monthly"\ndown', '["04-01", "10-01"]\ndown'), ('"12 months"', '"6 months"'), ('keep_for = "6 months"', "")],
    "best twentieth": [("at_least = { orders = 8, spend = 250_000, tenure_months = 12 }", 'top = "5%"')],
    "never down": [('"to qualifying"', '"never"'), ('rank = "at risk"', 'dates = "2000-01-01..2000-01-02"')],
    "decided by the day": shop.BY_THE_DAY + [("grace    = 0", "grace    = 1")],
    "a business year, rising at reviews": [
        ('"12 months"', '"year from 04-01"\nup = "at review"'), ('"monthly"\ndown', '["04-01", "10-01"]\ndown'),
    ],
    "half years, orders that may come back, ranks by hand": [
        ('"12 months"', '"half year from 03-01"\nsettle_after = "14 days"'),
        ('rank     = "rank" ', 'rank_at_least = "given_rank"\nrank_at_least_until = "given_until"\nrank = "rank" '),
    ],
    "the calendar year, by the day, orders that may come back": shop.BY_THE_DAY[:2] + [('"12 months"', '"calendar year"\nsettle_after = "10 days"')],
    "all time, never down, rising at reviews": [
        ('"12 months"', '"all time"\nup = "at review"'), ('"to qualifying"', '"never"'),
        ('rank = "at risk"', 'dates = "2000-01-01..2000-01-02"'),
    ],
    "several ways in": [
        ("at_least = { orders = 2, spend = 20_000 }", "any_of = [{ orders = 2, spend = 20_000 }, { spend_ever = 60_000, tenure_months = 3 }]"),
        ("at_least = { orders = 8, spend = 250_000, tenure_months = 12 }",
         "any_of = [{ orders = 8, spend = 250_000, tenure_months = 12 }, { orders = 5, orders_ever = 12, spend = 200_000 }, { spend = 400_000 }]"),
    ],
}
COLUMNS = [
    "first_order_at", "last_order_at", "orders_ever", "spend_ever", "orders", "spend", "qualifies", "rank", "previous_rank", "rank_change",
    "rank_since", "missed_reviews", "safe_until", "next_rank", "next_orders", "next_spend", "next_on", "next_last_day",
    "keep_by", "keep_last_day", "keep_orders", "keep_spend",
]
NOBODY = dict.fromkeys(shop.FIGURES, 0) | dict.fromkeys(["first_order_at", "last_order_at", "first_order_closing"])


def give_by_hand(path):
    """A copy of the customer list in which every fifth customer is given a rank, most of them until some day."""
    job = shop.read_job(path)
    names = [rank["name"] for rank in job["rank"]]
    source, copy = job["folder"] / job["customers"]["path"], path.parent / "customers.parquet"
    duckdb.execute(f"""
        COPY (SELECT *,
            CASE WHEN hash(customer_id) % 5 = 0 THEN {names!r}[1 + (hash(customer_id) // 5 % {len(names)})::INT] END AS given_rank,
            CASE WHEN hash(customer_id) % 7 > 0 THEN DATE '2025-09-20' + (hash(customer_id) // 35 % 400)::INT END AS given_until,
        FROM '{source}') TO '{copy}' (FORMAT parquet)""")
    path.write_text(path.read_text().replace(f'"{job["customers"]["path"]}"', f'"{copy}"'))


def customer_list(job):
    """Customers that count, by id, with the first visit, the rank to start with and the rank by hand; and the ids that the job excludes."""
    source = job["folder"] / job["customers"]["path"]
    by_hand = ", given_rank, given_until" if "rank_at_least" in job["customers"]["columns"] else ", NULL, NULL"
    ((column, values),) = job["customers"]["exclude"].items()
    rows = duckdb.execute(f"SELECT customer_id, first_visit_on, rank, {column} IN {tuple(values)}{by_hand} FROM '{source}'").fetchall()
    return {row[0]: (row[1], row[2], row[4], row[5]) for row in rows if not row[3]}, {row[0] for row in rows if row[3]}


def earliest(*dates):
    return min((date for date in dates if date), default=None)


def local_date(instant, zone):
    return None if instant is None else (shop.EPOCH + dt.timedelta(microseconds=instant)).astimezone(zone).date()


def reached(begun, months):
    return begun and shop.add_months(begun, months)


def ways_in(rank):
    """The conditions of which one must hold; none for a `top`."""
    return rank.get("any_of") or ([rank["at_least"]] if "at_least" in rank else [])


def ways_to_keep(rank):
    return [rank["keep_at_least"]] if "keep_at_least" in rank else ways_in(rank)


class Figures:
    """What one question about a customer looks at."""

    def __init__(self, begun, **counted):
        self.begun, self.counted = begun, counted

    def in_time(self, condition, day):
        on = reached(self.begun, condition.get("tenure_months", 0))
        return "tenure_months" not in condition or (on is not None and on <= day)

    def meet(self, condition, day):
        return self.in_time(condition, day) and all(have >= condition.get(name, have) for name, have in self.counted.items())

    def lack(self, condition, *names):
        """How much is missing of these metrics, the most of them; None when none is asked for."""
        return max((max(0, condition[name] - self.counted[name]) for name in names if name in condition), default=None)

    def distance(self, condition, day):
        """The largest share that is missing of anything that a condition asks for."""
        shares = [Fraction(max(0, wanted - self.counted[name]), max(1, wanted)) for name, wanted in condition.items() if name in self.counted]
        if "tenure_months" in condition:
            on = reached(self.begun, condition["tenure_months"])
            shares.append(Fraction(max(0, (on - day).days), max(1, (on - self.begun).days)) if on else Fraction(1))
        return max(shares, default=Fraction(0))

    def nearest(self, conditions, day):
        return min(conditions, key=lambda condition: self.distance(condition, day), default=None)


def admitted(ranks, everyone):
    """For each `top` rank the ids it admits and the spend of the last of them."""
    tops = {}
    for rank in ranks:
        if "top" in rank:
            buyers = sorted((-f["spend"], -f["orders"], name) for name, f in everyone.items() if f["spend"] > 0 and f["orders"] > 0)
            best = buyers[: ceil(Fraction(rank["top"].rstrip("%")) / 100 * len(buyers))]
            tops[rank["name"]] = {name for *_, name in best}, -best[-1][0] if best else None
    return tops


def better(one, other):
    return max((rank for rank in (one, other) if rank is not None), default=None)


def move(rules, held, q, due, keeps, closing, given):
    """The table of rank moves. A state is (rank, since, missed, safe_until); returns the new one and what happened. `given` tells the
    rank by hand on a day."""
    floor = given(closing)
    if held is None:
        enters = better(q, floor)
        return (enters, closing if enters is not None else None, 0, None), "none" if enters is None else "new"
    rank, since, missed, safe_until = held
    rises = q if due or rules.get("up", "at once") == "at once" else None
    if floor is not None and floor > rank and (rises is None or rises < floor):
        return (floor, closing, 0, None), "up"
    if rises is not None and rises > rank:
        months = int(rules.get("keep_for", "0").split()[0])
        return (q, closing, 0, shop.add_months(closing, months) if months else None), "up"
    if (q is not None and q >= rank) or (due and keeps):
        return (rank, since, 0, safe_until), "kept"
    if not due or (safe_until and due < safe_until) or rules["down"] == "never" or (given(due) is not None and given(due) >= rank):
        return held, "kept"
    if missed + 1 <= rules["grace"]:
        return (rank, since, missed + 1, safe_until), "missed"
    lower = q if rules["down"] == "to qualifying" else (rank - 1 if rank > 0 else None)
    lower = better(lower, given(due))
    return (lower, closing if lower is not None else None, 0, None), "down"


def assess(job, con, listed, excluded, as_of, previous):
    """The rows that customers.parquet must hold, the new states, and the days. `previous` is (days, states) of the run before."""
    run = shop.days(job, as_of, previous and previous[0])
    zone, rules, ranks = ZoneInfo(job["time_zone"]), job["ranks"], job["rank"]
    names = [rank["name"] for rank in ranks]
    at_closing = shop.features(con, job, run)
    # What is known of all time, as far as it is settled by the next closing, and by the next review.
    if run["settled"] == run["closing"]:
        known_by = dict.fromkeys(["next", "keep"], shop.features(con, job, run | {"closing": as_of, "settled": as_of}))
    else:
        known_by = {day: shop.features(con, job, run | {"closing": as_of, "settled": run[f"{day}_settled"]}) for day in ("next", "keep")}
    everyone = {name: at_closing.get(name, NOBODY) for name in (at_closing.keys() | listed.keys()) - excluded}
    tops = admitted(ranks, everyone)

    rows, states = {}, {}
    for name, f in everyone.items():
        visit, start, hand, until = listed.get(name, (None,) * 4)
        closed = {"orders_ever": f["orders_ever"], "spend_ever": f["spend_ever"]}
        begun = earliest(visit, local_date(f["first_order_closing"], zone))
        window = Figures(begun, orders=f["orders"], spend=f["spend"], **closed)
        review = Figures(begun, orders=f["due_orders"], spend=f["due_spend"], **closed)
        known = {}
        for day, rows_known in known_by.items():
            row = rows_known.get(name, NOBODY)
            since = earliest(visit, local_date(row["first_order_closing"], zone))
            ever = {"orders_ever": row["orders_ever"], "spend_ever": row["spend_ever"]}
            known[day] = Figures(since, orders=f[f"{day}_orders_known"], spend=f[f"{day}_spend_known"], **ever)
        ahead, keep = known["next"], known["keep"]

        def given(day):
            return names.index(hand) if hand and (until is None or day <= until) else None

        held = previous[1].get(name) if previous else ((names.index(start), None, 0, None) if start else None)
        held = held if held and held[0] is not None else None
        fits = [name in tops[r["name"]][0] if "top" in r else any(window.meet(way, run["closing"]) for way in ways_in(r)) for r in ranks]
        q = max((place for place, fit in enumerate(fits) if fit), default=None)
        keeps = held is not None and any(review.meet(way, run["closing"]) for way in ways_to_keep(ranks[held[0]]))
        state, change = move(rules, held, q, run["due"], keeps, run["closing"], given)
        rank, since, missed, safe_until = state
        states[name] = state

        row = {column: f.get(column) for column in COLUMNS} | {
            "qualifies": None if q is None else names[q],
            "rank": None if rank is None else names[rank],
            "previous_rank": names[held[0]] if held else None,
            "rank_change": change, "rank_since": since, "missed_reviews": missed, "safe_until": safe_until,
        }
        above = 0 if rank is None else rank + 1
        if above < len(ranks):
            row["next_rank"] = names[above]
            waits = rules.get("up", "at once") == "at review" and rank is not None
            chance, settled, ahead = ("keep_by", "keep_settled", keep) if waits else ("next_closing", "next_settled", ahead)
            row["next_last_day"] = run[settled] - dt.timedelta(days=1)
            wanted = ahead.nearest(ways_in(ranks[above]), run[chance])
            if wanted:
                row["next_orders"] = ahead.lack(wanted, "orders", "orders_ever")
                row["next_spend"] = ahead.lack(wanted, "spend", "spend_ever")
                on = reached(ahead.begun, wanted["tenure_months"]) if "tenure_months" in wanted else None
                row["next_on"] = on if on and on > as_of else None
            elif tops[names[above]][1] is not None:
                row["next_spend"] = max(0, tops[names[above]][1] - ahead.counted["spend"])
            if as_of >= run[settled] and (row["next_orders"] or row["next_spend"]):
                row["next_orders"] = row["next_spend"] = None
        can_fall = rank is not None and rules["down"] != "never" and missed + 1 > rules["grace"] and "top" not in ranks[rank]
        by_hand = rank is not None and given(run["keep_by"]) is not None and given(run["keep_by"]) >= rank
        if can_fall and not by_hand and not (safe_until and run["keep_by"] < safe_until):
            row["keep_by"] = run["keep_by"]
            row["keep_last_day"] = run["keep_settled"] - dt.timedelta(days=1)
            wanted = keep.nearest([way for way in ways_to_keep(ranks[rank]) if keep.in_time(way, run["keep_by"])], run["keep_by"])
            if wanted:
                row["keep_orders"] = keep.lack(wanted, "orders", "orders_ever")
                row["keep_spend"] = keep.lack(wanted, "spend", "spend_ever")
            if as_of >= run["keep_settled"] and (row["keep_orders"] or row["keep_spend"]):
                row["keep_orders"] = row["keep_spend"] = None
        rows[name] = row
    return rows, states, run


def promise(job, con, before, after, since, until):
    """Who falls was told that something is missing, unless something was returned after the telling; counts those who were not."""
    zone, tops = ZoneInfo(job["time_zone"]), {rank["name"] for rank in job["rank"] if "top" in rank}
    between = [shop.midnight(since, zone), shop.midnight(until, zone)]
    back = {name for (name,) in con.execute("SELECT customer_id FROM purchases WHERE amount < 0 AND purchased_at >= ? AND purchased_at < ?", between).fetchall()}
    fallen = [name for name, row in after.items() if row["rank_change"] == "down" and row["previous_rank"] not in tops and name not in back]
    broken = 0
    for name in fallen:
        told = before[name]
        missing = [told["keep_orders"], told["keep_spend"]]
        was_told = told["keep_by"] is not None and (missing == [None, None] or any(number for number in missing))
        if not was_told:
            broken += 1
            print(f"  {name} fell from {after[name]['previous_rank']} at {until} and was told {told['keep_by']}, {missing}")
    print(f"  {len(fallen)} fell, {broken} of them untold; {len(back)} had returned something")
    return broken


def main():
    wrong, chosen = 0, sys.argv[1:]
    for variant, changes in VARIANTS.items():
        if chosen and variant not in chosen:
            continue
        with shop.temp() as folder:
            path = shop.job_in(folder, changes=CALM + changes)
            if "rank_at_least" in path.read_text():
                give_by_hand(path)
            job = shop.read_job(path)
            con, (listed, excluded) = shop.open_purchases(job), customer_list(job)
            previous, before = None, None
            for as_of in map(dt.date.fromisoformat, RUNS):
                shop.rankmail("run", path, "--as-of", as_of, "--runs", f"{folder}/runs")
                rows, states, run = assess(job, con, listed, excluded, as_of, previous)
                got = shop.read_table(f"{folder}/runs/{job['name']}/{as_of}/customers.parquet", "customer_id", COLUMNS)
                wrong += shop.differences(f"ranks {variant} at {as_of}", rows, got)
                if before:
                    wrong += promise(job, con, before, got, previous[0]["as_of"], as_of)
                previous, before = (run, states), got
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
