"""How the fields of a contact cross over (FLD-20 to FLD-32), and what of a value Dynamics does not take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shared.bodies.forms import cut_text, units
from shared.bodies.visible import normal
from shared.model.decision import Skip
from shared.model.personal import DynamicsRecord, ExchangeItem
from shared.model.values import Value
from shared.rules import regarding
from shared.rules.field_table import FieldRow
from shared.rules.merge import Crossing
from shared.rules.skips import Reason

# Exchange documents no length for the texts of a contact. The longest that come from Dynamics are notes
# (2000), a street (three lines of 250) and texts of at most 255, so nothing is cut on the way there.

PARENTS = ("account", "contact")
"""What a contact can belong to; a stamp may name a row of any table."""
ADDRESS_PARTS = ("street", "city", "state", "postalCode", "country")
STREET_LINES = 3
FIRST_YEAR = 1753
"""Where the dates of Dynamics begin."""

_BETWEEN_NAMES = re.compile(r"[,;\r\n]+")
_JOINED = ", "


def crossing(row: FieldRow, item: ExchangeItem | None, record: DynamicsRecord | None) -> Crossing:
    """How this field's values cross over. ``item`` and ``record``: the two as they are now; parts of a name
    or address that say the same on both sides stay as each side has them, whatever happens to the others."""
    if row.kind in ("name", "address"):
        return _crossing_in_parts(
            row,
            _parts(item.value(row.name) if item else None),
            _parts(record.value(row.name) if record else None),
        )
    if row.kind == "list":
        return Crossing(lambda v: _joined(row, v), _as_list, _as_list)
    if row.kind == "date":
        return Crossing(_date, _date)
    if row.kind == "regarding":
        return Crossing(_parent, regarding.to_exchange)
    return Crossing(lambda v: _sent(row, v), _text, _ESSENCES[row.kind])


def fits(row: FieldRow, value: Value) -> bool:
    """Dynamics takes this value of Exchange, whole or cut. One that does not fit is not sent: its field is
    held."""
    if row.kind == "date":
        return not value or int(str(value)[:4]) >= FIRST_YEAR
    if row.kind == "regarding":
        return _parent(value) is not None or not _names_something(value)
    if row.too_long == "leave" and row.limit is not None:
        return units(_one_line_ends(_text(value)).strip()) <= row.limit
    return True


def losses(row: FieldRow, value: Value) -> list[Skip]:
    """What of an Exchange value Dynamics does not get, for people to know. As Dynamics never showed it, it is
    also what an edit made there takes away in Exchange."""
    if not fits(row, value):
        return [_said(row, *_left_out(row, value))]
    short = [
        f"{name}: {limit}" if name else str(limit)
        for name, text, limit in _limited_texts(row, value)
        if units(text) > limit
    ]
    return [_said(row, Reason.SHORTENED, f"{', '.join(short)} characters")] if short else []


def _left_out(row: FieldRow, value: Value) -> tuple[Reason, str]:
    if row.kind == "date":
        return Reason.DATE_TOO_EARLY, str(FIRST_YEAR)
    if row.kind == "regarding":
        return Reason.NOT_A_PARENT, str(_parts(value).get("type") or "unknown")
    return Reason.TOO_LONG, f"{row.limit} characters"


def _said(row: FieldRow, reason: Reason, detail: str) -> Skip:
    skip = reason.skip(detail=detail, fields=(row.name,))
    return replace(skip, rules=tuple(dict.fromkeys((row.rule, *skip.rules))))


def _limited_texts(row: FieldRow, value: Value) -> list[tuple[str, str, int]]:
    """Each text that goes into a column of its own, under the name of its part, with its limit."""
    if row.kind == "list":
        return [("", _JOINED.join(_children(value)), row.limit)] if row.limit else []
    if row.kind not in ("name", "address"):
        text = _one_line_ends(_text(value)).rstrip()
        return [("", text, row.limit)] if row.limit else []
    parts = _parts(value)
    limits = _part_limits(row)
    texts = [(key, _text(parts.get(key)).strip(), limit) for key, limit in limits.items() if key != "street"]
    lines = zip(_street_lines(parts.get("street")), _line_limits(row), strict=False)
    return [("street", line, limit) for line, limit in lines] + texts


# --- texts, telephones, e-mail addresses, dates -----------------------------------------------------


def _text(value: Value) -> str:
    return str(value or "")


def _one_line_ends(text: str) -> str:
    """Line ends of one character, so that a text has one length wherever it was kept."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sent(row: FieldRow, value: Value) -> str:
    text = _one_line_ends(_text(value))
    if row.kind in ("phone", "email"):
        text = text.strip()
    return cut_text(text, row.limit) if row.too_long == "cut" and row.limit is not None else text


