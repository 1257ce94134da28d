"""The studio in a real browser: Debian's Chromium opens the demo shop's plan, clicks its way to a person and a mail, edits a template, sees the
new text in the frame and an error with its line. Every page is looked at 1,280 and 390 pixels wide: nothing may scroll sideways, nothing
may be asked of anybody else, and the console stays empty. All that is written is read with a contrast of 4.5:1, by day and in the dark, and the
keyboard alone reaches everything, in both languages. A person is one sheet of paper. Screenshots go to target/studio/.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("RANKMAIL", str(ROOT / "target/release/rankmail"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
PICTURES = ROOT / "target/studio"
WIDTHS = {"wide": 1280, "narrow": 390}
SUBJECT = "birthday/subject.txt"

checks = 0


def sees(what, is_so):
    global checks
    assert is_so, what
    checks += 1


def shop(folder):
    """A copy of the demo shop, whose templates may be changed."""
    for name in ["jobs", "templates", "testdata"]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    job = folder / "jobs/monthly.toml"
    subprocess.run([BIN, "plan", job, "--as-of", "2026-12-01", "-q"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return job


class Guest:
    """A browser page that keeps what goes wrong in it."""

    def __init__(self, browser, url, width):
        self.url, self.trouble = url, []
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        # Whoever writes on ends what was asked for the text before; htmx says of that that it is an error.
        is_ended = lambda said: said.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        self.page.on("console", lambda said: is_ended(said) or self.trouble.append(f"console of {self.page.url.removeprefix(url)}: {said.text}"))
        self.page.on("pageerror", lambda error: self.trouble.append(f"script: {error}"))
        self.page.on("request", self.asked)
        self.page.on("response", lambda answer: answer.status >= 500 and self.trouble.append(f"{answer.status} {answer.url}"))

    def asked(self, request):
        if not request.url.startswith((self.url, "data:")):
            self.trouble.append(f"asked elsewhere: {request.url}")

    def go(self, path):
        self.page.goto(self.url + path)
        self.page.wait_for_load_state("networkidle" if "templates/" not in path else "load")

    def look(self, name):
        """Nothing may be wider than the window; the picture is kept."""
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        sees(f"{name} scrolls sideways by {over}", over <= 0)
        # As a caret is hidden an empty style stays behind, which htmx would write anew and the policy forbids.
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True, caret="initial")


def frame_text(page, at=0):
    """What stands in a mail's frame."""
    frames = page.locator("iframe")
    return frames.nth(at).content_frame.locator("body").inner_text(timeout=5_000)


def pages(guest, name):
    """Every page at one width."""
    page = guest.page
    guest.go("")
    guest.look(f"{name}-audience")
    guest.go("mail?campaign=birthday")
    sees("a mail has two frames", page.locator("iframe").count() == 2)
    sees("the mail is in its frame", "つばき堂" in frame_text(page))
    guest.look(f"{name}-mail")
    page.locator("a[rel=next]").click()
    page.wait_for_load_state()
    sees("the next recipient is another", "2 通目" in page.locator(".steps").inner_text())
    page.get_by_label("ダークモード").check()
    page.wait_for_url("**dark=1**")
    guest.look(f"{name}-mail-dark")
    guest.go("mail?campaign=birthday")
    for attempt in range(50):
        guest.page.goto(guest.url + "mail?campaign=birthday")
        page.get_by_text("名前がいちばん長い").click()
        if "customer=" in page.url:
            break
        time.sleep(0.2)
    sees("a hard one is found", "customer=" in page.url)
    guest.go("templates")
    guest.look(f"{name}-templates")
    for path, file in [("templates/birthday/body.html", "editor"), ("try", "try")]:
        guest.go(path)
        guest.look(f"{name}-{file}")
    for path in ["changes", "approve"]:
        answer = page.request.get(guest.url + path)
        if answer.ok:
            guest.go(path)
            guest.look(f"{name}-{path}")


def there(guest, selector):
    """Waits for what is only there once the studio has read on."""
    for _ in range(120):
        if guest.page.locator(selector).count():
            return
        guest.page.wait_for_timeout(250)
        guest.page.reload()
    sees(f"{selector} is never there", False)


def people(guest, name):
    """From a cell to its people, as many as it says, and from there to one person and why."""
    page = guest.page
    guest.go("")
    cell = page.locator("table.cells tbody a[href*='people']").first
    wanted = cell.inner_text().strip()
    cell.click()
    there(guest, "table.people tbody a[href*='person?']")
    found = page.locator(".found b").first.inner_text().split()[0]
    sees(f"{found} people behind a cell of {wanted}", found == wanted)
    guest.look(f"{name}-people")
    page.locator("table.people tbody a[href*='person?']").first.click()
    there(guest, ".weighed li")
    guest.look(f"{name}-person")


