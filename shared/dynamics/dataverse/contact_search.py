"""Contacts that may be the same person as somebody in Exchange (CONT-9): by address or by full name."""

from __future__ import annotations

from collections.abc import Sequence

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import (
    FORMATTED,
    LOGICAL_NAME,
    address,
    any_of,
    literal,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.records import parent_name
from shared.engine.ports import Likeness
from shared.model.personal import Match
from shared.model.values import Side

EMAILS = ("emailaddress1", "emailaddress2", "emailaddress3")
COLUMNS = ",".join(("contactid", "fullname", *EMAILS, "_parentcustomerid_value", "_ownerid_value"))
MOST = 50
"""So many may share an address (of a family, of a reception desk) and the one with the same name be the
last."""
PREFER = with_annotations(LOGICAL_NAME, FORMATTED)


async def contacts_like(
    client: Client, wanted: Sequence[Likeness], as_user: str
) -> Sequence[Sequence[Match]]:
    """Oldest first. Who has neither address nor name is like nobody, and not asked about."""
    conditions = [_condition(likeness) for likeness in wanted]
    requests = [_request(condition) for condition in conditions if condition]
    answers = await client.read_batch(requests, as_user=as_user) if requests else []
    matches = []
    for request, answer in zip(requests, answers, strict=True):
        if not answer.ok:
            raise client.error(request, answer, as_user)
        rows = client.body_of(request, answer).get("value") or ()
        matches.append([_match(row, as_user) for row in rows])
    found = iter(matches)
    return [next(found) if condition else [] for condition in conditions]


def _condition(likeness: Likeness) -> str:
    addresses = sorted({text.strip().lower() for text in likeness.emails if text.strip()})
    parts = [any_of(column, map(literal, addresses)) for column in EMAILS if addresses]
    if likeness.name.strip():
        parts.append(f"fullname eq {literal(likeness.name.strip())}")
    return " or ".join(parts)


def _request(condition: str) -> Request:
    path = address(
        "contacts",
        select=COLUMNS,
        filter=f"statecode eq 0 and ({condition})",
        orderby="createdon,contactid",
        top=str(MOST),
    )
    return Request("GET", path, {"Prefer": PREFER})


def _match(row: Json, as_user: str) -> Match:
    emails = [str(row[column]).strip().lower() for column in EMAILS if row.get(column)]
    name, company, owner = row.get("fullname") or "", parent_name(row), lookup(row, "ownerid")
    details = ", ".join(text for text in (company, *emails[:1]) if text)
    return Match(
        side=Side.DYNAMICS,
        id=str(row["contactid"]).lower(),
        label=f"{name} ({details})" if details else name,
        emails=frozenset(emails),
        name=name,
        company=company,
        owned=owner is not None and owner.id == as_user.lower(),
    )