def _visible(value: Value) -> Value:
    return normal(_text(value)).strip()


def _number(value: Value) -> Value:
    return _text(value).strip()


def _address(value: Value) -> Value:
    return _text(value).strip().lower()


_ESSENCES: Mapping[str, Callable[[Value], Value]] = {
    "text": _visible,
    "memo": _visible,
    "company": _visible,
    "phone": _number,
    "email": _address,
}


def _date(value: Value) -> Value:
    return value or None


# --- children: a list of names here, a text there ----------------------------------------------------


def _children(value: Value) -> list[str]:
    """The names of a list, or of a text that holds several; each once, as Exchange keeps them."""
    texts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    names = (name.strip() for text in texts for name in _BETWEEN_NAMES.split(_text(text)))
    return list(dict.fromkeys(name for name in names if name))


def _as_list(value: Value) -> Value:
    return _children(value)


def _joined(row: FieldRow, value: Value) -> str:
    """As many whole names as the column takes; of a single name that is too long, its beginning."""
    names = _children(value)
    if row.limit is None or not names:
        return _JOINED.join(names)
    while len(names) > 1 and units(_JOINED.join(names)) > row.limit:
        names.pop()
    return cut_text(names[0], row.limit) if len(names) == 1 else _JOINED.join(names)


# --- names and addresses: several columns that move together (FLD-33) ---------------------------------


def _parts(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}


def _part_limits(row: FieldRow) -> dict[str, int]:
    if row.kind == "name":
        return {part: row.limits[column] for part, column in zip(_name_parts(row), row.dynamics, strict=True)}
    columns = (row.dynamics[0], *row.dynamics[STREET_LINES:])
    return {part: row.limits[column] for part, column in zip(ADDRESS_PARTS, columns, strict=True)}


def _name_parts(row: FieldRow) -> list[str]:
    return row.exchange.split(", ")


def _line_limits(row: FieldRow) -> list[int]:
    return [row.limits[column] for column in row.dynamics[:STREET_LINES]]


def _street_lines(value: Value) -> list[str]:
    """The lines of a street as Dynamics has them: three; what is below the third joins it, after commas."""
    lines = [line.strip() for line in _one_line_ends(_text(value)).split("\n") if line.strip()]
    if len(lines) <= STREET_LINES:
        return lines
    return [*lines[: STREET_LINES - 1], _JOINED.join(lines[STREET_LINES - 1 :])]


def _sent_part(row: FieldRow, part: str, value: Value) -> str:
    if part == "street":
        lines = zip(_street_lines(value), _line_limits(row), strict=False)
        return "\n".join(cut_text(line, limit).rstrip() for line, limit in lines)
    return cut_text(_text(value).strip(), _part_limits(row)[part]).rstrip()


def _sent_parts(row: FieldRow, value: Value) -> dict[str, Value]:
    given = _parts(value)
    parts = {part: _sent_part(row, part, given.get(part)) for part in _part_limits(row)}
    return {part: text for part, text in parts.items() if text}


def _crossing_in_parts(
    row: FieldRow, exchange_now: Mapping[str, Value], dynamics_now: Mapping[str, Value]
) -> Crossing:
    def essence(value: Value) -> Value:
        return {part: _part_essence(text) for part, text in _parts(value).items() if _part_essence(text)}

    def agrees(part: str, exchange: Value, dynamics: Value) -> bool:
        return _part_essence(_sent_part(row, part, exchange)) == _part_essence(dynamics)

    def to_dynamics(value: Value) -> Value:
        parts = _sent_parts(row, value)
        kept = {part: text for part, text in dynamics_now.items() if part in parts}
        return {**parts, **{p: t for p, t in kept.items() if agrees(p, _parts(value).get(p), t)}}

    def to_exchange(value: Value) -> Value:
        parts = {part: text for part, text in _parts(value).items() if _part_essence(text)}
        kept = {part: text for part, text in exchange_now.items() if part in parts}
        return {**parts, **{p: t for p, t in kept.items() if agrees(p, t, parts[p])}}

    return Crossing(to_dynamics, to_exchange, essence)


def _part_essence(value: Value) -> str:
    lines = (line.strip() for line in _one_line_ends(_text(value)).split("\n"))
    return "\n".join(line for line in lines if line)


# --- the parent ----------------------------------------------------------------------------------------


def _parent(value: Value) -> Value:
    """The account or contact that a stamp names; None for anything else, which therefore never crosses."""
    if not regarding.is_known(value):
        return None
    found = regarding.to_dynamics(value)
    return found if isinstance(found, Mapping) and found["table"] in PARENTS else None


def _names_something(value: Value) -> bool:
    return bool(_parts(value).get("id"))