def editing(guest, templates):
    """A text is seen before it is saved, an error has its line, and a file saved elsewhere is seen at once."""
    page = guest.page
    guest.go("templates/" + SUBJECT)
    text = page.locator("textarea.code")
    text.fill("{{ customer.name }} さま、おめでとうございます")
    page.locator("#shown .subject", has_text="さま、おめでとうございます").wait_for(timeout=5_000)
    sees("the preview is not what was planned", page.get_by_text("計画のメールと異なります").count() == 1)
    text.fill("おめでとう\n{{ customer.nmae }}")
    page.locator("#trouble pre", has_text="subject.txt:2:13").wait_for(timeout=5_000)
    sees("the last good one stays", "さま、おめでとうございます" in page.locator("#shown .subject").inner_text())
    guest.look("wide-error")
    text.fill("お祝い {{ customer.name }}")
    page.locator("#shown .subject", has_text="お祝い").wait_for(timeout=5_000)
    page.get_by_role("button", name="保存").click()
    page.get_by_text("保存しました").wait_for(timeout=5_000)
    sees("it is on the disk", (templates / SUBJECT).read_text() == "お祝い {{ customer.name }}")
    times = []
    for turn in range(5):
        began = time.monotonic()
        (templates / SUBJECT).write_text(f"{turn} 回目 {{{{ customer.name }}}}")
        page.locator("#shown .subject", has_text=f"{turn} 回目").wait_for(timeout=5_000)
        times.append(time.monotonic() - began)
        page.wait_for_timeout(300)
    sees("the editor took it over", "4 回目" in text.input_value())
    print("a file saved elsewhere is in the frame after", sorted(round(1000 * one) for one in times), "ms")
    # The new HTML in the frame, not only the subject beside it.
    guest.go("templates/birthday/body.html")
    text = page.locator("textarea.code")
    text.fill(text.input_value().replace("<p>今月は", "<p>新しい文です。今月は"))
    page.frame_locator("#shown iframe >> nth=0").get_by_text("新しい文です。").wait_for(timeout=5_000)
    sees("the new text is in the frame", "新しい文です。" in frame_text(page))
    guest.look("wide-edited")
    # The keyboard: Tab indents, and after Esc it leaves.
    text.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    sees("Tab indents", text.input_value().startswith("  "))
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    sees("after Esc, Tab leaves", page.evaluate("document.activeElement.tagName") == "BUTTON")
    page.on("dialog", lambda dialog: dialog.accept())
    guest.go("try")
    page.get_by_role("button", name="始める").click()
    page.get_by_text("今回だれも通らない分岐").wait_for(timeout=60_000)
    guest.look("wide-tried")


