"""What a contact is called: its full name in Dynamics, its display name in Exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.model.personal import ExchangeItem
from shared.model.values import Value, Values

_FULL = ("givenName", "middleName", "surname")
_GENERATED = ("title", "givenName", "middleName", "surname", "generation")
EMAILS = ("email1", "email2", "email3")


def full_name(values: Values) -> str:
    """``First Middle Last``, as Dynamics makes it unless an organization wants another order. Title and
    suffix are no part of it."""
    return of_parts(values.get("name"))


def of_parts(name: Value) -> str:
    return _spoken(name, _FULL)


def generated_display_name(name: Value, company: str, emails: Sequence[str]) -> str:
    """What Exchange calls a contact by itself. ``emails``: what each of its addresses is called."""
    said = _spoken(name, _GENERATED)
    return said or company.strip() or next((email.strip() for email in emails if email.strip()), "")


def display_name_to_send(item: ExchangeItem | None, old_name: Value, new_name: Value) -> str | None:
    """The display name that goes with the parts of a name. Exchange makes a new one of parts that are sent
    alone, so one that a person chose is sent along as it is. None: Exchange makes it, of the company or an
    address where nothing else is left."""
    shown = item.display_name.strip() if item else ""
    if item and shown and shown not in _made_of(item, old_name):
        return item.display_name
    return of_parts(new_name) or None


def _made_of(item: ExchangeItem, name: Value) -> frozenset[str]:
    """What nobody chose: the names that Exchange or this service made of what the contact said before."""
    called = [str(item.email_names.get(email) or item.value(email) or "") for email in EMAILS]
    addresses = [str(item.value(email) or "") for email in EMAILS]
    company = str(item.value("company") or "")
    return frozenset(
        {
            of_parts(name),
            generated_display_name(name, company, called),
            generated_display_name(name, company, addresses),
        }
    )


def _spoken(name: Value, parts: Sequence[str]) -> str:
    if not isinstance(name, Mapping):
        return ""
    words = (str(name.get(part) or "").strip() for part in parts)
    return " ".join(word for word in words if word)
