"""``python -m tools.fields_page [--check]``: docs/fields.md, the field map as people read it."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.model.values import Direction
from shared.rules.field_table import FieldRow, entities, of_entity

PAGE = Path(__file__).resolve().parents[1] / "docs" / "fields.md"
HEAD = """# Fields

Which property in Exchange and which columns in Dynamics are one field, and which way it travels. Generated
from `shared/model/data/fields.toml` by `python -m tools.fields_page`.

Administrators may change the direction of what is settable, per profile: `GET` and
`PUT /api/admin/profiles/{id}/fields`. Whoever may read the admin API sees the directions. A field of several
columns moves as a whole. Where a field goes one way only, an edit on the other side stays there and is not
sent; the next change of its source overwrites it. A text that is longer than Dynamics takes is cut at a
character, or the field is left as it is where half of it would be worthless (a number, an address); both are
said in the item's history.
"""
NOTES = {
    "recurringappointmentmaster": "Series go the ways that are set for appointments, unless another way is "
    "set for series themselves. Occurrences go as their series does.",
    "serviceappointment": "Everything goes to Exchange, nothing comes back. Attendees are kept, but never "
    "written into the copy, which would mail them.",
}
SETTINGS = {
    "synchronizeAttachments": "both ways if the profile's `synchronizeAttachments` is on",
    "SSSSyncAppointmentIsPrivateFromExchange": "only if the organization says "
    "`SSSSyncAppointmentIsPrivateFromExchange`",
    "companyFromParent": "only if the profile's `companyFromParent` is on",
    "contactAddresses": "only if the profile's `contactAddresses` is `three`",
}
DIRECTIONS = {
    Direction.BOTH: "both ways",
    Direction.TO_EXCHANGE: "to Exchange",
    Direction.TO_DYNAMICS: "to Dynamics",
    Direction.NONE: "none",
}
TOO_LONG = {"cut": "cut", "leave": "left as it is", "": ""}


def page() -> str:
    return HEAD + "".join(_section(entity) for entity in entities())


def _section(entity: str) -> str:
    note = f"{NOTES[entity]}\n\n" if entity in NOTES else ""
    head = (
        "| field | label | Exchange | Dynamics | direction | | longest text | if longer | rule |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    return f"\n## {entity}\n\n{note}{head}" + "".join(_row(row) for row in of_entity(entity))


def _row(row: FieldRow) -> str:
    direction = DIRECTIONS[row.direction]
    if row.setting:
        direction += f"; {SETTINGS[row.setting]}"
    cells = (
        f"`{row.name}`",
        row.label,
        row.exchange,
        ", ".join(f"`{column}`" for column in row.dynamics),
        direction,
        "settable" if row.settable else "fixed",
        _longest(row),
        TOO_LONG[row.too_long],
        row.rule,
    )
    return f"| {' | '.join(cells)} |\n"


def _longest(row: FieldRow) -> str:
    if len(row.dynamics) == 1:
        return str(row.limit or "")
    return ", ".join(f"{column} {limit}" for column, limit in row.limits.items())


if __name__ == "__main__":
    if "--check" in sys.argv and PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/fields.md is not what the field map says; run python -m tools.fields_page")
    PAGE.write_text(page(), encoding="utf-8")