def approving(guest, job, folder):
    """A page that is left open approves neither a plan that was replaced nor one that is gone; the new plan is approved once by a person."""
    page = guest.page
    press = lambda: page.get_by_role("button", name="この計画を承認する").click()
    guest.go("approve")
    sees("the highest rank stands first", page.locator("thead th.number").first.inner_text() == "VIP")
    sees("those without a rank stand last", page.locator("thead th.number", has_text="ランクなし").count() == 1)
    sees("skips lead to their people", page.locator("a[href*='fate=no_consent']").count() > 0)
    guest.look("wide-approve-ready")
    page.get_by_label("承認する人の名前").fill("山田 花子")
    subprocess.run([BIN, "plan", job, "--as-of", "2026-12-01", "-q"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    press()
    page.get_by_text("表示した計画は作り直されています").wait_for(timeout=5_000)
    sees("a replaced plan has no form", page.locator("input[name=name]").count() == 0)
    guest.look("wide-approve-replaced")
    page.get_by_role("button", name="新しい計画を開く").click()
    for name, told in [("山田 花子", "承認を記録しました"), ("山田\u3000花子", "この方は承認済みです")]:
        guest.go("approve")
        page.get_by_label("承認する人の名前").fill(name)
        press()
        page.get_by_text(told).wait_for(timeout=5_000)
    page.get_by_label("承認する人の名前").fill("山田\u200b 花子")
    press()
    page.get_by_text("U+200B").wait_for(timeout=5_000)
    plan = next(folder.glob("**/2026-12-01/plan.json")).parent
    page.get_by_label("承認する人の名前").fill("鈴木 健")
    plan.rename(folder / "aside")
    press()
    page.locator("main").get_by_text("この計画はもうありません").wait_for(timeout=5_000)
    sees("a plan that is gone has no form", page.locator("input[name=name]").count() == 0)
    sees("and is not said to be made anew", page.get_by_text("作り直されています").count() == 0)
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        guest.go("approve")
        guest.look(f"{name}-approve-gone")
        answer = page.goto(guest.url + "mail?campaign=birthday")
        sees(f"a mail of a plan that is gone: {answer.status}", answer.status == 410)
        guest.look(f"{name}-mail-gone")
    (folder / "aside").rename(plan)
    guest.go("approve")
    sees("it is back", page.locator("input[name=name]").count() == 1 and page.locator("form.past").count() == 0)
    # The browser says of every answer that refuses something that it does.
    guest.trouble = [line for line in guest.trouble if "409 (Conflict)" not in line and "410 (Gone)" not in line]


def birthdays(guest):
    """Some who get a birthday mail."""
    page = guest.page.context.browser.new_page()
    page.goto(guest.url + "people?campaign=birthday&fate=mailed")
    found = page.locator("table.people tbody a[href*='person?']").evaluate_all("all => all.map(one => new URL(one.href).searchParams.get('id'))")
    page.close()
    return found


def saving(browser, url, templates):
    """A text that cannot be saved stays in the editor with why; after a broken template is saved, the last good mail stays."""
    guest = Guest(browser, url, WIDTHS["wide"])
    page = guest.page
    page.on("dialog", lambda dialog: dialog.accept())
    path = templates / SUBJECT
    path.write_text("よい件名 {{ customer.name }}")
    guest.go("templates/" + SUBJECT)
    text = page.locator("textarea.code")
    # The folder is gone: nothing is written, and everything that was written here is still here.
    text.fill("大切な文面 {{ customer.name }}")
    page.locator("#shown .subject", has_text="大切な文面").wait_for(timeout=5_000)
    # Somebody else's mail of it: the text stays.
    before = page.locator("#shown .subject").inner_text()
    page.get_by_label("顧客", exact=True).fill(next(one for one in birthdays(guest) if one != page.locator("#editor input[name=customer]").input_value()))
    page.get_by_role("button", name="表示").click()
    page.wait_for_function("before => document.querySelector('#shown .subject').innerText !== before", arg=before, timeout=5_000)
    sees("the text stays with another customer", text.input_value() == "大切な文面 {{ customer.name }}")
    path.parent.rename(templates / "moved")
    page.get_by_role("button", name="保存").click()
    page.locator("#said .alert", has_text="保存できませんでした").wait_for(timeout=5_000)
    sees("the text is still there", text.input_value() == "大切な文面 {{ customer.name }}")
    guest.look("wide-not-saved")
    (templates / "moved").rename(path.parent)
    # What is too long is told before it is sent.
    text.evaluate("text => { text.value = 'あ'.repeat(400000) }")
    page.get_by_role("button", name="保存").click()
    page.locator("#said .alert", has_text="1024 KiB").wait_for(timeout=5_000)
    sees("a long text is still there", len(text.input_value()) == 400_000)
    # Changed elsewhere: both versions take the editor's place.
    text.fill("わたしの件名")
    path.write_text("ほかの件名")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("何も書き込んでいません").wait_for(timeout=5_000)
    sees("both are shown", page.locator("pre.version").inner_text() == "ほかの件名" and text.input_value() == "わたしの件名")
    page.get_by_role("button", name="上書き").click()
    page.get_by_text("保存しました").wait_for(timeout=5_000)
    sees("mine is on the disk", path.read_text() == "わたしの件名")
    # A broken one is saved, here or elsewhere: the last good mail stays beside the error.
    page.locator("#shown .subject", has_text="わたしの件名").wait_for(timeout=5_000)
    text.fill("こわれた\n{{ customer.nmae }}")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("保存しました").wait_for(timeout=5_000)
    # What is saved is looked at once that is told.
    page.locator("#trouble", has_text="subject.txt:2:13").wait_for(timeout=5_000)
    sees("it says whom it hits", "で失敗します" in page.locator("#trouble").inner_text())
    sees("the last good one stays", page.locator("#shown .subject").inner_text() == "わたしの件名" and "つばき堂" in frame_text(page))
    guest.look("wide-broken")
    path.write_text("{% if")
    page.locator("#trouble pre", has_text="subject.txt:1").wait_for(timeout=5_000)
    sees("also after a save elsewhere", page.locator("#shown .subject").inner_text() == "わたしの件名")
    path.write_text("よい件名 {{ customer.name }}")
    page.close()


def calls(browser, url, templates):
    """A mail that is looked at opens no connection to anybody, whatever is in it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.5)
    there = f"http://127.0.0.1:{listener.getsockname()[1]}"
    path = templates / "birthday/body.html"
    before = path.read_text()
    elements = [
        f'<iframe src="{there}/1"></iframe>',
        f'<object data="{there}/2"></object>',
        f'<embed src="{there}/3">',
        f'<meta http-equiv="refresh" content="0;url={there}/4">',
        f'<link rel="preconnect" href="{there}"><link rel="dns-prefetch" href="{there}">',
        f'<link rel="prefetch" href="{there}/5"><link rel="stylesheet" href="{there}/6"><link rel="prerender" href="{there}/7">',
        f'<svg><style><p><iframe src="{there}/8"></iframe></style></svg><img src="{there}/9"><video src="{there}/10" poster="{there}/11"></video>',
        f'<style>@import url("{there}/12"); body {{ background: url("{there}/13") }}</style><script src="{there}/14"></script>',
        f'<xmp><!--</xmp><iframe src="{there}/15"></iframe><!-- -->',
        f'<svg><![CDATA[><!--]]></svg><iframe src="{there}/15"></iframe><!-- -->',
    ]
    for number, element in enumerate(elements):
        path.write_text(before.replace("<p>今月は", f"{element}<p>接続なし {number}。今月は"))
        page = browser.new_page()
        page.goto(f"{url}templates/birthday/body.html")
        sees("the mail is in its frame", f"接続なし {number}" in frame_text(page))
        page.wait_for_timeout(500)
        try:
            caller, _ = listener.accept()
            caller.close()
            sees(f"the browser called because of {element}", False)
        except TimeoutError:
            sees("nobody called", True)
        page.close()
    path.write_text(before)
    listener.close()


# The worst contrast (WCAG 2) of the texts that are seen: colours are blended over what lies behind them, as the browser paints them.
CONTRAST = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = text => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map(at => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
  const behind = one => { const layers = []; for (let at = one; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor); if (layer[3] > 0) layers.push(layer); if (layer[3] === 1) break; }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const light = colour => { const [r, g, b] = colour.map(part => { part /= 255; return part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const weak = []; let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
    if (!text || one.closest('title, script, noscript, option, .unseen, [aria-disabled]') || !one.checkVisibility()) continue;
    const style = getComputedStyle(one), paper = behind(one);
    let ink = rgba(one instanceof SVGElement ? style.fill : style.color);
    for (let at = one; at; at = at.parentElement) ink[3] *= +getComputedStyle(at).opacity;
    const [dark, bright] = [light(over(ink, paper)), light(paper)].sort((a, b) => a - b);
    const contrast = (bright + .05) / (dark + .05); seen += 1;
    if (contrast < 4.5) weak.push(`${contrast.toFixed(2)} ${one.tagName}.${one.getAttribute('class') || ''} ${text.slice(0, 30)}`);
  }
  return [seen, [...new Set(weak)]];
}"""
# What Tab must reach; what is within closed details is not there.
REACHED = """() => { const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(one => !one.disabled && one.checkVisibility()); all.forEach((one, at) => one.dataset.at = at); return all.length; }"""
FOCUSED = """() => { const one = document.activeElement, style = getComputedStyle(one);
  return [one.dataset.at === undefined ? null : +one.dataset.at, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]; }"""
PAGES = ["", "people", "people?fate=mailed", "person?id=T00092", "mail?campaign=birthday", "templates", "templates/birthday/body.html",
         "changes", "approve", "try", "nowhere"]


def reading(guest):
    """All texts can be read, whatever the light and the width."""
    page = guest.page
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            page.goto(guest.url + path)
            page.locator("#main progress").first.wait_for(state="detached", timeout=120_000)
            seen, weak = page.evaluate(CONTRAST)
            sees(f"{path} in the {scheme}, {page.viewport_size['width']} wide: {weak}", seen > 5 and not weak)
    page.emulate_media(color_scheme="light")


def keyboard(guest):
    """Tab alone reaches whatever can be clicked or written in, in the order of the page, and it is seen where it is."""
    page = guest.page
    for path in PAGES:
        guest.page.goto(guest.url + path)
        page.locator("#main progress").first.wait_for(state="detached", timeout=120_000)
        many, last = page.evaluate(REACHED), -1
        for _ in range(many):
            if page.evaluate("document.activeElement.matches('textarea.code')"):
                page.keyboard.press("Escape")
            page.keyboard.press("Tab")
            for _ in range(30):
                at, is_seen = page.evaluate(FOCUSED)
                for _ in range(8):
                    if at is not None:
                        break
                    # Out of the frame of a mail, which is a process of its own, the focus comes a moment after the key.
                    page.wait_for_timeout(50)
                    at, is_seen = page.evaluate(FOCUSED)
                # What scrolls, and the frames of mails, are stops of their own.
                if at is not None:
                    break
                page.keyboard.press("Tab")
            sees(f"{path}: Tab comes from {last} to {at} of {many}", at == last + 1)
            sees(f"{path}: the focus is not seen on {at}", is_seen)
            last = at


def paper(guest, shop):
    """Whoever it is, a person is one sheet of paper, and it says how much is not on it: of the orders, of the mails."""
    guest.go("people?campaign=newsletter&fate=mailed&sort=orders&desc=1")
    there(guest, "table.people tbody a[href*='person?']")
    people = [one.get_attribute("href") for one in guest.page.locator("table.people tbody th a").all()]
    for name, person in [("most", people[0]), ("second", people[1]), ("ordinary", people[len(people) // 2])]:
        guest.page.goto(urllib.parse.urljoin(guest.url, person))
        # Before that the reasons are not read, and little is on the page.
        there(guest, ".orders tr")
        printed = guest.page.pdf(path=PICTURES / f"person-{shop}-{name}.pdf", format="A4")
        sheets = len(re.findall(rb"/Type\s*/Page[^s]", printed))
        sees(f"{person} of {shop} is {sheets} sheets", sheets == 1)
        # Each list, and what it stands in.
        lists = {".orders tr": ".orders", ".mails li": ".card:has(.mails)", ".weighed li": ".card:has(.weighed)", ".checks li": ".card:has(.checks)"}
        many = {rows: guest.page.locator(rows).count() for rows in lists}
        guest.page.emulate_media(media="print")
        for rows, card in lists.items():
            shown = guest.page.locator(f"{rows}:visible").count()
            more = guest.page.locator(f"{card} > .paper:visible").all_inner_texts()
            said = shown == many[rows] if not more else shown > 0 and str(many[rows] - shown) in more[0]
            sees(f"{shown} of {many[rows]} {rows} of {person} of {shop}: {more}", said)
        # As it was: what is said to be a screen is printed as one.
        guest.page.emulate_media(media="null")


def a_year(browser, folder):
    """The pictures of ranks of a shop with a year of adopted runs, in both languages: all of it is seen at each width."""
    for language in ["ja", "en"]:
        job = folder / "jobs/monthly.toml"
        text = job.read_text().replace('language  = "ja"', f'language  = "{language}"')
        year = folder / f"jobs/year-{language}.toml"
        year.write_text(text.replace('"../runs"', f'"../runs-{language}"'))
        for month in range(11, 24):
            date = f"{2025 + month // 12}-{month % 12 + 1:02}-01"
            for verb in ["plan", "send"][: 1 if month == 23 else 2]:
                subprocess.run([BIN, verb, year, "--as-of", date, "-q"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        with studio(year, folder) as url:
            for name, width in WIDTHS.items():
                guest = Guest(browser, url, width)
                guest.go("")
                picture = guest.page.locator(".past-sizes")
                bars, right = picture.evaluate("""one => [one.querySelectorAll('text').length,
                    Math.max(...[...one.querySelectorAll('rect')].map(bar => bar.getBoundingClientRect().right)) - one.getBoundingClientRect().right]""")
                sees(f"{bars} runs are in the picture, {right} px too wide", bars == 13 and right <= 0.5)
                guest.look(f"{name}-year-{language}")
                if name == "wide":
                    paper(guest, f"year-{language}")
                if (language, name) != ("en", "narrow"):
                    reading(guest)
                if (language, name) == ("ja", "wide"):
                    keyboard(guest)
                sees("\n".join(guest.trouble), all("404" in one for one in guest.trouble))


def mends(browser, folder):
    """What is wrong stays told: over a restart, beside a preview, until it is saved. Saving leaves the cursor and what can be undone. A link of a
    mail leads nowhere, whatever it is clicked with. Long names and narrow windows push nothing out of sight."""
    job = shop(folder)
    subprocess.run([BIN, "plan", job, "--as-of", "2026-11-01", "-q"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    path = folder / "templates" / SUBJECT
    with studio(job, folder) as url:
        port = urllib.parse.urlsplit(url).port
        guest = Guest(browser, url, WIDTHS["wide"])
        page = guest.page
        page.on("dialog", lambda dialog: dialog.accept())
        staying(guest, path)
        page.close()
        inert(browser, url, folder / "templates/birthday/body.html")
        room(browser, url)
        guest = Guest(browser, url, WIDTHS["wide"])
        page = guest.page
        page.on("dialog", lambda dialog: dialog.accept())
        guest.go("templates/" + SUBJECT)
        text = page.locator("textarea.code")
        text.fill("大切な文面")
        page.locator("#shown .subject", has_text="大切な文面").wait_for(timeout=5_000)
        people_page = Guest(browser, url, WIDTHS["wide"])
        people_page.go("people")
        there(people_page, "table.people tbody a[href*='person?']")
    saved = lambda: page.get_by_role("button", name="保存").click()
    saved()
    page.locator("#said .alert", has_text="応答がありません").wait_for(timeout=5_000)
    people_page.page.locator("input[name=q]").fill("佐藤")
    people_page.page.locator("#said .alert", has_text="応答がありません").wait_for(timeout=5_000)
    with studio(job, folder, f"127.0.0.1:{port}"):
        saved()
        page.locator("#said .alert", has_text="前に起動した").wait_for(timeout=5_000)
        sees("the text is still there", text.input_value() == "大切な文面")
        text.press("End")
        page.keyboard.type("も")
        page.locator("#trouble .alert", has_text="前に起動した").wait_for(timeout=5_000)
        sees("what came of saving still stands", page.locator("#said .alert", has_text="前に起動した").count() == 1)
        people_page.page.locator("input[name=q]").fill("佐")
        people_page.page.locator("#found .alert", has_text="前に起動した").wait_for(timeout=5_000)
        people_page.page.locator("input[name=q]").fill("佐藤")
        people_page.page.wait_for_timeout(800)
        sees("also when it is asked again", people_page.page.locator("#found .alert", has_text="前に起動した").count() == 1)
    page.close()
    people_page.page.close()


def staying(guest, path):
    """What came of saving stays until something is written or saved again, and saving changes nothing in the editor."""
    page = guest.page
    text, said = page.locator("textarea.code"), page.locator("#said .alert")
    guest.go("templates/" + SUBJECT)
    text.fill("件名の文")
    text.press("Control+Home")
    page.keyboard.type("先頭")
    page.keyboard.press("Control+s")
    said.filter(has_text="保存しました").wait_for(timeout=5_000)
    sees("it is on the disk", path.read_text() == "先頭件名の文")
    sees("the cursor stays", text.evaluate("one => [one.selectionStart, document.activeElement === one]") == [2, True])
    page.wait_for_timeout(600)
    sees("the file is not said to be changed elsewhere", page.get_by_text("ほかで変更されました").count() == 0)
    page.keyboard.press("Control+z")
    sees("it can be undone", text.input_value() != "先頭件名の文")
    sees("and is not saved any more", said.count() == 0)
    page.locator("#shown .subject").wait_for()
    # What cannot be saved is told until it is saved.
    path.parent.rename(path.parent.with_name("moved"))
    text.press("End")
    page.keyboard.type("あ")
    page.get_by_role("button", name="保存").click()
    failed = said.filter(has_text="保存できませんでした")
    failed.wait_for(timeout=5_000)
    page.wait_for_timeout(700)
    sees("a preview leaves it", failed.count() == 1)
    page.get_by_label("ダークモード").check()
    page.keyboard.press("Tab")
    page.wait_for_timeout(700)
    sees("and so does another look", failed.count() == 1 and page.get_by_text("保存しました").count() == 0)
    path.parent.with_name("moved").rename(path.parent)
    page.get_by_role("button", name="保存").click()
    said.filter(has_text="保存しました").wait_for(timeout=5_000)
    sees("nothing else is said of it", said.count() == 1)
    # Without htmx the page comes again, and says it once.
    page.goto(f"{guest.url}templates/{SUBJECT}?saved=1")
    sees("the address forgets it", "saved" not in page.url and page.locator("[data-saved]").count() == 1)
    text.press("End")
    page.keyboard.type("い")
    sees("it goes when something is written", page.locator("[data-saved]").count() == 0)


def inert(browser, url, path):
    """No click on a link of a mail leaves it, opens another page, calls anybody or is there for Back; the link says where it would lead, and looks
    as the mail's styles say."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.5)
    there = f"http://127.0.0.1:{listener.getsockname()[1]}"
    before = path.read_text()
    styles = "a:link { color: rgb(1, 2, 3) } a[href^='http://127'] { border-top: 3px solid } a:any-link:hover { opacity: .5 } #bare:link { color: revert-layer }"
    links = [
        f'<a href="{there}/u/secret">行き先</a>',
        f'<a href="{there}/blank" target="_blank">窓</a>',
        f'<svg width="99" height="20"><a xlink:href="{there}/svg"><text y="15">図一</text></a></svg>',
        f'<svg width="99" height="20"><a href="{there}/svg"><text y="15">図二</text></a></svg>',
        f'<math href="{there}/math"><mtext>式</mtext></math>',
        f'<map name="m"><area shape="rect" coords="0,0,99,20" href="{there}/area"></map>'
        '<img alt="地図" usemap="#m" width="99" height="20" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">',
        f'<form action="{there}/form"><button>送信一</button></form>',
        f'<form action="{there}/form" target="_blank"><button formaction="{there}/other">送信二</button></form>',
    ]
    path.write_text(before.replace("<p>今月は", f"<style>{styles}</style>{''.join(links)}<p>今月は"))
    page = browser.new_page()
    page.goto(f"{url}templates/birthday/body.html")
    frame = page.frame_locator("#shown iframe >> nth=0")
    link = frame.get_by_text("行き先")
    link.hover()
    look = link.evaluate("one => [one.checkVisibility() && getComputedStyle(one)].map(s => [s.color, s.borderTopWidth, s.opacity, s.cursor, s.textDecorationLine])[0]")
    sees(f"it looks as a link to its styles: {look}", look == ["rgb(1, 2, 3)", "3px", "0.5", "pointer", "underline"])
    sees("it says where it leads", link.get_attribute("title") == f"{there}/u/secret")
    long = page.evaluate("history.length")
    shown = page.frames[1].url
    for one in [link, *(frame.get_by_text(word, exact=True) for word in ["窓", "図一", "図二", "式"]), frame.get_by_alt_text("地図"),
                *(frame.get_by_text(word) for word in ["送信一", "送信二"])]:
        for how in [{}, {"modifiers": ["Control"]}, {"modifiers": ["Shift"]}, {"button": "middle"}]:
            one.click(**how)
            page.wait_for_timeout(80)
            sees(f"{how} on {one} opens nothing", len(page.context.pages) == 1 and page.frames[1].url == shown)
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    sees("the mail is still there, and Back leads where it did", link.count() == 1 and page.evaluate("history.length") == long)
    try:
        listener.accept()
        sees("a click called somebody", False)
    except TimeoutError:
        sees("nobody was called", True)
    page.close()
    path.write_text(before)
    listener.close()


def elsewhere(browser, url, templates):
    """What another program does to a file is told in the place of "saved". A page without templates goes on once they are there. A slow template
    is shown before it is tried on others, whose count comes later and never stands beside a newer text."""
    guest = Guest(browser, url, WIDTHS["wide"])
    page, path, text = guest.page, templates / SUBJECT, guest.page.locator("#text")
    page.on("dialog", lambda dialog: dialog.accept())
    path.write_text("件名 {{ customer.name }}")
    for what, told in [(path.unlink, "がなくなりました"), (lambda: path.write_text("ほかの文"), "ほかのプログラムがこのファイルを保存しました")]:
        guest.go("templates/" + SUBJECT)
        text.fill(f"わたしの文 {told}")
        text.press("Control+s")
        page.locator("#said .good").wait_for(timeout=5_000)
        page.wait_for_timeout(600)
        what()
        page.locator("#trouble", has_text=told).wait_for(timeout=5_000)
        sees("it is not called saved any more", page.locator("#said .good").count() == 0)
        sees("the text is there", text.input_value() in [f"わたしの文 {told}", "ほかの文"])
        guest.look(f"wide-elsewhere-{'changed' if path.exists() else 'removed'}")
        path.write_text("件名 {{ customer.name }}")
    # The whole folder is gone.
    templates.rename(templates.with_name("aside"))
    for there in ["templates", "templates/" + SUBJECT]:
        page.goto(url + there)
        page.get_by_text("テンプレートのフォルダーがありません").wait_for(timeout=5_000)
        # Once more when the studio hears of it.
        page.wait_for_timeout(500)
        page.get_by_text("テンプレートのフォルダーがありません").wait_for(timeout=5_000)
    templates.with_name("aside").rename(templates)
    text.wait_for(timeout=5_000)
    page.wait_for_timeout(500)
    sees("the page opened by itself", page.get_by_text("フォルダーがありません").count() == 0)
    # Some time for each mail, in a build with all its checks some tenths of a second.
    slow = "{% for a in range(end=100) %}{% for b in range(end=100) %}{% endfor %}{% endfor %}"
    fails = "{% if customer.id != '" + page.locator("#editor input[name=customer]").input_value() + "' %}{{ 1 / 0 }}{% endif %}"
    begun = time.monotonic()
    text.fill(f"{slow}おそい{fails}")
    page.locator("#shown .subject", has_text="おそい").wait_for(timeout=20_000)
    shown = time.monotonic() - begun
    page.locator("#trouble", has_text="で失敗します").wait_for(timeout=20_000)
    counted = time.monotonic() - begun
    print(f"a slow mail is shown after {shown:.1f} s, and for whom it fails after {counted:.1f} s")
    sees(f"the mail is there first: {shown} of {counted}", shown < counted)
    # What is written while the others are tried ends that; what came of it is not told of the newer text.
    text.fill(f"{slow}第二{fails}")
    page.locator("#shown .subject", has_text="第二").wait_for(timeout=20_000)
    text.fill("第三")
    page.locator("#shown .subject", has_text="第三").wait_for(timeout=20_000)
    page.wait_for_timeout(int(counted * 1000) + 1000)
    sees("an old count is not told", page.get_by_text("で失敗します").count() == 0)
    guest.trouble = [line for line in guest.trouble if "400 (Bad Request)" not in line and "404" not in line]
    sees("\n".join(guest.trouble), not guest.trouble)
    page.close()


def room(browser, url):
    """What a long name, a narrow window or a long line leaves of a page."""
    guest = Guest(browser, url, WIDTHS["wide"])
    page = guest.page
    guest.go("people?campaign=birthday&fate=mailed")
    there(guest, "table.people tbody a[href*='person?']")
    over = page.locator("#found .wide").evaluate("one => one.scrollWidth - one.clientWidth")
    sees(f"people are {over} px too wide", over <= 0)
    guest.go("person?id=T00092")
    there(guest, ".weighed li")
    tall = page.locator(".weighed .chip").evaluate_all("all => Math.max(...all.map(one => one.getClientRects().length && one.offsetHeight))")
    sees(f"a chip is {tall} px high", tall < 30)
    page.set_viewport_size({"width": WIDTHS["narrow"], "height": 900})
    right = page.locator(".orders .items").evaluate_all("all => Math.max(...all.map(one => one.getBoundingClientRect().right))")
    sees(f"goods end at {right} px", right <= WIDTHS["narrow"])
    guest.look("narrow-person-orders")
    page.goto(url + "changes")
    if page.locator("#main progress").count():
        page.locator("#main progress").first.wait_for(state="detached", timeout=120_000)
    tall = page.locator(".changes tbody tr").evaluate_all("all => Math.max(0, ...all.map(one => one.offsetHeight))")
    sees(f"a change is {tall} px high", tall < 400)
    page.goto(url + "templates/birthday/body.html")
    page.locator("textarea.code").fill(f'<td style="{"padding: 0; " * 40}">{{{{ customer.nmae }}}}</td>')
    page.locator("#trouble pre", has_text="nmae").first.wait_for(timeout=5_000)
    wide = page.locator("#trouble pre").first.evaluate("""one => { const range = document.createRange(), text = one.firstChild, at = text.data.indexOf('^');
        range.setStart(text, at); range.setEnd(text, at + 1); const caret = range.getBoundingClientRect();
        const line = text.data.slice(0, at).split('\\n').at(-2); const from = text.data.lastIndexOf(line, at); const name = from + line.indexOf('nmae');
        range.setStart(text, name); range.setEnd(text, name + 1); const meant = range.getBoundingClientRect();
        return [Math.abs(caret.left - meant.left), caret.top - meant.top, caret.right]; }""")
    sees(f"the caret stands below what it means: {wide}", wide[0] < 2 and 0 < wide[1] < 30 and wide[2] < WIDTHS["narrow"])
    page.on("dialog", lambda dialog: dialog.accept())
    page.close()


@contextlib.contextmanager
def studio(job, folder, listen="127.0.0.1:0"):
    """The address of a studio that runs as long as it is looked at."""
    child = subprocess.Popen([BIN, "studio", job, "--listen", listen, "--json"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        told = ""
        while not told.endswith("}\n"):
            told += child.stdout.readline()
        yield json.loads(told)["url"]
    finally:
        child.terminate()
        child.wait(10)


def racing(browser, url, templates):
    """What is written while an answer is on its way is neither lost nor called saved, and no key puts one version over another."""
    guest = Guest(browser, url, WIDTHS["wide"])
    page, path = guest.page, templates / SUBJECT
    guest.go("templates/" + SUBJECT)
    text = page.locator("#text")
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send("Network.emulateNetworkConditions", {"offline": False, "latency": 2000, "downloadThroughput": -1, "uploadThroughput": -1})
    with page.expect_request("**/preview"):
        path.write_text("ほかで保存")
    text.fill("いま書いた")
    page.locator("#trouble", has_text="ほかで変更されました").wait_for(timeout=20_000)
    sees("what was written meanwhile is there", text.input_value() == "いま書いた")
    page.reload()
    text.fill("第一")
    text.press("Control+s")
    text.fill("第二")
    text.press("Control+s")
    page.locator("#said .good").wait_for(timeout=20_000)
    sees("what is called saved is saved", path.read_text() == "第二")
    text.fill("わたしの件名")
    path.write_text("ほかの件名")
    text.press("Control+s")
    page.get_by_text("何も書き込んでいません").wait_for(timeout=20_000)
    page.locator("#text").press("Control+s")
    time.sleep(3)
    sees("a key puts nothing over another version", path.read_text() == "ほかの件名")
    guest.page.close()


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        job = shop(folder)
        studio = subprocess.Popen([BIN, "studio", job, "--listen", "127.0.0.1:0", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            told = ""
            while not told.endswith("}\n"):
                told += studio.stdout.readline()
            url = json.loads(told)["url"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                trouble = []
                for name, width in WIDTHS.items():
                    guest = Guest(browser, url, width)
                    pages(guest, name)
                    people(guest, name)
                    trouble += guest.trouble
                guest = Guest(browser, url, WIDTHS["wide"])
                paper(guest, "month")
                trouble += guest.trouble
                guest = Guest(browser, url, WIDTHS["wide"])
                editing(guest, folder / "templates")
                trouble += guest.trouble
                guest.page.close()
                saving(browser, url, folder / "templates")
                racing(browser, url, folder / "templates")
                elsewhere(browser, url, folder / "templates")
                calls(browser, url, folder / "templates")
                guest = Guest(browser, url, WIDTHS["wide"])
                approving(guest, job, folder)
                trouble += guest.trouble
                # Templates of its own: those of the other were written in.
                (folder / "year").mkdir()
                shop(folder / "year")
                a_year(browser, folder / "year")
                (folder / "mends").mkdir()
                mends(browser, folder / "mends")
                browser.close()
            sees("\n".join(trouble), not trouble)
            sees("no secret in a page's address goes elsewhere", urllib.parse.urlsplit(url).hostname == "127.0.0.1")
        finally:
            studio.terminate()
            sees(f"it ends in order: {studio.wait(10)}", studio.wait(10) == 0)
    print(f"{checks} checks, pictures in {PICTURES.relative_to(ROOT)}")


main()
