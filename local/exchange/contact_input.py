"""What a POST or PATCH of a contact says, checked by Exchange's rules and brought to the stored form.

The store has slots: three e-mail addresses, two business and two home telephones, three chat addresses. A
list that is sent fills them from the first; what is shown leaves empty slots out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local.exchange.errors import bad_request, validation_failed
from local.exchange.validation import checked

Json = dict[str, Any]

READ_ONLY = frozenset({"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId"})
# Slots per list; children have no limit.
SLOTS = {"emailAddresses": 3, "businessPhones": 2, "homePhones": 2, "imAddresses": 3}
EMAIL_SLOTS = ("primaryEmailAddress", "secondaryEmailAddress", "tertiaryEmailAddress")
ADDRESSES = ("homeAddress", "businessAddress", "otherAddress")
NAME_PARTS = ("title", "givenName", "middleName", "surname", "generation")
DEFAULTS: Json = {
    **dict.fromkeys(
        (
            *NAME_PARTS,
            "assistantName",
            "birthday",
            "businessHomePage",
            "companyName",
            "department",
            "displayName",
            "fileAs",
            "initials",
            "jobTitle",
            "manager",
            "mobilePhone",
            "nickName",
            "officeLocation",
            "personalNotes",
            "profession",
            "spouseName",
            "yomiCompanyName",
            "yomiGivenName",
            "yomiSurname",
        )
    ),
    "categories": [],
    "children": [],
    **{name: [None] * size for name, size in SLOTS.items()},
    **{name: {} for name in ADDRESSES},
}
_FIRST_YEAR = 1601  # where Exchange's times begin


def parse(body: Json) -> Json:
    """The writable properties sent, in stored form; nothing is filled in."""
    sent = checked("contact", body, ignored=READ_ONLY)
    changes = {name: value for name, value in sent.items() if name not in EMAIL_SLOTS}
    for name, size in SLOTS.items():
        if name in sent:
            changes[name] = _slots(name, sent[name] or [], size)
    if "emailAddresses" in changes:
        changes["emailAddresses"] = [_email(row) for row in changes["emailAddresses"]]
    for name in ("categories", "children"):
        if name in sent:
            changes[name] = list(dict.fromkeys(sent[name] or []))
    if sent.get("birthday"):
        changes["birthday"] = birthday(sent["birthday"])
    single = {name: _email(sent[name]) for name in EMAIL_SLOTS if name in sent}
    return {**changes, "emailSlots": single} if single else changes


def _slots(name: str, values: list[Any], size: int) -> list[Any]:
    if len(values) > size:
        shown = name[0].upper() + name[1:]
        raise bad_request(
            f"The multi value property {shown} has {len(values)} entries, that exceeds the max allowed value "
            f"of {size}",
            "ErrorInvalidProperty",
        )
    return [*values, *[None] * (size - len(values))]


def _email(row: Json | None) -> Json | None:
    """An address without a name is its own name; an empty one is none."""
    address, name = ((row or {}).get("address") or "").strip(), (row or {}).get("name")
    if not address:
        return {"name": name} if name else None
    return {"name": name or address, "address": address}


def birthday(text: str) -> str:
    """A date: of the moment sent, in UTC. Exchange keeps it at one minute to noon, so that it is the same
    date from UTC-11 to UTC+12."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise validation_failed() from error
    if moment.year < _FIRST_YEAR:
        raise validation_failed()
    return f"{moment:%Y-%m-%d}T11:59:00Z"


def settled(before: Json, changes: Json) -> Json:
    """A whole contact's properties after a change: generated names are made anew when their parts changed,
    unless they were sent too."""
    changes = dict(changes)
    single = changes.pop("emailSlots", {})
    props = {**before, **changes}
    for name in ADDRESSES:
        if name in changes:
            props[name] = _address(before[name], changes[name])
    emails = [single.get(slot, old) for slot, old in zip(EMAIL_SLOTS, props["emailAddresses"], strict=True)]
    props["emailAddresses"] = emails
    renamed = any(props[name] != before[name] for name in NAME_PARTS)
    for name, generated in (("displayName", _display_name), ("fileAs", _file_as)):
        if name not in changes and (renamed or before[name] is None):
            props[name] = generated(props)
    return props


def _address(before: Json, sent: Json | None) -> Json:
    """The parts sent replace those there were; null clears one, or the whole."""
    if sent is None:
        return {}
    return {name: value for name, value in {**before, **sent}.items() if value is not None}


def _display_name(props: Json) -> str | None:
    parts = [props[name] for name in NAME_PARTS if props[name]]
    emails = [row["name"] for row in props["emailAddresses"] if row]
    return " ".join(parts) or props["companyName"] or next(iter(emails), None)


def _file_as(props: Json) -> str | None:
    given = " ".join(props[name] for name in ("givenName", "middleName") if props[name])
    return ", ".join(part for part in (props["surname"], given) if part) or props["companyName"]
