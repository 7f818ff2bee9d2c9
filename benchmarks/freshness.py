"""Whether the page is older than the code. Times cannot be measured on every change; counts can. So the page
is fresh when it was measured with this very code, or when what an item costs is still what it says."""

from __future__ import annotations

from benchmarks import items
from benchmarks.page import stamp_of
from tools.code_hash import SERVICE, hash_of

ALL_CODE = (*SERVICE, "benchmarks", "local", "tests/doubles", "tests/simulation", "tests/wire")
AGAIN = "run `make bench`"
TOLERANCE = 0.05


def code_hash() -> str:
    """Of everything that runs in Azure: a page with this hash was measured with this code."""
    return hash_of(*SERVICE)


def check(text: str, *, strict: bool) -> int:
    """0 when the page is fresh; says why it is not. ``strict``: only with the very code that it was measured
    with."""
    measured, version = stamp_of(text)
    if not measured:
        print(f"docs/performance.md does not say what was measured: {AGAIN}")
        return 1
    if version.endswith("-dirty"):
        print(
            f"docs/performance.md was measured with uncommitted changes ({version}): commit them, and {AGAIN}"
        )
        return 1
    if measured == code_hash():
        return 0
    if strict:
        print(f"docs/performance.md was measured at {version}, and the code has changed: {AGAIN}")
        return 1
    return _counts_hold(text, version)


def _counts_hold(text: str, version: str) -> int:
    """By column, over all items: one more request in one of them may be chance, not the code."""
    told, now = counts_in(text), counts_in(items.table(items.measure()).markdown())
    if told.keys() == now.keys() and all(map(_close, _sums(told), _sums(now))):
        print(f"docs/performance.md: the code has changed since {version}; what an item costs has not")
        return 0
    other = [
        f"{name}: {told.get(name)} → {counts}" for name, counts in now.items() if told.get(name) != counts
    ]
    print(
        f"docs/performance.md ({version}) is older than the code: {AGAIN}. Other counts now:",
        *other,
        sep="\n",
    )
    return 1


def counts_in(text: str) -> dict[str, list[int]]:
    """What the page says of each item."""
    part = text.partition(f"## {items.TITLE}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
    return {row[0]: [int(cell) for cell in row[1:]] for row in rows if "→" in row[0]}


def _sums(counts: dict[str, list[int]]) -> list[int]:
    return [sum(column) for column in zip(*counts.values(), strict=True)]


def _close(one: int, other: int) -> bool:
    return abs(one - other) <= TOLERANCE * max(one, other)
