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
    chunks,
    literal,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.records import parent_name
from shared.engine.ports import Likeness
from shared.model.personal import Match
from shared.model.values import Side
from shared.rules.person_names import folded

EMAILS = ("emailaddress1", "emailaddress2", "emailaddress3")
COLUMNS = ",".join(("contactid", "fullname", *EMAILS, "_parentcustomerid_value", "_ownerid_value"))
MOST = 50
"""So many may share an address (of a family, of a reception desk) and the one with the same name be the
last."""
GROUP = 20
"""So many people are asked about in one query: Dataverse takes 500 conditions, a person makes ten at most."""
ROOM = 500
PREFER = with_annotations(LOGICAL_NAME, FORMATTED)


async def contacts_like(
    client: Client, wanted: Sequence[Likeness], as_user: str
) -> Sequence[Sequence[Match]]:
    """Oldest first. Who has neither address nor name is like nobody, and not asked about. Several are asked
    about in one query; where that finds more than it shows, each in a query of his own."""
    asked = [likeness for likeness in wanted if _condition(likeness)]
    groups = list(chunks(asked, GROUP))
    found: list[list[Match]] = []
    for group, rows in zip(groups, await _rows(client, groups, ROOM, as_user), strict=True):
        if len(rows) < ROOM:
            found += [_those_like(likeness, rows, as_user) for likeness in group]
        else:
            alone = await _rows(client, [[likeness] for likeness in group], MOST, as_user)
            found += [[_match(row, as_user) for row in each] for each in alone]
    answers = iter(found)
    return [next(answers) if _condition(likeness) else [] for likeness in wanted]


async def _rows(
    client: Client, groups: Sequence[Sequence[Likeness]], top: int, as_user: str
) -> list[list[Json]]:
    """The first rows for each group."""
    requests = [_request(" or ".join(map(_condition, group)), top) for group in groups]
    answers = await client.read_batch(requests, as_user=as_user) if requests else []
    for request, answer in zip(requests, answers, strict=True):
        if not answer.ok:
            raise client.error(request, answer, as_user)
    found = zip(requests, answers, strict=True)
    return [list(client.body_of(request, answer).get("value") or ()) for request, answer in found]


def _condition(likeness: Likeness) -> str:
    addresses = sorted(_addresses(likeness))
    parts = [any_of(column, map(literal, addresses)) for column in EMAILS if addresses]
    if likeness.name.strip():
        parts.append(f"fullname eq {literal(likeness.name.strip())}")
    return " or ".join(parts)


def _addresses(likeness: Likeness) -> set[str]:
    return {text.strip().lower() for text in likeness.emails if text.strip()}


def _request(condition: str, top: int) -> Request:
    path = address(
        "contacts",
        select=COLUMNS,
        filter=f"statecode eq 0 and ({condition})",
        orderby="createdon,contactid",
        top=str(top),
    )
    return Request("GET", path, {"Prefer": PREFER})


def _those_like(likeness: Likeness, rows: Sequence[Json], as_user: str) -> list[Match]:
    """Dataverse compares without regard to case and accents, and so is it done here."""
    addresses, name = set(map(folded, _addresses(likeness))), folded(likeness.name.strip())
    like = [
        row
        for row in rows
        if (name and folded(str(row.get("fullname") or "").strip()) == name)
        or any(folded(str(row.get(column) or "").strip()) in addresses for column in EMAILS)
    ]
    return [_match(row, as_user) for row in like[:MOST]]


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
