"""``python -m benchmarks``: measures everything and writes docs/performance.md. ``--quick`` leaves out the
largest sizes; ``--check`` says whether the page is older than the code."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import freshness
from benchmarks.kept import Kept
from benchmarks.page import PAGE, render, stamp
from benchmarks.run import sections
from tools.code_hash import hash_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 1,000 mailboxes simulated, 100 real ones")
    parser.add_argument("--anew", action="store_true", help="also what a run that broke has measured already")
    parser.add_argument("--check", action="store_true", help="whether the page is older than the code")
    parser.add_argument("--strict", action="store_true", help="with --check: older in any of its figures")
    options = parser.parse_args()
    if options.check:
        return freshness.check(PAGE.read_text(), strict=options.strict)
    begun, at = time.monotonic(), stamp(freshness.code_hash())
    if at.dirty:
        print("there are uncommitted changes: the page will say so, and the check will not take it")
    text = render(at, sections(Kept(hash_of(*freshness.ALL_CODE), options.anew), quick=options.quick))
    PAGE.write_text(text)
    print(f"{PAGE.name} is written, after {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
