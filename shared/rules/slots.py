"""Exchange's lists of telephones have no gaps: a second number without a first one is shown as the first."""

from __future__ import annotations

from shared.model.values import Value, Values

PAIRS = (("businessPhone", "businessPhone2"), ("homePhone", "homePhone2"))


def aligned(exchange: Values, dynamics: Values) -> Values:
    """What Exchange shows, with a lone number where Dynamics (now or in the base) has its lone one: in the
    second place, if the first is empty there. So a list of one number does not look like one that moved."""
    found = dict(exchange)
    for first, second in PAIRS:
        if _lacks_first(dynamics, first, second) and _has_first_only(exchange, first, second):
            found |= {first: "", second: exchange[first]}
    return found


def whole(written: Values, shown: Values, present: Values) -> dict[str, Value]:
    """What is written to Exchange, and the other number of a list that Exchange shows in another place than
    ``aligned`` has it: a list is written whole, or the number that is replaced would stay in it."""
    found = dict(written)
    for pair in PAIRS:
        if any(name in written for name in pair):
            moved = [name for name in pair if shown.get(name) != present.get(name)]
            found |= {name: shown.get(name) for name in moved if name not in written}
    return found


def _lacks_first(values: Values, first: str, second: str) -> bool:
    return not _number(values.get(first)) and bool(_number(values.get(second)))


def _has_first_only(values: Values, first: str, second: str) -> bool:
    return bool(_number(values.get(first))) and not _number(values.get(second))


def _number(value: Value) -> str:
    return str(value or "").strip()
