"""Draws a flame graph from what perf sampled: an SVG in which text can be read, small enough for the repository.

usage: perf record -F 499 --call-graph dwarf,16384 -o PERF rankmail …
       perf script -i PERF --no-inline -F comm,ip,sym | python3 benches/flame.py TITLE > OUT.svg
"""

import collections
import re
import sys
from html import escape

WIDTH, ROW, LEAST = 1200, 17, 0.004  # pixels, pixels, and the share below which a box is not drawn
HASH = re.compile(r"::h[0-9a-f]{16}$")
# What only says how threads come to their work.
WAYS = re.compile(r"rayon|std::|core::|alloc::|__rust|lang_start|catch_unwind|start_thread|^clone|^\[unknown\]|^main$|^_start|__libc_start|FnOnce|^<&|^<alloc|^\(inlined\)")


def stacks(lines):
    """Each sample, outermost frame first, without what only leads from one of our functions to the next."""
    frames = []
    for line in [*lines, "\n"]:
        if line.strip() and line[0].isspace():
            name = HASH.sub("", line.strip().split(" ", 1)[-1])
            frames.append(re.sub(r"\{\{closure\}\}(::\{\{closure\}\})*|::\{closure#?\d*\}", "{…}", name))
        elif frames:
            kept = [name for at, name in enumerate(frames) if at == 0 or not WAYS.search(name)][::-1]
            # A function and its closures are one box.
            yield tuple(name for at, name in enumerate(kept) if at == 0 or name.removesuffix("::{…}") != kept[at - 1].removesuffix("::{…}"))
            frames = []


def boxes(samples, depth=0, left=0.0, total=None):
    """Depth, place, width (as shares) and name of each box that is wide enough."""
    total = total or sum(samples.values())
    groups = collections.defaultdict(collections.Counter)
    for stack, count in samples.items():
        if len(stack) > depth:
            groups[stack[depth]][stack] += count
    for name, inside in sorted(groups.items()):
        width = sum(inside.values()) / total
        if width >= LEAST:
            yield depth, left, width, name
            yield from boxes(inside, depth + 1, left, total)
        left += width


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    drawn = list(boxes(collections.Counter(stacks(sys.stdin))))
    if not drawn:
        sys.exit("nothing was sampled")
    height = (max(depth for depth, *_ in drawn) + 3) * ROW
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">')
    print(f'<rect width="100%" height="100%" fill="#fff"/><text x="6" y="14" font-size="13">{escape(sys.argv[1])}</text>')
    for depth, left, width, name in drawn:
        x, y, wide = left * WIDTH, height - (depth + 1) * ROW, width * WIDTH
        colour = "#f2a65a" if "rankmail" in name else "#9fc5e8" if re.search("arrow|parquet|zstd|ZSTD|snap", name) else "#e3e0d8"
        letters = int((wide - 6) / 6.7)
        shown = name if len(name) <= letters else "…" + name[-(letters - 1):] if letters > 3 else ""
        print(f'<g><title>{escape(name)} {100 * width:.1f} %</title><rect x="{x:.1f}" y="{y}" width="{max(wide - 0.6, 0.4):.1f}" height="{ROW - 1}" '
              f'fill="{colour}"/><text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text></g>')
    print("</svg>")


if __name__ == "__main__":
    main()
