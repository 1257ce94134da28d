"""How fast the studio's pages answer on a large plan, and how much memory its server takes. It fails when a page or the memory is over its
bar. Each address is asked for AGAIN times and its best counts: the bar is about the program, not about what else the machine does; of the
addresses of a kind of page the worst counts.

usage: python3 benches/studio.py [LINES CUSTOMERS]      needs PyPI's duckdb and pyarrow, and `cargo build --release`
Without a size it is 2e7 lines of 1e6 customers. RANKMAIL names the program, SHARED the folder with bench/ (the generator), DATA a folder that keeps what is generated and the plan,
TIMES how many addresses of each kind are asked for (9), AGAIN how often each (3), MOST the megabytes that the server may take (300).
2e7 1e6 takes some minutes the first time, most of it for the plan; 1e6 1e5 a minute.
"""

import http.client
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import table
from speed import BIN
from table import AS_OF

TIMES = int(os.environ.get("TIMES", 9))
AGAIN = int(os.environ.get("AGAIN", 3))
MOST = float(os.environ.get("MOST", 300))
BAR = 150  # milliseconds


class Server:
    """A studio as a process of its own."""

    def __init__(self, job, runs):
        command = [BIN, "studio", job, "--runs", runs, "--as-of", AS_OF, "--listen", "127.0.0.1:0", "--json"]
        self.child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        told = ""
        while not told.endswith("}\n"):
            line = self.child.stdout.readline()
            if not line:
                sys.exit(f"the studio ended: {told}")
            told += line
        url = urllib.parse.urlparse(json.loads(told)["url"])
        self.host, self.base = url.netloc, url.path.rstrip("/")

    def get(self, path):
        """A page, and the milliseconds that it took."""
        began = time.perf_counter()
        line = http.client.HTTPConnection(self.host, timeout=60)
        line.request("GET", self.base + path)
        answer = line.getresponse()
        body = answer.read().decode()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            sys.exit(f"{path} answers {answer.status}: {body[:300]}")
        return body, took

    def wait(self, path):
        """Seconds until what a page shows is read."""
        began = time.monotonic()
        while "<progress" in self.get(path)[0]:
            time.sleep(0.2)
        return time.monotonic() - began

    def megabytes(self, what="VmHWM"):
        text = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", text)[1]) / 1024


def query(**fields):
    return urllib.parse.urlencode(fields)


def pages(server, customers):
    """Kinds of pages, each as a way to the next address of its kind."""
    dice = random.Random(7)
    somebody = lambda: f"C{dice.randrange(customers):09d}"
    front = server.get("/")[0]
    cells = sorted(set(re.findall(re.escape(server.base) + r"(/people\?[^\"]*campaign=[^\"]*)\"", front.replace("&amp;", "&"))))
    names = ["佐藤", "花子", "田中 凛", "鈴木 太郎"]
    listed = lambda: re.findall(r"/mail\?customer=([^&\"]+)&campaign=([^&\"]+)\"", server.get(dice.choice(cells))[0].replace("&amp;", "&"))

    def mail():
        while not (found := listed()):
            pass
        customer, campaign = dice.choice(found)
        return f"/mail?customer={customer}&campaign={campaign}"

    return {
        "audience": lambda: "/",
        "everybody": lambda: "/people",
        "a cell": lambda: dice.choice(cells),
        "search: a name": lambda: "/people?" + query(q=dice.choice(names)),
        "search: an address": lambda: "/people?" + query(q=f"customer{dice.randrange(customers)}@"),
        "search: nobody": lambda: "/people?" + query(q=f"nobody{dice.random()}"),
        "filter by a column": lambda: "/people?" + query(**{"is.store": dice.choice(["京都", "大阪"]), "fate": "mailed"}),
        "sorted by a name": lambda: "/people?" + query(sort="name", q=dice.choice(names)),
        "sorted, the last page": lambda: "/people?" + query(sort="spend", desc=1, page=customers // 50),
        "any mail skipped": lambda: "/people?" + query(fate="no_consent", sort="last", desc=1),
        "a person": lambda: "/person?" + query(id=somebody()),
        "a mail": mail,
        "templates": lambda: "/templates",
    }


def main():
    if len(sys.argv) not in [1, 3]:
        sys.exit(__doc__)
    lines, customers = (float(number) for number in sys.argv[1:] or ["2e7", "1e6"])
    customers, slow = int(customers), []
    with tempfile.TemporaryDirectory(prefix="studio-", dir=os.environ.get("DATA")) as folder:
        kept = pathlib.Path(os.environ.get("DATA", folder)).resolve()
        _, job = table.shop(pathlib.Path(folder), kept, lines, customers)
        runs = kept / f"studio-{lines:.0f}-{customers}"
        if not (runs / "monthly" / AS_OF / "plan.json").exists():
            subprocess.run([str(part) for part in [BIN, "plan", job, "--as-of", AS_OF, "--runs", runs, "--quiet"]], check=True)
        server = Server(job, runs)
        try:
            print(f"{customers:,} customers, {lines:,.0f} lines; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
            people = server.wait("/people")
            print(f"people read after {people:.1f} s, peak {server.megabytes():.0f} MB", flush=True)
            crowd = people + server.wait("/person?" + query(id=f"C{customers // 2:09d}"))
            print(f"reasons read after {crowd:.1f} s, peak {server.megabytes():.0f} MB\n", flush=True)
            print("| page | median ms | worst ms | |\n|---|---|---|---|")
            for name, address in pages(server, customers).items():
                asked = [address() for _ in range(TIMES)]
                took = [min(server.get(one)[1] for _ in range(AGAIN)) for one in asked]
                told = "" if max(took) <= BAR else "over the bar"
                slow += [name] * (max(took) > BAR)
                print(f"| {name} | {statistics.median(took):.0f} | {max(took):.0f} | {told} |", flush=True)
            peak = server.megabytes()
            print(f"\npeak memory {peak:.0f} MB of {MOST:.0f}, now {server.megabytes('VmRSS'):.0f} MB")
        finally:
            server.child.terminate()
            server.child.wait()
    if slow or peak > MOST:
        sys.exit(f"over the bar of {BAR} ms: {', '.join(slow) or 'none'}; {peak:.0f} MB of {MOST:.0f}")


if __name__ == "__main__":
    main()
