"""vCards (2.1, 3.0, 4.0), read into the values of Exchange contacts as far as those have a field for it."""

from __future__ import annotations

import quopri
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.model.values import Values
from shared.rules.field_table import of_entity

FILES = sorted((Path(__file__).parent / "data" / "vcard").glob("*.vcf"))
EMPTY: dict[str, Any] = {"name": {}, "address": {}, "regarding": None, "date": None, "list": []}
_NAME = ("surname", "givenName", "middleName", "title", "generation")
_TEXTS = {
    "TITLE": "jobTitle",
    "NICKNAME": "nickName",
    "NOTE": "notes",
    "X-PHONETIC-FIRST-NAME": "yomiGivenName",
    "X-PHONETIC-LAST-NAME": "yomiSurname",
    "X-MS-MANAGER": "manager",
    "X-MS-ASSISTANT": "assistantName",
    "X-MS-SPOUSE": "spouse",
    "X-SPOUSE": "spouse",
}
_RELATIVES = {"spouse": "spouse", "manager": "manager", "assistant": "assistantName"}
_DATES = {"BDAY": "birthday", "ANNIVERSARY": "anniversary", "X-ANNIVERSARY": "anniversary"}
_DATES["X-MS-ANNIVERSARY"] = "anniversary"


@dataclass
class Line:
    """One property: its name, its types (``TYPE=`` or bare, as 2.1 has them), its raw value, its label."""

    name: str
    types: set[str]
    value: str
    group: str = ""
    label: str = ""


@dataclass
class Card:
    lines: list[Line] = field(default_factory=list)

    def of(self, *names: str) -> Iterator[Line]:
        return (line for line in self.lines if line.name in names)


def read(path: Path) -> list[Values]:
    """The values of each card of a file, with every field of the field map."""
    return [_values(card) for card in _cards(path.read_text(encoding="utf-8"))]


def empty() -> dict[str, Any]:
    """A contact that says nothing."""
    return {row.name: EMPTY.get(row.kind, "") for row in of_entity("contact")}


# --- lines ----------------------------------------------------------------------------------------


def _cards(text: str) -> Iterator[Card]:
    card = Card()
    for line in map(_line, _unfolded(text)):
        if line.name == "BEGIN":
            card = Card()
        elif line.name == "END":
            labels = {each.group: each.value for each in card.of("X-ABLABEL")}
            for each in card.lines:
                each.label = labels.get(each.group, "").strip("_$!<>").lower() if each.group else ""
            yield card
        else:
            card.lines.append(line)


def _unfolded(text: str) -> Iterator[str]:
    """Whole lines: those that begin with a blank continue the one before, as those do that follow a soft
    line break of quoted-printable."""
    whole = ""
    for line in filter(None, text.replace("\r", "").split("\n")):
        if whole.endswith("=") and "QUOTED-PRINTABLE" in whole.split(":")[0].upper():
            whole = whole[:-1] + line
        elif line[0] in " \t":
            whole += line[1:]
        else:
            if whole:
                yield whole
            whole = line
    yield whole


def _line(text: str) -> Line:
    quoted = '"' in text.partition(":")[0]
    found = re.match(r'((?:[^":]|"[^"]*")*):(.*)', text, re.DOTALL) if quoted else None
    head, value = found.groups() if found else text.partition(":")[::2]
    name, *parameters = head.split(";")
    group, _, name = name.rpartition(".")
    if any(parameter.upper().endswith("QUOTED-PRINTABLE") for parameter in parameters):
        value = quopri.decodestring(value.encode()).decode("utf-8").replace("\r\n", "\n")
    types = {word for parameter in parameters for word in re.split(r'[=,"]', parameter.lower())}
    return Line(name.upper(), types, value, group)


def _said(value: str) -> str:
    """A value without its escapes."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value).strip()


def _pieces(value: str) -> list[str]:
    return [_said(piece) for piece in re.split(r"(?<!\\);", value)]


# --- fields ---------------------------------------------------------------------------------------


def _values(card: Card) -> Values:
    values = empty()
    values["name"] = _name(card)
    for line in card.of("ORG"):
        values["company"], values["department"] = [*_pieces(line.value), ""][:2]
    for line in card.of(*_TEXTS):
        values[_TEXTS[line.name]] = _said(line.value)
    for line in card.of(*_DATES):
        values[_DATES[line.name]] = _date(line.value)
    for line in card.of("X-ABDATE"):
        if line.label == "anniversary":
            values["anniversary"] = _date(line.value)
    for line in card.of("X-ABRELATEDNAMES"):
        if line.label == "child":
            values["children"] = [*values["children"], _said(line.value)]
        elif line.label in _RELATIVES:
            values[_RELATIVES[line.label]] = _said(line.value)
    for number, line in enumerate(card.of("EMAIL"), 1):
        if number <= 3:
            values[f"email{number}"] = _said(line.value)
    for line in sorted(card.of("URL"), key=lambda line: "work" not in line.types):
        values["webPage"] = values["webPage"] or _said(line.value)
    return {**values, **_phones(card), **_addresses(card)}


def _name(card: Card) -> dict[str, str]:
    for line in card.of("N"):
        return {part: said for part, said in zip(_NAME, _pieces(line.value), strict=False) if said}
    for line in card.of("FN"):
        given, _, surname = _said(line.value).rpartition(" ")
        return {part: said for part, said in (("givenName", given), ("surname", surname)) if said}
    return {}


def _date(value: str) -> str | None:
    """Whole dates only: a day without its year is none for Exchange."""
    found = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", value)
    return "-".join(found.groups()) if found else None


def _phones(card: Card) -> dict[str, str]:
    numbers: dict[str, list[str]] = defaultdict(list)
    for line in card.of("TEL", "X-MS-TEL"):
        numbers[_kind_of_phone(line)].append(_said(line.value).removeprefix("tel:"))
    second = {"businessPhone2": "businessPhone", "homePhone2": "homePhone"}
    return {
        **{name: found[0] for name, found in numbers.items() if name},
        **{name: numbers[first][1] for name, first in second.items() if len(numbers.get(first, [])) > 1},
    }


def _kind_of_phone(line: Line) -> str:
    types = line.types
    if "fax" in types:
        return "" if "home" in types else "businessFax"
    named = {"cell": "mobilePhone", "pager": "pager", "main": "companyPhone", "callback": "callback"}
    named |= {"work": "businessPhone", "home": "homePhone"}
    if line.label == "assistantphone":
        return "assistantPhone"
    return next((name for word, name in named.items() if word in types), "otherPhone")


def _addresses(card: Card) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in card.of("ADR"):
        box, extended, street, city, state, code, country = [*_pieces(line.value), *[""] * 7][:7]
        parts = {
            "street": "\n".join(text for text in (box, extended, street) if text),
            "city": city,
            "state": state,
            "postalCode": code,
            "country": country,
        }
        types = line.types
        name = "businessAddress" if "work" in types else "homeAddress" if "home" in types else "otherAddress"
        found.setdefault(name, {part: text for part, text in parts.items() if text})
    return found
