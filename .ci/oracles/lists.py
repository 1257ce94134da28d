"""The demo shop's lists, read by Python's csv and hashed by hashlib: who is on them, what they say, and that no cell is a formula."""

import csv
import hashlib
import io
import json
import pathlib
import sys

import pyarrow.parquet as parquet

import shop

AS_OF = "2026-12-01"
ROLES = {"postal_code": "postal_code", "postal_address": "postal_address", "line_id": "line_id", "phone": "phone"}
CAMPAIGNS = """
[[campaign]]
name = "oracle_letter"
ranks = "A and up"
channel = ["post", "line"]
cost_each = { post = 120, line = 5 }
counts_towards_limit = false
holdout = false

[[campaign]]
name = "oracle_call"
ranks = "AAA and up"
channel = "call"
cost_each = 300
counts_towards_limit = false
holdout = false

[[campaign]]
name = "oracle_gift"
ranks = "VIP"
sells = false
channel = "post"
counts_towards_limit = false
holdout = false
offer = { kind = "gift", choose_by = "likes", allergies = "allergies", gifts = [{ likes = "肉", gift = "近江牛", never_with = ["牛肉"] }, { likes = "甘味", gift = "和菓子", never_with = ["小麦", "卵"] }], otherwise = "お花" }
"""


def job_in(folder):
    """The demo's job with the ways to reach people mapped, and three campaigns more."""
    path = shop.job_in(folder)
    head, columns, rest = path.read_text().partition("[customers.columns]\n")
    mapped = "".join(f'{role} = "{column}"\n' for role, column in ROLES.items() if f"{role} " not in rest.split("\n[", 1)[0])
    text = (head + columns + mapped + rest).replace("\n[mail]", CAMPAIGNS + "\n[mail]", 1)
    path.write_text(text)
    return path


def cells(text):
    """The rows of a list for people, by heading."""
    if not text.startswith("\ufeff"):
        sys.exit("a list for people has no mark")
    if text.count("\n") != text.count("\r\n") + sum(row.count("\n") for row in quoted(text)):
        sys.exit("a row does not end in CRLF")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def quoted(text):
    return [cell for row in csv.reader(io.StringIO(text[1:], newline="")) for cell in row]


def plain(cell):
    """A cell as it was before it was made harmless."""
    return cell[1:] if cell.startswith("'") and begins_formula(cell[1:]) else cell


def begins_formula(cell):
    return cell[:1] in "\t\r\n" and cell != "" or cell.strip()[:1] in tuple("=+-@＝＋－＠")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def for_google(address):
    local, _, domain = address.strip().lower().rpartition("@")
    if domain in ("gmail.com", "googlemail.com"):
        local = local.split("+")[0].replace(".", "")
    return f"{local}@{domain}"


def main():
    faults = []
    with shop.temp() as folder:
        folder = pathlib.Path(folder)
        job, runs = job_in(folder), folder / "runs"
        shop.rankmail("run", job, "--as-of", AS_OF, "--runs", runs, "-q", "--accept", "audience")
        plan = runs / "monthly" / AS_OF
        mails = parquet.read_table(plan / "mails.parquet").to_pylist()
        listed = {row["customer_id"]: row for row in parquet.read_table(shop.ROOT / "testdata/customers.parquet").to_pylist()}

        def export(*arguments):
            out = folder / "list.csv"
            told = json.loads(shop.rankmail("export", job, "--runs", runs, *arguments, "--out", out, "--json"))
            with open(out, newline="", encoding="utf-8") as file:
                return file.read(), told

        def of(campaign, channel=None):
            return [mail for mail in mails if mail["campaign"] == campaign and channel in (None, mail["channel"])]

        def same(what, found, wanted):
            if found != wanted:
                different = [pair for pair in zip(found, wanted) if pair[0] != pair[1]][:3]
                faults.append(f"{what}: {len(found)} found, {len(wanted)} wanted, first differences {different}")

        text, _ = export("--campaign", "oracle_letter", "--as", "post")
        letters = cells(text)
        people = [listed[mail["customer_id"]] for mail in of("oracle_letter", "post")]
        same("letters", [plain(row["顧客ID"]) for row in letters], [mail["customer_id"] for mail in of("oracle_letter", "post")])
        same("homes", [plain(row["住所"]) for row in letters], [person["postal_address"] for person in people])
        same("postal codes", [row["郵便番号"].replace("-", "") for row in letters], [person["postal_code"].replace("-", "") for person in people])
        text, _ = export("--campaign", "oracle_letter", "--as", "line")
        same("LINE ids", text.split("\r\n")[:-1], [listed[mail["customer_id"]]["line_id"] for mail in of("oracle_letter", "line")])
        text, _ = export("--campaign", "oracle_call", "--as", "call")
        same("telephones", [plain(row["電話番号"]) for row in cells(text)], [listed[mail["customer_id"]]["phone"] for mail in of("oracle_call")])
        text, _ = export("--campaign", "oracle_gift", "--as", "gifts")
        gifts = cells(text)
        same("gifts", [row["贈り物"] for row in gifts], [mail["gift"] for mail in of("oracle_gift")])
        for row in gifts:
            allergies = listed[plain(row["顧客ID"])]["allergies"] or ""
            if row["贈り物"] == "近江牛" and "牛肉" in allergies or row["贈り物"] == "和菓子" and ("小麦" in allergies or "卵" in allergies):
                faults.append(f"{row['顧客ID']} is given {row['贈り物']} and is allergic to {allergies}")
        for kind, heading, form in (("google", "Email", for_google), ("meta", "email", lambda text: text.strip().lower())):
            text, told = export("--campaign", "newsletter", "--as", kind)
            hashes = dict.fromkeys(sha256(form(mail["address"])) for mail in of("newsletter"))
            same(kind, text.split("\r\n")[:-1], [heading, *hashes])
            same(f"{kind} rows", [told["rows"]], [len(hashes)])
        text, _ = export("--ranks")
        ranks = {plain(row["customer_id"]): row for row in cells(text)}
        customers = parquet.read_table(plan / "customers.parquet").to_pylist()
        same("ranked customers", list(ranks), [row["customer_id"] for row in customers])
        for row in customers:
            for column in ("rank", "previous_rank", "rank_since", "next_rank", "next_orders", "next_spend", "next_last_day", "keep_by",
                           "keep_last_day", "keep_spend", "points_balance", "points_expiring", "points_expire_on"):
                wanted = "" if row[column] is None else str(row[column])
                if ranks[row["customer_id"]][column] != wanted:
                    faults.append(f"{row['customer_id']}: {column} is {ranks[row['customer_id']][column]!r}, not {wanted!r}")
        for path in sorted((runs / "monthly" / "lists" / AS_OF).glob("*.csv")):
            text = path.read_bytes().decode()
            faults.extend(f"{path.name} holds a formula: {cell!r}" for cell in quoted("\ufeff" + text.removeprefix("\ufeff")) if begins_formula(cell))
        on_disk = (runs / "monthly" / "lists" / AS_OF / "oracle_letter.post.csv").read_bytes().decode()
        same("the list that send wrote", [row["顧客ID"] for row in cells(on_disk)], [row["顧客ID"] for row in letters])
        print(f"{len(letters)} letters, {len(gifts)} gifts, {len(ranks)} ranks, {len(of('newsletter'))} newsletters hashed")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
