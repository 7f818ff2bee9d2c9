"""``python -m tests.rig_crashes --seed N --minutes M [--seeds K]``: each seed is one run."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.rig_crashes.run import Outcome, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rig_crashes", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first one; a fresh one if it is left out")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--minutes", type=float, default=1.5, help="of edits and kills, each")
    parser.add_argument("--story", action="store_true", help="everything that happened, as it happens")
    given = parser.parse_args()
    first = given.seed if given.seed is not None else secrets.randbelow(10**6)
    failed = 0
    for seed in range(first, first + given.seeds):
        print(f"seed {seed}, {given.minutes:g} minutes", flush=True)
        outcome = run(seed, given.minutes, print if given.story else lambda _line: None)
        show(outcome, told=given.story)
        failed += bool(outcome.broken)
    return int(failed > 0)


def show(outcome: Outcome, *, told: bool = False) -> None:
    print(f"seed {outcome.seed}: {len(outcome.broken)} broken; {outcome.numbers}", flush=True)
    for each in outcome.broken:
        print(f"  {each}")
        mark = each.item.mark if each.item else "no item"
        for line in outcome.story:
            if mark in line or (each.item and "---" in line):
                print(f"      {line}")
    if outcome.broken and not told:
        print("\n".join(outcome.story))
    if outcome.logs:
        print(f"  the logs: {outcome.logs}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
